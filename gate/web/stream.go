package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// tempo is how a live stream behaves in time.
type tempo struct {
	beat    time.Duration // between signs of life
	verdict time.Duration // between deliveries of verdicts: more often than people can see is waste
	state   time.Duration // between states
	write   time.Duration // a client that takes longer for one delivery is cut off
	retry   time.Duration // what the browser is told to wait before it comes back
}

var defaultTempo = tempo{
	beat:    5 * time.Second,
	verdict: 50 * time.Millisecond,
	state:   300 * time.Millisecond,
	write:   5 * time.Second,
	retry:   time.Second,
}

const (
	// maxStreams bounds the live pages of one gate.
	maxStreams = 64
	// backlog is how many past verdicts a page gets when it opens, and how
	// many it gets at once when it falls behind.
	backlog = 50
)

// serveEvents streams to a page: verdicts with their ids, the state when it
// changed, and a beat, which is an event and not a comment so that the page can
// tell a quiet gate from a dead line.
//
// The standard for the format is https://html.spec.whatwg.org/#server-sent-events.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	words := s.textsFor(w, r)
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no") // proxies hold streams back otherwise
	if r.Method == http.MethodHead {
		return
	}
	watcher, ok := s.hub.watch(maxStreams)
	if !ok {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many live pages are open", http.StatusServiceUnavailable)
		return
	}
	defer s.hub.unwatch(watcher)

	stream := &stream{
		server: s, words: words, out: w, control: http.NewResponseController(w),
		whole: r.URL.Query().Get("gates") == "all",
	}
	// The server's limits are for short requests; every delivery has its own.
	if err := stream.control.SetReadDeadline(time.Time{}); err != nil {
		http.Error(w, "this connection cannot stream", http.StatusInternalServerError)
		return
	}
	stream.from(r)
	if err := stream.run(r, watcher); errors.Is(err, os.ErrDeadlineExceeded) {
		s.hub.metrics.slow.Inc()
	}
}

// stream is one live page.
type stream struct {
	server  *Server
	words   *texts
	out     http.ResponseWriter
	control *http.ResponseController
	buffer  bytes.Buffer
	zone    *time.Location // as of the last state
	seen    uint64         // number of the last verdict that was sent
	whole   bool           // the page is about all gates
	said    []byte         // the last state, but for the clock
}

// from sets where the stream goes on: after the event that a returning browser
// names, else so that a new page has the backlog.
func (t *stream) from(r *http.Request) {
	id := r.Header.Get("Last-Event-ID")
	if id == "" {
		id = r.URL.Query().Get("after") // a page that had to open a new EventSource
	}
	if number, ok := t.server.hub.numberOf(id); ok {
		t.seen = number
		return
	}
	if newest := t.server.hub.newest(); newest > backlog {
		t.seen = newest - backlog
	}
}

// run delivers until the page leaves, the server stops or a write fails.
func (t *stream) run(r *http.Request, w *watcher) error {
	tempo := t.server.tempo
	fmt.Fprintf(&t.buffer, "retry: %d\n\n", tempo.retry.Milliseconds())
	t.state()
	t.verdicts(true)
	if err := t.deliver(); err != nil {
		return err
	}
	beat := time.NewTicker(tempo.beat)
	defer beat.Stop()
	verdicts, states := newPace(tempo.verdict), newPace(tempo.state)
	defer verdicts.stop()
	defer states.stop()
	for {
		select {
		case <-r.Context().Done():
			return nil
		case <-w.verdict:
			verdicts.want()
			continue
		case <-w.state:
			states.want()
			continue
		case <-verdicts.due():
			verdicts.done()
			t.verdicts(false)
		case <-states.due():
			states.done()
			verdicts.done()
			t.verdicts(false) // a state never overtakes the verdicts that it counts
			t.state()
		case <-beat.C:
			// What nobody tells of, such as a gate that is not heard any more, shows
			// with the beat at the latest.
			t.stateIfNew()
			s := t.server.source.State()
			t.event("beat", "", t.words.renderer(s.Zone).clockOf(s))
		}
		if err := t.deliver(); err != nil {
			return err
		}
	}
}

func (t *stream) state() {
	page, _ := t.look()
	t.event("state", "", page)
}

// stateIfNew sends the state if it differs from the last one.
func (t *stream) stateIfNew() {
	if page, changed := t.look(); changed {
		t.event("state", "", page)
	}
}

// look returns the state as it is now, and whether it differs from the last one
// that was looked at in more than the time of day.
func (t *stream) look() (page statePage, changed bool) {
	s := t.server.source.State()
	t.zone = s.Zone
	page = t.words.renderer(s.Zone).state(s, t.server.hub, t.server.assets.version, t.whole)
	timeless := page
	timeless.Clock.Millis = 0
	body, err := json.Marshal(timeless)
	if err != nil {
		return page, true // event complains of it
	}
	changed = !bytes.Equal(body, t.said)
	t.said = body
	return page, changed
}

// verdicts writes what the page has not seen yet.
func (t *stream) verdicts(replay bool) {
	found, missed := t.server.hub.after(t.seen, backlog)
	if missed > 0 {
		n := group(int(missed))
		t.event("missed", "", map[string]string{"text": t.words.say("missed", "n", n)})
	}
	r := t.words.renderer(t.zone)
	for _, n := range found {
		page := r.verdict(t.server.hub, n)
		page.Replay = replay
		t.event("verdict", page.ID, page)
		t.seen = n.number
	}
}

// event writes one event into the buffer. JSON never holds a bare line break,
// so the data is one line.
func (t *stream) event(name, id string, data any) {
	body, err := json.Marshal(data)
	if err != nil {
		t.server.complain("event %s: %v", name, err)
		return
	}
	if id != "" {
		fmt.Fprintf(&t.buffer, "id: %s\n", id)
	}
	fmt.Fprintf(&t.buffer, "event: %s\ndata: %s\n\n", name, body)
}

// deliver sends the buffer. A page that does not take it in time is cut off;
// its browser comes back and asks for what it missed.
func (t *stream) deliver() error {
	if err := t.control.SetWriteDeadline(time.Now().Add(t.server.tempo.write)); err != nil {
		return err
	}
	if _, err := t.out.Write(t.buffer.Bytes()); err != nil {
		return err
	}
	t.buffer.Reset()
	return t.control.Flush()
}

// pace lets something happen at once when it was long ago, and otherwise once
// its interval has passed.
type pace struct {
	every time.Duration
	last  time.Time
	timer *time.Timer // nil: nothing is wanted
}

func newPace(every time.Duration) *pace { return &pace{every: every, last: time.Now()} }

func (p *pace) want() {
	if p.timer == nil {
		p.timer = time.NewTimer(max(0, p.every-time.Since(p.last)))
	}
}

func (p *pace) due() <-chan time.Time {
	if p.timer == nil {
		return nil
	}
	return p.timer.C
}

func (p *pace) done() {
	p.stop()
	p.last, p.timer = time.Now(), nil
}

func (p *pace) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}
