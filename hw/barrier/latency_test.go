package barrier_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/venuegate/venuegate/hw/barrier"
	"github.com/venuegate/venuegate/hw/hwtest"
)

// BenchmarkModbusOpen measures from the call of Open to the contact at the board,
// on a line that takes no time, in between its polls.
func BenchmarkModbusOpen(b *testing.B) {
	r := newModbusRig(b, func(o *barrier.ModbusOptions) { o.Board.Poll = barrier.DefaultPoll })
	var took []time.Duration
	for b.Loop() {
		ctx, cancel := context.WithCancel(context.Background())
		before := len(r.dev.Switches())
		done := make(chan error, 1)
		start := time.Now()
		go func() {
			_, err := r.Open(ctx, oneIn)
			done <- err
		}()
		must(b, r.dev.Await(patient(b), func(s []hwtest.Switch) bool { return len(s) > before }))
		took = append(took, r.dev.Switches()[before].At.Sub(start))
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			b.Fatal(err)
		}
		must(b, r.dev.Await(patient(b), func(s []hwtest.Switch) bool { return len(s) > before+1 }))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-p99")
}
