package lane

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// Lane is one passage with its readers and its barrier.
type Lane struct {
	desk    *Desk
	readers []Reader
	barrier Barrier
	display Display
	hold    time.Duration
	seed    maphash.Seed

	commands chan command
	standing atomic.Pointer[Standing]
}

// Options say what a lane is made of.
type Options struct {
	DeskOptions
	Readers []Reader
	Barrier Barrier
	Display Display
	Hold    time.Duration // how long the barrier waits for a passage; zero: its own default
}

// New returns a lane that is not running yet.
func New(o Options) *Lane {
	return &Lane{
		desk: NewDesk(o.DeskOptions), readers: o.Readers, barrier: o.Barrier, display: o.Display,
		hold: o.Hold, seed: maphash.MakeSeed(), commands: make(chan command),
	}
}

// pauseBeforeRestart is what a driver that gave up waits before it is run again.
const pauseBeforeRestart = time.Second

// Run serves visitors until ctx ends, and returns when every goroutine it
// started has. A passage that is pending then is recorded as unknown.
func (l *Lane) Run(ctx context.Context) {
	var drivers sync.WaitGroup
	defer drivers.Wait()
	readings := make(chan gate.Reading)
	deliver := func(r gate.Reading) {
		select {
		case readings <- r:
		case <-ctx.Done():
		}
	}
	for _, r := range l.readers {
		drivers.Go(func() {
			l.keepRunning(ctx, func() error { return r.Run(ctx, deliver) })
		})
	}
	drivers.Go(func() { l.keepRunning(ctx, func() error { return l.barrier.Run(ctx) }) })

	s := serving{lane: l, passages: make(chan passage, 1)}
	for {
		select {
		case r := <-readings:
			s.reading(ctx, r)
		case c := <-l.commands:
			c.result <- s.command(ctx, c)
		case p := <-s.passages:
			s.passed(ctx, p)
		case <-ctx.Done():
			if s.pending {
				s.passed(context.WithoutCancel(ctx), <-s.passages)
			}
			return
		}
	}
}

// keepRunning runs a driver again when it returns before it was told to: a lane
// does not stop because one of its devices did.
func (l *Lane) keepRunning(ctx context.Context, run func() error) {
	for {
		err := run()
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errDriverStopped
		}
		l.display.Show(Event{Lane: l.desk.id, At: l.desk.clock.Now(), Err: err})
		select {
		case <-time.After(pauseBeforeRestart):
		case <-ctx.Done():
			return
		}
	}
}

var errDriverStopped = errors.New("lane: a driver stopped by itself")

// serving is the state of a running lane, kept by the goroutine of Run.
type serving struct {
	lane     *Lane
	passages chan passage
	pending  bool
	current  uint64        // hash of the text that the pending passage was granted on
	waiting  *gate.Reading // who scanned while a passage was pending
}

// passage is how an opening ended, with the grant that it belongs to.
type passage struct {
	answer Answer
	result gate.Passage
	err    error
}

// freshEnough is how long a reading may wait for the passage before it.
const freshEnough = 8 * time.Second

func (s *serving) reading(ctx context.Context, r gate.Reading) {
	l := s.lane
	if s.pending {
		if l.hash(r) != s.current {
			s.waiting = &r
			l.display.Show(Event{Lane: l.desk.id, At: r.At, Busy: true})
		}
		return
	}
	begin := time.Now()
	answer := l.desk.Scan(ctx, r)
	s.answered(ctx, answer, l.hash(r), time.Since(begin))
}

// answered opens the barrier where the answer does, and shows it. text is the
// hash of what it was given on; 0: nothing that could be read again.
func (s *serving) answered(ctx context.Context, answer Answer, text uint64, took time.Duration) {
	l := s.lane
	if answer.Verdict.Opens() {
		s.pending, s.current = true, text
		go l.open(ctx, answer, s.passages)
	}
	l.standing.Store(l.desk.standing(l.desk.clock.Now()))
	l.display.Show(Event{
		Lane: l.desk.id, At: l.desk.clock.Now(),
		Verdict: &answer.Verdict, Holder: answer.Holder, Took: took, Err: answer.Err,
	})
}

// open moves the barrier and reports to Run, which waits for it.
func (l *Lane) open(ctx context.Context, a Answer, done chan<- passage) {
	direction := gate.DirectionEntry
	if a.Verdict.Outcome == gate.Exit {
		direction = gate.DirectionExit
	}
	result, err := l.barrier.Open(ctx, gate.Opening{Direction: direction, Count: a.Verdict.Count, Hold: max(l.hold, a.Verdict.Hold)})
	done <- passage{a, result, err}
}

func (s *serving) passed(ctx context.Context, p passage) {
	l := s.lane
	s.pending, s.current = false, 0
	err := errors.Join(p.err, l.desk.ended(ctx, p.answer, p.result))
	now := l.desk.clock.Now()
	l.display.Show(Event{Lane: l.desk.id, At: now, Passage: &p.result, Err: err})
	if p.result.Result == gate.PassageNotOpened && ctx.Err() == nil {
		failed := p.answer.Verdict.BarrierFailed()
		p.answer.Verdict = failed
		l.desk.refer(now, &p.answer)
		l.standing.Store(l.desk.standing(now))
		l.display.Show(Event{Lane: l.desk.id, At: now, Verdict: &failed, Holder: p.answer.Holder})
	}
	if r := s.waiting; r != nil && ctx.Err() == nil {
		s.waiting = nil
		if l.desk.clock.Now().Sub(r.At) < freshEnough {
			s.reading(ctx, *r)
		}
	}
}

// hash tells whether two readings are the same without keeping either.
func (l *Lane) hash(r gate.Reading) uint64 {
	switch {
	case r.Document != nil:
		return maphash.String(l.seed, r.Document.Number.Reveal())
	case r.Face != nil:
		return maphash.Comparable(l.seed, *r.Face)
	}
	return maphash.String(l.seed, r.Text.Reveal())
}

// ended records how the passage of grants or an exit ended. Nobody who might
// have gone through gets the entry back: not where a fire held the way open, and
// whoever was counted may be anybody.
func (d *Desk) ended(ctx context.Context, a Answer, p gate.Passage) error {
	through := a.Verdict.Count
	kind := ledger.KindUnknown
	switch {
	case p.Fire && p.Result != gate.PassageNotOpened:
	case p.Result == gate.PassagePassed:
		kind = ledger.KindPassed
		if p.Passed > 0 {
			through = min(p.Passed, through)
		}
	case p.Result == gate.PassageTimedOut, p.Result == gate.PassageNotOpened:
		through = 0
	}
	var errs []error
	for i := range a.Grants {
		g := &a.Grants[i]
		went := min(through, g.Verdict.Count)
		through -= went
		if went > 0 {
			errs = append(errs, d.end(ctx, g, kind, went))
		}
		if left := g.Verdict.Count - went; left > 0 {
			errs = append(errs, d.end(ctx, g, ledger.KindVoided, left))
		}
	}
	return errors.Join(errs...)
}

// end records how a passage ended for some of a grant's people.
func (d *Desk) end(ctx context.Context, g *Granted, kind ledger.Kind, people int) error {
	v := &g.Verdict
	d.record = ledger.Record{
		Kind: kind, Ref: g.At, Event: g.Event, Pack: g.Pack,
		Ticket: v.Ticket, Generation: v.Generation, Session: v.Session,
		Step: ledger.NoStep, Count: uint8(min(people, 255)),
		Lane:    d.id,
		Outcome: v.Outcome, Reason: v.Reason, Marks: v.Marks,
	}
	d.record.From, d.record.To = d.zones(v.Outcome)
	_, err := d.journal.Append(ctx, &d.record)
	return err
}
