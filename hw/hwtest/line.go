package hwtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// ErrUnplugged is writing to a line that is not plugged in.
var ErrUnplugged = errors.New("the line is unplugged")

// Line is a serial line whose far end is a test. The near end is a terminal
// device behind a symbolic link, like those in /dev/serial/by-id: unplugging
// hangs the device up and removes the link, plugging in makes a new device.
type Line struct {
	path    string
	receive func([]byte)

	mu     sync.Mutex
	master *os.File
	slave  *os.File      // kept open so that the master never sees the driver leave
	pump   chan struct{} // closed when the goroutine that reads the master ended
}

// NewLine plugs in a line at path, which must not exist or be a symbolic link.
// receive is called with what the driver writes, from one goroutine of the
// line's own; it may write, but must not unplug. It may be nil.
func NewLine(path string, receive func([]byte)) (*Line, error) {
	l := &Line{path: path, receive: receive}
	if err := l.Plug(); err != nil {
		return nil, err
	}
	return l, nil
}

// Path is the link that a driver opens.
func (l *Line) Path() string { return l.path }

// Plug makes a new device behind the path. It does nothing when plugged in.
func (l *Line) Plug() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.master != nil {
		return nil
	}
	master, slave, err := open()
	if err != nil {
		return fmt.Errorf("open a pseudo-terminal: %w", err)
	}
	if err := link(slave.Name(), l.path); err != nil {
		return errors.Join(err, master.Close(), slave.Close())
	}
	l.master, l.slave = master, slave
	pump := make(chan struct{})
	l.pump = pump
	go func() {
		defer close(pump)
		l.read(master)
	}()
	return nil
}

// Unplug hangs the device up and removes the path: a driver that reads gets the
// end of file, again and again, and every other operation fails with EIO.
func (l *Line) Unplug() error {
	pump, err := l.hangUp()
	if pump != nil {
		<-pump // not with the lock held: receive may be writing
	}
	return err
}

func (l *Line) hangUp() (pump chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.master == nil {
		return nil, nil
	}
	err = os.Remove(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	err = errors.Join(err, l.master.Close(), l.slave.Close())
	l.master, l.slave = nil, nil
	return l.pump, err
}

// Close unplugs the line for good.
func (l *Line) Close() error { return l.Unplug() }

// Write sends bytes to the driver. It blocks while the driver reads nothing and
// the terminal's 4 KiB are full.
func (l *Line) Write(b []byte) (int, error) {
	l.mu.Lock()
	master := l.master
	l.mu.Unlock()
	if master == nil {
		return 0, ErrUnplugged
	}
	return master.Write(b)
}

func (l *Line) read(master *os.File) {
	buf := make([]byte, 4096)
	for {
		n, err := master.Read(buf)
		if n > 0 && l.receive != nil {
			l.receive(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// open returns both ends of a pseudo-terminal that changes no byte and echoes
// none.
func open() (master, slave *os.File, err error) {
	m, slave, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = m.Close() }()
	if err := raw(slave); err != nil {
		return nil, nil, errors.Join(err, slave.Close())
	}
	// The pty package leaves the descriptor blocking, and then Close would wait
	// for a read to end. A non-blocking twin goes through Go's poller.
	fd, err := unix.FcntlInt(m.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, nil, errors.Join(err, slave.Close())
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, nil, errors.Join(err, unix.Close(fd), slave.Close())
	}
	return os.NewFile(uintptr(fd), m.Name()), slave, nil
}

// raw is cfmakeraw(3).
func raw(f *os.File) error {
	fd := int(f.Fd())
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("terminal settings: %w", err)
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag &^= unix.CSIZE | unix.PARENB
	t.Cflag |= unix.CS8
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, t); err != nil {
		return fmt.Errorf("terminal settings: %w", err)
	}
	return nil
}

// link makes path a symbolic link to target, in one step for who looks at it.
func link(target, path string) error {
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink == 0 {
		return fmt.Errorf("%s exists and is not a symbolic link", path)
	}
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(target, tmp); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
