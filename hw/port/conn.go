package port

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"
)

// Errors of reads and writes. ErrTimeout is the ordinary end of a quiet read;
// after ErrUnplugged the connection is over.
var (
	ErrTimeout      = errors.New("no byte within the read timeout")
	ErrUnplugged    = errors.New("the device is gone")
	ErrDown         = errors.New("the port is not open")
	ErrWriteTimeout = errors.New("the device takes no bytes")
	ErrRunning      = errors.New("the port is already being served")
)

// Error is a failed operation on a port.
type Error struct {
	Op   string // "open", "read", "write", "close"
	Path string // "" when the device has not been found
	Err  error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Op + ": " + e.Err.Error()
	}
	return e.Op + " " + e.Path + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// earlyLimit is how often in a row a read may come back empty at once, with a
// device that still answers Flush, before it is taken for broken.
const earlyLimit = 5

// Conn is an open port, valid during one call of the function given to Run.
// Only that call may read from it.
type Conn struct {
	port  *Port
	dev   device
	path  string // where the link led
	early int    // empty reads in a row that came back too soon
	err   error  // why the connection is over
}

// Path is the device file behind the configured path.
func (c *Conn) Path() string { return c.path }

// Write writes all of b; it is Port.Write.
func (c *Conn) Write(b []byte) (int, error) { return c.port.Write(b) }

// Up reports that the device is there and answers. It is needed only with
// Options.Confirm; without it an open port counts as up.
func (c *Conn) Up() { c.port.report(true, nil, c.path) }

// Doubt reports that the device is open but not usable, for instance because
// it does not answer. The connection stays.
func (c *Conn) Doubt(err error) { c.port.report(false, err, c.path) }

// Read waits for bytes for up to the read timeout. It returns ErrTimeout when
// there was none, ctx.Err() when ctx was done at the start, and otherwise an
// *Error after which the connection is over and every further Read fails alike.
func (c *Conn) Read(ctx context.Context, b []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if c.err != nil {
		return 0, c.err
	}
	start := time.Now()
	n, err := c.dev.Read(b)
	took := time.Since(start)
	c.port.count(n)
	if n > 0 {
		c.early = 0
		return n, nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, c.over(err)
	}
	timeout := c.port.opts.ReadTimeout
	if took >= timeout/2 {
		c.early = 0
		return 0, ErrTimeout
	}
	// An empty read that did not wait is what a device that is gone looks
	// like: the kernel hangs the line up and every read ends at once. Any
	// ioctl then fails, and Flush is the one the library has.
	if c.dev.Flush() != nil {
		return 0, c.over(ErrUnplugged)
	}
	if c.early++; c.early >= earlyLimit {
		return 0, c.over(ErrUnplugged)
	}
	sleep(ctx, timeout-took)
	return 0, ErrTimeout
}

// over ends the connection. A read that was waiting when the line hung up says
// so in its own words, which depend on the driver.
func (c *Conn) over(err error) error {
	if errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ENXIO) || errors.Is(err, syscall.ENODEV) {
		err = ErrUnplugged
	}
	c.err = &Error{Op: "read", Path: c.path, Err: bare(err)}
	return c.err
}

// sleep waits for d or until ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
