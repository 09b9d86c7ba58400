package barrier_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/barrier"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/port"
)

const (
	lineIn  = 17
	lineOut = 18
)

type gpioRig struct {
	*bench
	turnstile *barrier.Turnstile
	dev       *hwtest.GPIO
}

func newGPIORig(t testing.TB, change func(*barrier.GPIOOptions)) *gpioRig {
	t.Helper()
	r := &gpioRig{bench: newBench(), dev: hwtest.NewGPIO()}
	for n := 1; n <= 4; n++ {
		r.dev.Contact(n, true) // powered, idle, no fire
	}
	exit := lineOut
	o := barrier.GPIOOptions{
		Passing: barrier.Passing{Name: "arm", Wait: time.Hour, OnEvent: r.onEvent},
		Board: barrier.GPIOBoardOptions{
			Chip: "gpiochip9", OnState: func(s gate.DeviceState) { r.states <- s },
			Open: func(string) (barrier.GPIOChip, error) { return r.dev, r.dev.Opened() },
		},
		Line: lineIn, ExitLine: &exit, Pulse: 200 * time.Millisecond, Contacts: contacts(),
	}
	if change != nil {
		change(&o)
	}
	var err error
	if r.turnstile, err = barrier.NewGPIO(o); err != nil {
		t.Fatal(err)
	}
	r.run(t, r.turnstile, r.dev)
	return r
}

func (r *gpioRig) pass(number int) {
	r.dev.Contact(number, false)
	r.dev.Contact(number, true)
}

// awaitOn waits until a line was switched on, and off again where so says.
func (r *gpioRig) awaitOn(t testing.TB, offset int, on bool) {
	t.Helper()
	must(t, r.dev.Await(patient(t), func() bool {
		s := r.dev.Switches()
		i := slices.IndexFunc(s, func(s hwtest.Switch) bool { return s.Channel == offset && s.On })
		return i >= 0 && (on || slices.ContainsFunc(s[i:], func(s hwtest.Switch) bool { return s.Channel == offset && !s.On }))
	}))
}

func TestGPIO(t *testing.T) {
	in := gate.Opening{Direction: gate.DirectionEntry, Count: 1, Hold: 400 * time.Millisecond}
	tests := []struct {
		name    string
		do      func(r *gpioRig) // once the line is on
		opening gate.Opening
		want    gate.Passage
		events  []string
	}{
		{"somebody goes in", func(r *gpioRig) { r.pass(inPass) }, oneIn, went(1), nil},
		{"somebody goes out", func(r *gpioRig) { r.pass(inPassExit) }, oneOut, went(1), nil},
		{"nobody goes", func(*gpioRig) {}, in, timeout, nil},
		{"the other way", func(r *gpioRig) { r.pass(inPassExit) }, in, timeout, []string{"wrong_way"}},
		{"not ready for a moment", func(r *gpioRig) { r.pass(inReady) }, in, unknown, nil},
		{"a power cut", func(r *gpioRig) {
			for n := 1; n <= 3; n++ {
				r.dev.Contact(n, false)
			}
		}, in, unknown, nil},
		{"the chip goes away", func(r *gpioRig) { r.dev.Unplug() }, in, unknown, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newGPIORig(t, func(o *barrier.GPIOOptions) {
				if tt.opening.Hold > 0 {
					o.Wait = tt.opening.Hold
				}
			})
			line := lineIn
			if tt.opening.Direction == gate.DirectionExit {
				line = lineOut
			}
			done := r.open(tt.opening)
			r.awaitOn(t, line, true)
			tt.do(r)
			if got := hwtest.Receive(t, done); got.err != nil || got.p != tt.want {
				t.Errorf("got %+v; want %+v", got, tt.want)
			}
			r.awaitKinds(t, tt.events...)
		})
	}
}

// Every output is off at the start and at the end, and the lines are given back.
func TestGPIOStartsAndStopsOff(t *testing.T) {
	r := newGPIORig(t, nil)
	done := r.open(gate.Opening{Direction: gate.DirectionEntry, Count: 2})
	r.awaitOn(t, lineIn, true)
	r.stop()
	if got := hwtest.Receive(t, done); got.p != unknown || !errors.Is(got.err, barrier.ErrStopped) {
		t.Errorf("got %+v", got)
	}
	state := map[int]bool{lineIn: true, lineOut: true}
	for i, s := range r.dev.Switches() {
		if i < 2 && s.On {
			t.Errorf("line %d is on at the start", s.Channel)
		}
		state[s.Channel] = s.On
	}
	if state[lineIn] || state[lineOut] {
		t.Errorf("at the end: %v", state)
	}
	if taken := r.dev.Taken(); len(taken) > 0 {
		t.Errorf("lines %v are still taken", taken)
	}
	if got, err := r.Open(t.Context(), oneIn); got != shut || !errors.Is(err, barrier.ErrStopped) {
		t.Errorf("after the end: %+v, %v", got, err)
	}
}

func TestGPIOComesBack(t *testing.T) {
	r := newGPIORig(t, nil)
	r.dev.Unplug()
	if err := r.awaitUp(t, false).Err; !errors.Is(err, hwtest.ErrGPIO) {
		t.Errorf("the reason is %v", err)
	}
	if got, err := r.Open(t.Context(), oneIn); got != shut || !errors.Is(err, port.ErrDown) {
		t.Errorf("meanwhile: %+v, %v", got, err)
	}
	r.dev.Plug()
	for s := hwtest.Receive(t, r.states); !s.Up; s = hwtest.Receive(t, r.states) {
		if s.Err == nil {
			t.Errorf("no reason in %+v", s)
		}
	}
	done := r.open(oneIn)
	r.awaitOn(t, lineIn, true)
	r.pass(inPass)
	if got := hwtest.Receive(t, done); got.err != nil || got.p != went(1) {
		t.Errorf("got %+v", got)
	}
}

func TestGPIOFire(t *testing.T) {
	r := newGPIORig(t, func(o *barrier.GPIOOptions) { o.FireHold = true })
	r.dev.Contact(inFire, false)
	r.awaitKinds(t, "fire")
	r.awaitOn(t, lineIn, true)
	r.awaitOn(t, lineOut, true)
	r.pass(inPass)
	r.awaitKinds(t, "fire", "fire_passage")
	if err := r.ResetFire(); !errors.Is(err, barrier.ErrFire) {
		t.Errorf("ended while it burns: %v", err)
	}
	r.dev.Contact(inFire, true)
	r.awaitKinds(t, "fire", "fire_passage", "fire_quiet")
	must(t, r.ResetFire())
	r.awaitOn(t, lineIn, false)
	r.awaitOn(t, lineOut, false)
}

func TestGPIOOptions(t *testing.T) {
	taken := inReady
	tests := []struct {
		name, want string
		change     func(*barrier.GPIOOptions)
	}{
		{"nothing wrong", "", func(*barrier.GPIOOptions) {}},
		{"name", "Name: is empty", func(o *barrier.GPIOOptions) { o.Name = "" }},
		{"chip", "Board.Chip: is empty", func(o *barrier.GPIOOptions) { o.Board.Chip = "" }},
		{"pull", "Board.Pull: is not up, down or none", func(o *barrier.GPIOOptions) { o.Board.Pull = "left" }},
		{"line", "Line: -1 is not between 0 and 1023", func(o *barrier.GPIOOptions) { o.Line = -1 }},
		{"taken", "Line: 3 is a contact, too", func(o *barrier.GPIOOptions) { o.ExitLine = &taken }},
		{"pulse", "Pulse: 1s is not between 200ms and 500ms", func(o *barrier.GPIOOptions) { o.Pulse = time.Second }},
		{"wait", "Wait: is negative", func(o *barrier.GPIOOptions) { o.Wait = -1 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := barrier.GPIOOptions{
				Passing: barrier.Passing{Name: "arm"}, Board: barrier.GPIOBoardOptions{Chip: "x"},
				Line: lineIn, Contacts: contacts(),
			}
			tt.change(&o)
			_, err := barrier.NewGPIO(o)
			optionErrors(t, err, tt.want)
		})
	}
}

var _ barrier.GPIOChip = (*hwtest.GPIO)(nil)
