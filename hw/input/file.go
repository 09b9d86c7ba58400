package input

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Handle is an open device as a test may stand in for it.
type Handle interface {
	Read(b []byte) (int, error)
	SetReadDeadline(t time.Time) error
	Close() error
}

// Prepare makes an open device ready, and refuses one of the wrong kind.
type Prepare func(fd int) error

var errNotDevice = errors.New("not a character device")

// openFile opens what the path leads to, prepares it, and says where it led.
func openFile(path string, prepare Prepare) (Handle, string, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, "", err
	}
	// O_NONBLOCK also keeps a FIFO that somebody left there from blocking.
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, "", &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	if err := ready(f, fd, prepare); err != nil {
		_ = f.Close() // the reason to close it is worth more
		return nil, "", &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return file{f}, path, nil
}

func ready(f *os.File, fd int, prepare Prepare) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode()&os.ModeCharDevice == 0 {
		return errNotDevice
	}
	if prepare == nil {
		return nil
	}
	return prepare(fd)
}

// file is an open device file that the runtime's poller watches.
type file struct{ *os.File }

// Read is that of os.File, with a last look once the deadline has passed: on a
// machine that was busy elsewhere for longer than the wait, bytes that came in
// time lie in the kernel, and taking them for late would cut a text in two.
func (f file) Read(b []byte) (int, error) {
	n, err := f.File.Read(b)
	if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	if f.SetReadDeadline(time.Time{}) != nil {
		return n, err
	}
	raw, rawErr := f.SyscallConn()
	if rawErr != nil {
		return n, err
	}
	var got int
	var gotErr error
	rawErr = raw.Read(func(fd uintptr) bool {
		got, gotErr = unix.Read(int(fd), b)
		return true
	})
	switch {
	case rawErr != nil:
		return 0, rawErr
	case errors.Is(gotErr, unix.EAGAIN), errors.Is(gotErr, unix.EINTR):
		return n, err
	case gotErr != nil:
		return 0, gotErr
	}
	return got, nil
}
