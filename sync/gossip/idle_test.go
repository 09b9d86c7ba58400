//go:build unix

package gossip_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/venuegate/venuegate/sync/gossip"
)

// BenchmarkIdle is what a gate costs when nothing happens. All gates share the
// process, so its time is divided by their number.
func BenchmarkIdle(b *testing.B) {
	const size = 50
	gates := onSockets(b, size, nil)
	for _, g := range gates { // a long day: every gate was started five times
		for i := range uint32(size * 5) {
			g.logs.Append(gossip.Origin{Gate: 1 + i%size, Epoch: 1 + i/size}, 10_000)
		}
	}
	time.Sleep(10 * time.Second) // what came with joining is over
	const headers = 20 + 8       // of IP and UDP
	bytes := func() (all uint64) {
		for _, g := range gates {
			s := g.Snapshot()
			all += s.BytesOut + headers*s.PacketsOut
		}
		return all
	}
	var before, after syscall.Rusage
	for b.Loop() {
		sent, start := bytes(), time.Now()
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
			b.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
			b.Fatal(err)
		}
		seconds := time.Since(start).Seconds()
		cpu := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()).Seconds()
		b.ReportMetric(100*cpu/seconds/size, "%core/gate")
		b.ReportMetric(float64(bytes()-sent)/seconds/size, "B/s/gate")
	}
}
