package barrier

import (
	"context"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Open lets o.Count people through, one pulse for each, and waits until they
// passed or their time is up. The first pulse starts before anything else
// happens. The result is
//
//   - PassagePassed when feedback saw somebody, with the number seen;
//   - PassageTimedOut when feedback saw nobody and the turnstile was heard to be
//     ready from beginning to end;
//   - PassageNotOpened, with an error, when nothing was sent to the board;
//   - PassageUnknown otherwise, with an error if there was one. ctx ending in
//     the middle is ctx.Err().
//
// Whatever happens, the contact is told to open again, if need be as soon as
// the board is back. One opening at a time: another fails with ErrBusy.
func (r *SerialRelay) Open(ctx context.Context, o gate.Opening) (gate.Passage, error) {
	p, err := r.tryOpen(ctx, o)
	r.openings.Add(1)
	switch p.Result {
	case gate.PassagePassed:
		r.passed.Add(1)
	case gate.PassageTimedOut:
		r.timedOut.Add(1)
	case gate.PassageNotOpened:
		r.notOpened.Add(1)
	default:
		r.unknown.Add(1)
	}
	return p, err
}

func (r *SerialRelay) tryOpen(ctx context.Context, o gate.Opening) (gate.Passage, error) {
	notOpened := gate.Passage{Result: gate.PassageNotOpened}
	if !r.opening.TryLock() {
		return notOpened, ErrBusy
	}
	defer r.opening.Unlock()
	run := r.run.Load()
	if run == nil {
		return notOpened, ErrStopped
	}
	// The end of Run ends an opening too, so that its "off" is sent while the
	// port is still there.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(*run, func() { cancel(ErrStopped) })()

	s := session{r: r, ctx: ctx, run: *run, channel: r.o.channel(o.Direction), count: max(o.Count, 1)}
	if o.Hold > 0 {
		s.until = time.Now().Add(o.Hold)
	}
	if r.feedback != nil {
		s.watch = r.feedback.begin(time.Now(), o.Direction)
	}
	err := s.letThrough()
	p := gate.Passage{Result: gate.PassageUnknown}
	if s.watch != nil {
		p = r.feedback.end(time.Now(), s.watch)
	}
	switch {
	case !s.sent:
		return notOpened, err
	case p.Result == gate.PassageTimedOut && (err != nil || s.stuck):
		// Not watched to the end, or unlocked for longer than it was watched.
		p.Result = gate.PassageUnknown
	}
	return p, err
}

// session is one opening.
type session struct {
	r       *SerialRelay
	ctx     context.Context //nolint:containedctx // lives as long as the call of Open
	run     context.Context //nolint:containedctx // Run's
	channel int
	count   int
	until   time.Time // end of it all; zero for a wait per person
	watch   *watch    // nil without feedback
	sent    bool      // something may have reached the board
	stuck   bool      // an "off" was late
}

// letThrough pulses once per person, the next one when the last has passed.
func (s *session) letThrough() error {
	for i := range s.count {
		if err := s.pulse(); err != nil {
			return err
		}
		last := i == s.count-1
		ok, err := s.wait(i, last)
		if err != nil || !ok {
			return err
		}
	}
	return nil
}

// pulse closes the contact and opens it again.
func (s *session) pulse() error {
	s.r.pulsing.Lock()
	defer s.r.pulsing.Unlock()
	if s.run.Err() != nil {
		return ErrStopped
	}
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	n, err := s.r.relay.Write(lcus(s.channel, true))
	if err != nil && n == 0 {
		return err
	}
	s.sent = true
	var ended error
	if err == nil {
		ended = s.sleep(s.r.o.Pulse)
	}
	if _, offErr := s.r.relay.Write(lcus(s.channel, false)); offErr != nil {
		s.stuck = true
		s.r.owed.Store(true) // and go on watching: the way is open
	}
	if err != nil {
		return err
	}
	return ended
}

// wait gives person i the time to pass and says whether to let the next in.
func (s *session) wait(i int, last bool) (bool, error) {
	left := s.r.o.Wait
	if !s.until.IsZero() {
		left = time.Until(s.until)
	}
	if s.watch == nil {
		if !last {
			left = s.r.o.Wait
		}
		return !last, s.sleep(left)
	}
	t := time.NewTimer(left)
	defer t.Stop()
	for {
		if s.r.feedback.passed(s.watch) > i {
			return true, nil
		}
		select {
		case <-s.watch.changed:
		case <-t.C:
			return false, nil
		case <-s.ctx.Done():
			return false, context.Cause(s.ctx)
		}
	}
}

func (s *session) sleep(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
}
