package barrier

import (
	"time"

	"github.com/venuegate/venuegate/gate"
)

// DefaultTail is how long after the last granted person another one is a
// tailgater. Somebody who comes later forced the way.
const DefaultTail = 2 * time.Second

// rules are what the signals of one barrier mean.
type rules struct {
	name      string
	blind     bool           // it tells nothing of passages
	hasReady  bool           // it tells when the turnstile is ready
	heartbeat time.Duration  // how old the last word of that may be; zero for any age
	counted   bool           // a passage is a count, which no power cut makes grow
	settle    time.Duration  // the turnstile must be ready this long after a passage
	tail      time.Duration  // DefaultTail when zero
	free      gate.Direction // people may go this way without a grant
	latched   bool           // a fire was not ended before the last stop
	fireHold  bool           // the driver unlocks while a fire lasts

	evacuating bool // nor was an evacuation
	pressed    bool // the evacuation button was, at the last stop
}

// machine is what every barrier knows of passages and fire, from what its
// drivers hear. It is pure: time is an argument, it does nothing and waits for
// nothing, and what is to be told is collected in events.
type machine struct {
	rules

	up      bool // somebody listens: the line is open, the board answers
	ready   bool
	readyAt time.Time

	burning    bool // the fire signal stands
	latched    bool
	evacuating bool
	pressed    bool // the evacuation button

	opening *opening
	last    closing
	pending []pending // passages that a power cut could explain

	events []gate.BarrierEvent
	counts [gate.BarrierButtonReleased + 1]uint64
}

// opening is one grant as the barrier saw it.
type opening struct {
	direction gate.Direction
	count     int
	passed    int
	doubt     bool // not heard or not ready, if only for a moment
	fire      bool // released for a fire or an evacuation, if only for a moment
}

// closing is the end of the opening before.
type closing struct {
	at        time.Time
	direction gate.Direction
	complete  bool // everybody who was granted went through
}

type pending struct {
	at        time.Time
	direction gate.Direction
	opening   *opening
}

// maxPending bounds the passages that wait to be believed.
const maxPending = 16

func newMachine(r rules) *machine {
	if r.tail == 0 {
		r.tail = DefaultTail
	}
	return &machine{rules: r, latched: r.latched, evacuating: r.evacuating, pressed: r.pressed}
}

// begin starts to watch an opening for count people.
func (m *machine) begin(now time.Time, d gate.Direction, count int) {
	m.tick(now)
	if d != gate.DirectionExit {
		d = gate.DirectionEntry
	}
	m.opening = &opening{direction: d, count: max(count, 1), doubt: !m.readyNow(now), fire: m.released()}
}

// end stops watching and says what was seen. A passage that is not believed yet
// leaves doubt.
func (m *machine) end(now time.Time) gate.Passage {
	m.tick(now)
	o := m.opening
	m.opening = nil
	m.last = closing{at: now, direction: o.direction, complete: o.passed >= o.count}
	p := gate.Passage{Result: gate.PassageTimedOut, Passed: o.passed, Fire: o.fire}
	switch {
	case o.passed > 0:
		p.Result = gate.PassagePassed
	case o.doubt, o.fire, m.blind, m.isPending(o), !m.readyNow(now):
		p.Result = gate.PassageUnknown
	}
	return p
}

// hear notes that the barrier is heard from now on, or no longer.
func (m *machine) hear(now time.Time, up bool) {
	m.tick(now)
	m.up, m.ready = up, false
	m.suspect()
}

// setReady notes what the turnstile said of itself.
func (m *machine) setReady(now time.Time, ready bool) {
	if !ready || !m.readyNow(now) {
		m.suspect()
	}
	m.ready = ready
	if ready {
		m.readyAt = now
	}
	m.tick(now)
}

// pass notes that one person went through, DirectionUnknown where the barrier
// cannot tell which way.
func (m *machine) pass(now time.Time, d gate.Direction) {
	m.tick(now)
	switch {
	case m.counted, !m.hasReady:
		m.believe(now, d, m.opening)
	case m.settle == 0 && m.readyNow(now):
		m.believe(now, d, m.opening)
	case m.settle == 0 || len(m.pending) == maxPending:
		// The passage contact opens when the turnstile loses power, too.
		m.suspect()
	default:
		m.pending = append(m.pending, pending{now, d, m.opening})
	}
}

// tick settles what time has settled: a passage is believed when the turnstile
// is ready at the end of its settling time.
func (m *machine) tick(now time.Time) {
	for len(m.pending) > 0 && now.Sub(m.pending[0].at) >= m.settle {
		p := m.pending[0]
		m.pending = m.pending[1:]
		switch {
		case m.readyNow(now):
			m.believe(p.at, p.direction, p.opening)
		case p.opening != nil:
			p.opening.doubt = true
		}
	}
}

// settling returns when the next passage settles; ok is false with none.
func (m *machine) settling() (at time.Time, ok bool) {
	if len(m.pending) == 0 {
		return time.Time{}, false
	}
	return m.pending[0].at.Add(m.settle), true
}

func (m *machine) isPending(o *opening) bool {
	for _, p := range m.pending {
		if p.opening == o {
			return true
		}
	}
	return false
}

// believe counts one person who went through during o, nil for no opening.
func (m *machine) believe(at time.Time, d gate.Direction, o *opening) {
	against := o != nil && d != gate.DirectionUnknown && d != o.direction
	if o != nil && !against {
		o.passed++
	}
	switch {
	case m.latched:
		m.emit(at, gate.BarrierFirePassage, d)
	case m.evacuating:
		m.emit(at, gate.BarrierEvacuationPassage, d)
	case d != gate.DirectionUnknown && d == m.free && (o == nil || against):
		// Nobody needs a grant that way.
	case against:
		m.emit(at, gate.BarrierWrongWay, d)
	case o != nil && o.passed > o.count, o == nil && m.follows(at, d):
		m.emit(at, gate.BarrierTailgate, d)
	case o == nil:
		m.emit(at, gate.BarrierForced, d)
	}
}

// follows reports whether a passage without a grant came on the heels of one.
func (m *machine) follows(at time.Time, d gate.Direction) bool {
	return m.last.complete && at.Sub(m.last.at) <= m.tail && (d == gate.DirectionUnknown || d == m.last.direction)
}

// setFire notes the fire signal. The first word of it latches.
func (m *machine) setFire(now time.Time, burning bool) {
	if m.burning == burning {
		return
	}
	m.burning = burning
	switch {
	case !burning:
		m.emit(now, gate.BarrierFireQuiet, gate.DirectionUnknown)
	case !m.latched:
		m.latched = true
		m.emit(now, gate.BarrierFire, gate.DirectionUnknown)
	}
	if m.opening != nil && m.latched {
		m.opening.fire = true
	}
}

// resetFire ends the release, unless the signal stands or cannot be heard.
func (m *machine) resetFire(now time.Time) error {
	switch {
	case !m.latched:
		return nil
	case m.burning:
		return ErrFire
	case !m.up:
		return ErrFireUnheard
	}
	m.latched = false
	m.emit(now, gate.BarrierFireEnded, gate.DirectionUnknown)
	return nil
}

// evacuate notes that the way is to stand open, or no longer.
func (m *machine) evacuate(now time.Time, on bool) {
	if m.evacuating == on {
		return
	}
	m.tick(now) // who went through before went through a shut gate
	m.evacuating = on
	kind := gate.BarrierEvacuationEnded
	if on {
		kind = gate.BarrierEvacuation
	}
	m.emit(now, kind, gate.DirectionUnknown)
	if m.opening != nil && on {
		m.opening.fire = true
	}
}

// setButton notes the evacuation button. What it orders is not this barrier's
// affair alone.
func (m *machine) setButton(now time.Time, pressed bool) {
	if m.pressed == pressed {
		return
	}
	m.pressed = pressed
	kind := gate.BarrierButtonReleased
	if pressed {
		kind = gate.BarrierButton
	}
	m.emit(now, kind, gate.DirectionUnknown)
}

// released reports whether the way stands open, whoever unlocked it.
func (m *machine) released() bool { return m.latched || m.evacuating }

// held reports whether the driver is to keep the way open.
func (m *machine) held() bool { return m.evacuating || m.fireHold && m.latched }

func (m *machine) emit(at time.Time, k gate.BarrierEventKind, d gate.Direction) {
	m.counts[k]++
	m.events = append(m.events, gate.BarrierEvent{Barrier: m.name, Kind: k, At: at, Direction: d})
}

// stale reports whether the word of being ready is overdue.
func (m *machine) stale(now, since time.Time) bool {
	if m.heartbeat == 0 {
		return false
	}
	if m.readyAt.After(since) {
		since = m.readyAt
	}
	return now.Sub(since) > m.heartbeat
}

func (m *machine) readyNow(now time.Time) bool {
	return m.up && m.hasReady && m.ready && (m.heartbeat == 0 || now.Sub(m.readyAt) <= m.heartbeat)
}

func (m *machine) suspect() {
	if m.opening != nil {
		m.opening.doubt = true
	}
}
