package scanner

import (
	"hash/maphash"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// DefaultRepeat is how long the same text on the same reader counts as the same
// presentation.
const DefaultRepeat = 2 * time.Second

// debounceSlots is how many texts a Debounce remembers: enough for the few
// phones that can be held to one reader within the window.
const debounceSlots = 4

// Debounce tells a new presentation from a reader that reads one twice, or over
// and over while a phone lies on it. Every repeat extends the window, so a code
// must be taken away for that long to count again. It remembers a hash, never a
// text. The zero value is not ready; use NewDebounce.
type Debounce struct {
	window time.Duration
	seed   maphash.Seed
	seen   [debounceSlots]struct {
		sum uint64
		at  time.Time
		set bool
	}
}

// NewDebounce returns a Debounce; a window of zero or less lets all through.
func NewDebounce(window time.Duration) *Debounce {
	return &Debounce{window: window, seed: maphash.MakeSeed()}
}

// Repeat reports whether text was presented within the window before now, and
// remembers that it is presented now.
func (d *Debounce) Repeat(now time.Time, text gate.Private) bool {
	if d.window <= 0 {
		return false
	}
	sum := maphash.String(d.seed, text.Reveal())
	slot := 0
	for i := range d.seen {
		s := &d.seen[i]
		if s.set && s.sum == sum {
			repeat := now.Sub(s.at).Abs() < d.window
			s.at = now
			return repeat
		}
		if !s.set || d.seen[slot].set && s.at.Before(d.seen[slot].at) {
			slot = i
		}
	}
	d.seen[slot].sum, d.seen[slot].at, d.seen[slot].set = sum, now, true
	return false
}
