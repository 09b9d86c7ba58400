package face

import (
	"context"
	"errors"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
)

// SerialOptions describe a terminal on a serial line.
type SerialOptions struct {
	Name     string
	Port     port.Options // Name is filled in from above; 115200 baud when zero
	Decoding Decoding
	Repeat   time.Duration // the same result again within this is one look; 2 s when zero, negative for none
}

// Serial is a face terminal on a serial line.
type Serial struct {
	outlet
	port   *port.Port
	framer framer // of Run's goroutine
}

const defaultBaud = 115200

// NewSerial returns a reader that opens its port when it runs. The error is a
// *port.OptionError.
func NewSerial(o SerialOptions) (*Serial, error) {
	if o.Name == "" {
		return nil, &port.OptionError{Field: "Name", Problem: "is empty"}
	}
	if err := o.Decoding.Validate(); err != nil {
		return nil, err
	}
	o.Port.Name = o.Name
	if o.Port.Baud == 0 {
		o.Port.Baud = defaultBaud
	}
	p, err := port.New(o.Port)
	if err != nil {
		return nil, err
	}
	return &Serial{outlet: newOutlet(o.Name, o.Decoding, o.Repeat), port: p}, nil
}

// Stats returns the counters so far.
func (s *Serial) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.stats
	all.Port = s.port.Stats()
	return all
}

// Run reads until ctx ends and then returns nil. It outlives the terminal being
// unplugged; OnState of the port hears of it. deliver is called from one
// goroutine, and nothing is read while it runs.
func (s *Serial) Run(ctx context.Context, deliver func(gate.Reading)) error {
	return s.port.Run(ctx, func(ctx context.Context, c *port.Conn) error { return s.serve(ctx, c, deliver) })
}

func (s *Serial) serve(ctx context.Context, c *port.Conn, deliver func(gate.Reading)) error {
	buf := make([]byte, 4096)
	defer clear(buf)
	defer s.framer.reset()
	for {
		n, err := c.Read(ctx, buf)
		now := time.Now()
		switch {
		case n > 0:
			s.framer.push(now, buf[:n], func(message []byte) {
				_ = s.take(now, message, deliver) // counted; there is nobody to tell
			})
		case errors.Is(err, port.ErrTimeout):
			s.framer.tick(now)
		default:
			s.framer.reset()
		}
		s.count(func(st *Stats) { st.Drops = s.framer.drops })
		if n == 0 && !errors.Is(err, port.ErrTimeout) {
			return err
		}
	}
}
