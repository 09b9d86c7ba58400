package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

func (t *tool) logCommand() *cobra.Command {
	var data, ticket, since string
	var lanes []uint
	var reasons []string
	var last int
	var follow, asJSON bool
	cmd := &cobra.Command{
		Use: "log --data DIR [flags]", Short: "Print what a gate has recorded",
		Long: `Prints the records of a gate's journal, oldest first: entries, exits, refusals, and
how each opening of the arm ended. The gate may be running. With --follow, waits
for more until Ctrl-C. Exits 1 when something in the journal cannot be read; what
and where goes to standard error, and everything around it is printed.`,
		Example: indent(`
venuegate log --data /var/lib/venuegate --since 2h --reason already_inside
venuegate log --data /var/lib/venuegate --follow --json`),
		Args: between(0, 0, "none"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if data == "" {
				return usagef("--data is missing; it is data_dir in the gate's gate.toml")
			}
			if last < 0 || last > maxLast {
				return usagef("--last: want 1 to %d", maxLast)
			}
			f, err := logFilter(lanes, ticket, reasons, since, t.now())
			if err != nil {
				return err
			}
			l := logPrinter{out: t.out, err: t.err, dir: filepath.Join(data, "journal"), filter: f, json: asJSON, last: last}
			return l.run(cmd.Context(), follow)
		},
	}
	dataFlag(cmd, &data)
	cmd.Flags().UintSliceVar(&lanes, "lane", nil, "only this lane's `ID`; repeat for several")
	cmd.Flags().Lookup("lane").DefValue = "" // else the help says "default []"
	cmd.Flags().StringVar(&ticket, "ticket", "", "only this `TICKET`'s")
	cmd.Flags().StringArrayVar(&reasons, "reason", nil, "only with this reason's `CODE`, such as code_stale; repeat for several")
	cmd.Flags().StringVar(&since, "since", "", "only since this `TIME` in RFC 3339, or for so long, such as 90m")
	cmd.Flags().IntVarP(&last, "last", "n", 0, "only the last `N`")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "wait for more")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a record")
	var codes []string
	for _, r := range gate.Reasons() {
		codes = append(codes, r.String())
	}
	complete(cmd, "reason", codes...)
	cmd.AddCommand(t.logExportCommand(), t.logImportCommand())
	return cmd
}

const maxLast = 1_000_000

// recordFilter says which records are printed. Zero values let everything pass.
type recordFilter struct {
	lanes   map[gate.LaneID]bool
	ticket  gate.TicketID
	reasons map[gate.Reason]bool
	since   time.Time
}

func logFilter(lanes []uint, ticket string, reasons []string, since string, now time.Time) (f recordFilter, err error) {
	f = recordFilter{lanes: map[gate.LaneID]bool{}, reasons: map[gate.Reason]bool{}}
	for _, l := range lanes {
		if l == 0 || l > 1<<16-1 {
			return f, usagef("--lane: want a number from 1 to 65535")
		}
		f.lanes[gate.LaneID(l)] = true
	}
	if ticket != "" {
		if f.ticket, err = ticketID(ticket); err != nil {
			return f, err
		}
	}
	for _, code := range reasons {
		r, ok := gate.ReasonByCode(code)
		if !ok {
			return f, usagef("--reason: there is no such reason; press Tab for the list, or see docs/cli.md")
		}
		f.reasons[r] = true
	}
	f.since, err = parseSince(since, now)
	return f, err
}

func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, usagef("--since: want a time such as 2026-11-22T19:30:00+08:00, or how long ago, such as 90m")
	}
	return at, nil
}

func (f *recordFilter) passes(r *ledger.Record) bool {
	return (len(f.lanes) == 0 || f.lanes[r.Lane]) &&
		(f.ticket == 0 || f.ticket == r.Ticket) &&
		(len(f.reasons) == 0 || f.reasons[r.Reason]) &&
		!r.Wall.Before(f.since)
}

// journalMissing says what to do when there is no journal to read.
func journalMissing(err error, dir string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return advise(fmt.Errorf("there is no journal in %s", dir), "--data is data_dir in the gate's gate.toml; the gate makes its journal when it first starts.")
	}
	return err
}

// wait waits, and reports false when ctx has ended meanwhile.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
