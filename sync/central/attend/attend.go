// Package attend counts who came: by session, zone, lane, gate and
// quarter-hour, who came back, who came late, and who was turned away and why.
// A count is a function of the set of records, in whatever order they came, and
// takes memory for places and quarters, and two bytes for each ticket, not for
// each record.
//
// It decides nothing and keeps no record. The server feeds it what gates hand
// in and asks it for reports.
package attend

import (
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// Quarter is the length of the stretches that people are counted by.
const Quarter = 15 * time.Minute

// Count is people. Whom a void gave back was not admitted.
type Count struct {
	Admitted  int `json:"admitted"`
	Exited    int `json:"exited"`
	Inside    int `json:"inside"`
	ReEntries int `json:"re_entries"` // of those admitted
	Late      int `json:"late"`       // of those admitted, for the first time and after the start
}

// Add adds what another count has.
func (c *Count) Add(o Count) {
	c.Admitted += o.Admitted
	c.Exited += o.Exited
	c.Inside += o.Inside
	c.ReEntries += o.ReEntries
	c.Late += o.Late
}

// Cut is what people are counted by.
type Cut struct {
	Session gate.SessionID
	Zone    gate.ZoneID // that a lane leads into
	Lane    gate.LaneID
	Gate    gate.GateID
	Quarter int64 // since 1970
}

// Begin returns when the cut's quarter-hour begins.
func (c Cut) Begin() time.Time { return time.Unix(c.Quarter*int64(Quarter/time.Second), 0).UTC() }

// Refused is what people are turned away by.
type Refused struct {
	Session gate.SessionID
	Lane    gate.LaneID
	Gate    gate.GateID
	Outcome gate.Outcome
	Reason  gate.Reason
}

// Book counts. It is safe for several goroutines.
type Book struct {
	// Start returns when a session begins; zero where nobody knows.
	Start func(gate.EventID, gate.SessionID) time.Time

	mu     sync.RWMutex
	events map[gate.EventID]*event
}

type event struct {
	cuts    map[Cut]Count
	refused map[Refused]int
	pages   map[page]*[perPage]uint16
	changes uint64
}

// page is a run of tickets in one session; session 0 is all of them together.
type page struct {
	session gate.SessionID
	number  uint64
}

const perPage = 1 << 12

// maxPages bounds the tickets that are counted one by one: 256 MB of them. A
// gate can sign a record of any ticket number.
const maxPages = 1 << 15

// Add counts a record. Each is added once.
func (b *Book) Add(r *ledger.Record) { b.count(r, 1) }

// Remove takes back a record that was added, and turned out not to count.
func (b *Book) Remove(r *ledger.Record) { b.count(r, -1) }

func (b *Book) count(r *ledger.Record, sign int) {
	if r.Marks.Has(gate.MarkTraining) {
		return
	}
	switch r.Kind {
	case ledger.KindGrant, ledger.KindVoided, ledger.KindExit, ledger.KindRefusal:
	default:
		return
	}
	start := time.Time{}
	if b.Start != nil {
		start = b.Start(r.Event, r.Session)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.event(r.Event)
	e.changes++
	if r.Kind == ledger.KindRefusal {
		e.refused[Refused{r.Session, r.Lane, r.Position.Gate, r.Outcome, r.Reason}] += sign
		return
	}
	n := sign * int(r.Count)
	if r.Kind == ledger.KindVoided {
		n = -n
	}
	out := r.Kind == ledger.KindExit || r.Kind == ledger.KindVoided && r.Outcome == gate.Exit
	cut := Cut{r.Session, r.To, r.Lane, r.Position.Gate, floorDiv(r.Wall.Unix(), int64(Quarter/time.Second))}
	if out || cut.Zone == 0 {
		cut.Zone = r.From // the one that was left; outside is nobody's zone
	}
	c := e.cuts[cut]
	if out {
		c.Add(Count{Exited: n, Inside: -n})
	} else {
		c.Add(admitted(r, n, start))
		e.came(r.Session, r.Ticket, n)
	}
	e.cuts[cut] = c
}

func admitted(r *ledger.Record, n int, start time.Time) Count {
	c := Count{Admitted: n, Inside: n}
	switch {
	case r.Reason == gate.ReasonReAdmitted:
		c.ReEntries = n
	case !start.IsZero() && r.Wall.After(start):
		c.Late = n
	}
	return c
}

func floorDiv(n, d int64) int64 {
	if n < 0 && n%d != 0 {
		return n/d - 1
	}
	return n / d
}

func (b *Book) event(id gate.EventID) *event {
	if b.events == nil {
		b.events = map[gate.EventID]*event{}
	}
	e := b.events[id]
	if e == nil {
		e = &event{cuts: map[Cut]Count{}, refused: map[Refused]int{}, pages: map[page]*[perPage]uint16{}}
		b.events[id] = e
	}
	return e
}

// came counts people of a ticket. The sum wraps around, so that a void that
// comes before its grant does no harm.
func (e *event) came(session gate.SessionID, ticket gate.TicketID, n int) {
	if ticket == 0 {
		return
	}
	sessions := []gate.SessionID{0, session}
	if session == 0 {
		sessions = sessions[:1]
	}
	for _, s := range sessions {
		at := page{s, uint64(ticket) / perPage}
		p := e.pages[at]
		if p == nil {
			if len(e.pages) == maxPages {
				return
			}
			p = new([perPage]uint16)
			e.pages[at] = p
		}
		p[ticket%perPage] += uint16(n)
	}
}

// Came returns how many people came in with a ticket, re-entries included;
// session 0 is all sessions together.
func (b *Book) Came(id gate.EventID, session gate.SessionID, ticket gate.TicketID) int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if e := b.events[id]; e != nil {
		if p := e.pages[page{session, uint64(ticket) / perPage}]; p != nil {
			return int(int16(p[ticket%perPage]))
		}
	}
	return 0
}

// Several returns the tickets with which more than one person came in, which
// may be as it should be.
func (b *Book) Several(id gate.EventID) map[gate.TicketID]bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	found := map[gate.TicketID]bool{}
	if e := b.events[id]; e != nil {
		for at, p := range e.pages {
			for i, n := range p {
				if at.session == 0 && int16(n) > 1 {
					found[gate.TicketID(at.number*perPage+uint64(i))] = true
				}
			}
		}
	}
	return found
}

// Changes returns a number that grows with every record of an event.
func (b *Book) Changes(id gate.EventID) uint64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if e := b.events[id]; e != nil {
		return e.changes
	}
	return 0
}

// Each calls count with every cut of an event and refuse with every sort of
// refusal, in no order.
func (b *Book) Each(id gate.EventID, count func(Cut, Count), refuse func(Refused, int)) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	e := b.events[id]
	if e == nil {
		return
	}
	for cut, c := range e.cuts {
		count(cut, c)
	}
	for r, n := range e.refused {
		refuse(r, n)
	}
}
