package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
)

func (t *tool) ticketVoidCommand() *cobra.Command {
	return t.endCommand("void", "Take a ticket out of use", (*central.Office).Void)
}

func (t *tool) ticketRefundCommand() *cobra.Command {
	return t.endCommand("refund", "Take a ticket out of use that was paid back", (*central.Office).Refund)
}

func (t *tool) endCommand(word, short string, end func(*central.Office, gate.TicketID) (central.Changed, error)) *cobra.Command {
	var venue string
	cmd := &cobra.Command{
		Use: word + " --venue DIR TICKET", Short: short,
		Long: short + ` and says when gates will know: at the next "pack build", and
for a rotating code also by itself, when the phone's lease ends.`,
		Example: indent("venuegate ticket " + word + " --venue /srv/stadium 1000000001"),
		Args:    between(1, 1, "one TICKET"),
		RunE: func(_ *cobra.Command, args []string) error {
			id, err := ticketID(args[0])
			if err != nil {
				return err
			}
			office, err := openVenue(venue)
			if err != nil {
				return err
			}
			changed, err := end(office, id)
			if err != nil {
				return ticketProblem(err)
			}
			return t.printChanged(changed, venue)
		},
	}
	venueFlag(cmd, &venue)
	return cmd
}

func (t *tool) printChanged(c central.Changed, venue string) error {
	_, err := fmt.Fprintf(t.out, "ticket %s is %s, generation %d\n", c.Ticket.ID, central.StatusWord(c.Ticket.Status), c.Ticket.Generation)
	if err != nil {
		return err
	}
	if !c.DarkAt.IsZero() {
		_, _ = fmt.Fprintf(t.err, "the old code goes dark by itself at %s\n", c.DarkAt.Format(time.RFC3339))
	}
	_, _ = fmt.Fprintf(t.err, "tell the gates: venuegate pack build --venue %s\n", venue)
	return nil
}

func (t *tool) ticketTransferCommand() *cobra.Command {
	var venue, key string
	var asJSON bool
	var holder holderFlags
	cmd := &cobra.Command{
		Use: "transfer --venue DIR TICKET [flags]", Short: "Give a ticket to another holder",
		Long: `Gives a ticket to another holder: its generation rises, the former holder's
documents and codes are forgotten, and the old code is refused by every gate that
has the next pack. --json prints what the new holder's wallet needs.`,
		Example: indent("venuegate ticket transfer --venue /srv/stadium 1000000001 --document - --name -"),
		Args:    between(1, 1, "one TICKET"),
		RunE: func(_ *cobra.Command, args []string) error {
			id, err := ticketID(args[0])
			if err != nil {
				return err
			}
			to, err := holder.read(t.lines())
			if err != nil {
				return err
			}
			office, err := openVenue(venue)
			if err != nil {
				return err
			}
			var public [ticket.HolderKeySize]byte
			if key != "" {
				if public, _, err = holderKey(key); err != nil {
					return err
				}
			}
			issued, changed, err := office.Transfer(id, to, public, t.now())
			if errors.Is(err, central.ErrLastGeneration) {
				return advise(err, "Void it and issue another: venuegate ticket void --venue %s %s", venue, id)
			}
			if err != nil {
				return documentProblem(ticketProblem(err))
			}
			if asJSON {
				return t.printIssued(office, []central.Issued{issued}, nil, true)
			}
			return t.printChanged(changed, venue)
		},
	}
	venueFlag(cmd, &venue)
	holder.add(cmd)
	cmd.Flags().StringVar(&key, "holder-key", "", "the new phone's public key in `HEX`, where the proof is holder")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what the new holder's wallet needs")
	return cmd
}
