package hwtest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// TurnstileOptions describe a Turnstile.
type TurnstileOptions struct {
	Relay    string // path of the relay board's line
	Feedback string // path of the feedback line; none when empty

	// ReadyEvery is how often READY is repeated: every second when zero,
	// negative for never.
	ReadyEvery time.Duration
	// PassAfter is when somebody passes after a pulse began; nobody does when it
	// is negative.
	PassAfter time.Duration
}

// Switch is a relay that was switched, in the order of the board's commands.
type Switch struct {
	Channel int
	On      bool
	At      time.Time
}

// Turnstile is a turnstile unlocked by an LCUS relay board, with a feedback
// board that sends PASS, READY and BUSY, each ended by CR LF.
type Turnstile struct {
	Relay    *Line
	Feedback *Line // nil without

	stop context.CancelFunc
	done chan struct{}
	pass chan struct{} // one element for each person that is to pass

	mu       sync.Mutex
	in       []byte
	after    time.Duration
	ready    bool
	switches []Switch
	changed  chan struct{} // closed at the next switch
}

// NewTurnstile plugs in a turnstile.
func NewTurnstile(o TurnstileOptions) (*Turnstile, error) {
	ctx, stop := context.WithCancel(context.Background())
	t := &Turnstile{
		stop: stop, done: make(chan struct{}), pass: make(chan struct{}, 64),
		after: o.PassAfter, ready: true, changed: make(chan struct{}),
	}
	relay, err := NewLine(o.Relay, t.receive)
	if err != nil {
		stop()
		return nil, err
	}
	t.Relay = relay
	if o.Feedback != "" {
		if t.Feedback, err = NewLine(o.Feedback, nil); err != nil {
			stop()
			return nil, errors.Join(err, relay.Close())
		}
	}
	every := o.ReadyEvery
	if every == 0 {
		every = time.Second
	}
	go func() {
		defer close(t.done)
		t.run(ctx, every)
	}()
	return t, nil
}

// Close unplugs everything.
func (t *Turnstile) Close() error {
	t.stop()
	err := t.Relay.Close()
	if t.Feedback != nil {
		err = errors.Join(err, t.Feedback.Close())
	}
	<-t.done
	return err
}

// PassAfter changes when somebody passes after a pulse began; negative: nobody.
func (t *Turnstile) PassAfter(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.after = d
}

// Pass lets somebody through now, pulse or none.
func (t *Turnstile) Pass() { t.say("PASS\r\n") }

// SetReady changes whether the turnstile is ready, and says so.
func (t *Turnstile) SetReady(ready bool) {
	t.mu.Lock()
	t.ready = ready
	t.mu.Unlock()
	t.sayReady()
}

// Switches returns what the relay board was told so far.
func (t *Turnstile) Switches() []Switch {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.switches)
}

// Await waits until the relay board was told what ok accepts.
func (t *Turnstile) Await(ctx context.Context, ok func([]Switch) bool) error {
	for {
		t.mu.Lock()
		changed, now := t.changed, slices.Clone(t.switches)
		t.mu.Unlock()
		if ok(now) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (t *Turnstile) run(ctx context.Context, every time.Duration) {
	var tick <-chan time.Time
	if every > 0 {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		tick = ticker.C
		t.sayReady()
	}
	for {
		select {
		case <-tick:
			t.sayReady()
		case <-t.pass:
			t.mu.Lock()
			after := t.after
			t.mu.Unlock()
			if after < 0 {
				continue
			}
			walk := time.NewTimer(after)
			for walking := true; walking; {
				select {
				case <-walk.C:
					walking = false
				case <-tick:
					t.sayReady()
				case <-ctx.Done():
					walk.Stop()
					return
				}
			}
			t.Pass()
		case <-ctx.Done():
			return
		}
	}
}

func (t *Turnstile) sayReady() {
	t.mu.Lock()
	ready := t.ready
	t.mu.Unlock()
	if ready {
		t.say("READY\r\n")
	} else {
		t.say("BUSY\r\n")
	}
}

func (t *Turnstile) say(s string) {
	if t.Feedback != nil {
		_, _ = t.Feedback.Write([]byte(s)) // unplugged: nobody hears it
	}
}

// receive takes the relay board's commands; anything else is skipped.
func (t *Turnstile) receive(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.in = append(t.in, b...)
	for len(t.in) >= 4 {
		c := t.in[:4]
		if c[0] != 0xA0 || c[2] > 1 || c[3] != c[0]+c[1]+c[2] {
			t.in = t.in[1:]
			continue
		}
		t.in = t.in[4:]
		t.switches = append(t.switches, Switch{Channel: int(c[1]), On: c[2] == 1, At: time.Now()})
		close(t.changed)
		t.changed = make(chan struct{})
		if c[2] == 1 {
			select {
			case t.pass <- struct{}{}:
			default:
			}
		}
	}
}
