// Package health says what is wrong with a gate, in words that a person can
// act on. Each kind of warning is declared once, with a code, a severity, a
// text in every language and what to do next; a Tracker holds those that are
// on now. The page, metrics, watchdog and logs all read from it.
//
// It never measures anything, starts no goroutine, reads no clock and holds no
// personal data. Whoever notices a trouble sets it, and clears it once it is
// over: gate/appliance for the gate, and for devices on behalf of their
// drivers.
package health
