package scanner

import (
	"sync"

	"github.com/venuegate/venuegate/gate"
)

// outlet hands on what a driver's framer found, one reading for each
// presentation, and keeps the counts that all drivers share.
type outlet struct {
	name     string
	debounce *Debounce // of Run's goroutine

	mu       sync.Mutex
	readings uint64
	repeats  uint64
	drops    Drops
	keyDrops KeyDrops // of a keyboard wedge
}

// emit returns the framer's emit function for a run that delivers to deliver.
func (o *outlet) emit(deliver func(gate.Reading)) func(Frame) {
	return func(f Frame) {
		if o.debounce.Repeat(f.At, f.Text) {
			o.count(func() { o.repeats++ })
			return
		}
		o.count(func() { o.readings++ })
		deliver(gate.Reading{Reader: o.name, At: f.At, Text: f.Text, Symbology: f.Symbology})
	}
}

func (o *outlet) count(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
}
