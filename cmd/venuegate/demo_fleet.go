package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/venuegate/venuegate/cmd/venuegate/internal/fleet"
)

// fleetDay are the flags of demo --fleet.
type fleetDay struct {
	play    bool
	tickets int
	minutes float64
	asJSON  bool
	dir     string // kept; empty: it is played somewhere and removed
}

func (d *fleetDay) flags(f *pflag.FlagSet) {
	f.BoolVar(&d.play, "fleet", false, "play a day with central and six gates; with --venue its directory is kept")
	f.IntVar(&d.tickets, "tickets", 20_000, "with --fleet: how many tickets are sold before doors open")
	f.Float64Var(&d.minutes, "minutes", 2, "with --fleet: how long doors are open, in real time")
	f.BoolVar(&d.asJSON, "json", false, "with --fleet: print the books as one object of JSON")
}

// check refuses flags that do not go together.
func (d *fleetDay) check(cmd *cobra.Command) error {
	day, single := []string{"tickets", "minutes", "json"}, []string{"listen", "lang", "pace", "once", "verbose"}
	if d.play {
		for _, name := range single {
			if cmd.Flags().Changed(name) {
				return usagef("--%s means nothing with --fleet", name)
			}
		}
		if d.tickets < fleet.LeastTickets || d.tickets > 1_000_000 {
			return usagef("--tickets: want %d to 1000000", fleet.LeastTickets)
		}
		if d.minutes < 0 || d.minutes > 24*60 {
			return usagef("--minutes: want 0 to 1440")
		}
		return nil
	}
	for _, name := range day {
		if cmd.Flags().Changed(name) {
			return usagef("--%s means nothing without --fleet", name)
		}
	}
	return nil
}

// demoFleet plays a day and prints its books. They are its result: where they do
// not balance, it fails.
func (t *tool) demoFleet(ctx context.Context, d *fleetDay) (err error) {
	dir := d.dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "venuegate-day-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	} else if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return advise(fmt.Errorf("%s is not empty", dir), "Choose another with --venue, or remove that one.")
	}
	story := t.out
	if d.asJSON {
		story = t.err
	}
	const least = 3 // visitors a gate in each part of the day, however short it is
	books, err := fleet.Play(ctx, fleet.Options{
		Dir: dir, Tickets: d.tickets, Open: time.Duration(d.minutes * float64(time.Minute)), Least: least,
		Say: func(line string) { _, _ = fmt.Fprintln(story, line) },
	})
	if err != nil {
		return err
	}
	if d.asJSON {
		if err := json.NewEncoder(t.out).Encode(books); err != nil {
			return err
		}
	} else if err := printBooks(t.out, books); err != nil {
		return err
	}
	if !books.Balance {
		return errors.New("the books do not balance")
	}
	return nil
}

// printBooks writes a day's books for people: what must agree comes last, where
// the eye is when it stops.
func printBooks(out io.Writer, b *fleet.Books) error {
	var w strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&w, format+"\n", args...) }
	line("\nWHAT VISITORS WERE TOLD")
	for _, r := range b.Told {
		line("  %6d  %-26s %s", r.Times, r.Kind, strings.ReplaceAll(r.Reason, "_", " "))
	}
	if b.Again > 0 {
		line("  %6d  were asked to try again, because the gates took too long to agree", b.Again)
	}
	line("\nWENT IN            as they saw it   on the gate's disk  at central")
	for _, g := range b.Gates {
		line("  gate %d  %-8s %15d %20d %11d  %s", g.Gate, g.Name, g.Passed, g.Recorded, g.Central, verdictOf(g.Passed == g.Recorded && g.Recorded == g.Central))
	}
	line("\nTHE INTERNET was away for %.0f s; %d records waited at one gate, and came.", b.CutFor, b.Waited)
	line("\nTHE BOOKS: both numbers of a line must be the same")
	for _, c := range b.Checks {
		line("  %-72s %7d %7d  %s", c.What, c.Want, c.Got, verdictOf(c.Good()))
	}
	for _, s := range b.Surprises {
		line("  told wrongly: %s", s)
	}
	if b.Balance {
		line("\nThe books balance: %d visitors, %d of them let in, %d records, %.0f s.", b.Visitors, b.Central.Admitted, b.Records, b.Seconds)
	} else {
		line("\nTHE BOOKS DO NOT BALANCE. Look at the lines marked WRONG.")
	}
	_, err := io.WriteString(out, w.String())
	return err
}

func verdictOf(good bool) string {
	if good {
		return "ok"
	}
	return "WRONG"
}
