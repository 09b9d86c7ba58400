// Package blueprint is a driver to copy: a complete one, for a reader that does
// not exist, with what to think of where. No product imports it; it is built and
// tested with the rest, so that it stays right.
//
// # Before the first line
//
// Write down what is known of the device, and from where: a manual, a trace, a
// standard. A table of bytes in a comment is worth more than code. Say what is
// assumed, and put it into docs/hardware.md.
//
// If the device sends lines of text, there may be nothing to write: a profile of
// scanner.Framing is enough. If it is a keyboard, it is a scanner.Wedge.
//
// # The order of work
//
//  1. The parser (decoder.go): pure, bytes and times go in, frames come out. It
//     bounds what it keeps, counts what it drops, finds the next good frame
//     behind any noise, and never quotes a byte in an error. It has a fuzz
//     target with a kept corpus, and a table test that reads like the manual.
//  2. The options and the driver (this file): a type with Name, Run, Stats and
//     Validate, as below. Opening, unplugging and waiting are hw/port's, or
//     hw/input's for input devices; do not open a device anywhere else.
//  3. The fake (in hw/hwtest): the device on a pseudo-terminal, with its faults.
//  4. The test of the driver on the fake: it delivers, it outlives unplugs, it
//     answers each fault with a count and no reading.
//  5. The way in: a word for gate/config's Reader.Type and its Validate, a case
//     in gate/appliance's buildReader, a line in docs/hardware.md that says what
//     it was tested on.
//
// # The reader that does not exist
//
// It sends one frame for each code, at 9600 8N1:
//
//	52 | length | text | XOR of length and text
//
// and nothing else. That is all there is to know of it.
package blueprint

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
	"github.com/venuegate/venuegate/hw/scanner"
)

// Options describe one reader. Everything but Name and the path has a default,
// and Validate says which field is wrong in words that fit a configuration file.
type Options struct {
	Name   string        // as in the configuration; goes into every Reading
	Port   port.Options  // Name is filled in from above
	Repeat time.Duration // the same text again within this is one presentation; 2 s when zero, negative for none
}

// Validate returns a *port.OptionError for the first field that is wrong.
func (o Options) Validate() error {
	if o.Name == "" {
		return &port.OptionError{Field: "Name", Problem: "is empty"}
	}
	// Nested fields are dotted: the file's field is found by the last word.
	var e *port.OptionError
	if err := o.Port.Validate(); errors.As(err, &e) {
		return &port.OptionError{Field: "Port." + e.Field, Problem: e.Problem}
	}
	return nil
}

// Stats counts what a reader delivered and what was dropped, by reason. A
// technician reads it: every way to lose a code has a counter of its own.
type Stats struct {
	Readings uint64 // delivered
	Repeats  uint64 // the same text again at once
	Drops    Drops
	Port     port.Stats
}

// Reader is the driver. What Run's goroutine alone uses needs no lock; Stats may
// be asked for by any.
type Reader struct {
	name     string
	port     *port.Port
	decoder  Decoder           // of Run's goroutine
	debounce *scanner.Debounce // likewise

	mu    sync.Mutex
	stats Stats
}

// New returns a reader that opens its device when it runs: a gate starts with
// its readers unplugged, and so does this.
func New(o Options) (*Reader, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.Port.Name = o.Name
	p, err := port.New(o.Port)
	if err != nil {
		return nil, err
	}
	if o.Repeat == 0 {
		o.Repeat = scanner.DefaultRepeat
	}
	return &Reader{name: o.Name, port: p, debounce: scanner.NewDebounce(o.Repeat)}, nil
}

// Name is the reader's name in the configuration.
func (r *Reader) Name() string { return r.name }

// Stats returns the counters so far.
func (r *Reader) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	st := r.stats
	st.Port = r.port.Stats()
	return st
}

// Run reads until ctx ends and then returns nil, and only then: whatever happens
// to the device is a state and a count, not an end. deliver is called from one
// goroutine, and nothing is read while it runs.
func (r *Reader) Run(ctx context.Context, deliver func(gate.Reading)) error {
	return r.port.Run(ctx, func(ctx context.Context, c *port.Conn) error {
		return r.serve(ctx, c, deliver)
	})
}

// serve reads one connection to its end. A device that must be asked is asked
// here, with Conn.Write; one that can be the wrong device on the right path is
// reported with Conn.Up and Conn.Doubt, and port.Options.Confirm.
func (r *Reader) serve(ctx context.Context, c *port.Conn, deliver func(gate.Reading)) error {
	buf := make([]byte, 256)
	defer clear(buf) // what visitors show is not left lying in memory
	for {
		n, err := c.Read(ctx, buf)
		switch {
		case n > 0:
			r.decoder.Push(buf[:n], func(text gate.Private) { r.present(text, deliver) })
		case errors.Is(err, port.ErrTimeout):
			r.decoder.Quiet() // nothing for 100 ms: half a frame will not be continued
		default:
			r.decoder.Quiet()
		}
		r.count(func(st *Stats) { st.Drops = r.decoder.Drops() })
		if n == 0 && !errors.Is(err, port.ErrTimeout) {
			return err // hw/port closes, waits, and opens again
		}
	}
}

func (r *Reader) present(text gate.Private, deliver func(gate.Reading)) {
	now := time.Now()
	if r.debounce.Repeat(now, text) {
		r.count(func(st *Stats) { st.Repeats++ })
		return
	}
	r.count(func(st *Stats) { st.Readings++ })
	deliver(gate.Reading{Reader: r.name, At: now, Text: text})
}

func (r *Reader) count(f func(*Stats)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.stats)
}
