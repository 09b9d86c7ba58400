package gossip_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/venuegate/venuegate/sync/gossip"
	"github.com/venuegate/venuegate/sync/gossip/gossiptest"
)

func TestConverge(t *testing.T) {
	for _, size := range []int{2, 8, 50} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			if size > 8 {
				muchGoingOn(t)
			}
			inVenue(t, size, func(t *testing.T, v *venue) {
				v.net.SetFaults(gossiptest.Faults{Delay: time.Millisecond, Jitter: time.Millisecond})
				for p := range v.gates {
					v.write(p, 3)
				}
				if took := v.levelWithin(time.Second); took > 20*time.Millisecond {
					t.Errorf("without loss it took %v: records did not go straight", took)
				}
			})
		})
	}
}

// Loss costs time and nothing else.
func TestLoss(t *testing.T) {
	muchGoingOn(t)
	for _, c := range []struct {
		size   int
		loss   float64
		within time.Duration // of virtual time, for 98 of 100 bursts
	}{
		{8, 0.05, time.Second},
		{8, 0.20, time.Second},
		{8, 0.50, 15 * time.Second},
		{50, 0.20, 3 * time.Second},
	} {
		t.Run(fmt.Sprintf("%d gates, %v", c.size, c.loss), func(t *testing.T) {
			inVenue(t, c.size, func(t *testing.T, v *venue) {
				v.net.SetFaults(gossiptest.Faults{Loss: c.loss, Duplicate: 0.05, Delay: time.Millisecond, Jitter: 5 * time.Millisecond})
				rounds := 200
				if c.size > 8 || c.loss > 0.3 || testing.Short() {
					rounds = 40
				}
				var times []time.Duration
				for i := range rounds {
					v.write(gossip.Peer(1+i%c.size), 1+i%20)
					times = append(times, v.levelWithin(time.Minute))
				}
				t.Logf("all have all: p50 %v, p98 %v, p99 %v", percentile(times, 50), percentile(times, 98), percentile(times, 99))
				if p98 := percentile(times, 98); p98 > c.within {
					t.Errorf("p98 %v, want at most %v", p98, c.within)
				}
			})
		})
	}
}
