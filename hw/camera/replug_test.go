package camera

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A camera that stayed away for long is opened when something is plugged in, and
// not at the end of the pause.
func TestAPlugEndsThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		next := make(chan struct{})
		s := newSet(t, Options{Changed: func() <-chan struct{} {
			mu.Lock()
			defer mu.Unlock()
			return next
		}})
		var opens []int64
		s.open = func(Options) (source, string, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			opens = append(opens, time.Since(start).Milliseconds())
			return nil, "", syscall.ENOENT
		}
		time.AfterFunc(5700*time.Millisecond, func() {
			mu.Lock()
			defer mu.Unlock()
			close(next)
			next = make(chan struct{})
		})
		s.run(t)
		s.after(6300 * time.Millisecond)
		s.stop()
		want := "[0 100 300 700 1500 2500 3500 4500 5500 5700 5800 6000]"
		if got := fmt.Sprint(opens); got != want {
			t.Errorf("opened at\n%s ms, want\n%s", got, want)
		}
	})
}
