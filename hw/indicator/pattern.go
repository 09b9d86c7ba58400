package indicator

import (
	"time"

	"github.com/venuegate/venuegate/gate"
)

// lights are what is on at a time.
type lights uint8

const (
	green lights = 1 << iota
	red
	yellow
	buzzer

	lightCount = 4
)

// step is what is on for a while.
type step struct {
	on   lights
	last time.Duration
}

// Lengths of the patterns' parts.
const (
	shortBeep = 120 * time.Millisecond
	longBeep  = 700 * time.Millisecond
	pause     = 120 * time.Millisecond
	showFor   = time.Second
	blink     = 400 * time.Millisecond
	waitFor   = 10 * time.Second // the time a second credential is waited for
)

// pattern is how a verdict looks and sounds: all of it ends dark and silent.
//
//	admit, exit   green for 1 s, a short beep
//	refuse        red for 1 s, a long beep
//	refer         yellow for 1 s, two short beeps
//	more wanted   yellow blinks for 10 s, unless something else is shown
func pattern(o gate.Outcome, wants gate.Want) []step {
	switch {
	case o == gate.Admit || o == gate.Exit:
		return []step{{green | buzzer, shortBeep}, {green, showFor - shortBeep}}
	case wants != 0:
		var steps []step
		for range waitFor / (2 * blink) {
			steps = append(steps, step{yellow, blink}, step{0, blink})
		}
		return steps
	case o == gate.Refer:
		return []step{
			{yellow | buzzer, shortBeep},
			{yellow, pause},
			{yellow | buzzer, shortBeep},
			{yellow, showFor - pause - 2*shortBeep},
		}
	default:
		return []step{{red | buzzer, longBeep}, {red, showFor - longBeep}}
	}
}
