package input

import (
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
)

// Defaults of Options.
const (
	DefaultBackoffMin = 100 * time.Millisecond
	DefaultBackoffMax = time.Second
)

// Options say which device to keep open. The zero value of every field but Path
// has a sensible default.
type Options struct {
	Name string // the device's name in the configuration; goes into DeviceState
	Path string // device file, or a link to one; resolved at every open
	// Locate is asked at every open where the device is, instead of Path.
	Locate func() (path string, err error)

	BackoffMin time.Duration // pause before the first attempt to re-open; 100 ms when zero
	BackoffMax time.Duration // the pause doubles up to this; 1 s when zero

	// Changed returns a channel that is closed when something is plugged in or
	// out next. It ends the pause before an attempt to re-open, though not
	// BackoffMin. Nil for the pauses alone.
	Changed func() <-chan struct{}

	// OnState is told of every change between up and down and of a new reason
	// to be down, once each, from the goroutine of Run. It must not block.
	OnState func(gate.DeviceState)
}

// Validate returns a *port.OptionError for the first field that is wrong.
func (o Options) Validate() error {
	o = o.withDefaults()
	switch {
	case o.Path == "" && o.Locate == nil:
		return &port.OptionError{Field: "Path", Problem: "is empty"}
	case o.BackoffMin < 0:
		return &port.OptionError{Field: "BackoffMin", Problem: "is negative"}
	case o.BackoffMax < o.BackoffMin:
		return &port.OptionError{Field: "BackoffMax", Problem: "is less than BackoffMin"}
	}
	return nil
}

func (o Options) withDefaults() Options {
	if o.BackoffMin == 0 {
		o.BackoffMin = DefaultBackoffMin
	}
	if o.BackoffMax == 0 {
		o.BackoffMax = max(DefaultBackoffMax, o.BackoffMin)
	}
	return o
}
