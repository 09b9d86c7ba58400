package claim_test

import (
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Fifty gates of which nobody comes: what each sends, in bytes a second.
func TestIdleIsQuiet(t *testing.T) {
	inVenue(t, 50, 3, func(t *testing.T, v *venue) {
		v.connected()
		time.Sleep(10 * time.Second)
		const seconds = 60
		before := v.wires.bytes()
		time.Sleep(seconds * time.Second)
		after := v.wires.bytes()
		leader, most, client := v.leader().id, 0, 0
		for id := range v.gates {
			rate := (after[id] - before[id]) / seconds
			switch {
			case id > 3:
				client = max(client, rate)
			default:
				most = max(most, rate)
			}
		}
		t.Logf("leader %d bytes/s, busiest keeper %d, busiest other gate %d", (after[leader]-before[leader])/seconds, most, client)
		if most > 16<<10 || client > 1<<10 {
			t.Errorf("too loud")
		}
	})
}

func (w *wires) bytes() map[gate.GateID]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[gate.GateID]int{}
	for id, n := range w.sent {
		out[id] = n
	}
	return out
}
