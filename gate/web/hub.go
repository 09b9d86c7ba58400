package web

import (
	"crypto/rand"
	"strconv"
	"strings"
	"sync"

	"github.com/venuegate/venuegate/gate"
)

// ringSize is how many verdicts the hub keeps for pages that come late or come
// back: ten minutes of eight busy lanes.
const ringSize = 1024

// Hub takes the gate's verdicts and passes them to whoever watches. Publishing
// never blocks: verdicts go into a bounded ring from which each watcher reads
// at its own pace, and one that falls behind the ring misses some and is told
// how many.
type Hub struct {
	// start tells this run's event ids from those of an earlier one.
	start   string
	metrics *metrics

	mu       sync.Mutex // guards the rest
	next     uint64     // number of the next verdict, from 1
	ring     [ringSize]VerdictView
	last     map[gate.LaneID]numbered
	watchers map[*watcher]struct{}
}

// numbered is a verdict with its number in this run.
type numbered struct {
	number uint64
	view   VerdictView
}

// watcher is somebody who wants to know. Both channels hold one signal, so
// that sending never blocks and no signal is lost.
type watcher struct {
	verdict chan struct{}
	state   chan struct{}
}

// NewHub returns a hub that has seen nothing.
func NewHub() *Hub {
	return &Hub{
		start:    strings.ToLower(rand.Text()[:8]),
		metrics:  newMetrics(),
		next:     1,
		last:     map[gate.LaneID]numbered{},
		watchers: map[*watcher]struct{}{},
	}
}

// Verdict publishes a verdict. It returns at once, whoever watches.
func (h *Hub) Verdict(v VerdictView) {
	h.metrics.observe(v)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ring[h.next%ringSize] = v
	h.last[v.Lane] = numbered{h.next, v}
	h.next++
	for w := range h.watchers {
		signal(w.verdict)
		signal(w.state) // counts moved
	}
}

// Changed says that the state of a lane, the pack or a warning is another one
// now. It returns at once.
func (h *Hub) Changed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		signal(w.state)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // one is waiting already
	}
}

// watch adds a watcher, unless there are limit of them already.
func (h *Hub) watch(limit int) (*watcher, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.watchers) >= limit {
		return nil, false
	}
	w := &watcher{verdict: make(chan struct{}, 1), state: make(chan struct{}, 1)}
	h.watchers[w] = struct{}{}
	return w, true
}

func (h *Hub) unwatch(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watchers, w)
}

func (h *Hub) watching() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.watchers)
}

// after returns the verdicts past a number, oldest first and at most limit of
// them, the newest; and how many more there were.
func (h *Hub) after(number uint64, limit int) (found []numbered, missed uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if number >= h.next {
		return nil, 0
	}
	first := number + 1
	if keep := uint64(min(limit, ringSize)); h.next-first > keep {
		missed = h.next - first - keep
		first += missed
	}
	for n := first; n < h.next; n++ {
		found = append(found, numbered{n, h.ring[n%ringSize]})
	}
	return found, missed
}

// newest returns the number of the last verdict; 0: there was none.
func (h *Hub) newest() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.next - 1
}

// lastOf returns a lane's last verdict.
func (h *Hub) lastOf(lane gate.LaneID) (numbered, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, ok := h.last[lane]
	return n, ok
}

// eventID names a verdict for ever: "<run>-<number>".
func (h *Hub) eventID(number uint64) string {
	return h.start + "-" + strconv.FormatUint(number, 10)
}

// numberOf reads an event id of this run. An id of another run, a number that
// is still to come, or nonsense is not one.
func (h *Hub) numberOf(id string) (number uint64, ok bool) {
	start, digits, found := strings.Cut(id, "-")
	if !found || start != h.start {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || number > h.newest() {
		return 0, false
	}
	return number, true
}
