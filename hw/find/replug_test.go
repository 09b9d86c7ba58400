package find_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/find"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/port"
)

// A thousand times the plug falls out and is put back, each time as another
// device file, on a real terminal and with events on a real socket. Now and then
// it stays out for longer, so that the pauses of the port have grown. There is
// no rescan within the test.
func TestAThousandPlugs(t *testing.T) {
	const plugs = 1000
	f, m := machine(t)
	line, err := hwtest.NewLine(filepath.Join(m.Root, "line"), nil)
	if err != nil {
		t.Fatal(err)
	}
	files := [2]find.Device{wayIn, wayIn} // the same thing as ttyUSB0 and, while that was held, as ttyUSB1
	files[1].Path = wayOut.Path
	if err := m.Plug(files[0], line.Path()); err != nil {
		t.Fatal(err)
	}

	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	kernel := os.NewFile(uintptr(pair[0]), "kernel")
	w := find.NewWatcher(find.WatchOptions{
		Finder: f, Rescan: time.Hour, Settle: time.Millisecond,
		Open: func() (io.ReadCloser, error) { return os.NewFile(uintptr(pair[1]), "uevent"), nil },
	})
	l := find.NewLocator(f)
	l.Set([]find.Want{{Name: "arm", Class: find.ClassSerial, Match: parse(t, "usb:1a86:7523")}})
	var looks atomic.Int64
	where, vain := l.Locate("arm"), make(chan struct{}, 100)
	states, got := make(chan gate.DeviceState, 10), make(chan byte, 10)
	p, err := port.New(port.Options{
		Name: "arm", BackoffMin: time.Millisecond, BackoffMax: time.Hour, Changed: w.Changed,
		Locate: func() (string, error) {
			looks.Add(1)
			path, err := where()
			if err != nil {
				vain <- struct{}{}
			}
			return path, err
		},
		OnState: func(s gate.DeviceState) { states <- s },
	})
	if err != nil {
		t.Fatal(err)
	}
	before, goroutines := descriptors(t), runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- w.Run(ctx) }()
	go func() { ended <- p.Run(ctx, echo(got)) }()

	await := func(up bool) {
		t.Helper()
		if s := hwtest.Receive(t, states); s.Up != up {
			t.Fatalf("state %+v, want up=%v", s, up)
		}
	}
	do := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	say := func(action string) {
		t.Helper()
		_, err := kernel.WriteString(action + "@/x\x00ACTION=" + action + "\x00DEVPATH=/x\x00SUBSYSTEM=tty\x00DEVNAME=ttyUSB0\x00")
		do(err)
	}
	await(true)
	for i := range plugs {
		do(line.Unplug(), m.Unplug(files[i%2]))
		say("remove")
		await(false)
		hwtest.Receive(t, vain)
		if i%200 == 0 {
			for range 7 {
				hwtest.Receive(t, vain)
			}
		}
		do(line.Plug(), m.Plug(files[(i+1)%2], line.Path()))
		say("add")
		await(true)
		for len(vain) > 0 {
			<-vain
		}
		_, err := line.Write([]byte{byte(i)})
		do(err)
		if b := hwtest.Receive(t, got); b != byte(i) {
			t.Fatalf("plug %d: read %d", i, b)
		}
	}

	if s := p.Stats(); s.Opens != plugs+1 || s.Losses != plugs || s.Reads > 5*plugs {
		t.Errorf("port %+v, want an open and a loss each time, and no more than 5 reads", s)
	}
	// It looks when it was told, and at pauses that double.
	if n := looks.Load(); n > 20*plugs {
		t.Errorf("looked %d times", n)
	}
	if s := w.Stats(); s.Events != 2*plugs || s.Rescans != 0 || s.Failures != 0 {
		t.Errorf("watcher %+v", s)
	}
	t.Logf("%d looks, port %+v, watcher %+v", looks.Load(), p.Stats(), w.Stats())
	cancel()
	do(<-ended, <-ended)
	do(line.Close(), kernel.Close())
	if now := descriptors(t); now > before-2 { // both ends of the socket are gone, and the line
		t.Errorf("%d descriptors before, %d after", before, now)
	}
	for runtime.NumGoroutine() > goroutines {
		runtime.Gosched() // ends, or go test's own timeout says that one is left
	}
}

// echo passes on every byte that a port reads.
func echo(got chan<- byte) func(context.Context, *port.Conn) error {
	return func(ctx context.Context, c *port.Conn) error {
		buf := make([]byte, 16)
		for {
			n, err := c.Read(ctx, buf)
			for _, b := range buf[:n] {
				got <- b
			}
			if err != nil && !errors.Is(err, port.ErrTimeout) {
				return err
			}
		}
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}
