package barrier

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// mover is the part of a barrier that lets people through, one at a time.
type mover interface {
	pulse(ctx context.Context, d gate.Direction) (pulsed, error)
}

// pulsed is what became of one pulse.
type pulsed int

const (
	pulseNot   pulsed = iota // nothing has reached the board, and nothing will
	pulseDone                // the way was open for as long as it should be
	pulseDoubt               // it may have been, or was for longer
)

// opener turns pulses and what is heard of passages into openings. Every barrier
// but None has one.
type opener struct {
	*monitor
	mover mover
	wait  time.Duration

	opening sync.Mutex // held during Open
	running atomic.Pointer[context.Context]

	openings, passed, unknown, timedOut, notOpened atomic.Uint64
}

// Counts are a barrier's openings by how they ended, and what happened besides.
type Counts struct {
	Openings, Passed, Unknown, TimedOut, NotOpened uint64

	Forced, WrongWay, Tailgated, FirePassed, EvacuationPassed uint64 // people
}

func (op *opener) totals() Counts {
	c := Counts{
		Openings: op.openings.Load(), Passed: op.passed.Load(), Unknown: op.unknown.Load(),
		TimedOut: op.timedOut.Load(), NotOpened: op.notOpened.Load(),
	}
	op.look(func(m *machine) {
		c.Forced, c.WrongWay = m.counts[gate.BarrierForced], m.counts[gate.BarrierWrongWay]
		c.Tailgated, c.FirePassed = m.counts[gate.BarrierTailgate], m.counts[gate.BarrierFirePassage]
		c.EvacuationPassed = m.counts[gate.BarrierEvacuationPassage]
	})
	return c
}

// Open lets o.Count people through, one pulse for each, and waits until they
// passed or their time is up. The first pulse starts before anything else
// happens. The result is
//
//   - PassagePassed when somebody was seen, with the number seen;
//   - PassageTimedOut when nobody was seen and the turnstile was heard to be
//     ready from beginning to end;
//   - PassageNotOpened, with an error, when nothing was sent to the board;
//   - PassageUnknown otherwise, with an error if there was one. ctx ending in
//     the middle is ctx.Err().
//
// Whatever happens, the way is closed again, if need be as soon as the board is
// back. One opening at a time: another fails with ErrBusy. While a fire or an
// evacuation holds the barrier released nothing is sent and the result is
// PassageUnknown at once, with Fire set: nobody can say who went through an open
// gate.
func (op *opener) Open(ctx context.Context, o gate.Opening) (gate.Passage, error) {
	p, err := op.tryOpen(ctx, o)
	op.openings.Add(1)
	switch p.Result {
	case gate.PassagePassed:
		op.passed.Add(1)
	case gate.PassageTimedOut:
		op.timedOut.Add(1)
	case gate.PassageNotOpened:
		op.notOpened.Add(1)
	default:
		op.unknown.Add(1)
	}
	return p, err
}

// ResetFire ends the release after a fire; a person asks for it. It fails with
// ErrFire while the signal stands and with ErrFireUnheard while the device that
// senses it cannot be heard. Without a release it does nothing.
func (op *opener) ResetFire() (err error) {
	op.do(func(m *machine) { err = m.resetFire(time.Now()) })
	return err
}

// Evacuate holds the way open in both directions, or no longer. It takes effect
// within the time of one exchange with the board, whatever an opening is about,
// outlives boards that are unplugged, and the end of Run leaves the way open.
// Whoever keeps state over a restart says Evacuating. A fire's release has its
// own rules and is not ended by this. It does not wait for the board.
func (op *opener) Evacuate(on bool) {
	op.do(func(m *machine) { m.evacuate(time.Now(), on) })
}

// Evacuating reports whether the way stands open by order.
func (op *opener) Evacuating() (is bool) {
	op.look(func(m *machine) { is = m.evacuating })
	return is
}

// Fire reports whether the barrier is released because of a fire.
func (op *opener) Fire() bool { return op.latched() }

func (op *opener) tryOpen(ctx context.Context, o gate.Opening) (gate.Passage, error) {
	notOpened := gate.Passage{Result: gate.PassageNotOpened}
	if !op.opening.TryLock() {
		return notOpened, ErrBusy
	}
	defer op.opening.Unlock()
	run := op.running.Load()
	if run == nil {
		return notOpened, ErrStopped
	}
	if op.released() {
		return gate.Passage{Result: gate.PassageUnknown, Fire: true}, nil
	}
	// The end of Run ends an opening too, so that its "off" is sent while the
	// board is still there.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(*run, func() { cancel(ErrStopped) })()

	// Never less than the barrier's own wait: a grant is not given back while the
	// turnstile that it opened may still be unlocked.
	s := session{op: op, ctx: ctx, direction: o.Direction, count: max(o.Count, 1), each: max(op.wait, o.Hold)}
	op.do(func(m *machine) { m.begin(time.Now(), o.Direction, s.count) })
	err := s.letThrough()
	var p gate.Passage
	op.do(func(m *machine) { p = m.end(time.Now()) })
	switch {
	case !s.sent:
		return notOpened, err
	case p.Result == gate.PassageTimedOut && (err != nil || s.doubt):
		// Not watched to the end, or unlocked for longer than it was watched.
		p.Result = gate.PassageUnknown
	}
	return p, err
}

// session is one opening.
type session struct {
	op        *opener
	ctx       context.Context //nolint:containedctx // lives as long as the call of Open
	direction gate.Direction
	count     int
	each      time.Duration // how long each person has
	sent      bool          // something may have reached the board
	doubt     bool          // a pulse may not have been what it should
}

// letThrough pulses once per person, the next one when the last has passed.
func (s *session) letThrough() error {
	for i := range s.count {
		became, err := s.op.mover.pulse(s.ctx, s.direction)
		s.sent = s.sent || became != pulseNot
		s.doubt = s.doubt || became == pulseDoubt
		if err != nil && (became != pulseDoubt || s.ctx.Err() != nil) {
			return err
		}
		// After a doubtful pulse the way may be open: somebody may still be seen.
		last := i == s.count-1
		ok, ended := s.wait(i, last)
		switch {
		case ended != nil:
			return ended
		case !ok:
			return err
		}
	}
	return nil
}

// wait gives person i the time to pass and says whether to let the next in.
func (s *session) wait(i int, last bool) (bool, error) {
	if s.op.m.blind {
		return !last, s.pause(s.each)
	}
	over := time.Now().Add(s.each)
	for {
		now := time.Now()
		seen, settles, fire := s.op.seen(now)
		switch {
		case seen > i:
			return true, nil
		case fire, settles.IsZero() && !now.Before(over):
			return false, nil
		}
		// Somebody who went through in time is waited for until it is certain.
		wake := over
		if !settles.IsZero() && (settles.Before(over) || !now.Before(over)) {
			wake = settles
		}
		t := time.NewTimer(time.Until(wake))
		select {
		case <-s.op.changed:
		case <-t.C:
		case <-s.ctx.Done():
		}
		t.Stop()
		if s.ctx.Err() != nil {
			return false, context.Cause(s.ctx)
		}
	}
}

// pause waits, unless a fire or an evacuation makes it pointless.
func (s *session) pause(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	for !s.op.released() {
		select {
		case <-s.op.changed:
		case <-t.C:
			return nil
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		}
	}
	return nil
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
