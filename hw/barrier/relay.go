package barrier

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/venuegate/venuegate/hw/port"
)

// Errors of Open and reasons in device states.
var (
	ErrBusy    = errors.New("the barrier is already opening")
	ErrStopped = errors.New("the barrier is not running")
	ErrQuiet   = errors.New("the turnstile does not say that it is ready")
)

// SerialRelay is a turnstile behind an LCUS relay board, with or without
// passage feedback on a second line.
type SerialRelay struct {
	o        RelayOptions
	relay    *port.Port
	line     *port.Port // nil without feedback, as feedback and match are
	feedback *feedback
	match    *matcher // of the feedback line's goroutine

	opening sync.Mutex // held during Open
	pulsing sync.Mutex // held while a contact may be closed
	run     atomic.Pointer[context.Context]
	owed    atomic.Bool // an "off" could not be sent

	openings, passed, unknown, timedOut, notOpened atomic.Uint64
}

// RelayStats counts openings by how they ended.
type RelayStats struct {
	Openings, Passed, Unknown, TimedOut, NotOpened uint64

	Unexpected      uint64 // passages while nothing was open, or the other way
	Relay, Feedback port.Stats
}

// NewSerialRelay returns a barrier that opens its ports when it runs.
func NewSerialRelay(o RelayOptions) (*SerialRelay, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	r := &SerialRelay{o: o}
	var err error
	if r.relay, err = port.New(o.Port); err != nil {
		return nil, err
	}
	if o.Feedback == nil {
		return r, nil
	}
	f := *o.Feedback
	f.Port.Confirm = f.Heartbeat > 0
	if r.line, err = port.New(f.Port); err != nil {
		return nil, err
	}
	patterns := make([][]byte, 0, 4)
	for _, s := range []string{f.Passed, f.PassedExit, f.Ready, f.NotReady} {
		p, _ := ParsePattern(s) // validated above; an empty one matches nothing
		patterns = append(patterns, p)
	}
	r.match = newMatcher(patterns...)
	r.feedback = newFeedback(f)
	return r, nil
}

// Name is the barrier's name in the configuration.
func (r *SerialRelay) Name() string { return r.o.Name }

// Stats returns the counters so far.
func (r *SerialRelay) Stats() RelayStats {
	s := RelayStats{
		Openings: r.openings.Load(), Passed: r.passed.Load(), Unknown: r.unknown.Load(),
		TimedOut: r.timedOut.Load(), NotOpened: r.notOpened.Load(), Relay: r.relay.Stats(),
	}
	if r.feedback != nil {
		s.Unexpected, s.Feedback = r.feedback.strays(), r.line.Stats()
	}
	return s
}

// Run owns the ports until ctx ends and then returns nil, with every contact
// told to open. It outlives unplugged boards; OnState of the ports hears of it.
func (r *SerialRelay) Run(ctx context.Context) error {
	if !r.run.CompareAndSwap(nil, &ctx) {
		return port.ErrRunning
	}
	defer r.run.Store(nil)
	var wg sync.WaitGroup
	if r.line != nil {
		wg.Go(func() { _ = r.line.Run(ctx, r.serveFeedback) }) // fails only when run twice
	}
	err := r.relay.Run(ctx, r.serveRelay)
	wg.Wait()
	return err
}

// serveRelay keeps the board's contacts open but for pulses: a board that lost
// its host in the middle of one holds the turnstile unlocked.
func (r *SerialRelay) serveRelay(ctx context.Context, c *port.Conn) error {
	if err := r.off(); err != nil {
		return err
	}
	r.owed.Store(false)
	buf := make([]byte, 64)
	for {
		_, err := c.Read(ctx, buf) // some boards echo; nothing they say matters
		switch {
		case ctx.Err() != nil:
			r.pulsing.Lock() // the pulse sees ctx end as well
			defer r.pulsing.Unlock()
			return r.off()
		case err != nil && !errors.Is(err, port.ErrTimeout):
			return err
		case r.owed.CompareAndSwap(true, false):
			if err := r.off(); err != nil {
				r.owed.Store(true)
			}
		}
	}
}

func (r *SerialRelay) off() error {
	_, err := r.relay.Write(lcus(r.o.Channel, false))
	if r.o.ExitChannel != r.o.Channel {
		_, exitErr := r.relay.Write(lcus(r.o.ExitChannel, false))
		err = errors.Join(err, exitErr)
	}
	return err
}

func (r *SerialRelay) serveFeedback(ctx context.Context, c *port.Conn) error {
	since := time.Now()
	r.match.reset()
	r.feedback.line(true)
	defer r.feedback.line(false)
	buf := make([]byte, 256)
	for {
		n, err := c.Read(ctx, buf)
		if err != nil && !errors.Is(err, port.ErrTimeout) {
			return err
		}
		now := time.Now()
		r.match.push(buf[:n], func(i int) {
			if event(i) == eventReady {
				c.Up()
			}
			r.feedback.on(now, event(i))
		})
		if r.feedback.quiet(now, since) {
			c.Doubt(ErrQuiet)
		}
	}
}
