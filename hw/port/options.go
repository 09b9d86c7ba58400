package port

import (
	"fmt"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Parity is the parity bit of a line, by its usual letter.
type Parity string

// The parities. The empty string is ParityNone.
const (
	ParityNone Parity = "none"
	ParityEven Parity = "even"
	ParityOdd  Parity = "odd"
)

// Defaults of Options.
const (
	DefaultBaud         = 9600
	DefaultReadTimeout  = 100 * time.Millisecond
	DefaultWriteTimeout = time.Second
	DefaultBackoffMin   = 100 * time.Millisecond
	DefaultBackoffMax   = time.Second
)

// The read timeout is a count of tenths of a second in one byte of the
// kernel's terminal settings (termios(3), VTIME).
const (
	tick       = 100 * time.Millisecond
	maxTimeout = 255 * tick
)

// Options say which port to keep open and how. The zero value of every field
// but Path, or Locate, has a sensible default; 8 data bits and one stop bit are
// fixed.
type Options struct {
	Name   string // the device's name in the configuration; goes into DeviceState
	Path   string // device file, or a link to one; resolved at every open
	Baud   int    // 9600 when zero
	Parity Parity

	ReadTimeout  time.Duration // a multiple of 100 ms from 100 ms to 25.5 s; 100 ms when zero
	WriteTimeout time.Duration // how long one Write may wait for a stuck device; 1 s when zero
	BackoffMin   time.Duration // pause before the first attempt to re-open; 100 ms when zero
	BackoffMax   time.Duration // the pause doubles up to this; 1 s when zero

	// Confirm leaves it to the driver to say that the device is up, with
	// Conn.Up, because only an answer proves that it is the right one.
	Confirm bool

	// Locate is asked at every open where the device is, instead of Path.
	Locate func() (path string, err error)

	// Changed returns a channel that is closed when something is plugged in or
	// out next. It ends the pause before an attempt to re-open, though not
	// BackoffMin. Nil for the pauses alone.
	Changed func() <-chan struct{}

	// OnState is told of every change between up and down and of a new reason
	// to be down, once each, from the goroutine of Run. It must not block.
	OnState func(gate.DeviceState)
}

// bauds are the speeds the serial library can set. 256000 and 128000, which
// some devices offer, are not among them.
func bauds() []int {
	return []int{
		50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400, 57600, 115200,
		230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000,
		3500000, 4000000,
	}
}

// OptionError says which field of a driver's options is wrong and why.
type OptionError struct {
	Field   string // as in the Go struct, dotted where nested: "Port.Baud"
	Problem string
}

// Error implements error.
func (e *OptionError) Error() string { return e.Field + ": " + e.Problem }

// Validate returns an *OptionError for the first field that is wrong.
func (o Options) Validate() error {
	o = o.withDefaults()
	switch {
	case o.Path == "" && o.Locate == nil:
		return &OptionError{"Path", "is empty"}
	case !slices.Contains(bauds(), o.Baud):
		return &OptionError{"Baud", fmt.Sprintf("%d is not a speed that can be set", o.Baud)}
	case o.Parity != ParityNone && o.Parity != ParityEven && o.Parity != ParityOdd:
		return &OptionError{"Parity", fmt.Sprintf("%q is not none, even or odd", string(o.Parity))}
	case o.ReadTimeout < tick || o.ReadTimeout > maxTimeout || o.ReadTimeout%tick != 0:
		return &OptionError{"ReadTimeout", fmt.Sprintf("%v is not a multiple of 100ms up to 25.5s", o.ReadTimeout)}
	case o.WriteTimeout < 0:
		return &OptionError{"WriteTimeout", "is negative"}
	case o.BackoffMin < 0:
		return &OptionError{"BackoffMin", "is negative"}
	case o.BackoffMax < o.BackoffMin:
		return &OptionError{"BackoffMax", "is less than BackoffMin"}
	}
	return nil
}

func (o Options) withDefaults() Options {
	if o.Baud == 0 {
		o.Baud = DefaultBaud
	}
	if o.Parity == "" {
		o.Parity = ParityNone
	}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = DefaultReadTimeout
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = DefaultWriteTimeout
	}
	if o.BackoffMin == 0 {
		o.BackoffMin = DefaultBackoffMin
	}
	if o.BackoffMax == 0 {
		o.BackoffMax = max(DefaultBackoffMax, o.BackoffMin)
	}
	return o
}
