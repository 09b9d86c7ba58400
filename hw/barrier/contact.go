package barrier

import (
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
)

// Defaults of Contacts.
const (
	DefaultSettle   = 100 * time.Millisecond
	DefaultDebounce = 20 * time.Millisecond
)

// buttonDebounce is how long an evacuation button must be pressed: an impulse on
// a long wire must not empty a stadium.
const buttonDebounce = 50 * time.Millisecond

// Contact is one input that a turnstile's dry contact is wired to.
type Contact struct {
	Number         int  // terminal of a Modbus board from 1, or line offset of a GPIO chip from 0
	NormallyClosed bool // it opens to say what it has to say
}

// Contacts are the inputs of a turnstile. All of them are optional. Turnstiles of
// the PERCo class have PASS contacts that open for every person, a READY contact
// that is closed while the turnstile works, and a fire input that is normally
// closed; without power all of them are open, which is why a passage counts only
// with READY still there a moment later.
type Contacts struct {
	Passed     *Contact // somebody passed; with PassedExit, in the direction of entry
	PassedExit *Contact // somebody passed in the direction of exit
	Ready      *Contact // the turnstile is powered and working
	Fire       *Contact // the building's fire signal
	Evacuate   *Contact // a button that orders an evacuation; what came of it is for OnEvent

	// Settle is how long after a passage READY must be there for it to count:
	// 100 ms when zero. A turnstile that is not ready while somebody walks
	// through needs the time of a walk.
	Settle time.Duration
	// Debounce is how long a contact must keep a state for it to count. When
	// zero, 20 ms on GPIO lines, and one look on boards that are asked; the fire
	// signal always takes two, and the button 50 ms.
	Debounce time.Duration
}

// The places of the contacts in a sampler.
const (
	contactPassed = iota
	contactPassedExit
	contactReady
	contactFire
	contactEvacuate
	contactCount
)

func (c Contacts) list() [contactCount]*Contact {
	return [...]*Contact{c.Passed, c.PassedExit, c.Ready, c.Fire, c.Evacuate}
}

// numbers returns the inputs in use, in rising order.
func (c Contacts) numbers() []int {
	var all []int
	for _, contact := range c.list() {
		if contact != nil {
			all = append(all, contact.Number)
		}
	}
	slices.Sort(all)
	return all
}

func (c Contacts) blind() bool { return c.Passed == nil && c.PassedExit == nil }

func (c Contacts) validate(p Passing, lowest, highest int) error {
	wrong := func(field, problem string) error { return &port.OptionError{Field: field, Problem: problem} }
	names := [...]string{"Passed", "PassedExit", "Ready", "Fire", "Evacuate"}
	var seen []int
	for i, contact := range c.list() {
		switch {
		case contact == nil:
			continue
		case contact.Number < lowest || contact.Number > highest:
			return channelError(names[i]+".Number", contact.Number, lowest, highest)
		case slices.Contains(seen, contact.Number):
			return wrong(names[i]+".Number", "is in use for another contact")
		}
		seen = append(seen, contact.Number)
	}
	switch {
	case c.PassedExit != nil && c.Passed == nil:
		return wrong("PassedExit", "needs Passed")
	case c.Settle < 0:
		return wrong("Settle", "is negative")
	case c.Debounce < 0:
		return wrong("Debounce", "is negative")
	case p.Free != gate.DirectionUnknown && c.PassedExit == nil:
		return wrong("Free", "needs passages with a direction")
	case p.FireLatched && c.Fire == nil:
		return wrong("FireLatched", "needs a fire contact")
	case p.FireHold && c.Fire == nil:
		return wrong("FireHold", "needs a fire contact")
	}
	return nil
}

func (c Contacts) withDefaults() Contacts {
	if c.Settle == 0 {
		c.Settle = DefaultSettle
	}
	return c
}

func (c Contacts) rules(r rules) rules {
	r.blind, r.hasReady, r.settle = c.blind(), c.Ready != nil, c.Settle
	return r
}

// sampler turns looks at contacts into the machine's terms. It is pure.
type sampler struct {
	c     Contacts
	known bool
	state [contactCount]level
}

// level is a debounced input.
type level struct {
	active    bool
	candidate bool // what was seen last
	since     time.Time
}

func newSampler(c Contacts) *sampler { return &sampler{c: c} }

// forget is for when the contacts were not watched: what they are next is how
// they are, and not news.
func (s *sampler) forget() { s.known = false }

// look takes the state of the contacts; closed is asked by number.
func (s *sampler) look(now time.Time, m *machine, closed func(number int) bool) {
	first := !s.known
	s.known = true
	// READY before the passages: both may change in one look.
	for _, i := range [...]int{contactEvacuate, contactFire, contactReady, contactPassed, contactPassedExit} {
		contact := s.c.list()[i]
		if contact == nil {
			continue
		}
		active := closed(contact.Number) != contact.NormallyClosed
		debounce := s.c.Debounce
		if i == contactFire {
			debounce = max(debounce, DefaultDebounce)
		}
		if i == contactEvacuate {
			debounce = max(debounce, buttonDebounce)
			if first {
				// What it was before is known: a press meanwhile is one, too.
				s.state[i] = level{active: m.pressed, candidate: m.pressed, since: now}
			}
			s.state[i].see(now, active, debounce, false)
			m.setButton(now, s.state[i].active)
			continue
		}
		changed := s.state[i].see(now, active, debounce, first)
		s.tell(now, m, i, changed, first)
	}
	m.tick(now)
}

// unsettled reports whether a look is needed to see a change through.
func (s *sampler) unsettled() bool {
	for _, l := range s.state {
		if l.candidate != l.active {
			return true
		}
	}
	return false
}

func (s *sampler) tell(now time.Time, m *machine, i int, changed, first bool) {
	active := s.state[i].active
	switch i {
	case contactReady:
		m.setReady(now, active)
	case contactFire:
		m.setFire(now, active)
	case contactPassed, contactPassedExit:
		if !changed || !active || first {
			return
		}
		d := gate.DirectionUnknown
		switch {
		case i == contactPassedExit:
			d = gate.DirectionExit
		case s.c.PassedExit != nil:
			d = gate.DirectionEntry
		}
		m.pass(now, d)
	}
}

// see takes one look and reports whether the debounced state changed.
func (l *level) see(now time.Time, active bool, debounce time.Duration, first bool) bool {
	if first {
		*l = level{active: active, candidate: active, since: now}
		return false
	}
	if active != l.candidate {
		l.candidate, l.since = active, now
	}
	if l.candidate == l.active || now.Sub(l.since) < debounce {
		return false
	}
	l.active = l.candidate
	return true
}
