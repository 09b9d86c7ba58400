package scanner

import (
	"context"
	"errors"
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
	outlet
	port   *port.Port
	framer *Framer // of Run's goroutine
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
	s := &Serial{port: p, framer: framer}
	s.name, s.debounce = o.Name, newRepeat(o.Repeat)
	return s, nil
}

// newRepeat is NewDebounce with the default for zero.
func newRepeat(window time.Duration) *Debounce {
	if window == 0 {
		window = DefaultRepeat
	}
	return NewDebounce(window)
}

// Name is the reader's name in the configuration.
func (s *Serial) Name() string { return s.name }

// Stats returns the counters so far.
func (s *Serial) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{Readings: s.readings, Repeats: s.repeats, Drops: s.drops, Port: s.port.Stats()}
}

// Write sends a command to the reader, such as one for its good-read beep. It
// fails with port.ErrDown while the reader is not plugged in.
func (s *Serial) Write(b []byte) (int, error) { return s.port.Write(b) }

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
	emit := s.emit(deliver)
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
		s.count(func() { s.drops = s.framer.Drops() })
		if n == 0 && !errors.Is(err, port.ErrTimeout) {
			return err
		}
	}
}
