package scanner

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
)

// Options describe one reader on a serial line or USB-COM port.
type Options struct {
	Name    string        // as in the configuration; goes into every Reading
	Port    port.Options  // Name is filled in from above
	Framing Framing       // how the model delimits what it read
	Repeat  time.Duration // see Debounce; 2 s when zero, negative for none
}

// Validate returns a *port.OptionError for the first field that is wrong.
func (o Options) Validate() error {
	if o.Name == "" {
		return &port.OptionError{Field: "Name", Problem: "is empty"}
	}
	if err := o.Port.Validate(); err != nil {
		return under("Port", err)
	}
	if err := o.Framing.Validate(); err != nil {
		return under("Framing", err)
	}
	return nil
}

// under puts the name of the nesting field before the field of an OptionError.
func under(field string, err error) error {
	var e *port.OptionError
	if errors.As(err, &e) {
		return &port.OptionError{Field: field + "." + e.Field, Problem: e.Problem}
	}
	return err
}

// Stats counts what a reader delivered and what was dropped.
type Stats struct {
	Readings uint64 // delivered
	Repeats  uint64 // suppressed by Debounce
	Drops    Drops
	Port     port.Stats
}

// Serial is a barcode reader on a serial port.
type Serial struct {
	name     string
	port     *port.Port
	debounce *Debounce // of Run's goroutine, as framer is

	framer *Framer

	mu    sync.Mutex
	stats Stats
}

// NewSerial returns a reader that opens its port when it runs.
func NewSerial(o Options) (*Serial, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.Port.Name = o.Name
	p, err := port.New(o.Port)
	if err != nil {
		return nil, err
	}
	framer, err := NewFramer(o.Framing)
	if err != nil {
		return nil, err
	}
	if o.Repeat == 0 {
		o.Repeat = DefaultRepeat
	}
	return &Serial{name: o.Name, port: p, framer: framer, debounce: NewDebounce(o.Repeat)}, nil
}

// Name is the reader's name in the configuration.
func (s *Serial) Name() string { return s.name }

// Stats returns the counters so far.
func (s *Serial) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Port = s.port.Stats()
	return st
}

// Run reads until ctx ends and then returns nil. It outlives the reader being
// unplugged; Options.Port.OnState hears of it. deliver is called from one
// goroutine, and nothing is read while it runs.
func (s *Serial) Run(ctx context.Context, deliver func(gate.Reading)) error {
	return s.port.Run(ctx, func(ctx context.Context, c *port.Conn) error {
		return s.serve(ctx, c, deliver)
	})
}

func (s *Serial) serve(ctx context.Context, c *port.Conn, deliver func(gate.Reading)) error {
	buf := make([]byte, 1024)
	defer clear(buf)
	emit := func(f Frame) {
		if s.debounce.Repeat(f.At, f.Text) {
			s.count(func(st *Stats) { st.Repeats++ })
			return
		}
		s.count(func(st *Stats) { st.Readings++ })
		deliver(gate.Reading{Reader: s.name, At: f.At, Text: f.Text, Symbology: f.Symbology})
	}
	for {
		n, err := c.Read(ctx, buf)
		switch {
		case n > 0:
			s.framer.Push(time.Now(), buf[:n], emit)
		case errors.Is(err, port.ErrTimeout):
			s.framer.Tick(time.Now(), emit)
		default:
			s.framer.Reset()
		}
		s.count(func(st *Stats) { st.Drops = s.framer.Drops() })
		if n == 0 && !errors.Is(err, port.ErrTimeout) {
			return err
		}
	}
}

func (s *Serial) count(f func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.stats)
}
