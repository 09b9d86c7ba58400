package main

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
)

func (t *tool) ticketShowCommand() *cobra.Command {
	var venue, at, seed string
	var long, asJSON bool
	cmd := &cobra.Command{
		Use: "show --venue DIR TICKET", Short: "Print the code that a phone would show",
		Long: `Prints the text of the code that the ticket's phone would show now, or at another
moment. The short code is good at gates whose pack has the ticket; --long is good
at others too. A ticket that is void or refunded is shown all the same, with a
remark: its phone would do so until its lease ends.`,
		Example: indent(`
venuegate ticket show --venue /srv/stadium 1000000001
venuegate ticket show --venue /srv/stadium 1000000001 | venuegate ticket qr`),
		Args: between(1, 1, "one TICKET"),
		RunE: func(_ *cobra.Command, args []string) error {
			id, err := ticketID(args[0])
			if err != nil {
				return err
			}
			when, err := t.timeFlag("at", at)
			if err != nil {
				return err
			}
			key, err := t.holderSeed(seed)
			if err != nil {
				return err
			}
			office, err := openVenue(venue)
			if err != nil {
				return err
			}
			shown, err := office.Show(id, when, long, key)
			if errors.Is(err, central.ErrHolderKey) {
				return advise(err, "Give the seed that ticket issue printed, with --holder-seed -")
			}
			if err != nil {
				return ticketProblem(err)
			}
			if s := shown.Ticket.Status; s != gate.StatusValid {
				_, _ = fmt.Fprintf(t.err, "ticket %s is %s; gates with the latest pack refuse it\n", id, central.StatusWord(s))
			}
			if asJSON {
				return json.NewEncoder(t.out).Encode(shownLine(&shown))
			}
			_, err = fmt.Fprintln(t.out, shown.Text)
			return err
		},
	}
	venueFlag(cmd, &venue)
	cmd.Flags().StringVar(&at, "at", "", "the phone's clock, a `TIME` in RFC 3339 (default now)")
	cmd.Flags().BoolVar(&long, "long", false, "the long code, which needs no pack")
	cmd.Flags().StringVar(&seed, "holder-seed", "", "the seed of the phone's key in `HEX`, or - for standard input, where the proof is holder")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object: text, form, step, from when until when it is shown")
	return cmd
}

func (t *tool) holderSeed(text string) (ed25519.PrivateKey, error) {
	if text == "" {
		return nil, nil
	}
	text, err := t.lines().or(text, "--holder-seed")
	if err != nil {
		return nil, err
	}
	seed, err := hexFlag("holder-seed", text)
	if err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, usagef("--holder-seed: want %d hex digits", 2*ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// shownJSON is one code at one moment.
type shownJSON struct {
	Ticket     string    `json:"ticket"`
	Generation uint8     `json:"generation"`
	Status     string    `json:"status"`
	Form       string    `json:"form"`
	Step       uint32    `json:"step"`
	From       time.Time `json:"from,omitzero"`
	Until      time.Time `json:"until,omitzero"`
	Text       string    `json:"text"`
}

func shownLine(s *central.Shown) shownJSON {
	return shownJSON{
		Ticket: s.Ticket.ID.String(), Generation: s.Ticket.Generation, Status: central.StatusWord(s.Ticket.Status),
		Form: s.Form.String(), Step: s.Step, From: s.From, Until: s.Until, Text: s.Text,
	}
}
