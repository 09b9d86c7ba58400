package scanner

import (
	"context"
	"errors"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/input"
	"github.com/venuegate/venuegate/hw/port"
)

// DefaultKeyGap is the silence that ends what a keyboard wedge typed, where it
// sends no Enter: readers type a key every few milliseconds, people slower.
const DefaultKeyGap = 100 * time.Millisecond

// WedgeOptions describe one reader that plays a keyboard.
type WedgeOptions struct {
	Name    string        // as in the configuration; goes into every Reading
	Device  input.Options // an evdev device; Name is filled in from above
	Framing Framing       // Terminator is line; Gap is 100 ms when zero
	Repeat  time.Duration // see Debounce; 2 s when zero, negative for none
}

// Validate returns a *port.OptionError for the first field that is wrong.
func (o WedgeOptions) Validate() error {
	if o.Name == "" {
		return &port.OptionError{Field: "Name", Problem: "is empty"}
	}
	if err := o.Device.Validate(); err != nil {
		return under("Device", err)
	}
	if t := o.Framing.Terminator; t != "" && t != TerminatorLine {
		return &port.OptionError{Field: "Framing.Terminator", Problem: "can only be line: a keyboard has Enter and Tab"}
	}
	if o.Framing.STX {
		return &port.OptionError{Field: "Framing.STX", Problem: "means nothing for a keyboard"}
	}
	if err := o.Framing.Validate(); err != nil {
		return under("Framing", err)
	}
	return nil
}

// WedgeStats counts what a keyboard wedge delivered and what was dropped.
type WedgeStats struct {
	Readings uint64 // delivered
	Repeats  uint64 // suppressed by Debounce
	Drops    Drops
	Keys     KeyDrops
	Device   input.Stats
}

// Wedge is a barcode reader that plays a keyboard. While it runs, no other
// program gets its keys.
type Wedge struct {
	outlet
	device *input.Device
	framer *Framer // of Run's goroutine, as what follows is
	keys   Keys
	broken bool // events were lost: ignore all until the kernel's next report
	size   int  // of an event
}

// NewWedge returns a reader that opens its device when it runs.
func NewWedge(o WedgeOptions) (*Wedge, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.Device.Name = o.Name
	d, err := input.New(o.Device, input.Grab)
	if err != nil {
		return nil, err
	}
	return newWedge(o, d, input.EventSize)
}

func newWedge(o WedgeOptions, d *input.Device, size int) (*Wedge, error) {
	if o.Framing.Gap == 0 {
		o.Framing.Gap = DefaultKeyGap
	}
	framer, err := NewFramer(o.Framing)
	if err != nil {
		return nil, err
	}
	w := &Wedge{device: d, framer: framer, size: size}
	w.name, w.debounce = o.Name, newRepeat(o.Repeat)
	return w, nil
}

// Name is the reader's name in the configuration.
func (w *Wedge) Name() string { return w.name }

// Stats returns the counters so far.
func (w *Wedge) Stats() WedgeStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return WedgeStats{Readings: w.readings, Repeats: w.repeats, Drops: w.drops, Keys: w.keyDrops, Device: w.device.Stats()}
}

// Run reads until ctx ends and then returns nil. It outlives the reader being
// unplugged; WedgeOptions.Device.OnState hears of it. deliver is called from
// one goroutine, and nothing is read while it runs.
func (w *Wedge) Run(ctx context.Context, deliver func(gate.Reading)) error {
	return w.device.Run(ctx, func(ctx context.Context, c *input.Conn) error {
		return w.serve(ctx, c, deliver)
	})
}

func (w *Wedge) serve(ctx context.Context, c *input.Conn, deliver func(gate.Reading)) error {
	buf := make([]byte, input.MaxEvents*w.size)
	defer clear(buf)
	emit := w.emit(deliver)
	have := 0 // bytes of an event that is not whole yet
	for {
		n, err := c.Read(ctx, w.framer.wait(), buf[have:])
		now := time.Now()
		switch {
		case n > 0:
			have += n
			used := input.Events(buf[:have], w.size, func(e input.Event) { w.take(now, e, emit) })
			have = copy(buf, buf[used:have])
		case errors.Is(err, port.ErrTimeout):
			w.framer.Tick(now, emit)
		default:
			w.framer.Reset()
			w.keys.Reset()
			w.broken = false
		}
		w.count(func() { w.drops, w.keyDrops = w.framer.Drops(), w.keys.Drops() })
		if n == 0 && !errors.Is(err, port.ErrTimeout) {
			return err
		}
	}
}

// take takes one event. Where the kernel had to drop some, the text that was
// being typed has a hole: it is given up to its end.
func (w *Wedge) take(now time.Time, e input.Event, emit func(Frame)) {
	switch {
	case e.Type == input.EventSyn && e.Code == input.SynDropped:
		w.framer.abandon(now)
		w.keys.Lost()
		w.broken = true
	case e.Type == input.EventSyn && e.Code == input.SynReport:
		w.broken = false
	case e.Type == input.EventKey && !w.broken:
		if c, ok := w.keys.Key(e.Code, e.Value); ok {
			w.framer.Push(now, []byte{c}, emit)
		}
	}
}
