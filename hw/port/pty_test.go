package port_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/port"
)

// rig is a port on a pseudo-terminal, run until the test ends.
type rig struct {
	*port.Port
	line   *hwtest.Line
	states chan gate.DeviceState
	got    chan string
	stop   func()
}

func newRig(t *testing.T, receive func([]byte)) *rig {
	t.Helper()
	path := filepath.Join(t.TempDir(), "device")
	line, err := hwtest.NewLine(path, receive)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{line: line, states: make(chan gate.DeviceState, 1000), got: make(chan string, 1000)}
	r.Port, err = port.New(port.Options{
		Name: "device", Path: path, BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond,
		OnState: func(s gate.DeviceState) { r.states <- s },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, r.serve) }()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := line.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(r.stop)
	return r
}

func (r *rig) serve(ctx context.Context, c *port.Conn) error {
	buf := make([]byte, 64)
	for {
		n, err := c.Read(ctx, buf)
		if n > 0 {
			r.got <- string(buf[:n])
		}
		if err != nil && !errors.Is(err, port.ErrTimeout) {
			return err
		}
	}
}

// await returns the next state and fails the test when it is not up or down as
// wanted.
func (r *rig) await(t *testing.T, up bool) gate.DeviceState {
	t.Helper()
	s := hwtest.Receive(t, r.states)
	if s.Up != up {
		t.Fatalf("state %+v, want up=%v", s, up)
	}
	return s
}

func TestBytesBothWays(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	back := make(chan []byte, 256)
	r := newRig(t, func(b []byte) { back <- append([]byte(nil), b...) })
	r.await(t, true)

	if _, err := r.line.Write(all); err != nil {
		t.Fatal(err)
	}
	var in strings.Builder
	for in.Len() < len(all) {
		in.WriteString(hwtest.Receive(t, r.got))
	}
	if in.String() != string(all) {
		t.Error("bytes changed on their way in")
	}
	if n, err := r.Write(all); n != len(all) || err != nil {
		t.Fatalf("write: %d, %v", n, err)
	}
	var out []byte
	for len(out) < len(all) {
		out = append(out, hwtest.Receive(t, back)...)
	}
	if string(out) != string(all) {
		t.Error("bytes changed on their way out")
	}
}

func TestUnplugAndPlugAgain(t *testing.T) {
	r := newRig(t, nil)
	first := r.await(t, true)
	if err := r.line.Unplug(); err != nil {
		t.Fatal(err)
	}
	if s := r.await(t, false); !errors.Is(s.Err, port.ErrUnplugged) {
		t.Errorf("reason %v", s.Err)
	}
	if n, err := r.Write([]byte{1}); n != 0 || err == nil {
		t.Errorf("write to an unplugged device: %d, %v", n, err)
	}
	if err := r.line.Plug(); err != nil {
		t.Fatal(err)
	}
	s := r.await(t, true)
	if s.Path == "" || first.Path == "" || s.Path == r.line.Path() {
		t.Errorf("paths %q and %q do not say where the link led", first.Path, s.Path)
	}
	if _, err := r.line.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := hwtest.Receive(t, r.got)
	for len(got) < len("hello") {
		got += hwtest.Receive(t, r.got)
	}
	if got != "hello" {
		t.Errorf("got %q", got)
	}
}

// A loose plug: many times in and out, then nothing is left over.
func TestManyUnplugs(t *testing.T) {
	const times = 120
	before := descriptors(t)
	goroutines := runtime.NumGoroutine()
	r := newRig(t, nil)
	for range times {
		r.await(t, true)
		if err := r.line.Unplug(); err != nil {
			t.Fatal(err)
		}
		r.await(t, false)
		if err := r.line.Plug(); err != nil {
			t.Fatal(err)
		}
	}
	r.await(t, true)
	s := r.Stats()
	if s.Losses != times || s.Opens != times+1 {
		t.Errorf("%d losses, %d opens", s.Losses, s.Opens)
	}
	// Two reads a connection: the one that was waiting and at most another.
	if s.Reads > 3*times {
		t.Errorf("%d reads for %d connections", s.Reads, times)
	}
	r.stop()
	if now := descriptors(t); now > before {
		t.Errorf("%d descriptors before, %d after", before, now)
	}
	for runtime.NumGoroutine() > goroutines {
		runtime.Gosched() // ends, or go test's own timeout says that one is left
	}
}

func TestNotADevice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("text\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	states := make(chan gate.DeviceState, 10)
	p, err := port.New(port.Options{Path: path, OnState: func(s gate.DeviceState) { states <- s }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- p.Run(ctx, func(context.Context, *port.Conn) error { t.Error("opened a file"); return nil })
	}()
	s := hwtest.Receive(t, states)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s.Up || !strings.Contains(s.Err.Error(), "not a character device") {
		t.Errorf("state %+v", s)
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
