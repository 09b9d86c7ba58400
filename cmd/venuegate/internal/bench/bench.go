// Package bench measures a gate beside the floor it stands on: the bare
// primitives that a scan cannot do without, on the same disk, in the same run.
// It asserts nothing; people read what it prints.
//
// The parts under test are the product's own: desk, pack, ledger, journal,
// claims. `venuegate bench` calls it.
package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Options say how large a run is.
type Options struct {
	Dir     string // where files are written; must be on the disk in question
	Tickets int    // in the pack
	Scans   int    // measured, one lane at a time, of each form of code
	Lanes   int    // at once
	Records int    // in the journal that a start reads
	Peers   bool   // measure what one would write instead, where its tools are there
	// Self is this program and the arguments before a part's name: whole-process
	// figures are taken in a process of their own.
	Self []string
	Log  io.Writer // what is being done
}

// Run measures everything.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Scans < 1 || o.Lanes < 1 || o.Tickets < o.scannable() {
		return nil, fmt.Errorf("bench: %d tickets are not enough for %d scans of two forms and %d lanes", o.Tickets, o.Scans, o.Lanes)
	}
	dir, err := os.MkdirTemp(o.Dir, "bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	report := newReport(&o, dir)

	o.say("issuing and signing %d tickets", o.Tickets)
	if report.Publish, err = o.inChild(ctx, PartPublish, dir); err != nil {
		return nil, err
	}
	o.say("installing them")
	if report.Install, err = o.inChild(ctx, PartInstall, dir); err != nil {
		return nil, err
	}
	w, err := openWorld(dir, o.scannable())
	if err != nil {
		return nil, err
	}
	for _, part := range []func(context.Context, *world, *Report) error{o.pure, o.lookup, o.scans, o.reader, o.atOnce} {
		if err := part(ctx, w, report); err != nil {
			_ = w.close()
			return nil, err
		}
	}
	if err := w.close(); err != nil {
		return nil, err
	}
	if o.Peers {
		o.peers(ctx, w, report)
	}
	o.say("starting with %d records in the journal", o.Records)
	if err := writeJournal(ctx, dir, o.Records); err != nil {
		return nil, err
	}
	if report.Start, err = o.inChild(ctx, PartStart, dir); err != nil {
		return nil, err
	}
	o.say("idling")
	if err := os.RemoveAll(filepath.Join(dir, "data", "journal")); err != nil {
		return nil, err
	}
	report.Idle, err = o.inChild(ctx, PartIdle, dir)
	return report, err
}

// perLane is how many scans of each form a lane makes when all do at once.
func (o *Options) perLane() int { return max(1, o.Scans/8) }

// scannable is how many tickets have a code that can be shown: one lane's of
// each form beside the floor, one lane and all lanes at once, and those through a
// reader beside as many without.
func (o *Options) scannable() int { return 2 * (o.Scans + (1+o.Lanes)*o.perLane() + o.read()) }

func (o *Options) say(format string, args ...any) {
	if o.Log != nil {
		_, _ = fmt.Fprintf(o.Log, "… "+format+"\n", args...)
	}
}
