package barrier

import (
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
)

// Passing is what is said of every turnstile, whatever board unlocks it.
type Passing struct {
	Name string // as in the configuration

	// Wait is how long one person has to walk through after a pulse: 5.5 s when
	// zero, and the 2 s between pulses where nothing is told of passages.
	// A longer Opening.Hold overrides it.
	Wait time.Duration
	// Tail is how long after the last granted person another one counts as a
	// tailgater and not as somebody who forced the way: 2 s when zero.
	Tail time.Duration
	// Free is the direction that needs no grant, such as exit where people may
	// leave as they like. It takes a turnstile that tells the directions apart.
	Free gate.Direction

	// FireLatched starts the barrier as a fire left it: released until a person
	// ends it. Whoever keeps state over a restart says so.
	FireLatched bool
	// FireHold unlocks the turnstile for as long as a fire lasts, besides the
	// hard wiring that does so without any computer.
	FireHold bool

	// Evacuating starts the barrier open by order, as Evacuate does, and
	// ButtonPressed says that the button of its contacts was pressed when it was
	// last looked at: it is not news then.
	Evacuating    bool
	ButtonPressed bool

	// OnEvent is told of everything that happens besides openings, in order. It
	// must neither block nor call the barrier.
	OnEvent func(gate.BarrierEvent)
}

func (p Passing) validate() error {
	switch {
	case p.Name == "":
		return &port.OptionError{Field: "Name", Problem: "is empty"}
	case p.Wait < 0:
		return &port.OptionError{Field: "Wait", Problem: "is negative"}
	case p.Tail < 0:
		return &port.OptionError{Field: "Tail", Problem: "is negative"}
	}
	return nil
}

func (p Passing) withDefaults(blind bool) Passing {
	if p.Wait == 0 {
		p.Wait = DefaultWait
		if blind {
			p.Wait = DefaultBlindWait
		}
	}
	return p
}

func (p Passing) rules() rules {
	return rules{
		name: p.Name, tail: p.Tail, free: p.Free, latched: p.FireLatched, fireHold: p.FireHold,
		evacuating: p.Evacuating, pressed: p.ButtonPressed,
	}
}
