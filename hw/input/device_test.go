package input_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/input"
	"github.com/venuegate/venuegate/hw/port"
)

// gone is a device that is not there any more.
type gone struct{ err error }

func (g gone) Read([]byte) (int, error)        { return 0, g.err }
func (g gone) SetReadDeadline(time.Time) error { return nil }
func (g gone) Close() error                    { return nil }

func device(t *testing.T, o input.Options, open func() (input.Handle, error)) *input.Device {
	t.Helper()
	o.Path = "/dev/input/by-id/x"
	d, err := input.NewOpener(o, func() (input.Handle, string, error) {
		h, err := open()
		return h, "/dev/input/event3", err
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// readAll reads to the end of a connection.
func readAll(got chan<- string) func(context.Context, *input.Conn) error {
	return func(ctx context.Context, c *input.Conn) error {
		buf := make([]byte, 16)
		for {
			n, err := c.Read(ctx, 0, buf)
			if err != nil {
				return err
			}
			got <- string(buf[:n])
		}
	}
}

func TestAQuietDeviceWakesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer func() { _ = far.Close() }()
		d := device(t, input.Options{}, func() (input.Handle, error) { return near, nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		if err := d.Run(ctx, readAll(nil)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != time.Hour {
			t.Errorf("ran for %v, want to the end of the context and no longer", took)
		}
		if s := d.Stats(); s != (input.Stats{Opens: 1, Reads: 1}) {
			t.Errorf("an hour of silence: %+v, want one read", s)
		}
	})
}

func TestReadWaitsAsLongAsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		d := device(t, input.Options{}, func() (input.Handle, error) { return near, nil })
		ctx, cancel := context.WithCancel(t.Context())
		err := d.Run(ctx, func(ctx context.Context, c *input.Conn) error {
			defer cancel()
			buf := make([]byte, 16)
			start := time.Now()
			_, err := c.Read(ctx, 70*time.Millisecond, buf)
			if took := time.Since(start); !errors.Is(err, port.ErrTimeout) || took != 70*time.Millisecond {
				t.Errorf("%v after %v", err, took)
			}
			go func() { _, _ = far.Write([]byte("x")) }()
			if n, err := c.Read(ctx, 0, buf); n != 1 || err != nil {
				t.Errorf("after a time-out: %d, %v", n, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestADeadDeviceDoesNotSpin(t *testing.T) {
	for _, reason := range []error{syscall.ENODEV, syscall.EIO, nil} {
		t.Run(fmt.Sprint(reason), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := device(t, input.Options{}, func() (input.Handle, error) { return gone{reason}, nil })
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := d.Run(ctx, readAll(nil)); err != nil {
					t.Fatal(err)
				}
				if s := d.Stats(); s.Opens > 65 || s.Opens < 40 || s.Reads != s.Opens {
					t.Errorf("a minute: %+v, want about one open a second and one read each", s)
				}
			})
		})
	}
}

func TestStatesAreReportedOncePerChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		near, far := net.Pipe()
		time.AfterFunc(10*time.Second, func() { _ = far.Close() })
		var got []string
		o := input.Options{Name: "wedge", OnState: func(s gate.DeviceState) {
			got = append(got, fmt.Sprintf("%s %v up=%v path=%s err=%v", s.Device, s.At.Sub(start).Round(time.Second), s.Up, s.Path, s.Err))
		}}
		d := device(t, o, func() (input.Handle, error) {
			switch since := time.Since(start); {
			case since < 2*time.Second:
				return nil, &fs.PathError{Op: "open", Path: "/dev/input/by-id/x", Err: syscall.ENOENT}
			case since < 4*time.Second:
				return nil, &fs.PathError{Op: "open", Path: "/dev/input/event3", Err: syscall.EBUSY}
			case since > 10*time.Second:
				return nil, syscall.ENOENT
			}
			return near, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := d.Run(ctx, readAll(nil)); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"wedge 0s up=false path= err=open /dev/input/by-id/x: no such file or directory",
			"wedge 3s up=false path= err=open /dev/input/by-id/x: device or resource busy",
			"wedge 5s up=true path=/dev/input/event3 err=<nil>",
			"wedge 10s up=false path= err=read /dev/input/event3: the device is gone",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("states\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestOnlyOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer func() { _ = far.Close() }()
		d := device(t, input.Options{}, func() (input.Handle, error) { return near, nil })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- d.Run(ctx, readAll(nil)) }()
		synctest.Wait()
		if err := d.Run(ctx, readAll(nil)); !errors.Is(err, port.ErrRunning) {
			t.Errorf("second Run: %v", err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

// A loose plug, with real descriptors: a thousand times in and out, then
// nothing is left over.
func TestManyUnplugs(t *testing.T) {
	const times = 1000
	before, goroutines := descriptors(t), runtime.NumGoroutine()
	writers := make(chan *os.File, 1)
	o := input.Options{BackoffMin: time.Microsecond, BackoffMax: time.Microsecond}
	d := device(t, o, func() (input.Handle, error) {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		writers <- w
		return r, nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	got := make(chan string, 1)
	go func() { done <- d.Run(ctx, readAll(got)) }()
	for i := range times {
		w := hwtest.Receive(t, writers)
		text := fmt.Sprint(i)
		if _, err := w.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if in := hwtest.Receive(t, got); in != text {
			t.Fatalf("got %q, want %q", in, text)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	last := hwtest.Receive(t, writers)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := last.Close(); err != nil {
		t.Fatal(err)
	}
	if s := d.Stats(); s.Losses != times || s.Opens != times+1 || s.Reads > 2*times+2 {
		t.Errorf("%+v", s)
	}
	if now := descriptors(t); now > before {
		t.Errorf("%d descriptors before, %d after", before, now)
	}
	for runtime.NumGoroutine() > goroutines {
		runtime.Gosched() // ends, or go test's own timeout says that one is left
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

func TestOptionsName(t *testing.T) {
	tests := []struct {
		name, want string
		o          input.Options
	}{
		{"path", "Path: is empty", input.Options{}},
		{"pause", "BackoffMin: is negative", input.Options{Path: "x", BackoffMin: -1}},
		{"pauses", "BackoffMax: is less than BackoffMin", input.Options{Path: "x", BackoffMin: 2, BackoffMax: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := input.New(tt.o, nil)
			var oe *port.OptionError
			if !errors.As(err, &oe) || err.Error() != tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
