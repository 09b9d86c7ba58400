package barrier_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/barrier"
	"github.com/venuegate/venuegate/hw/hwtest"
)

// evacuee is what this test asks of every turnstile.
type evacuee interface {
	driven
	Evacuate(on bool)
	Evacuating() bool
}

// stand is a turnstile of some type on its fake.
type stand struct {
	dev    interface{ Close() error }
	make   func(p barrier.Passing) evacuee
	open   func() bool // both ways are held open
	told   func() int  // how often it was told so
	pulsed func() bool
	pass   func()
	unplug func() error
	plug   func() error
	await  func(ok func() bool) error
}

// poll waits until ok, which it asks at every question to the board.
func poll(t *testing.T, dev interface {
	AwaitAsked(ctx context.Context, n int) error
}, ok func() bool,
) error {
	for !ok() {
		if err := dev.AwaitAsked(patient(t), 1); err != nil {
			return err
		}
	}
	return nil
}

func ons(all []hwtest.Switch) (n int) {
	for _, s := range all {
		if s.On {
			n++
		}
	}
	return n
}

// last reports whether all of some channels were told last to close.
func last(all []hwtest.Switch, channels ...int) bool {
	on := map[int]bool{}
	for _, s := range all {
		on[s.Channel] = s.On
	}
	for _, c := range channels {
		if !on[c] {
			return false
		}
	}
	return true
}

func lcusStand(t *testing.T, b *bench) stand {
	dir := t.TempDir()
	o := hwtest.TurnstileOptions{
		Relay: filepath.Join(dir, "relay"), Feedback: filepath.Join(dir, "feedback"),
		ReadyEvery: 20 * time.Millisecond, PassAfter: nobody,
	}
	dev, err := hwtest.NewTurnstile(o)
	must(t, err)
	return stand{
		dev: dev, pass: dev.Pass, unplug: dev.Relay.Unplug, plug: dev.Relay.Plug,
		make: func(p barrier.Passing) evacuee {
			r, err := barrier.NewSerialRelay(barrier.RelayOptions{
				Name: p.Name, Port: b.port(o.Relay), ExitChannel: 2, Pulse: 200 * time.Millisecond, Wait: p.Wait,
				Feedback: &barrier.Feedback{Port: b.port(o.Feedback)}, OnEvent: p.OnEvent, Evacuating: p.Evacuating,
			})
			must(t, err)
			return r
		},
		open:   func() bool { return last(dev.Switches(), 1, 2) },
		told:   func() int { return ons(dev.Switches()) },
		pulsed: func() bool { return ons(dev.Switches()) > 0 },
		await: func(ok func() bool) error {
			return dev.Await(patient(t), func([]hwtest.Switch) bool { return ok() })
		},
	}
}

func modbusStand(t *testing.T, b *bench) stand {
	path := filepath.Join(t.TempDir(), "modbus")
	dev, err := hwtest.NewModbusBoard(path)
	must(t, err)
	for n := 1; n <= 4; n++ {
		dev.SetInput(n, true)
	}
	return stand{
		dev: dev, unplug: dev.Unplug, plug: dev.Plug,
		pass: func() { (&modbusRig{dev: dev}).walk(inPass) },
		make: func(p barrier.Passing) evacuee {
			d, err := barrier.NewModbus(barrier.ModbusOptions{
				Passing: p, Contacts: contacts(), ExitChannel: 2, Pulse: 200 * time.Millisecond,
				Board: barrier.ModbusBoardOptions{Port: b.port(path), Poll: 5 * time.Millisecond, Answer: 5 * time.Second},
			})
			must(t, err)
			return d
		},
		open:   func() bool { return dev.Closed(1) && dev.Closed(2) },
		told:   func() int { return ons(dev.Switches()) },
		pulsed: func() bool { return ons(dev.Switches()) > 0 },
		await:  func(ok func() bool) error { return poll(t, dev, ok) },
	}
}

func gpioStand(t *testing.T, b *bench) stand {
	dev := hwtest.NewGPIO()
	for n := 1; n <= 4; n++ {
		dev.Contact(n, true)
	}
	return stand{
		dev:    dev,
		pass:   func() { dev.Contact(inPass, false); dev.Contact(inPass, true) },
		unplug: func() error { dev.Unplug(); return nil },
		plug:   func() error { dev.Plug(); return nil },
		make: func(p barrier.Passing) evacuee {
			exit := lineOut
			d, err := barrier.NewGPIO(barrier.GPIOOptions{
				Passing: p, Line: lineIn, ExitLine: &exit, Pulse: 200 * time.Millisecond, Contacts: contacts(),
				Board: barrier.GPIOBoardOptions{
					Chip: "gpiochip9", OnState: func(s gate.DeviceState) { b.states <- s },
					Open: func(string) (barrier.GPIOChip, error) { return dev, dev.Opened() },
				},
			})
			must(t, err)
			return d
		},
		open:   func() bool { return last(dev.Switches(), lineIn, lineOut) },
		told:   func() int { return ons(dev.Switches()) },
		pulsed: func() bool { return ons(dev.Switches()) > 0 },
		await:  func(ok func() bool) error { return dev.Await(patient(t), ok) },
	}
}

const (
	release = "\x83"
	restore = "\x84"
)

func gateBoardStand(t *testing.T, b *bench) stand {
	path := filepath.Join(t.TempDir(), "rs485")
	dev, err := hwtest.NewGateBoard(path)
	must(t, err)
	return stand{
		dev: dev, unplug: dev.Unplug, plug: dev.Plug,
		pass: func() { dev.Pass("right", 1) },
		make: func(p barrier.Passing) evacuee {
			d, err := barrier.NewGateBoard(barrier.GateBoardOptions{
				Passing: p, Port: b.port(path), Poll: 5 * time.Millisecond, Answer: 5 * time.Second,
				Frames: barrier.Frames{Release: "7E 00 {addr} 83 00 00 00 {~sum}", Restore: "7E 00 {addr} 84 00 00 00 {~sum}"},
			})
			must(t, err)
			return d
		},
		open: func() bool {
			heard := dev.Heard()
			return slices.Contains(heard, release[0]) && heard[len(heard)-1] == release[0]
		},
		told:   func() int { return strings.Count(string(dev.Heard()), release) },
		pulsed: func() bool { return slices.Contains(dev.Heard(), 0x80) },
		await:  func(ok func() bool) error { return poll(t, dev, ok) },
	}
}

// An evacuation opens every type of turnstile, whatever happens to its board, to
// the daemon, or inside an opening, until it is ended.
func TestEvacuation(t *testing.T) {
	released := gate.Passage{Result: gate.PassageUnknown, Fire: true}
	for name, plugIn := range map[string]func(*testing.T, *bench) stand{
		"lcus": lcusStand, "modbus": modbusStand, "gpio": gpioStand, "gate board": gateBoardStand,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			s := plugIn(t, b)
			passing := barrier.Passing{Name: "arm", Wait: time.Hour, OnEvent: b.onEvent}
			d := s.make(passing)
			b.run(t, d, s.dev)
			done := b.open(oneIn)
			must(t, s.await(s.pulsed))
			d.Evacuate(true) // inside the opening, and where a board has pulses, inside one
			d.Evacuate(true)
			if got := hwtest.Receive(t, done); got.err != nil || got.p != released {
				t.Errorf("the opening under way: %+v", got)
			}
			must(t, s.await(s.open))
			s.pass()
			b.awaitKinds(t, "evacuation", "evacuation_passage")
			if got, err := d.Open(t.Context(), oneOut); err != nil || got != released {
				t.Errorf("an opening meanwhile: %+v, %v", got, err)
			}
			if err := d.ResetFire(); err != nil || !d.Evacuating() {
				t.Errorf("the end of a fire ends it: %v", err)
			}

			must(t, s.unplug())
			b.awaitUp(t, false)
			before := s.told()
			must(t, s.plug())
			b.awaitUp(t, true)
			must(t, s.await(func() bool { return s.told() > before && s.open() }))

			b.stop()
			if !s.open() {
				t.Error("the end of the daemon shuts it")
			}
			again := newBench()
			b.mu.Lock()
			again.states, b.events = b.states, nil
			b.mu.Unlock()
			passing.Evacuating = true
			d = s.make(passing)
			before = s.told()
			again.run(t, d, lamp{})
			must(t, s.await(func() bool { return s.told() > before && s.open() }))
			if !d.Evacuating() || len(b.kinds()) > 0 {
				t.Errorf("after a restart: %v, events %q", d.Evacuating(), b.kinds())
			}
			d.Evacuate(false)
			b.awaitKinds(t, "evacuation_ended")
			must(t, s.await(func() bool { return !s.open() }))
			again.stop()
			if s.open() {
				t.Error("it is open at the end")
			}
		})
	}
}

type lamp struct{}

func (lamp) Close() error { return nil }

// A board that holds outputs has them on from the first moment of a restart.
func TestEvacuationNeverBlinks(t *testing.T) {
	for name, plugIn := range map[string]func(*testing.T, *bench) stand{"lcus": lcusStand, "gpio": gpioStand} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			s := plugIn(t, b)
			d := s.make(barrier.Passing{Name: "arm", Wait: time.Hour, Evacuating: true})
			b.run(t, d, s.dev)
			must(t, s.await(s.open))
			b.stop()
			switches := s.dev.(interface{ Switches() []hwtest.Switch }).Switches()
			if n := ons(switches); n != len(switches) || n < 2 {
				t.Errorf("switched off on the way: %+v", switches)
			}
		})
	}
}

// A fire's release has its own rules: the end of an evacuation is not its end,
// nor the other way round.
func TestEvacuationAndFire(t *testing.T) {
	r := newModbusRig(t, func(o *barrier.ModbusOptions) { o.FireHold = true })
	open := func() bool { return r.dev.Closed(1) && r.dev.Closed(2) }
	r.turnstile.Evacuate(true)
	must(t, poll(t, r.dev, open))
	r.dev.SetInput(inFire, false)
	r.awaitKinds(t, "evacuation", "fire")
	r.walk(inPass)
	r.awaitKinds(t, "evacuation", "fire", "fire_passage")
	r.turnstile.Evacuate(false)
	must(t, r.dev.AwaitAsked(patient(t), 6))
	if !open() {
		t.Error("the end of the evacuation ended the fire's release")
	}
	r.dev.SetInput(inFire, true)
	r.awaitKinds(t, "evacuation", "fire", "fire_passage", "evacuation_ended", "fire_quiet")
	r.turnstile.Evacuate(true)
	must(t, r.ResetFire())
	must(t, r.dev.AwaitAsked(patient(t), 6))
	if !open() {
		t.Error("the end of the fire ended the evacuation")
	}
	r.turnstile.Evacuate(false)
	must(t, poll(t, r.dev, func() bool { return !open() }))
}

// A Modbus board that has lost what it was told, without losing its line, is
// told again.
func TestEvacuationIsRepeated(t *testing.T) {
	r := newModbusRig(t, func(o *barrier.ModbusOptions) { o.Contacts = barrier.Contacts{} })
	r.turnstile.Evacuate(true)
	must(t, poll(t, r.dev, func() bool { return ons(r.dev.Switches()) >= 6 }))
}

// A gate board without frames for it is opened to both sides again and again.
func TestEvacuationOfAGateBoardThatCannotHold(t *testing.T) {
	r := newGateRig(t, nil)
	r.gate.Evacuate(true)
	must(t, r.dev.AwaitHeard(patient(t), func(b []byte) bool { return strings.HasPrefix(string(b), "\x82\x80\x82\x80") }))
}

// A board that was told to hold before it was lost is told to stop when it is
// back, even if the evacuation ended meanwhile, and even by another run.
func TestEvacuationEndsAtAGateBoardThatWasAway(t *testing.T) {
	b := newBench()
	s := gateBoardStand(t, b)
	d := s.make(barrier.Passing{Name: "arm", Evacuating: true, OnEvent: b.onEvent})
	d.Evacuate(false)
	b.run(t, d, s.dev)
	must(t, s.await(func() bool { return strings.Contains(string(s.dev.(*hwtest.GateBoard).Heard()), restore) }))
}

// The button is told of once a press, however it bounces, and a press that was
// told of before a restart is not news after it.
func TestEvacuationButton(t *testing.T) {
	const button = 5
	withButton := func(pressed bool) func(*barrier.ModbusOptions) {
		return func(o *barrier.ModbusOptions) {
			o.Contacts.Evacuate = &barrier.Contact{Number: button, NormallyClosed: true}
			o.ButtonPressed = pressed
		}
	}
	r := newModbusRig(t, withButton(false)) // open from the start: pressed while the gate was off
	r.awaitKinds(t, "evacuation_button")
	if r.turnstile.Evacuating() {
		t.Error("the button opens the barrier by itself: that is for an order to do")
	}
	r.dev.SetInput(button, true)
	r.awaitKinds(t, "evacuation_button", "evacuation_button_released")
	must(t, r.dev.Unplug())
	r.awaitUp(t, false)
	r.dev.SetInput(button, false)
	must(t, r.dev.Plug())
	r.awaitKinds(t, "evacuation_button", "evacuation_button_released", "evacuation_button")
	must(t, r.dev.Unplug())
	r.awaitUp(t, false)
	must(t, r.dev.Plug())
	must(t, r.dev.AwaitAsked(patient(t), 40))
	r.awaitKinds(t, "evacuation_button", "evacuation_button_released", "evacuation_button")

	stuck := newModbusRig(t, withButton(true))
	must(t, stuck.dev.AwaitAsked(patient(t), 40))
	stuck.dev.SetInput(button, true)
	stuck.awaitKinds(t, "evacuation_button_released")
}
