package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/gate/ledger"
)

func (t *tool) conflictsCommand() *cobra.Command {
	var data string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "conflicts --data DIR", Short: "Name tickets that were granted too often",
		Long: `Names every ticket that was granted more often than it allows, and every person
who came in on two tickets where the event lets a person in once, as far as the
gate has heard of: with the gates, lanes and times of all its grants, and which
are in excess. A gate that runs is asked; of one that does not, the files are
read. Exits 0 also when there are conflicts.`,
		Example: indent("venuegate conflicts --data /var/lib/venuegate --json"), Args: between(0, 0, "none"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var conflicts []ledger.ConflictReport
			problem := t.askOrRead(cmd.Context(), data, "/conflicts", &conflicts, func(d *gateData) {
				for _, c := range d.ledger.Conflicts(0, d.limits()) {
					conflicts = append(conflicts, c.Report())
				}
			})
			if problem != nil && !errors.Is(problem, errNo) {
				return problem
			}
			for i := range conflicts {
				c := &conflicts[i]
				if asJSON {
					if err := json.NewEncoder(t.out).Encode(c); err != nil {
						return err
					}
					continue
				}
				if err := t.printConflict(c); err != nil {
					return err
				}
			}
			if len(conflicts) == 0 && !asJSON {
				if _, err := fmt.Fprintln(t.out, "no conflicts"); err != nil {
					return err
				}
			}
			return problem
		},
	}
	dataFlag(cmd, &data)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a conflict")
	return cmd
}

// printConflict prints a conflict and a line for each of its grants, in the
// local time of whoever looks.
func (t *tool) printConflict(c *ledger.ConflictReport) error {
	about := "ticket " + c.Ticket
	if c.Ticket == "" {
		about = "one person on several tickets"
	}
	text := fmt.Sprintf("%s: event %d, session %d, %s too many\n", about, c.Event, c.Session, count(c.Excess, "grant"))
	for i := range c.Grants {
		g := &c.Grants[i]
		text += fmt.Sprintf("  %s  gate %d  lane %d  %s  %s", g.Time.Local().Format("2006-01-02 15:04:05.000"), g.Gate, g.Lane,
			count(g.Count, "person"), g.Record)
		if c.Ticket == "" {
			text += "  ticket " + g.Ticket
		}
		for _, mark := range []struct {
			is   bool
			word string
		}{
			{g.Excess, "in excess"},
			{g.Isolated, "isolated"},
			{g.Override, "override"},
			{g.ClockUntrusted, "clock untrusted"},
			{g.Request != "", "claimed"},
		} {
			if mark.is {
				text += "  " + mark.word
			}
		}
		text += "\n"
	}
	_, err := fmt.Fprint(t.out, text)
	return err
}
