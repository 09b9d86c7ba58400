package port

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/venuegate/venuegate/gate"
)

var errNotDevice = errors.New("not a character device")

// Port is one serial port that is kept open. Make it with New, run it with Run;
// Write and Stats may be called from any goroutine.
type Port struct {
	opts    Options
	open    func(Options) (device, string, error)
	running atomic.Bool

	write   sync.Mutex // held by the one writer, and to swap dev
	dev     device     // nil while closed
	drained time.Time  // when the last written byte should have left

	state stateReport // of Run's goroutine

	reads, bytes, opens, losses atomic.Uint64
}

// Stats counts what happened since the port was made.
type Stats struct {
	Opens  uint64 // times the port was opened
	Losses uint64 // times it was lost while open
	Reads  uint64 // read calls made of the operating system
	Bytes  uint64 // bytes read
}

// New returns a port that is opened by Run. The error is an *OptionError.
func New(o Options) (*Port, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	return &Port{opts: o.withDefaults(), open: openSerial}, nil
}

// Name is the device's configured name.
func (p *Port) Name() string { return p.opts.Name }

// Stats returns the counters.
func (p *Port) Stats() Stats {
	return Stats{
		Opens: p.opens.Load(), Losses: p.losses.Load(),
		Reads: p.reads.Load(), Bytes: p.bytes.Load(),
	}
}

// Run keeps the port open until ctx ends and then returns nil. Each time the
// port was opened it calls serve, which reads until something fails or ctx
// ends; whatever it returns, the port is closed, and opened again after a
// pause. One goroutine does all of it, so Run returns within one read timeout
// of serve noticing the end of ctx. ErrRunning is the only error.
func (p *Port) Run(ctx context.Context, serve func(context.Context, *Conn) error) error {
	if !p.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer p.running.Store(false)
	retry := Retry{Min: p.opts.BackoffMin, Max: p.opts.BackoffMax, Changed: p.opts.Changed}
	for ctx.Err() == nil {
		retry.Begin()
		err := p.once(ctx, serve)
		if ctx.Err() != nil {
			break
		}
		p.report(false, err, "")
		retry.Wait(ctx)
	}
	return nil
}

// once opens the port, serves one connection and closes it.
func (p *Port) once(ctx context.Context, serve func(context.Context, *Conn) error) error {
	dev, path, err := p.open(p.opts)
	if err != nil {
		return &Error{Op: "open", Path: p.opts.Path, Err: bare(err)}
	}
	p.opens.Add(1)
	p.write.Lock()
	p.dev = dev
	p.write.Unlock()
	c := &Conn{port: p, dev: dev, path: path}
	if !p.opts.Confirm {
		p.report(true, nil, path)
	}
	err = serve(ctx, c)
	if c.err != nil {
		err = c.err
	}
	p.close(c.err == nil)
	if err == nil {
		err = &Error{Op: "read", Path: path, Err: errors.New("the driver gave up the connection")}
	}
	if ctx.Err() == nil {
		p.losses.Add(1)
	}
	return err
}

// close takes the device from the writers and closes it. What was written last
// (a relay's "off") is given the time it needs on the wire; the rest is thrown
// away, because closing a line with bytes left in it can wait half a minute.
func (p *Port) close(alive bool) {
	p.write.Lock()
	dev := p.dev
	p.dev = nil
	left := time.Until(p.drained)
	p.write.Unlock()
	if alive {
		if left > 0 {
			time.Sleep(min(left, p.opts.WriteTimeout))
		}
		_ = dev.Flush()
	}
	_ = dev.Close() // nothing can be done about a descriptor that will not close
}

// Write writes all of b to the open device. With n == 0 and an error nothing
// of b has reached the device, and nothing will. It fails with ErrDown while
// the port is closed, and with ErrWriteTimeout when the device takes no bytes
// for the write timeout; what it had not taken is then discarded.
func (p *Port) Write(b []byte) (int, error) {
	p.write.Lock()
	defer p.write.Unlock()
	if p.dev == nil {
		return 0, &Error{Op: "write", Path: p.opts.Path, Err: ErrDown}
	}
	dev := p.dev
	// The descriptor blocks, so only throwing the waiting bytes away frees a
	// stuck writer. In the ordinary case the timer is stopped and costs a
	// microsecond; the write itself starts at once on the caller's goroutine.
	stuck := make(chan struct{})
	timer := time.AfterFunc(p.opts.WriteTimeout, func() {
		_ = dev.Flush()
		close(stuck)
	})
	n, err := dev.Write(b)
	now := time.Now()
	p.drained = now.Add(p.wireTime(n))
	if !timer.Stop() {
		<-stuck
		// It is not known how much had left before the rest was discarded.
		return max(n, 1), &Error{Op: "write", Path: p.opts.Path, Err: ErrWriteTimeout}
	}
	if err != nil {
		return n, &Error{Op: "write", Path: p.opts.Path, Err: bare(err)}
	}
	return n, nil
}

// wireTime is how long n bytes need to leave, with a margin for the adapter.
func (p *Port) wireTime(n int) time.Duration {
	const bitsPerByte, margin = 11, 20 * time.Millisecond
	return time.Duration(n)*bitsPerByte*time.Second/time.Duration(p.opts.Baud) + margin
}

func (p *Port) count(n int) {
	p.reads.Add(1)
	if n > 0 {
		p.bytes.Add(uint64(n))
	}
}

// stateReport remembers what OnState was told last.
type stateReport struct {
	told   bool
	up     bool
	reason string
}

// report tells OnState what changed. It is called from Run's goroutine only.
func (p *Port) report(up bool, err error, path string) {
	next := stateReport{told: true, up: up, reason: reason(err)}
	if p.state == next {
		return
	}
	p.state = next
	if p.opts.OnState != nil {
		p.opts.OnState(gate.DeviceState{Device: p.opts.Name, Up: up, Err: err, At: time.Now(), Path: path})
	}
}

// reason groups errors, so that an unplugged device is reported once and not
// again when its path is found missing.
func reason(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrUnplugged), errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.EIO),
		errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.ENODEV):
		return "gone"
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Op + " " + e.Err.Error()
	}
	return err.Error()
}

// bare drops the operation and path that the os package adds; Error has them.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
