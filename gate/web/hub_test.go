package web

import (
	"strings"
	"sync"
	"testing"

	"github.com/venuegate/venuegate/gate"
)

func TestHubAfter(t *testing.T) {
	for _, test := range []struct {
		name      string
		published int
		after     uint64
		limit     int
		first     uint64
		found     int
		missed    uint64
	}{
		{"nothing yet", 0, 0, 50, 0, 0, 0},
		{"all of a few", 3, 0, 50, 1, 3, 0},
		{"the rest", 3, 2, 50, 3, 1, 0},
		{"up to date", 3, 3, 50, 0, 0, 0},
		{"from the future", 3, 9, 50, 0, 0, 0},
		{"more than asked for", 100, 10, 50, 51, 50, 40},
		{"the ring just full", ringSize, 0, ringSize, 1, ringSize, 0},
		{"the ring turned over", ringSize + 10, 0, 2 * ringSize, 11, ringSize, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := NewHub()
			for i := range test.published {
				h.Verdict(VerdictView{Entry: i + 1})
			}
			found, missed := h.after(test.after, test.limit)
			if len(found) != test.found || missed != test.missed {
				t.Fatalf("%d found, %d missed; want %d, %d", len(found), missed, test.found, test.missed)
			}
			for i, n := range found {
				if n.number != test.first+uint64(i) || n.view.Entry != int(n.number) {
					t.Fatalf("place %d: verdict %d, entry %d; want %d", i, n.number, n.view.Entry, test.first+uint64(i))
				}
			}
		})
	}
}

// A watcher that never looks must not hold up who publishes: with every signal
// waiting, all calls below still return.
func TestHubNeverBlocks(t *testing.T) {
	h := NewHub()
	if _, ok := h.watch(maxStreams); !ok {
		t.Fatal("no watcher")
	}
	var lanes sync.WaitGroup
	for lane := range 8 {
		lanes.Go(func() {
			for range 1000 {
				h.Verdict(VerdictView{Lane: gate.LaneID(lane), LaneName: "x", Outcome: gate.Admit, Reason: gate.ReasonAdmitted})
				h.Changed()
			}
		})
	}
	lanes.Wait()
	if got := h.newest(); got != 8000 {
		t.Errorf("%d verdicts, want 8000", got)
	}
	for lane := range 8 {
		if _, ok := h.lastOf(gate.LaneID(lane)); !ok {
			t.Errorf("lane %d has no last verdict", lane)
		}
	}
}

func FuzzEventID(f *testing.F) {
	h := NewHub()
	for range 5 {
		h.Verdict(VerdictView{})
	}
	for _, id := range []string{"", "-", "x-3", "-3", "3", "18446744073709551616"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if n, ok := h.numberOf(id); ok && !strings.HasPrefix(id, h.start+"-") {
			t.Errorf("%q is taken for %d of this run", id, n)
		}
		if n, ok := h.numberOf(h.start + "-" + id); ok && n > 5 {
			t.Errorf("%q is taken for verdict %d of 5", id, n)
		}
	})
}

func BenchmarkHubVerdict(b *testing.B) {
	h := NewHub()
	if _, ok := h.watch(1); !ok {
		b.Fatal("no watcher")
	}
	v := alreadyInside()
	b.ReportAllocs()
	for b.Loop() {
		h.Verdict(v)
	}
}
