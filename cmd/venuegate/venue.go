package main

import (
	"errors"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
)

// venueFlag adds --venue to a command.
func venueFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "venue", "", "the venue's `DIR`, made by venuegate init")
	completeDir(cmd, "venue")
}

// dataFlag adds --data to a command.
func dataFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "data", "", "the gate's data `DIR`: data_dir in its gate.toml")
	completeDir(cmd, "data")
}

func completeDir(cmd *cobra.Command, flag string) {
	// It fails only for a flag that does not exist.
	if err := cmd.MarkFlagDirname(flag); err != nil {
		panic(err)
	}
}

func openVenue(dir string) (*central.Office, error) {
	if dir == "" {
		return nil, usagef("--venue is missing; it is the directory that venuegate init made")
	}
	o, err := central.Open(dir)
	if errors.Is(err, central.ErrNoVenue) {
		return nil, advise(err, "To make a venue there: venuegate init %s", dir)
	}
	return o, err
}

// ticketID reads a ticket's number. What was given is not repeated.
func ticketID(text string) (gate.TicketID, error) {
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil || id == 0 {
		return 0, usagef("want a ticket's number in decimal, such as 1000000001")
	}
	return gate.TicketID(id), nil
}

// ticketProblem says what to do about an error with a ticket.
func ticketProblem(err error) error {
	if errors.Is(err, central.ErrUnknownTicket) {
		return advise(err, "Tickets that were issued are in the venue's event/*/tickets.jsonl.")
	}
	return err
}
