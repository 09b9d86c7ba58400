package input_test

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/hw/input"
)

// A reader that stayed away for long is opened when something is plugged in, and
// not at the end of the pause.
func TestAPlugEndsThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		next := make(chan struct{})
		var opens []int64
		o := input.Options{Changed: func() <-chan struct{} {
			mu.Lock()
			defer mu.Unlock()
			return next
		}}
		d := device(t, o, func() (input.Handle, error) {
			opens = append(opens, time.Since(start).Milliseconds())
			return nil, syscall.ENOENT
		})
		time.AfterFunc(5700*time.Millisecond, func() {
			mu.Lock()
			defer mu.Unlock()
			close(next)
			next = make(chan struct{})
		})
		ctx, cancel := context.WithTimeout(t.Context(), 6300*time.Millisecond)
		defer cancel()
		if err := d.Run(ctx, readAll(nil)); err != nil {
			t.Fatal(err)
		}
		want := "[0 100 300 700 1500 2500 3500 4500 5500 5700 5800 6000]"
		if got := fmt.Sprint(opens); got != want {
			t.Errorf("opened at\n%s ms, want\n%s", got, want)
		}
	})
}
