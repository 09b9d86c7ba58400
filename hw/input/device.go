package input

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
)

// Device is one input device that is kept open. Make it with New, run it with
// Run; Stats may be called from any goroutine.
type Device struct {
	opts    Options
	open    func() (Handle, string, error)
	running atomic.Bool
	state   stateReport // of Run's goroutine

	reads, bytes, opens, losses atomic.Uint64
}

// Stats counts what happened since the device was made.
type Stats struct {
	Opens  uint64 // times the device was opened
	Losses uint64 // times it was lost while open
	Reads  uint64 // reads that returned, with bytes or without
	Bytes  uint64 // bytes read
}

// New returns a device that is opened by Run and then made ready by prepare,
// which may be nil. The error is a *port.OptionError.
func New(o Options, prepare Prepare) (*Device, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	return NewOpener(o, func() (Handle, string, error) {
		path := o.Path
		if o.Locate != nil {
			var err error
			if path, err = o.Locate(); err != nil {
				return nil, "", err
			}
		}
		return openFile(path, prepare)
	})
}

// NewOpener is New with another way to open the device, for tests that feed
// bytes. open returns the handle and where it was found.
func NewOpener(o Options, open func() (Handle, string, error)) (*Device, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	return &Device{opts: o.withDefaults(), open: open}, nil
}

// Name is the device's configured name.
func (d *Device) Name() string { return d.opts.Name }

// Stats returns the counters.
func (d *Device) Stats() Stats {
	return Stats{Opens: d.opens.Load(), Losses: d.losses.Load(), Reads: d.reads.Load(), Bytes: d.bytes.Load()}
}

// Run keeps the device open until ctx ends and then returns nil. Each time it
// was opened it calls serve, which reads until something fails or ctx ends;
// whatever it returns, the device is closed, and opened again after a pause.
// One goroutine does all of it. port.ErrRunning is the only error.
func (d *Device) Run(ctx context.Context, serve func(context.Context, *Conn) error) error {
	if !d.running.CompareAndSwap(false, true) {
		return port.ErrRunning
	}
	defer d.running.Store(false)
	retry := port.Retry{Min: d.opts.BackoffMin, Max: d.opts.BackoffMax, Changed: d.opts.Changed}
	for ctx.Err() == nil {
		retry.Begin()
		err := d.once(ctx, serve)
		if ctx.Err() != nil {
			break
		}
		d.report(false, err, "")
		retry.Wait(ctx)
	}
	return nil
}

// once opens the device, serves one connection and closes it.
func (d *Device) once(ctx context.Context, serve func(context.Context, *Conn) error) error {
	h, path, err := d.open()
	if err != nil {
		return &port.Error{Op: "open", Path: d.opts.Path, Err: bare(err)}
	}
	d.opens.Add(1)
	d.report(true, nil, path)
	c := &Conn{device: d, handle: h, path: path}
	// Closing is what ends a read that waits; it also lets go of an exclusive
	// grab.
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = h.Close()
	})
	err = serve(ctx, c)
	if stop() {
		_ = h.Close()
	} else {
		<-closed
	}
	if c.err != nil {
		err = c.err
	}
	if err == nil {
		err = &port.Error{Op: "read", Path: path, Err: errors.New("the driver gave up the connection")}
	}
	if ctx.Err() == nil {
		d.losses.Add(1)
	}
	return err
}

// Conn is an open device, valid during one call of the function given to Run.
type Conn struct {
	device *Device
	handle Handle
	path   string
	err    error // why the connection is over
}

// Path is the device file behind the configured path.
func (c *Conn) Path() string { return c.path }

// Read waits for bytes: for as long as wait, without end when wait is zero. It
// returns port.ErrTimeout when there were none, ctx.Err() when ctx is done, and
// otherwise a *port.Error after which the connection is over.
func (c *Conn) Read(ctx context.Context, wait time.Duration, b []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if c.err != nil {
		return 0, c.err
	}
	var deadline time.Time
	if wait > 0 {
		deadline = time.Now().Add(wait)
	}
	if err := c.handle.SetReadDeadline(deadline); err != nil {
		return 0, c.over(ctx, err)
	}
	n, err := c.handle.Read(b)
	c.device.reads.Add(1)
	switch {
	case n > 0:
		c.device.bytes.Add(uint64(n))
		return n, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 0, port.ErrTimeout
	case err == nil:
		err = io.ErrNoProgress // a device that is ready and gives nothing would make the driver spin
	}
	return 0, c.over(ctx, err)
}

// over ends the connection.
func (c *Conn) over(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err() // the handle was closed for that
	}
	// evdev says ENODEV, hidraw EIO; a pipe in a test ends.
	if errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ENXIO) || errors.Is(err, io.EOF) {
		err = port.ErrUnplugged
	}
	c.err = &port.Error{Op: "read", Path: c.path, Err: bare(err)}
	return c.err
}

// stateReport remembers what OnState was told last.
type stateReport struct {
	told, up bool
	reason   string
}

// report tells OnState what changed. It is called from Run's goroutine only.
func (d *Device) report(up bool, err error, path string) {
	next := stateReport{told: true, up: up, reason: reason(err)}
	if d.state == next {
		return
	}
	d.state = next
	if d.opts.OnState != nil {
		d.opts.OnState(gate.DeviceState{Device: d.opts.Name, Up: up, Err: err, At: time.Now(), Path: path})
	}
}
