package face

import (
	"errors"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
	"github.com/venuegate/venuegate/hw/scanner"
)

// Stats counts what a reader delivered and what was dropped.
type Stats struct {
	Readings uint64 // delivered, matched or not
	Repeats  uint64 // suppressed: the same result within Repeat
	Others   uint64 // messages without a result, such as heartbeats
	Bad      uint64 // messages that could not be understood
	Refused  uint64 // connections and requests that were not let in
	Drops    Drops
	Port     port.Stats // of a terminal on a serial line
}

// outlet turns messages into readings, one for each time somebody looks.
type outlet struct {
	name     string
	decoding Decoding

	handing  sync.Mutex // one reading after the other
	debounce *scanner.Debounce

	mu    sync.Mutex
	stats Stats
}

func newOutlet(name string, d Decoding, repeat time.Duration) outlet {
	if repeat == 0 {
		repeat = scanner.DefaultRepeat
	}
	return outlet{name: name, decoding: d, debounce: scanner.NewDebounce(repeat)}
}

// take delivers the result in a message, if there is one, and reports whether
// the message made sense.
func (o *outlet) take(now time.Time, message []byte, deliver func(gate.Reading)) error {
	f, err := o.decoding.Parse(message)
	switch {
	case errors.Is(err, ErrNoResult):
		o.count(func(s *Stats) { s.Others++ })
		return nil
	case err != nil:
		o.count(func(s *Stats) { s.Bad++ })
		return err
	}
	o.handing.Lock()
	defer o.handing.Unlock()
	if o.debounce.Repeat(now, key(f)) {
		o.count(func(s *Stats) { s.Repeats++ })
		return nil
	}
	o.count(func(s *Stats) { s.Readings++ })
	deliver(gate.Reading{Reader: o.name, At: now, Face: &f})
	return nil
}

// key tells one person from another, and from nobody.
func key(f gate.Face) gate.Private {
	switch {
	case !f.Matched:
		return "-"
	case f.Ticket != 0:
		return gate.Private(f.Ticket.String())
	default:
		return gate.Private(f.Document.String())
	}
}

func (o *outlet) count(f func(*Stats)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f(&o.stats)
}

// Name is the reader's name in the configuration.
func (o *outlet) Name() string { return o.name }
