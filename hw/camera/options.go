package camera

import (
	"fmt"
	"image"
	"math"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
	"github.com/venuegate/venuegate/hw/scanner"
)

// Defaults of Options.
const (
	DefaultWidth    = 640
	DefaultHeight   = 480
	DefaultRate     = 15.0
	DefaultIdleRate = 3.0
)

// Limits of Options.
const (
	MaxSide = 4096 // of a frame, in pixels
	MinCrop = 64   // side of a cropped frame, in pixels
	MaxRate = 60.0
)

// Options say which camera to read codes with and how. Every field but Name and
// Path has a sensible default. Exposure, focus and white balance are left as the
// driver has them.
type Options struct {
	Name string // the device's name in the configuration; goes into every Reading
	Path string // device file, or a link to one such as /dev/v4l/by-path/…; resolved at every open
	// Locate is asked at every open where the device is, instead of Path.
	Locate func() (path string, err error)

	Width, Height int             // frame size to ask for; the nearest one the camera has is used. 640 × 480 when zero
	Crop          image.Rectangle // part of the frame to look at; all of it when empty

	// Rate is how many frames a second are decoded while something moves in the
	// picture, IdleRate while nothing does; 15 and 3 when zero. A frame in
	// which nothing was found is followed by a pause of at least three times
	// what it took, so that a camera never takes more than a quarter of a core.
	Rate, IdleRate float64

	Repeat     time.Duration // see scanner.Debounce; 2 s when zero, negative for none
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
	wrong := func(field, format string, args ...any) error {
		return &port.OptionError{Field: field, Problem: fmt.Sprintf(format, args...)}
	}
	side := func(n int) bool { return n >= MinCrop && n <= MaxSide }
	rate := func(r float64) bool { return r > 0 && r <= MaxRate && !math.IsNaN(r) }
	switch {
	case o.Name == "":
		return wrong("Name", "is empty")
	case o.Path == "" && o.Locate == nil:
		return wrong("Path", "is empty")
	case !side(o.Width):
		return wrong("Width", "%d is not from %d to %d", o.Width, MinCrop, MaxSide)
	case !side(o.Height):
		return wrong("Height", "%d is not from %d to %d", o.Height, MinCrop, MaxSide)
	case !o.Crop.Empty() && (o.Crop.Min.X < 0 || o.Crop.Min.Y < 0):
		return wrong("Crop", "begins outside the frame")
	case !o.Crop.Empty() && (!side(o.Crop.Dx()) || !side(o.Crop.Dy())):
		return wrong("Crop", "%d × %d pixels is not from %d to %d a side", o.Crop.Dx(), o.Crop.Dy(), MinCrop, MaxSide)
	case !rate(o.Rate):
		return wrong("Rate", "%v is not above 0 and at most %v", o.Rate, MaxRate)
	case !rate(o.IdleRate) || o.IdleRate > o.Rate:
		return wrong("IdleRate", "%v is not above 0 and at most Rate", o.IdleRate)
	case o.BackoffMin < 0:
		return wrong("BackoffMin", "is negative")
	case o.BackoffMax < o.BackoffMin:
		return wrong("BackoffMax", "is less than BackoffMin")
	}
	return nil
}

func (o Options) withDefaults() Options {
	if o.Width == 0 && o.Height == 0 {
		o.Width, o.Height = DefaultWidth, DefaultHeight
	}
	if o.Rate == 0 {
		o.Rate = DefaultRate
	}
	if o.IdleRate == 0 {
		o.IdleRate = min(DefaultIdleRate, o.Rate)
	}
	if o.Repeat == 0 {
		o.Repeat = scanner.DefaultRepeat
	}
	if o.BackoffMin == 0 {
		o.BackoffMin = port.DefaultBackoffMin
	}
	if o.BackoffMax == 0 {
		o.BackoffMax = max(port.DefaultBackoffMax, o.BackoffMin)
	}
	return o
}
