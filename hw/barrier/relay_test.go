package barrier_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/barrier"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/port"
)

const nobody = -1

// rig is a barrier on a fake turnstile, run until the test ends.
type rig struct {
	*barrier.SerialRelay
	dev    *hwtest.Turnstile
	states chan gate.DeviceState
	stop   func()
}

type setup struct {
	feedback  bool
	passAfter time.Duration
	wait      time.Duration
	exit      int
}

func newRig(t testing.TB, s setup) *rig {
	t.Helper()
	dir := t.TempDir()
	o := hwtest.TurnstileOptions{
		Relay: filepath.Join(dir, "relay"), ReadyEvery: 20 * time.Millisecond, PassAfter: s.passAfter,
	}
	r := &rig{states: make(chan gate.DeviceState, 1000)}
	options := func(path string) port.Options {
		return port.Options{
			Path: path, BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond,
			OnState: func(s gate.DeviceState) { r.states <- s },
		}
	}
	bo := barrier.RelayOptions{
		Name: "arm", Port: options(o.Relay), Pulse: 200 * time.Millisecond, Wait: s.wait, ExitChannel: s.exit,
	}
	if s.feedback {
		o.Feedback = filepath.Join(dir, "feedback")
		bo.Feedback = &barrier.Feedback{Port: options(o.Feedback)}
	}
	var err error
	if r.dev, err = hwtest.NewTurnstile(o); err != nil {
		t.Fatal(err)
	}
	if r.SerialRelay, err = barrier.NewSerialRelay(bo); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := hwtest.Receive(t, done); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() {
		r.stop()
		if err := r.dev.Close(); err != nil {
			t.Error(err)
		}
	})
	up := map[string]bool{}
	for want := 1; len(up) < want; {
		if s.feedback {
			want = 2
		}
		st := hwtest.Receive(t, r.states)
		if !st.Up {
			t.Fatalf("state %+v", st)
		}
		up[st.Device] = true
	}
	offs := 1 // the "off" at the start, of each contact
	if s.exit != 0 {
		offs = 2
	}
	r.await(t, offs)
	return r
}

// await waits for n commands in all and returns them as text.
func (r *rig) await(t testing.TB, n int) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := r.dev.Await(ctx, func(s []hwtest.Switch) bool { return len(s) >= n }); err != nil {
		t.Fatalf("waiting for %d commands: %v; got %s", n, err, r.commands())
	}
	return r.commands()
}

func (r *rig) commands() (s string) {
	for _, c := range r.dev.Switches() {
		on := "off"
		if c.On {
			on = "on"
		}
		s += fmt.Sprintf("%d %s, ", c.Channel, on)
	}
	return s
}

func TestOpen(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name     string
		setup    setup
		opening  gate.Opening
		want     gate.Passage
		commands string
	}{
		{
			"somebody passes",
			setup{feedback: true, passAfter: 10 * ms, wait: 10 * time.Second},
			gate.Opening{Count: 1},
			gate.Passage{Result: gate.PassagePassed, Passed: 1},
			"1 off, 1 on, 1 off, ",
		},
		{
			"nobody passes",
			setup{feedback: true, passAfter: nobody, wait: 100 * ms},
			gate.Opening{Count: 1},
			gate.Passage{Result: gate.PassageTimedOut},
			"1 off, 1 on, 1 off, ",
		},
		{
			"the lane says how long",
			setup{feedback: true, passAfter: nobody, wait: ms},
			gate.Opening{Count: 1, Hold: 300 * ms},
			gate.Passage{Result: gate.PassageTimedOut},
			"1 off, 1 on, 1 off, ",
		},
		{
			"the lane asks for less than the turnstile is unlocked",
			setup{feedback: true, passAfter: 400 * ms, wait: 10 * time.Second},
			gate.Opening{Count: 1, Hold: ms},
			gate.Passage{Result: gate.PassagePassed, Passed: 1},
			"1 off, 1 on, 1 off, ",
		},
		{
			"a slow party has the time for each of them",
			setup{feedback: true, passAfter: 400 * ms, wait: ms},
			gate.Opening{Count: 3, Hold: 10 * time.Second},
			gate.Passage{Result: gate.PassagePassed, Passed: 3},
			"1 off, 1 on, 1 off, 1 on, 1 off, 1 on, 1 off, ",
		},
		{
			"a party",
			setup{feedback: true, passAfter: 10 * ms, wait: 10 * time.Second},
			gate.Opening{Count: 3},
			gate.Passage{Result: gate.PassagePassed, Passed: 3},
			"1 off, 1 on, 1 off, 1 on, 1 off, 1 on, 1 off, ",
		},
		{
			"no feedback",
			setup{wait: ms},
			gate.Opening{Count: 1},
			gate.Passage{Result: gate.PassageUnknown},
			"1 off, 1 on, 1 off, ",
		},
		{
			"no feedback, a party",
			setup{wait: ms},
			gate.Opening{Count: 2},
			gate.Passage{Result: gate.PassageUnknown},
			"1 off, 1 on, 1 off, 1 on, 1 off, ",
		},
		{
			"out through the other contact",
			setup{wait: ms, exit: 2},
			gate.Opening{Count: 1, Direction: gate.DirectionExit},
			gate.Passage{Result: gate.PassageUnknown},
			"1 off, 2 off, 2 on, 2 off, ",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, tt.setup)
			got, err := r.Open(t.Context(), tt.opening)
			if err != nil || got != tt.want {
				t.Errorf("got %+v, error %v; want %+v", got, err, tt.want)
			}
			if c := r.await(t, countCommands(tt.commands)); c != tt.commands {
				t.Errorf("commands %q, want %q", c, tt.commands)
			}
		})
	}
}

func countCommands(s string) (n int) {
	for _, c := range s {
		if c == ',' {
			n++
		}
	}
	return n
}

func TestPartOfAPartyPasses(t *testing.T) {
	r := newRig(t, setup{feedback: true, passAfter: nobody, wait: 300 * time.Millisecond})
	done := make(chan gate.Passage, 1)
	go func() {
		p, err := r.Open(context.Background(), gate.Opening{Count: 3})
		if err != nil {
			t.Error(err)
		}
		done <- p
	}()
	r.await(t, 2)
	r.dev.Pass() // one of three
	if got := hwtest.Receive(t, done); got != (gate.Passage{Result: gate.PassagePassed, Passed: 1}) {
		t.Errorf("got %+v", got)
	}
}

// Whatever makes it unsure, nobody is said to have stayed outside.
func TestDoubtIsUnknown(t *testing.T) {
	tests := []struct {
		name string
		do   func(t *testing.T, r *rig)
	}{
		{"the turnstile is not ready", func(_ *testing.T, r *rig) { r.dev.SetReady(false) }},
		{"the feedback line is unplugged", func(t *testing.T, r *rig) { must(t, r.dev.Feedback.Unplug()) }},
		{"the relay board is unplugged in the pulse", func(t *testing.T, r *rig) { must(t, r.dev.Relay.Unplug()) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, setup{feedback: true, passAfter: nobody, wait: 500 * time.Millisecond})
			done := make(chan gate.Passage, 1)
			go func() {
				p, err := r.Open(context.Background(), gate.Opening{Count: 1})
				if err != nil {
					t.Error(err)
				}
				done <- p
			}()
			r.await(t, 2)
			tt.do(t, r)
			if got := hwtest.Receive(t, done); got != (gate.Passage{Result: gate.PassageUnknown}) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// A board that comes back may still hold the contact closed.
func TestOffIsSentWhenTheBoardComesBack(t *testing.T) {
	r := newRig(t, setup{wait: time.Millisecond})
	done := make(chan error, 1)
	go func() {
		_, err := r.Open(context.Background(), gate.Opening{Count: 1})
		done <- err
	}()
	r.await(t, 2)
	must(t, r.dev.Relay.Unplug())
	if err := hwtest.Receive(t, done); err != nil {
		t.Error(err)
	}
	if s := hwtest.Receive(t, r.states); s.Up {
		t.Errorf("state %+v", s)
	}
	must(t, r.dev.Relay.Plug())
	if got, want := r.await(t, 3), "1 off, 1 on, 1 off, "; got != want {
		t.Errorf("commands %q, want %q", got, want)
	}
}

func TestNotOpened(t *testing.T) {
	notOpened := gate.Passage{Result: gate.PassageNotOpened}
	t.Run("the board is unplugged", func(t *testing.T) {
		r := newRig(t, setup{feedback: true, wait: time.Second})
		must(t, r.dev.Relay.Unplug())
		if s := hwtest.Receive(t, r.states); s.Up {
			t.Fatalf("state %+v", s)
		}
		got, err := r.Open(t.Context(), gate.Opening{Count: 1})
		if got != notOpened || !errors.Is(err, port.ErrDown) {
			t.Errorf("got %+v, error %v", got, err)
		}
	})
	t.Run("the lane changed its mind", func(t *testing.T) {
		r := newRig(t, setup{wait: time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		got, err := r.Open(ctx, gate.Opening{Count: 1})
		if got != notOpened || !errors.Is(err, context.Canceled) {
			t.Errorf("got %+v, error %v", got, err)
		}
	})
	t.Run("it is opening already", func(t *testing.T) {
		r := newRig(t, setup{feedback: true, passAfter: nobody, wait: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := r.Open(ctx, gate.Opening{Count: 1})
			done <- err
		}()
		r.await(t, 2)
		got, err := r.Open(t.Context(), gate.Opening{Count: 1})
		if got != notOpened || !errors.Is(err, barrier.ErrBusy) {
			t.Errorf("got %+v, error %v", got, err)
		}
		cancel()
		if err := hwtest.Receive(t, done); !errors.Is(err, context.Canceled) {
			t.Errorf("the first ended with %v", err)
		}
	})
	t.Run("it does not run", func(t *testing.T) {
		b, err := barrier.NewSerialRelay(barrier.RelayOptions{Name: "arm", Port: port.Options{Path: "x"}})
		must(t, err)
		got, err := b.Open(t.Context(), gate.Opening{Count: 1})
		if got != notOpened || !errors.Is(err, barrier.ErrStopped) {
			t.Errorf("got %+v, error %v", got, err)
		}
	})
}

// The contact opens again when the lane, or the whole appliance, stops.
func TestStoppingInAPulse(t *testing.T) {
	unknown := gate.Passage{Result: gate.PassageUnknown}
	type ended struct {
		p   gate.Passage
		err error
	}
	open := func(ctx context.Context, r *rig) chan ended {
		done := make(chan ended, 1)
		go func() {
			p, err := r.Open(ctx, gate.Opening{Count: 2})
			done <- ended{p, err}
		}()
		return done
	}
	t.Run("the lane", func(t *testing.T) {
		r := newRig(t, setup{wait: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		done := open(ctx, r)
		r.await(t, 2)
		cancel()
		if got := hwtest.Receive(t, done); got.p != unknown || !errors.Is(got.err, context.Canceled) {
			t.Errorf("got %+v", got)
		}
		if got, want := r.await(t, 3), "1 off, 1 on, 1 off, "; got != want {
			t.Errorf("commands %q, want %q", got, want)
		}
	})
	t.Run("everything", func(t *testing.T) {
		r := newRig(t, setup{wait: time.Hour})
		done := open(t.Context(), r)
		r.await(t, 2)
		r.stop()
		if got := hwtest.Receive(t, done); got.p != unknown || !errors.Is(got.err, barrier.ErrStopped) {
			t.Errorf("got %+v", got)
		}
		// The pulse ends with an off, and so does Run. What is sent last before a
		// line is closed may be lost with it.
		if got, want := r.await(t, 3), "1 off, 1 on, 1 off, "; !strings.HasPrefix(got, want) {
			t.Errorf("commands %q, want %q and perhaps one more off", got, want)
		}
	})
}

func TestStrayPassagesAreCounted(t *testing.T) {
	r := newRig(t, setup{feedback: true, passAfter: nobody, wait: 100 * time.Millisecond})
	r.dev.Pass()
	for r.Stats().Unexpected == 0 {
		runtime.Gosched() // comes, or go test's own timeout says that it did not
	}
	if got, err := r.Open(t.Context(), gate.Opening{Count: 1}); err != nil || got.Result != gate.PassageTimedOut {
		t.Errorf("got %+v, error %v", got, err)
	}
	if s := r.Stats(); s.Unexpected != 1 || s.TimedOut != 1 || s.Openings != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestAHandheldTrustsItsSteward(t *testing.T) {
	b := barrier.NewNone()
	if got, err := b.Open(t.Context(), gate.Opening{Count: 3}); err != nil || got != (gate.Passage{Result: gate.PassagePassed, Passed: 3}) {
		t.Errorf("got %+v, error %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := b.Open(ctx, gate.Opening{}); err == nil || got.Result != gate.PassageNotOpened {
		t.Errorf("after the end: %+v, error %v", got, err)
	}
	if err := b.Run(ctx); err != nil {
		t.Error(err)
	}
}

func TestOptionsName(t *testing.T) {
	with := func(change func(*barrier.RelayOptions)) barrier.RelayOptions {
		o := barrier.RelayOptions{Name: "arm", Port: port.Options{Path: "x"}, Feedback: &barrier.Feedback{Port: port.Options{Path: "y"}}}
		change(&o)
		return o
	}
	tests := []struct {
		name, want string
		o          barrier.RelayOptions
	}{
		{"nothing wrong", "", with(func(*barrier.RelayOptions) {})},
		{"name", "Name: is empty", with(func(o *barrier.RelayOptions) { o.Name = "" })},
		{"channel", "Channel: 17 is not between 1 and 16", with(func(o *barrier.RelayOptions) { o.Channel = 17 })},
		{"pulse", "Pulse: 2s is not between 200ms and 500ms", with(func(o *barrier.RelayOptions) { o.Pulse = 2 * time.Second })},
		{"port", "Port.Path: is empty", with(func(o *barrier.RelayOptions) { o.Port.Path = "" })},
		{"feedback port", "Feedback.Port.Path: is empty", with(func(o *barrier.RelayOptions) { o.Feedback.Port.Path = "" })},
		{"hex", "Feedback.Passed: is not an even number of hex digits", with(func(o *barrier.RelayOptions) { o.Feedback.Passed = "hex:7" })},
		{"same", "Feedback.Ready: cannot be told apart from another pattern", with(func(o *barrier.RelayOptions) { o.Feedback.Passed, o.Feedback.Ready = "A", "hex:41" })},
		{"inside", "Feedback.Ready: cannot be told apart from another pattern", with(func(o *barrier.RelayOptions) { o.Feedback.Passed, o.Feedback.Ready = "PASS", "AS" })},
		{"heartbeat", "Feedback.Heartbeat: needs Ready", with(func(o *barrier.RelayOptions) { o.Feedback.Passed, o.Feedback.Heartbeat = "P", 1 })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := barrier.NewSerialRelay(tt.o)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("error %q, want %q", got, tt.want)
			}
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// BenchmarkOpen measures from the call of Open to the first byte at the board.
func BenchmarkOpen(b *testing.B) {
	r := newRig(b, setup{wait: time.Hour})
	var took []time.Duration
	for b.Loop() {
		ctx, cancel := context.WithCancel(context.Background())
		before := len(r.dev.Switches())
		done := make(chan error, 1)
		start := time.Now()
		go func() {
			_, err := r.Open(ctx, gate.Opening{Count: 1})
			done <- err
		}()
		r.await(b, before+1)
		took = append(took, r.dev.Switches()[before].At.Sub(start))
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			b.Fatal(err)
		}
		r.await(b, before+2)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-p99")
}
