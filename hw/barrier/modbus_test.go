package barrier_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/barrier"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/port"
)

// The contacts of the test's turnstile, which is of the PERCo class.
const (
	inPass, inPassExit, inReady, inFire = 1, 2, 3, 4
)

func contacts() barrier.Contacts {
	return barrier.Contacts{
		Passed:     &barrier.Contact{Number: inPass, NormallyClosed: true},
		PassedExit: &barrier.Contact{Number: inPassExit, NormallyClosed: true},
		Ready:      &barrier.Contact{Number: inReady},
		Fire:       &barrier.Contact{Number: inFire, NormallyClosed: true},
		Settle:     30 * time.Millisecond,
	}
}

type modbusRig struct {
	*bench
	turnstile *barrier.Turnstile
	dev       *hwtest.ModbusBoard
}

func newModbusRig(t testing.TB, change func(*barrier.ModbusOptions)) *modbusRig {
	t.Helper()
	r := &modbusRig{bench: newBench()}
	path := filepath.Join(t.TempDir(), "modbus")
	var err error
	if r.dev, err = hwtest.NewModbusBoard(path); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 4; n++ {
		r.dev.SetInput(n, true) // powered, idle, no fire
	}
	o := barrier.ModbusOptions{
		Passing:  barrier.Passing{Name: "arm", Wait: time.Hour, OnEvent: r.onEvent},
		Board:    barrier.ModbusBoardOptions{Port: r.port(path), Poll: 5 * time.Millisecond, Answer: 5 * time.Second},
		Contacts: contacts(), ExitChannel: 2, Pulse: 200 * time.Millisecond,
	}
	if change != nil {
		change(&o)
	}
	if r.turnstile, err = barrier.NewModbus(o); err != nil {
		t.Fatal(err)
	}
	r.run(t, r.turnstile, r.dev)
	return r
}

// walk has somebody go through, past a contact, at a pace the poll can follow.
// The end of the test ends it.
func (r *modbusRig) walk(input int) {
	r.dev.SetInput(input, false)
	if r.dev.AwaitAsked(context.Background(), 3) == nil {
		r.dev.SetInput(input, true)
		_ = r.dev.AwaitAsked(context.Background(), 3)
	}
}

func (r *modbusRig) onPulse(do func()) {
	r.dev.OnPulse(func(int) { do() })
}

func TestModbus(t *testing.T) {
	tests := []struct {
		name    string
		change  func(*barrier.ModbusOptions)
		pulse   func(r *modbusRig) // what happens when the contact closes
		opening gate.Opening
		want    gate.Passage
		events  []string
	}{
		{
			name: "somebody goes in", pulse: func(r *modbusRig) { r.walk(inPass) },
			opening: oneIn, want: went(1),
		},
		{
			name: "somebody goes out", pulse: func(r *modbusRig) { r.walk(inPassExit) },
			opening: oneOut, want: went(1),
		},
		{
			name: "a party of two", pulse: func(r *modbusRig) { r.walk(inPass) },
			opening: gate.Opening{Direction: gate.DirectionEntry, Count: 2}, want: went(2),
		},
		{
			name: "nobody goes", opening: gate.Opening{Direction: gate.DirectionEntry, Count: 1, Hold: 300 * time.Millisecond},
			want: timeout,
		},
		{
			name: "somebody comes the other way", pulse: func(r *modbusRig) { r.walk(inPassExit) },
			opening: gate.Opening{Direction: gate.DirectionEntry, Count: 1, Hold: 800 * time.Millisecond},
			want:    timeout, events: []string{"wrong_way"},
		},
		{
			name: "people may leave as they like", change: func(o *barrier.ModbusOptions) { o.Free = gate.DirectionExit },
			pulse:   func(r *modbusRig) { r.walk(inPassExit); r.walk(inPass) },
			opening: oneIn, want: went(1),
		},
		{
			name: "a power cut opens every contact",
			pulse: func(r *modbusRig) {
				for n := 1; n <= 3; n++ {
					r.dev.SetInput(n, false)
				}
			},
			opening: gate.Opening{Direction: gate.DirectionEntry, Count: 1, Hold: 500 * time.Millisecond},
			want:    unknown,
		},
		{
			name: "nothing tells who passed", change: func(o *barrier.ModbusOptions) { o.Contacts, o.Wait = barrier.Contacts{}, time.Millisecond },
			opening: oneIn, want: unknown,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newModbusRig(t, func(o *barrier.ModbusOptions) {
				if tt.opening.Hold > 0 {
					o.Wait = tt.opening.Hold
				}
				if tt.change != nil {
					tt.change(o)
				}
			})
			if tt.pulse != nil {
				r.onPulse(func() { tt.pulse(r) })
			}
			got, err := r.Open(t.Context(), tt.opening)
			if err != nil || got != tt.want {
				t.Errorf("got %+v, error %v; want %+v", got, err, tt.want)
			}
			r.awaitKinds(t, tt.events...)
		})
	}
}

// The board opens the contact itself, though nobody is left to tell it to.
func TestModbusPulseOutlivesItsHost(t *testing.T) {
	r := newModbusRig(t, nil)
	done := r.open(oneIn)
	must(t, r.dev.Await(patient(t), func(s []hwtest.Switch) bool { return s[len(s)-1].On }))
	must(t, r.dev.Unplug())
	must(t, r.dev.Await(patient(t), func(s []hwtest.Switch) bool { return !s[len(s)-1].On }))
	r.stop()
	if got := hwtest.Receive(t, done); got.p != unknown || !errors.Is(got.err, barrier.ErrStopped) {
		t.Errorf("got %+v", got)
	}
}

func TestModbusFaults(t *testing.T) {
	opening := gate.Opening{Direction: gate.DirectionEntry, Count: 1, Hold: 300 * time.Millisecond}
	tests := []struct {
		name  string
		fault hwtest.Fault
		want  gate.Passage
		err   error
	}{
		{"no answer", hwtest.FaultSilence, unknown, barrier.ErrSilent},
		{"wrong checksum", hwtest.FaultChecksum, unknown, barrier.ErrChecksum},
		{"half an answer", hwtest.FaultHalf, unknown, barrier.ErrHalf},
		{"noise before the answer", hwtest.FaultNoise, timeout, nil},
		{"the board refuses", hwtest.FaultRefuse, shut, barrier.ErrRefused},
		{"unplugged in the answer", hwtest.FaultUnplug, unknown, port.ErrUnplugged},
		{"the board does nothing", hwtest.FaultNoAction, unknown, barrier.ErrSilent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// The board is asked for nothing else meanwhile, so that the fault
			// meets the pulse.
			r := newModbusRig(t, func(o *barrier.ModbusOptions) {
				o.Board.Poll, o.Board.Answer, o.Wait = time.Second, 300*time.Millisecond, opening.Hold
			})
			r.dev.Fail(tt.fault)
			got, err := r.Open(t.Context(), opening)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %+v, error %v; want %+v, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

// A board that falls silent is reported once, and comes back by itself with its
// contacts open.
func TestModbusSilence(t *testing.T) {
	r := newModbusRig(t, func(o *barrier.ModbusOptions) { o.Board.Answer = 100 * time.Millisecond })
	r.dev.Fail(slices.Repeat([]hwtest.Fault{hwtest.FaultSilence}, 4)...)
	if err := r.awaitUp(t, false).Err; !errors.Is(err, barrier.ErrSilent) {
		t.Errorf("the reason is %v", err)
	}
	r.awaitUp(t, true)
	if s := r.turnstile.Stats().Line; s.Unanswered == 0 || s.Port.Losses != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestModbusComesBack(t *testing.T) {
	r := newModbusRig(t, nil)
	for range 3 {
		must(t, r.dev.Unplug())
		r.awaitUp(t, false)
		must(t, r.dev.Plug())
		r.awaitUp(t, true)
	}
	r.onPulse(func() { r.walk(inPass) })
	if got, err := r.Open(t.Context(), oneIn); err != nil || got != went(1) {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func TestModbusForced(t *testing.T) {
	r := newModbusRig(t, nil)
	r.walk(inPass)
	r.awaitKinds(t, "forced")
	r.onPulse(func() { r.walk(inPass) })
	if got, err := r.Open(t.Context(), oneIn); err != nil || got != went(1) {
		t.Errorf("got %+v, error %v", got, err)
	}
	r.walk(inPass) // on the heels of the last
	r.awaitKinds(t, "forced", "tailgate")
	if s := r.turnstile.Stats(); s.Forced != 1 || s.Tailgated != 1 || s.Passed != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestModbusFire(t *testing.T) {
	r := newModbusRig(t, func(o *barrier.ModbusOptions) { o.FireHold = true })
	done := r.open(oneIn)
	must(t, r.dev.Await(patient(t), func(s []hwtest.Switch) bool { return s[len(s)-1].On }))
	r.dev.SetInput(inFire, false)
	// An opening in progress ends: nobody can say who goes through now.
	if got := hwtest.Receive(t, done); got.err != nil || got.p != (gate.Passage{Result: gate.PassageUnknown, Fire: true}) {
		t.Errorf("got %+v", got)
	}
	both := func(closed bool) func([]hwtest.Switch) bool {
		return func(s []hwtest.Switch) bool {
			return slices.ContainsFunc(s, func(s hwtest.Switch) bool { return s.Channel == 2 && s.On }) &&
				s[len(s)-1].On == closed
		}
	}
	must(t, r.dev.Await(patient(t), both(true)))
	if got, err := r.Open(t.Context(), oneIn); err != nil || !got.Fire || got.Result != gate.PassageUnknown {
		t.Errorf("during the fire: %+v, %v", got, err)
	}
	r.walk(inPassExit)
	r.awaitKinds(t, "fire", "fire_passage")
	if err := r.ResetFire(); !errors.Is(err, barrier.ErrFire) {
		t.Errorf("ended while it burns: %v", err)
	}
	r.dev.SetInput(inFire, true)
	r.awaitKinds(t, "fire", "fire_passage", "fire_quiet")
	if !r.turnstile.Fire() {
		t.Error("it did not latch")
	}
	must(t, r.ResetFire())
	r.awaitKinds(t, "fire", "fire_passage", "fire_quiet", "fire_ended")
	must(t, r.dev.Await(patient(t), both(false)))
	r.onPulse(func() { r.walk(inPass) })
	if got, err := r.Open(t.Context(), oneIn); err != nil || got != went(1) {
		t.Errorf("after the fire: %+v, %v", got, err)
	}
}

func TestModbusFireUnheard(t *testing.T) {
	r := newModbusRig(t, func(o *barrier.ModbusOptions) { o.FireLatched = true })
	must(t, r.dev.Unplug())
	r.awaitUp(t, false)
	if err := r.ResetFire(); !errors.Is(err, barrier.ErrFireUnheard) {
		t.Errorf("got %v", err)
	}
	must(t, r.dev.Plug())
	r.awaitUp(t, true)
	must(t, r.ResetFire())
	r.awaitKinds(t, "fire_ended")
}

func TestModbusLamp(t *testing.T) {
	r := &modbusRig{bench: newBench()}
	path := filepath.Join(t.TempDir(), "lamps")
	var err error
	if r.dev, err = hwtest.NewModbusBoard(path); err != nil {
		t.Fatal(err)
	}
	board, err := barrier.NewModbusBoard(barrier.ModbusBoardOptions{Name: "lamps", Port: r.port(path)})
	must(t, err)
	lamp, err := board.Output(3)
	must(t, err)
	if err := lamp.Set(true); !errors.Is(err, port.ErrDown) {
		t.Errorf("before it runs: %v", err)
	}
	r.run(t, lamps{board}, r.dev)
	must(t, lamp.Set(true))
	if !r.dev.Closed(3) {
		t.Error("the lamp is dark")
	}
	r.stop()
	if r.dev.Closed(3) {
		t.Error("the lamp was left on")
	}
}

func TestModbusOptions(t *testing.T) {
	tests := []struct {
		name, want string
		change     func(*barrier.ModbusOptions)
	}{
		{"nothing wrong", "", func(*barrier.ModbusOptions) {}},
		{"name", "Name: is empty", func(o *barrier.ModbusOptions) { o.Name = "" }},
		{"channel", "Channel: 33 is not between 1 and 32", func(o *barrier.ModbusOptions) { o.Channel = 33 }},
		{"exit channel", "ExitChannel: -1 is not between 1 and 32", func(o *barrier.ModbusOptions) { o.ExitChannel = -1 }},
		{"pulse", "Pulse: 250ms is not a multiple of 100ms from 200ms to 1s", func(o *barrier.ModbusOptions) { o.Pulse = 250 * time.Millisecond }},
		{"unit", "Board.Unit: 248 is not between 1 and 247", func(o *barrier.ModbusOptions) { o.Board.Unit = 248 }},
		{"port", "Board.Port.Path: is empty", func(o *barrier.ModbusOptions) { o.Board.Port.Path = "" }},
		{"input", "Contacts.Ready.Number: 9 is not between 1 and 8", func(o *barrier.ModbusOptions) { o.Contacts.Ready.Number = 9 }},
		{"twice", "Contacts.Fire.Number: is in use for another contact", func(o *barrier.ModbusOptions) { o.Contacts.Fire.Number = inPass }},
		{"free", "Contacts.Free: needs passages with a direction", func(o *barrier.ModbusOptions) { o.Free, o.Contacts.PassedExit = gate.DirectionExit, nil }},
		{"fire", "Contacts.FireHold: needs a fire contact", func(o *barrier.ModbusOptions) { o.FireHold, o.Contacts.Fire = true, nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := barrier.ModbusOptions{
				Passing: barrier.Passing{Name: "arm"}, Contacts: contacts(),
				Board: barrier.ModbusBoardOptions{Port: port.Options{Path: "x"}},
			}
			tt.change(&o)
			_, err := barrier.NewModbus(o)
			optionErrors(t, err, tt.want)
		})
	}
}
