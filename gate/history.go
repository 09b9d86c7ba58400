package gate

import "time"

// Grant is one admission of a ticket, folded from its records: when and where
// it opened, for how many, and who of them has left.
type Grant struct {
	Ticket     TicketID
	Session    SessionID
	Generation uint8
	HasStep    bool
	Step       uint32 // of the code that it was accepted on
	Count      int    // people admitted; what was voided is taken off
	Out        int    // of them, those whose exit is on record
	At         time.Time
	Gate       GateID
	Lane       LaneID
	Isolated   bool // granted without asking the other gates
	Override   bool // granted by staff
	LastOut    time.Time
}

// Inside returns how many of the grant's people are still in.
func (g *Grant) Inside() int { return max(0, g.Count-g.Out) }

// Admission is where and when somebody came in, as shown to staff.
type Admission struct {
	At     time.Time
	Gate   GateID
	Lane   LaneID
	Ticket TicketID
}

func (g *Grant) admission() *Admission {
	return &Admission{At: g.At, Gate: g.Gate, Lane: g.Lane, Ticket: g.Ticket}
}

// History is what the ledger knows that bears on one decision.
type History struct {
	// Ticket holds the ticket's own grants, oldest first; wholly voided ones are
	// left out.
	Ticket []Grant
	// Person holds the grants of other tickets of the same person. It is filled
	// only where the policy is one person, one entry.
	Person []Grant
	// HasOut says that OutGeneration and OutStep are the newest code accepted on
	// a way out, also where nobody is on record as having come in.
	HasOut        bool
	OutGeneration uint8
	OutStep       uint32
	// Floor is the highest generation ever admitted, voided grants included. It
	// outlives a pack roll-back.
	Floor uint8
}

// tally is History seen from one session at one moment.
type tally struct {
	inside     int // people in, by this session's grants
	anywhere   int // people in, by the grants of any session
	entries    int // people admitted this session
	day        int // people admitted today, any session
	all        int // people admitted, any session
	first      *Grant
	last       *Grant
	lastOut    time.Time
	lastIn     time.Time // of any session
	oldInside  *Grant    // an older generation that is still in
	hasCode    bool
	generation uint8 // of the highest code accepted, in or out
	step       uint32
}

func (h *History) tally(session SessionID, generation uint8, dayStart time.Time) tally {
	var t tally
	if h.HasOut {
		t.raise(h.OutGeneration, h.OutStep)
	}
	for i := range h.Ticket {
		g := &h.Ticket[i]
		t.all += g.Count
		t.anywhere += g.Inside()
		if g.At.After(t.lastIn) {
			t.lastIn = g.At
		}
		if !g.At.Before(dayStart) {
			t.day += g.Count
		}
		if g.HasStep {
			t.raise(g.Generation, g.Step)
		}
		if g.Session != session {
			continue
		}
		t.entries += g.Count
		t.inside += g.Inside()
		if t.first == nil {
			t.first = g
		}
		t.last = g
		if g.LastOut.After(t.lastOut) {
			t.lastOut = g.LastOut
		}
		if g.Inside() > 0 && g.Generation < generation {
			t.oldInside = g
		}
	}
	return t
}

func (t *tally) raise(generation uint8, step uint32) {
	if !t.hasCode || generation > t.generation || (generation == t.generation && step > t.step) {
		t.hasCode, t.generation, t.step = true, generation, step
	}
}

// isLast reports whether a code is the newest one accepted.
func (t *tally) isLast(generation uint8, step uint32) bool {
	return t.hasCode && t.generation == generation && t.step == step
}

// used reports whether a code is not newer than the newest one accepted.
func (t *tally) used(generation uint8, step uint32) bool {
	return t.hasCode && (generation < t.generation || (generation == t.generation && step <= t.step))
}
