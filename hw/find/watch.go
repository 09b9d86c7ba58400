package find

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/hw/port"
)

// Defaults of WatchOptions.
const (
	DefaultRescan = 3 * time.Second
	DefaultSettle = 50 * time.Millisecond
)

// WatchOptions say what a Watcher looks at; the zero value is this machine.
type WatchOptions struct {
	Finder Finder        // whose devices; those below / when zero
	Rescan time.Duration // how often it looks for itself; 3 s when zero
	Settle time.Duration // subscribers are told at most this often; 50 ms when zero

	// Open opens the source of events, one message a read; nil for the kernel's.
	Open func() (io.ReadCloser, error)
}

// Watcher tells when something was plugged in or out.
type Watcher struct {
	o       WatchOptions
	running atomic.Bool

	mu      sync.Mutex
	changed chan struct{} // closed at the next change

	listening                                             atomic.Bool
	events, garbled, overflows, failures, changes, missed atomic.Uint64
}

// WatchStats counts what a Watcher heard and saw.
type WatchStats struct {
	Listening bool   // the kernel's events arrive; without them a rescan does it alone
	Events    uint64 // messages about device files
	Garbled   uint64 // messages that could not be read
	Overflows uint64 // times the kernel's queue was full and events were lost
	Failures  uint64 // times the source of events could not be opened, or ended
	Rescans   uint64 // changes that a rescan found
	Changes   uint64 // times that subscribers were told
}

// NewWatcher returns a Watcher that works while Run does.
func NewWatcher(o WatchOptions) *Watcher {
	if o.Finder.sys == nil {
		o.Finder = Under("/")
	}
	if o.Rescan <= 0 {
		o.Rescan = DefaultRescan
	}
	if o.Settle <= 0 {
		o.Settle = DefaultSettle
	}
	if o.Open == nil {
		o.Open = openKernel
	}
	return &Watcher{o: o, changed: make(chan struct{})}
}

// Changed returns a channel that is closed when something was plugged in or
// out next. Whoever looks for a device asks for the channel first and looks
// then, so that no change falls in between. It costs nothing to drop it.
func (w *Watcher) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

// Stats returns the counters so far.
func (w *Watcher) Stats() WatchStats {
	return WatchStats{
		Listening: w.listening.Load(), Events: w.events.Load(), Garbled: w.garbled.Load(),
		Overflows: w.overflows.Load(), Failures: w.failures.Load(), Rescans: w.missed.Load(), Changes: w.changes.Load(),
	}
}

// Run watches until ctx ends and then returns nil. Its two goroutines have
// ended by then. port.ErrRunning is the only error.
func (w *Watcher) Run(ctx context.Context) error {
	if !w.running.CompareAndSwap(false, true) {
		return port.ErrRunning
	}
	defer w.running.Store(false)
	heard := make(chan struct{}, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	seen := w.look()
	wg.Go(func() { w.listen(ctx, heard) })

	rescan := time.NewTicker(w.o.Rescan)
	defer rescan.Stop()
	var settling <-chan time.Time // nil while subscribers may be told at once
	again := false
	tell := func() {
		if settling != nil {
			again = true // a plug is a burst of events
			return
		}
		w.tell()
		settling = time.After(w.o.Settle)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-heard:
			tell()
		case <-rescan.C:
			if now := w.look(); now != seen {
				seen = now
				w.missed.Add(1)
				tell()
			}
		case <-settling:
			if settling = nil; again {
				again = false
				tell()
			}
		}
	}
}

// tell wakes everybody who holds the channel, and makes a new one.
func (w *Watcher) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes.Add(1)
	close(w.changed)
	w.changed = make(chan struct{})
}

// look returns the names of all devices, as one text that differs when they do.
func (w *Watcher) look() string {
	var b strings.Builder
	for _, c := range Classes() {
		entries, _ := fs.ReadDir(w.o.Finder.sys, path.Join("class", c.folder())) // none is none
		for _, e := range entries {
			b.WriteString(e.Name() + " ")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// listen keeps the source of events open and passes on that there were some. It
// tries again at the pace of the rescan, which does the work meanwhile: in a
// namespace of its own a process may not hear the kernel at all.
func (w *Watcher) listen(ctx context.Context, heard chan<- struct{}) {
	for ctx.Err() == nil {
		if source, err := w.o.Open(); err == nil {
			w.listening.Store(true)
			w.hear(ctx, source, heard)
			w.listening.Store(false)
		}
		if ctx.Err() != nil {
			return
		}
		w.failures.Add(1)
		pause := time.NewTimer(w.o.Rescan)
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
		pause.Stop()
	}
}

// hear reads events until the source fails or ctx ends.
func (w *Watcher) hear(ctx context.Context, source io.ReadCloser, heard chan<- struct{}) {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = source.Close() // ends the read below
	})
	defer func() {
		if stop() {
			_ = source.Close()
			return
		}
		<-closed
	}()
	buf := make([]byte, maxMessage)
	for {
		n, err := source.Read(buf)
		switch {
		case errors.Is(err, unix.ENOBUFS):
			w.overflows.Add(1)
		case err != nil:
			return
		default:
			e, err := ParseEvent(buf[:n])
			if err != nil {
				w.garbled.Add(1)
				continue
			}
			if !e.Concerns() {
				continue
			}
			w.events.Add(1)
		}
		select {
		case heard <- struct{}{}:
		default: // it will look, and see this change too
		}
	}
}

// maxMessage is room for the longest event: the kernel's are 2 KiB of
// properties and a path, udev's a few times that.
const maxMessage = 64 << 10

// The multicast groups of NETLINK_KOBJECT_UEVENT: the kernel speaks when the
// device file is there, udev when it has its links and permissions.
const groupKernel, groupUdev = 1, 2

// openKernel listens to the kernel and to udev.
func openKernel() (io.ReadCloser, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groupKernel | groupUdev}); err != nil {
		return nil, errors.Join(os.NewSyscallError("bind", err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "uevent"), nil
}
