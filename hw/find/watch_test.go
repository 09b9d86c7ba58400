package find_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/hw/find"
	"github.com/venuegate/venuegate/hw/port"
)

var errNamespace = errors.New("not permitted here")

// scripted is a source of events that plays a script, one entry a read, and is
// then quiet until it is closed.
type scripted struct {
	script []any // a message, an error, or how long to be silent
	once   sync.Once
	closed chan struct{}
}

func newScripted(script ...any) *scripted {
	return &scripted{script: script, closed: make(chan struct{})}
}

func (s *scripted) Read(b []byte) (int, error) {
	if len(s.script) == 0 {
		<-s.closed
		return 0, io.ErrClosedPipe
	}
	next := s.script[0]
	s.script = s.script[1:]
	switch next := next.(type) {
	case time.Duration:
		time.Sleep(next)
		return s.Read(b)
	case error:
		return 0, next
	default:
		return copy(b, next.(string)), nil
	}
}

func (s *scripted) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// times repeats a message.
func times(n int, message string) []any {
	all := make([]any, n)
	for i := range all {
		all[i] = message
	}
	return all
}

func TestWatcher(t *testing.T) {
	const disk = "add@/devices/x\x00ACTION=add\x00DEVPATH=/devices/x\x00SUBSYSTEM=block\x00DEVNAME=sda\x00"
	for _, c := range []struct {
		name   string
		source func() (io.ReadCloser, error)
		want   find.WatchStats
	}{
		{
			"a burst is told at once and when it has settled",
			func() (io.ReadCloser, error) {
				return newScripted(append([]any{plugged, time.Millisecond}, times(499, plugged)...)...), nil
			},
			find.WatchStats{Listening: true, Events: 500, Changes: 2},
		},
		{
			"what is no device is not told",
			func() (io.ReadCloser, error) { return newScripted(disk, "junk", disk), nil },
			find.WatchStats{Listening: true, Garbled: 1},
		},
		{
			"lost events are told",
			func() (io.ReadCloser, error) { return newScripted(unix.ENOBUFS), nil },
			find.WatchStats{Listening: true, Overflows: 1, Changes: 1},
		},
		{
			"a source that ends is opened again at leisure",
			func() (io.ReadCloser, error) { return newScripted(io.EOF), nil },
			find.WatchStats{Failures: 4},
		},
		{
			"as is one that cannot be opened",
			func() (io.ReadCloser, error) { return nil, errNamespace },
			find.WatchStats{Failures: 4},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, _ := machine(t)
			synctest.Test(t, func(t *testing.T) {
				w := find.NewWatcher(find.WatchOptions{Finder: f, Open: c.source})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				stats := make(chan find.WatchStats, 1)
				go func() {
					time.Sleep(10*time.Second - time.Millisecond)
					stats <- w.Stats()
				}()
				if err := w.Run(ctx); err != nil {
					t.Fatal(err)
				}
				if got := <-stats; got != c.want {
					t.Errorf("after 10 s %+v, want %+v", got, c.want)
				}
			})
		})
	}
}

// Where the kernel cannot be heard, the rescan sees what came and went.
func TestRescanAlone(t *testing.T) {
	f, m := machine(t)
	synctest.Test(t, func(t *testing.T) {
		w := find.NewWatcher(find.WatchOptions{Finder: f, Open: func() (io.ReadCloser, error) { return nil, errNamespace }})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		synctest.Wait()
		for _, change := range []func() error{
			func() error { return m.Plug(wayIn, "") },
			func() error { return m.Unplug(wayIn) },
		} {
			changed := w.Changed()
			if err := change(); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			<-changed
			if took := time.Since(start); took > find.DefaultRescan {
				t.Errorf("told after %v", took)
			}
		}
		if err := w.Run(ctx); !errors.Is(err, port.ErrRunning) {
			t.Errorf("second Run: %v", err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if s := w.Stats(); s.Rescans != 2 || s.Changes != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// The kernel's own socket, as far as this process may have one: it is let go.
func TestKernelSocketIsClosed(t *testing.T) {
	f, _ := machine(t)
	before := descriptors(t)
	for range 20 {
		w := find.NewWatcher(find.WatchOptions{Finder: f})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		for s := w.Stats(); !s.Listening && s.Failures == 0; s = w.Stats() {
			time.Sleep(time.Millisecond)
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if now := descriptors(t); now > before+1 { // the poller's own may come with the first
		t.Errorf("%d descriptors before, %d after", before, now)
	}
}
