package barrier

import (
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// monitor is a machine that the goroutines of a driver share, with somebody to
// tell of its events.
type monitor struct {
	onEvent func(gate.BarrierEvent)
	hold    func(on bool) // unlocks for as long as the machine says; does not block
	changed chan struct{} // has one element after something happened

	telling sync.Mutex // held until everybody was told, so that events stay in order
	mu      sync.Mutex
	m       *machine
	held    bool
}

func newMonitor(r rules, onEvent func(gate.BarrierEvent), hold func(on bool)) *monitor {
	mo := &monitor{m: newMachine(r), onEvent: onEvent, hold: hold, changed: make(chan struct{}, 1)}
	if mo.held = mo.m.held(); mo.held {
		hold(true)
	}
	return mo
}

// do changes the machine, wakes the one who waits for it and tells of what
// happened.
func (mo *monitor) do(change func(m *machine)) {
	mo.run(change)
	select {
	case mo.changed <- struct{}{}:
	default:
	}
}

func (mo *monitor) run(change func(m *machine)) {
	mo.telling.Lock()
	defer mo.telling.Unlock()
	mo.mu.Lock()
	change(mo.m)
	events := mo.m.events
	mo.m.events = nil
	held := mo.m.held()
	moved := held != mo.held
	mo.held = held
	mo.mu.Unlock()
	if moved {
		mo.hold(held) // before anybody is told of it
	}
	if mo.onEvent == nil {
		return
	}
	for _, e := range events {
		mo.onEvent(e)
	}
}

// look reads the machine.
func (mo *monitor) look(at func(m *machine)) {
	mo.mu.Lock()
	defer mo.mu.Unlock()
	at(mo.m)
}

// latched reports whether the barrier is released because of a fire.
func (mo *monitor) latched() (is bool) {
	mo.look(func(m *machine) { is = m.latched })
	return is
}

// released reports whether the way stands open, for a fire or an evacuation.
func (mo *monitor) released() (is bool) {
	mo.look(func(m *machine) { is = m.released() })
	return is
}

// seen returns how many people went through in the current opening, when the
// next passage settles, and whether a fire makes the counting pointless.
func (mo *monitor) seen(now time.Time) (passed int, settles time.Time, fire bool) {
	mo.run(func(m *machine) {
		m.tick(now)
		passed, fire = m.opening.passed, m.opening.fire
		settles, _ = m.settling()
	})
	return passed, settles, fire
}
