package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/gate/ledger"
)

func (t *tool) orderListCommand() *cobra.Command {
	var data string
	var asJSON, all bool
	cmd := &cobra.Command{
		Use: "list --data DIR", Short: "List the orders on record",
		Long: `Lists the orders that a gate knows, in the order in which they count: those that
stand, or with --all also those that have ended or are ignored, and why. A gate
that runs is asked; of one that does not, the files are read.`,
		Example: indent("venuegate order list --data /var/lib/venuegate --all"), Args: between(0, 0, "none"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var orders []ledger.OrderReport
			problem := t.askOrRead(cmd.Context(), data, "/orders", &orders, func(d *gateData) {
				for _, s := range d.ledger.Orders() {
					orders = append(orders, s.Report())
				}
			})
			if problem != nil && !errors.Is(problem, errNo) {
				return problem
			}
			for i := range orders {
				o := &orders[i]
				if !all && (o.Ignored != "" || o.Ended) {
					continue
				}
				if asJSON {
					if err := json.NewEncoder(t.out).Encode(o); err != nil {
						return err
					}
					continue
				}
				if _, err := fmt.Fprintln(t.out, orderLine(o)); err != nil {
					return err
				}
			}
			return problem
		},
	}
	dataFlag(cmd, &data)
	cmd.Flags().BoolVar(&all, "all", false, "also what has ended or is ignored")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object an order")
	return cmd
}

// orderLine is an order in one line, in the local time of whoever looks.
func orderLine(o *ledger.OrderReport) string {
	const day = "2006-01-02 15:04:05"
	line := fmt.Sprintf("%-20s  %s  %s", o.ID, o.Recorded.Local().Format(day), o.Kind)
	part := func(name string, value any) {
		if text := fmt.Sprint(value); text != "" && text != "0" {
			line += " " + name + " " + text
		}
	}
	part("event", o.Event)
	part("session", o.Session)
	part("zone", o.Zone)
	part("entrance", o.Entrance)
	part("lane", o.Lane)
	part("as", o.LaneKind)
	part("to", o.To)
	part("ticket", o.Ticket)
	part("of", o.Cancels)
	if !o.At.IsZero() {
		line += " at " + o.At.Local().Format(day)
	}
	if !o.From.IsZero() {
		line += " from " + o.From.Local().Format(day)
	}
	if !o.Until.IsZero() {
		line += " until " + o.Until.Local().Format(day)
	}
	part(" by staff", o.Staff)
	switch {
	case o.Ignored != "":
		line += "  ignored: " + o.Ignored
	case o.Ended:
		line += "  ended"
	case !o.Proven:
		line += "  unsigned"
	}
	return strings.TrimRight(line, " ")
}
