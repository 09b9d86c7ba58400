package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/port"
	"github.com/venuegate/venuegate/hw/scanner"
)

// mostRead bounds the scans through a reader: each waits for its passage to be on
// record.
const mostRead = 2000

func (o *Options) read() int { return min(o.Scans, mostRead) }

// reader measures what a gate adds to the decision itself: from a scanner's last
// byte on a pseudo-terminal, through our driver and a running lane, to the moment
// that the barrier is told to open. The floor is the same desk's scan without any
// of that, of another short code, in turn.
func (o *Options) reader(ctx context.Context, w *world, r *Report) error {
	n := o.read()
	o.say("scanning %d short codes through a reader and a lane", n)
	line := filepath.Join(w.dir, "reader")
	hand, err := hwtest.NewScanner(line)
	if err != nil {
		return err
	}
	defer func() { _ = hand.Close() }()
	up := make(chan struct{}, 1)
	driver, err := scanner.NewSerial(scanner.Options{
		Name: "bench", Repeat: time.Millisecond,
		Port: port.Options{Name: "bench", Path: line, OnState: func(s gate.DeviceState) {
			if s.Up {
				select {
				case up <- struct{}{}:
				default:
				}
			}
		}},
	})
	if err != nil {
		return err
	}
	b := &barrier{opened: make(chan time.Time, 1), ended: make(chan error, 1)}
	the := lane.New(lane.Options{
		DeskOptions: lane.DeskOptions{
			Lane: laneID, Packs: w.view, Ledger: w.ledger, Claims: w.claims, Journal: w.journal, Clock: stoppedClock{},
		},
		Readers: []lane.Reader{driver}, Barrier: b, Display: b,
	})
	ctx, stop := context.WithTimeout(ctx, 5*time.Minute)
	done := make(chan struct{})
	go func() { defer close(done); the.Run(ctx) }()
	defer func() { stop(); <-done }()
	select {
	case <-up:
	case <-ctx.Done():
		return fmt.Errorf("bench: the reader was not opened: %w", ctx.Err())
	}

	codes := w.codes[len(w.codes)-2*n:]
	d := w.desk()
	var ours, floors []time.Duration
	for i := range n {
		through, bare := &codes[2*i], &codes[2*i+1]
		one := func() error {
			took, err := b.scan(ctx, hand, through.short)
			ours = append(ours, took)
			return err
		}
		alone := func() error { return timed(&floors, func() error { return admit(ctx, d, bare.short) }) }
		if i%2 == 1 {
			one, alone = alone, one
		}
		if err := errors.Join(one(), alone()); err != nil {
			return err
		}
	}
	r.Reader = Pair{Ours: latencyOf(ours), Floor: latencyOf(floors)}
	return nil
}

// barrier is one that everybody passes at once, and the lane's display. It notes
// when it was told to open.
type barrier struct {
	opened chan time.Time
	ended  chan error
}

func (b *barrier) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (b *barrier) Open(_ context.Context, o gate.Opening) (gate.Passage, error) {
	b.opened <- time.Now()
	return gate.Passage{Result: gate.PassagePassed, Passed: o.Count}, nil
}

// Show waits for the end of each visitor, or for a verdict that opens nothing.
func (b *barrier) Show(e lane.Event) {
	switch {
	case e.Passage != nil, e.Err != nil:
		b.ended <- e.Err
	case e.Verdict != nil && !e.Verdict.Opens():
		b.ended <- fmt.Errorf("bench: a good code got %v because %v", e.Verdict.Outcome, e.Verdict.Reason)
	}
}

// scan holds a code up and returns how long it took from its last byte to the
// barrier. It waits until the passage is on record.
func (b *barrier) scan(ctx context.Context, hand *hwtest.Scanner, text string) (time.Duration, error) {
	begin := time.Now() // all of the code is one write: it takes less than 10 µs
	if err := hand.Scan(text); err != nil {
		return 0, err
	}
	var took time.Duration
	for {
		select {
		case at := <-b.opened:
			took = at.Sub(begin)
		case err := <-b.ended:
			if took == 0 && err == nil {
				took = (<-b.opened).Sub(begin)
			}
			return took, err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}
