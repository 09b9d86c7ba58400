package barrier

import (
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// event is one message of the feedback line, in the order of its patterns.
type event int

const (
	eventPassed event = iota
	eventPassedExit
	eventReady
	eventNotReady
)

// feedback is what is known from the feedback line: whether the turnstile is
// ready, and what happened during the current opening. Times are arguments; it
// is shared by the goroutine that reads the line and the one that opens.
type feedback struct {
	bothWays  bool          // passages have no direction
	hasReady  bool          // the board says when it is ready
	heartbeat time.Duration // how old that may be; zero for any age

	mu         sync.Mutex
	up         bool
	ready      bool
	readyAt    time.Time
	watch      *watch
	unexpected uint64
}

// watch is one opening as the feedback line saw it.
type watch struct {
	direction gate.Direction
	passed    int
	doubt     bool          // the line was down or the turnstile not ready, if only for a moment
	changed   chan struct{} // has one element after passed grew
}

func newFeedback(f Feedback) *feedback {
	return &feedback{bothWays: f.PassedExit == "", hasReady: f.Ready != "", heartbeat: f.Heartbeat}
}

// begin starts to watch an opening.
func (f *feedback) begin(now time.Time, d gate.Direction) *watch {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watch = &watch{direction: d, doubt: !f.readyNow(now), changed: make(chan struct{}, 1)}
	return f.watch
}

// end stops watching and says what was seen.
func (f *feedback) end(now time.Time, w *watch) gate.Passage {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watch = nil
	switch {
	case w.passed > 0:
		return gate.Passage{Result: gate.PassagePassed, Passed: w.passed}
	case w.doubt || !f.readyNow(now):
		return gate.Passage{Result: gate.PassageUnknown}
	}
	return gate.Passage{Result: gate.PassageTimedOut}
}

// passed returns how many people were seen so far.
func (f *feedback) passed(w *watch) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return w.passed
}

// line notes that the feedback line opened or was lost.
func (f *feedback) line(up bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.up, f.ready = up, false
	f.suspect()
}

// on notes a message.
func (f *feedback) on(now time.Time, e event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch e {
	case eventReady:
		if !f.readyNow(now) {
			f.suspect()
		}
		f.ready, f.readyAt = true, now
	case eventNotReady:
		f.ready = false
		f.suspect()
	case eventPassed, eventPassedExit:
		f.pass(now, e)
	}
}

func (f *feedback) pass(now time.Time, e event) {
	w := f.watch
	exit := e == eventPassedExit
	switch {
	case w == nil, !f.bothWays && exit != (w.direction == gate.DirectionExit):
		f.unexpected++
	case f.hasReady && !f.readyNow(now):
		// The passage contact opens when the turnstile loses power, too.
		w.doubt = true
	default:
		w.passed++
		select {
		case w.changed <- struct{}{}:
		default:
		}
	}
}

// quiet reports whether the heartbeat is overdue.
func (f *feedback) quiet(now time.Time, since time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.heartbeat == 0 {
		return false
	}
	if f.readyAt.After(since) {
		since = f.readyAt
	}
	return now.Sub(since) > f.heartbeat
}

func (f *feedback) readyNow(now time.Time) bool {
	return f.up && f.hasReady && f.ready && (f.heartbeat == 0 || now.Sub(f.readyAt) <= f.heartbeat)
}

func (f *feedback) suspect() {
	if f.watch != nil {
		f.watch.doubt = true
	}
}

func (f *feedback) strays() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.unexpected
}
