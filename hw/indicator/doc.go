// Package indicator shows a verdict with lamps and sounds: green, red and yellow
// lights, a buzzer, and a reader's own beep.
//
// It never holds up the lane: Show leaves the newest verdict for the goroutine
// of Run and returns. It drives outputs and knows nothing of boards, tickets or
// names; hw/barrier's boards are the outputs. gate/appliance makes it, and calls
// Show for what gate/lane tells its display.
package indicator
