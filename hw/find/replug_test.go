package find_test

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/venuegate/venuegate/hw/input"
	"github.com/venuegate/venuegate/hw/port"
)

// kept is a driver's way to keep a device open.
type kept struct {
	name      string
	class     find.Class
	subsystem string
	first     find.Device
	second    string // where it is while the first device file was held
	open      func(o options, got chan<- byte) (run func(context.Context) error, stats func() counts, err error)
}

// options are what port.Options and input.Options have in common.
type options struct {
	locate  func() (string, error)
	changed func() <-chan struct{}
	onState func(gate.DeviceState)
}

type counts struct{ opens, losses, reads uint64 }

// The pauses are short, then without end: only a plug brings the device back.
const shortest, longest = time.Millisecond, time.Hour

func keepers() []kept {
	return []kept{
		{"serial line", find.ClassSerial, "tty", wayIn, wayOut.Path, func(o options, got chan<- byte) (func(context.Context) error, func() counts, error) {
			p, err := port.New(port.Options{
				Name: "it", BackoffMin: shortest, BackoffMax: longest, Changed: o.changed, Locate: o.locate, OnState: o.onState,
			})
			return func(ctx context.Context) error { return p.Run(ctx, echo(got)) },
				func() counts { s := p.Stats(); return counts{s.Opens, s.Losses, s.Reads} }, err
		}},
		{"input device", find.ClassInput, "input", wedge, "/dev/input/event7", func(o options, got chan<- byte) (func(context.Context) error, func() counts, error) {
			d, err := input.New(input.Options{
				Name: "it", BackoffMin: shortest, BackoffMax: longest, Changed: o.changed, Locate: o.locate, OnState: o.onState,
			}, nil) // a terminal cannot be grabbed
			return func(ctx context.Context) error { return d.Run(ctx, echoInput(got)) },
				func() counts { s := d.Stats(); return counts{s.Opens, s.Losses, s.Reads} }, err
		}},
	}
}

// A thousand times the plug falls out and is put back, each time as another
// device file, on a real terminal and with events on a real socket. Now and then
// it stays out for longer, so that the pauses have grown. There is no rescan
// within the test.
func TestAThousandPlugs(t *testing.T) {
	for _, k := range keepers() {
		t.Run(k.name, func(t *testing.T) { thousandPlugs(t, &k) })
	}
}

func thousandPlugs(t *testing.T, k *kept) {
	const plugs = 1000
	f, m := machine(t)
	line, err := hwtest.NewLine(filepath.Join(m.Root, "line"), nil)
	if err != nil {
		t.Fatal(err)
	}
	files := [2]find.Device{k.first, k.first}
	files[1].Path = k.second
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
	l.Set([]find.Want{{Name: "it", Class: k.class, Match: parse(t, fmt.Sprintf("usb:%04x:%04x", k.first.Vendor, k.first.Product))}})
	var looks atomic.Int64
	where, vain := l.Locate("it"), make(chan struct{}, 100)
	states, got := make(chan gate.DeviceState, 10), make(chan byte, 10)
	run, stats, err := k.open(options{
		changed: w.Changed,
		locate: func() (string, error) {
			looks.Add(1)
			path, err := where()
			if err != nil {
				vain <- struct{}{}
			}
			return path, err
		},
		onState: func(s gate.DeviceState) { states <- s },
	}, got)
	if err != nil {
		t.Fatal(err)
	}
	before, goroutines := descriptors(t), runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- w.Run(ctx) }()
	go func() { ended <- run(ctx) }()

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
		_, err := fmt.Fprintf(kernel, "%[1]s@/x\x00ACTION=%[1]s\x00DEVPATH=/x\x00SUBSYSTEM=%[2]s\x00DEVNAME=%[3]s\x00",
			action, k.subsystem, filepath.Base(k.first.Path))
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

	if s := stats(); s.opens != plugs+1 || s.losses != plugs || s.reads > 5*plugs {
		t.Errorf("driver %+v, want an open and a loss each time, and no more than 5 reads", s)
	}
	// It looks when it was told, and at pauses that double.
	if n := looks.Load(); n > 20*plugs {
		t.Errorf("looked %d times", n)
	}
	if s := w.Stats(); s.Events != 2*plugs || s.Rescans != 0 || s.Failures != 0 {
		t.Errorf("watcher %+v", s)
	}
	t.Logf("%d looks, driver %+v, watcher %+v", looks.Load(), stats(), w.Stats())
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

// echoInput is echo for an input device.
func echoInput(got chan<- byte) func(context.Context, *input.Conn) error {
	return func(ctx context.Context, c *input.Conn) error {
		buf := make([]byte, 16)
		for {
			n, err := c.Read(ctx, 0, buf)
			if err != nil {
				return err
			}
			for _, b := range buf[:n] {
				got <- b
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
