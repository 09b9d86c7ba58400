package barrier

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
)

// SerialRelay is a turnstile behind an LCUS relay board, with or without
// passage feedback on a second line.
type SerialRelay struct {
	opener
	o     RelayOptions
	board *LCUSBoard
	line  *port.Port // nil without feedback, as match is
	match *matcher   // of the feedback line's goroutine
}

// RelayStats counts openings by how they ended, and what the ports did.
type RelayStats struct {
	Counts

	Unexpected      uint64 // passages while nothing was open, or the other way
	Relay, Feedback port.Stats
}

// NewSerialRelay returns a barrier that opens its ports when it runs.
func NewSerialRelay(o RelayOptions) (*SerialRelay, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	board, err := NewLCUSBoard(o.Port)
	if err != nil {
		return nil, err
	}
	board.own(o.Channel)
	board.own(o.ExitChannel)
	r := &SerialRelay{o: o, board: board}
	r.mover, r.wait = lcusMover{board, o}, o.Wait
	rules := rules{
		name: o.Name, blind: true, tail: o.Tail, free: o.Free,
		latched: o.FireLatched, fireHold: o.FireHold, evacuating: o.Evacuating,
	}
	hold := func(on bool) {
		if on {
			board.release([]int{o.Channel, o.ExitChannel})
		} else {
			board.release(nil)
		}
	}
	if o.Feedback == nil {
		r.monitor = newMonitor(rules, o.OnEvent, hold)
		return r, nil
	}
	f := *o.Feedback
	f.Port.Confirm = f.Heartbeat > 0
	if r.line, err = port.New(f.Port); err != nil {
		return nil, err
	}
	patterns := make([][]byte, 0, 6)
	for _, s := range f.patterns() {
		p, _ := ParsePattern(s) // validated above; an empty one matches nothing
		patterns = append(patterns, p)
	}
	r.match = newMatcher(patterns...)
	rules.blind, rules.hasReady, rules.heartbeat = false, f.Ready != "", f.Heartbeat
	r.monitor = newMonitor(rules, o.OnEvent, hold)
	return r, nil
}

// Name is the barrier's name in the configuration.
func (r *SerialRelay) Name() string { return r.o.Name }

// Output returns another contact of the same board, for a lamp or a buzzer.
func (r *SerialRelay) Output(channel int) (*Output, error) {
	if channel == r.o.Channel || channel == r.o.ExitChannel {
		return nil, &port.OptionError{Field: "Channel", Problem: "unlocks the turnstile"}
	}
	return r.board.Output(channel)
}

// Stats returns the counters so far.
func (r *SerialRelay) Stats() RelayStats {
	s := RelayStats{Counts: r.totals(), Relay: r.board.port.Stats()}
	s.Unexpected = s.Forced + s.WrongWay
	if r.line != nil {
		s.Feedback = r.line.Stats()
	}
	return s
}

// Run owns the ports until ctx ends and then returns nil, with every contact
// told to open but those that are held for a fire or an evacuation. It outlives unplugged boards; OnState of the ports hears of it.
func (r *SerialRelay) Run(ctx context.Context) error {
	if !r.running.CompareAndSwap(nil, &ctx) {
		return port.ErrRunning
	}
	defer r.running.Store(nil)
	var wg sync.WaitGroup
	if r.line != nil {
		wg.Go(func() { _ = r.line.Run(ctx, r.serveFeedback) }) // fails only when run twice
	}
	err := r.board.Run(ctx)
	wg.Wait()
	return err
}

func (r *SerialRelay) serveFeedback(ctx context.Context, c *port.Conn) error {
	since := time.Now()
	r.match.reset()
	r.do(func(m *machine) { m.hear(since, true) })
	defer func() { r.do(func(m *machine) { m.hear(time.Now(), false) }) }()
	buf := make([]byte, 256)
	for {
		n, err := c.Read(ctx, buf)
		if err != nil && !errors.Is(err, port.ErrTimeout) {
			return err
		}
		now := time.Now()
		r.match.push(buf[:n], func(i int) {
			if message(i) == messageReady {
				c.Up()
			}
			r.do(func(m *machine) { message(i).tell(m, now, r.o.Feedback.PassedExit == "") })
		})
		quiet := false
		r.look(func(m *machine) { quiet = m.stale(now, since) })
		if quiet {
			c.Doubt(ErrQuiet)
		}
	}
}

// message is one message of the feedback line, in the order of its patterns.
type message int

const (
	messagePassed message = iota
	messagePassedExit
	messageReady
	messageNotReady
	messageFire
	messageFireOver
)

// tell puts a message into the machine's terms.
func (msg message) tell(m *machine, now time.Time, bothWays bool) {
	switch msg {
	case messagePassed:
		d := gate.DirectionEntry
		if bothWays {
			d = gate.DirectionUnknown
		}
		m.pass(now, d)
	case messagePassedExit:
		m.pass(now, gate.DirectionExit)
	case messageReady, messageNotReady:
		m.setReady(now, msg == messageReady)
	case messageFire, messageFireOver:
		m.setFire(now, msg == messageFire)
	}
}
