package barrier_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/barrier"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/port"
)

// driven is what every barrier can do.
type driven interface {
	Run(context.Context) error
	Open(context.Context, gate.Opening) (gate.Passage, error)
	ResetFire() error
}

// bench is a barrier that runs until the test ends, and what it told.
type bench struct {
	driven
	states chan gate.DeviceState
	stop   func()

	mu     sync.Mutex
	events []gate.BarrierEvent
	news   chan struct{}
}

func newBench() *bench {
	return &bench{states: make(chan gate.DeviceState, 1000), news: make(chan struct{}, 1)}
}

// port are the options of a line that comes back quickly.
func (b *bench) port(path string) port.Options {
	return port.Options{
		Path: path, BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond,
		OnState: func(s gate.DeviceState) { b.states <- s },
	}
}

func (b *bench) onEvent(e gate.BarrierEvent) {
	b.mu.Lock()
	b.events = append(b.events, e)
	b.mu.Unlock()
	select {
	case b.news <- struct{}{}:
	default:
	}
}

// kinds returns the events so far.
func (b *bench) kinds() (all []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		all = append(all, e.Kind.String())
	}
	return all
}

// awaitKinds waits until exactly these events have come.
func (b *bench) awaitKinds(t testing.TB, want ...string) {
	t.Helper()
	for len(b.kinds()) < len(want) {
		hwtest.Receive(t, b.news)
	}
	if got := b.kinds(); !slices.Equal(got, want) {
		t.Fatalf("events %q, want %q", got, want)
	}
}

// run starts the barrier and waits until it is up.
func (b *bench) run(t testing.TB, d driven, dev interface{ Close() error }) {
	t.Helper()
	b.driven = d
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := hwtest.Receive(t, done); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		b.stop()
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
	})
	b.awaitUp(t, true)
}

// awaitUp waits until the device is reported to be up, or not, and returns the
// report. A device that is down may be so for one reason after another.
func (b *bench) awaitUp(t testing.TB, up bool) gate.DeviceState {
	t.Helper()
	for {
		if s := hwtest.Receive(t, b.states); s.Up == up {
			return s
		}
	}
}

type ended struct {
	p   gate.Passage
	err error
}

// open opens in the background.
func (b *bench) open(o gate.Opening) chan ended {
	done := make(chan ended, 1)
	go func() {
		p, err := b.Open(context.Background(), o)
		done <- ended{p, err}
	}()
	return done
}

// patient is a context that outlives what works and ends before go test does.
func patient(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

var (
	oneIn   = gate.Opening{Direction: gate.DirectionEntry, Count: 1}
	oneOut  = gate.Opening{Direction: gate.DirectionExit, Count: 1}
	unknown = gate.Passage{Result: gate.PassageUnknown}
	shut    = gate.Passage{Result: gate.PassageNotOpened}
	timeout = gate.Passage{Result: gate.PassageTimedOut}
)

func went(n int) gate.Passage { return gate.Passage{Result: gate.PassagePassed, Passed: n} }

// optionErrors checks what a constructor says of wrong options.
func optionErrors(t *testing.T, err error, want string) {
	t.Helper()
	var o *port.OptionError
	switch {
	case want == "" && err != nil:
		t.Errorf("error %v", err)
	case want != "" && (!errors.As(err, &o) || o.Error() != want):
		t.Errorf("error %v, want %q", err, want)
	}
}

var _ = []driven{(*barrier.SerialRelay)(nil), (*barrier.Turnstile)(nil), (*barrier.GateBoard)(nil)}

// lamps is a board without a turnstile.
type lamps struct {
	board interface{ Run(context.Context) error }
}

func (l lamps) Run(ctx context.Context) error { return l.board.Run(ctx) }

func (lamps) Open(context.Context, gate.Opening) (gate.Passage, error) { return gate.Passage{}, nil }

func (lamps) ResetFire() error { return nil }
