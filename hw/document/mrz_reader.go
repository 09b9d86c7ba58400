package document

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
	"github.com/venuegate/venuegate/hw/scanner"
)

// MRZOptions describe one reader of passports and cards on a serial line.
type MRZOptions struct {
	Name   string        // as in the configuration; goes into every Reading
	Port   port.Options  // Name is filled in from above
	Gap    time.Duration // silence that ends what is sent for one document; 300 ms when zero
	Repeat time.Duration // the same document within this is one presentation; 2 s when zero, negative for none
}

// Validate returns a *port.OptionError for the first field that is wrong.
func (o MRZOptions) Validate() error {
	switch {
	case o.Name == "":
		return &port.OptionError{Field: "Name", Problem: "is empty"}
	case o.Gap < 0:
		return &port.OptionError{Field: "Gap", Problem: "is negative"}
	}
	var e *port.OptionError
	if err := o.Port.Validate(); errors.As(err, &e) {
		return &port.OptionError{Field: "Port." + e.Field, Problem: e.Problem}
	}
	return nil
}

// MRZStats counts what a reader delivered and what went wrong.
type MRZStats struct {
	Readings uint64 // delivered
	Repeats  uint64 // the same document again at once
	Checks   uint64 // zones with a wrong check digit
	Texts    uint64 // zones that could not be understood
	Drops    ZoneDrops
	Port     port.Stats
}

// MRZ is a reader of machine-readable zones on a serial line.
type MRZ struct {
	name     string
	port     *port.Port
	framer   *ZoneFramer // of Run's goroutine, as debounce is
	debounce *scanner.Debounce

	mu    sync.Mutex
	stats MRZStats
}

// NewMRZ returns a reader that opens its port when it runs.
func NewMRZ(o MRZOptions) (*MRZ, error) {
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
	return &MRZ{name: o.Name, port: p, framer: NewZoneFramer(o.Gap), debounce: scanner.NewDebounce(o.Repeat)}, nil
}

// Name is the reader's name in the configuration.
func (m *MRZ) Name() string { return m.name }

// Stats returns the counters so far.
func (m *MRZ) Stats() MRZStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	st := m.stats
	st.Port = m.port.Stats()
	return st
}

// Run reads documents until ctx ends and then returns nil. It outlives the
// reader being unplugged; MRZOptions.Port.OnState hears of it. A zone with a
// wrong check digit is counted and not delivered: readers read again as long as
// the document lies there. deliver is called from one goroutine, and nothing is
// read while it runs.
func (m *MRZ) Run(ctx context.Context, deliver func(gate.Reading)) error {
	return m.port.Run(ctx, func(ctx context.Context, c *port.Conn) error {
		return m.serve(ctx, c, deliver)
	})
}

func (m *MRZ) serve(ctx context.Context, c *port.Conn, deliver func(gate.Reading)) error {
	buf := make([]byte, 1024)
	defer clear(buf)
	emit := func(z Zone) { m.present(z, deliver) }
	for {
		n, err := c.Read(ctx, buf)
		switch {
		case n > 0:
			m.framer.Push(time.Now(), buf[:n], emit)
			clear(buf[:n])
		case errors.Is(err, port.ErrTimeout):
			m.framer.Tick(time.Now(), emit)
		default:
			m.framer.Reset()
		}
		m.count(func(st *MRZStats) { st.Drops = m.framer.Drops() })
		if n == 0 && !errors.Is(err, port.ErrTimeout) {
			return err
		}
	}
}

func (m *MRZ) present(z Zone, deliver func(gate.Reading)) {
	d, err := ParseMRZ(z.Text.Reveal(), z.At)
	var wrong *MRZError
	switch {
	case errors.As(err, &wrong) && wrong.Problem == MRZCheck:
		m.count(func(st *MRZStats) { st.Checks++ })
	case err != nil:
		m.count(func(st *MRZStats) { st.Texts++ })
	case m.debounce.Repeat(z.At, presentation(d)):
		m.count(func(st *MRZStats) { st.Repeats++ })
	default:
		m.count(func(st *MRZStats) { st.Readings++ })
		deliver(gate.Reading{Reader: m.name, At: z.At, Document: d})
	}
}

func (m *MRZ) count(f func(*MRZStats)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.stats)
}
