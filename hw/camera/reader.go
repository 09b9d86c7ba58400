package camera

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/camera/qr"
	"github.com/venuegate/venuegate/hw/port"
	"github.com/venuegate/venuegate/hw/scanner"
)

// symbologyQR is the letter of QR codes (gate.Symbology).
const symbologyQR = gate.Symbology('Q')

// silence is how long an open camera may deliver nothing before it is closed and
// opened again: some hang until then.
const silence = 5 * time.Second

// Errors by which a camera is given up and opened again.
var (
	errSilent  = errors.New("the camera delivers no frames")
	errDamaged = errors.New("the camera delivers nothing but damaged frames")
)

// Stats counts what happened since a reader was made.
type Stats struct {
	Opens    uint64 // times the camera was opened
	Losses   uint64 // times it was lost while open
	Frames   uint64 // frames that were waited for
	Damaged  uint64 // of them, those of the wrong size or shape
	Decoded  uint64 // of them, those in which a code was looked for
	Readings uint64 // delivered
	Repeats  uint64 // suppressed: the same code within Options.Repeat
}

// Reader reads codes with a camera. Make it with NewReader and run it with Run.
type Reader struct {
	opts    Options
	open    func(Options) (source, string, error)
	running atomic.Bool

	// Of Run's goroutine.
	decoder  *qr.Decoder // made by Run, dropped with what it remembers when Run ends
	debounce *scanner.Debounce
	pix      []byte
	up       bool
	told     bool
	reason   string

	mu    sync.Mutex
	stats Stats
}

// NewReader returns a reader that opens its camera when it runs. The error is a
// *port.OptionError.
func NewReader(o Options) (*Reader, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	return &Reader{
		opts: o, open: openDevice, debounce: scanner.NewDebounce(o.Repeat),
	}, nil
}

// Name is the reader's name in the configuration.
func (r *Reader) Name() string { return r.opts.Name }

// Stats returns the counters so far.
func (r *Reader) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
}

// Run reads until ctx ends and then returns nil, at most about a second later.
// It outlives the camera being unplugged; Options.OnState hears of it. deliver is
// called from Run's goroutine, and no frame is looked at while it runs.
// port.ErrRunning is the only error.
func (r *Reader) Run(ctx context.Context, deliver func(gate.Reading)) error {
	if !r.running.CompareAndSwap(false, true) {
		return port.ErrRunning
	}
	defer r.running.Store(false)
	r.decoder = qr.NewDecoder()
	defer func() { r.decoder, r.pix = nil, nil }()
	retry := port.Retry{
		Min: r.opts.BackoffMin, Max: r.opts.BackoffMax, Changed: r.opts.Changed, Lasted: r.opts.BackoffMax + silence,
	}
	for ctx.Err() == nil {
		retry.Begin()
		err := r.once(ctx, deliver)
		if ctx.Err() != nil {
			break
		}
		r.report(false, err, "")
		retry.Wait(ctx)
	}
	return nil
}

// once opens the camera and reads from it until it fails or ctx ends.
func (r *Reader) once(ctx context.Context, deliver func(gate.Reading)) error {
	src, path, err := r.open(r.opts)
	if err != nil {
		return &port.Error{Op: "open", Path: r.opts.Path, Err: bare(err)}
	}
	r.count(func(s *Stats) { s.Opens++ })
	err = r.serve(ctx, src, path, deliver)
	_ = src.Close() // nothing can be done about a camera that will not close
	if ctx.Err() == nil {
		r.count(func(s *Stats) { s.Losses++ })
	}
	return &port.Error{Op: "read", Path: path, Err: bare(err)}
}

// serve looks at frames until the camera fails. The first good frame makes the
// camera count as up: a device file that opens proves little.
func (r *Reader) serve(ctx context.Context, src source, path string, deliver func(gate.Reading)) error {
	pace := newPace(r.opts.Rate, r.opts.IdleRate)
	good := time.Now() // when the last good frame came
	for ctx.Err() == nil {
		var frame qr.Plane
		var damage error
		var now time.Time
		err := src.Frame(func(data []byte) {
			now = time.Now()
			if pace.due(now) {
				frame, damage = extract(src.Mode(), data, r.opts.Crop, r.pix)
			}
		})
		if err != nil && !errors.Is(err, errNoFrame) {
			return err
		}
		if now.IsZero() {
			if time.Since(good) >= silence {
				return errSilent
			}
			continue
		}
		r.count(func(s *Stats) { s.Frames++ })
		switch {
		case errors.Is(damage, errCrop):
			return damage
		case damage != nil:
			r.count(func(s *Stats) { s.Damaged++ })
			if now.Sub(good) >= silence {
				return errDamaged
			}
			continue
		case frame.Pix == nil:
			good = now // not looked at
			continue
		}
		good = now
		r.pix = frame.Pix
		r.report(true, nil, path)
		if !pace.worth(now, &frame) {
			pace.done(now, time.Since(now), false, false)
			continue
		}
		text, err := r.decoder.Decode(frame)
		pace.done(now, time.Since(now), true, err == nil)
		r.count(func(s *Stats) { s.Decoded++ })
		if err == nil { // a picture without a code is the ordinary thing
			r.hand(gate.Private(text), now, deliver)
		}
	}
	return ctx.Err()
}

// hand delivers what was read in a frame that arrived at now, unless it was read
// before.
func (r *Reader) hand(text gate.Private, now time.Time, deliver func(gate.Reading)) {
	if r.debounce.Repeat(now, text) {
		r.count(func(s *Stats) { s.Repeats++ })
		return
	}
	r.count(func(s *Stats) { s.Readings++ })
	deliver(gate.Reading{Reader: r.opts.Name, At: now, Text: text, Symbology: symbologyQR})
}

func (r *Reader) count(f func(*Stats)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.stats)
}

// report tells OnState what changed.
func (r *Reader) report(up bool, err error, path string) {
	why := reason(err)
	if r.told && r.up == up && r.reason == why {
		return
	}
	r.told, r.up, r.reason = true, up, why
	if r.opts.OnState != nil {
		r.opts.OnState(gate.DeviceState{Device: r.opts.Name, Up: up, Err: err, At: time.Now(), Path: path})
	}
}

// reason groups errors, so that an unplugged camera is reported once and not
// again when its path is found missing.
func reason(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, port.ErrUnplugged),
		errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.EIO):
		return "gone"
	}
	var e *port.Error
	if errors.As(err, &e) {
		return e.Op + " " + e.Err.Error()
	}
	return err.Error()
}

// bare drops the operation and path that the os package adds, and names what the
// kernel says of a camera that was unplugged.
func bare(err error) error {
	if errors.Is(err, syscall.ENODEV) {
		return port.ErrUnplugged
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
