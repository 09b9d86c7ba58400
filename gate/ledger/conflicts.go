package ledger

import (
	"cmp"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Limits says what tickets allow. Both functions may be called often and must
// not call the ledger.
type Limits struct {
	// Ticket returns how many people may be inside at a time on a ticket, and how
	// many may be admitted in the session in all. Zero: no limit.
	Ticket func(event gate.EventID, ticket gate.TicketID, session gate.SessionID) (open, entries int)
	// OnePerson reports whether a person may enter the event once a session,
	// whatever tickets they hold. Nil: nowhere.
	OnePerson func(event gate.EventID) bool
}

// Conflict is a ticket, or a person, that was granted more often in one session
// than allowed.
type Conflict struct {
	Event   gate.EventID
	Session gate.SessionID
	Ticket  gate.TicketID  // zero in a person's conflict
	Person  gate.PersonKey // zero in a ticket's
	// Open and Entries are the limits that were broken; 0: not limited.
	Open, Entries int
	// Grants are all of the session's that count, in the ledger's order.
	Grants []ConflictGrant
	Excess int // how many of them are in excess
	// ExcessClaimed: a claim stands behind every grant in excess.
	ExcessClaimed bool
	// AllClaimed: a claim stands behind every one of Grants. Then the keepers have
	// let through what they must not.
	AllClaimed bool
}

// ConflictGrant is one grant of a conflict.
type ConflictGrant struct {
	Position       Position
	Clock          Clock
	At             time.Time // the gate's own clock
	Ticket         gate.TicketID
	Generation     uint8
	Lane           gate.LaneID
	Count, Out     int    // people let in, and those of them who left
	Request        uint64 // the claim behind it; 0: none
	Isolated       bool
	Override       bool
	ClockUntrusted bool
	Excess         bool
}

// suspects are the tickets and persons that a conflict can be about, so that
// nobody has to look at a million others.
type suspects struct {
	tickets map[gate.TicketID]struct{} // more than one person admitted in a session
	persons map[gate.PersonKey]struct{}
}

// suspect notes whether more than one person was admitted on a ticket in any of
// its sessions.
func (l *Ledger) suspect(ticket gate.TicketID, s *story) {
	if l.admittedTwice(s) {
		l.suspects.tickets[ticket] = struct{}{}
	} else if len(l.suspects.tickets) > 0 {
		delete(l.suspects.tickets, ticket)
	}
}

func (l *Ledger) admittedTwice(s *story) bool {
	if len(s.grants) > few {
		return true // perhaps not; it costs one look
	}
	for g := range s.grants {
		n := 0
		for h := range s.grants[:g+1] {
			if s.grants[h].Session == s.grants[g].Session && !l.past(l.entries.at(s.of[h])) {
				n += s.grants[h].Count
			}
		}
		if n > 1 {
			return true
		}
	}
	return false
}

// Conflicts returns what was granted too often at an event, or at any for event
// 0: tickets by id and session, then persons. It is a function of the set of
// records and of the limits.
//
// A grant is in excess when those of its session that stand before it in the
// ledger's order, less who left before it in that order, leave no room for it.
// A grant in excess on its ticket is not counted again for its person.
func (l *Ledger) Conflicts(event gate.EventID, limits Limits) []Conflict {
	l.rlock()
	tickets := make([]gate.TicketID, 0, len(l.suspects.tickets))
	for t := range l.suspects.tickets {
		tickets = append(tickets, t)
	}
	persons := make([]gate.PersonKey, 0, len(l.suspects.persons))
	for p := range l.suspects.persons {
		persons = append(persons, p)
	}
	l.mu.RUnlock()
	slices.Sort(tickets)
	slices.SortFunc(persons, func(a, b gate.PersonKey) int { return slices.Compare(a[:], b[:]) })

	var found []Conflict
	inExcess := map[Position]bool{}
	for i, t := range tickets {
		if i%lookAtOnce == 0 {
			l.rlock()
		}
		found = append(found, l.ticketConflicts(event, t, limits)...)
		if i%lookAtOnce == lookAtOnce-1 || i == len(tickets)-1 {
			l.mu.RUnlock() // a lane may want to add a record
		}
	}
	for i := range found {
		for _, g := range found[i].Grants {
			if g.Excess {
				inExcess[g.Position] = true
			}
		}
	}
	if limits.OnePerson == nil {
		return found
	}
	for _, p := range persons {
		l.rlock()
		found = append(found, l.personConflicts(event, p, limits, inExcess)...)
		l.mu.RUnlock()
	}
	return found
}

// lookAtOnce is how many tickets are looked at before others may lock.
const lookAtOnce = 64

// scope is what limits hold for.
type scope struct {
	event   gate.EventID
	session gate.SessionID
}

// sweep follows a fold and finds the grants in excess.
type sweep struct {
	event  gate.EventID // 0: any
	ticket gate.TicketID
	limits Limits
	sums   []scopeSum
	excess map[int]bool
}

// scopeSum is what was granted in a scope so far.
type scopeSum struct {
	scope
	admitted int
	inside   []int // grants with people inside
}

// see weighs grant g against those before it.
func (w *sweep) see(l *Ledger, s *story, g int) {
	e := l.entries.at(s.of[g])
	at := scope{l.events[e.event], e.session}
	if s.grants[g].Count == 0 || l.past(e) || w.event != 0 && at.event != w.event {
		return
	}
	k := slices.IndexFunc(w.sums, func(c scopeSum) bool { return c.scope == at })
	if k < 0 {
		k = len(w.sums)
		w.sums = append(w.sums, scopeSum{scope: at})
	}
	sum := &w.sums[k]
	sum.admitted += s.grants[g].Count
	inside, n := s.grants[g].Count, 0
	for _, h := range sum.inside {
		if in := s.grants[h].Inside(); in > 0 {
			inside += in
			sum.inside[n] = h
			n++
		}
	}
	sum.inside = append(sum.inside[:n], g)
	open, entries := w.limits.Ticket(at.event, w.ticket, at.session)
	if open > 0 && inside > open || entries > 0 && sum.admitted > entries {
		w.excess[g] = true
	}
}

func (l *Ledger) ticketConflicts(event gate.EventID, ticket gate.TicketID, limits Limits) []Conflict {
	var of, chain [few]int32
	w := sweep{event: event, ticket: ticket, limits: limits, excess: map[int]bool{}}
	s, _ := l.fold(l.head(ticket), story{of: of[:0]}, chain[:0], &w)
	excess, sums := w.excess, w.sums
	if len(excess) == 0 {
		return nil
	}
	slices.SortFunc(sums, func(a, b scopeSum) int {
		return cmp.Or(cmp.Compare(a.event, b.event), cmp.Compare(a.session, b.session))
	})
	var found []Conflict
	for _, at := range sums {
		c := Conflict{Event: at.event, Session: at.session, Ticket: ticket, ExcessClaimed: true, AllClaimed: true}
		c.Open, c.Entries = limits.Ticket(at.event, ticket, at.session)
		for g, i := range s.of {
			e := l.entries.at(i)
			if l.events[e.event] == at.event && e.session == at.session && s.grants[g].Count > 0 && !l.past(e) {
				c.add(l, e, &s.grants[g], excess[g])
			}
		}
		if c.Excess > 0 {
			found = append(found, c)
		}
	}
	return found
}

func (c *Conflict) add(l *Ledger, e *entry, g *gate.Grant, excess bool) {
	c.Grants = append(c.Grants, ConflictGrant{
		Position: Position{Origin: l.logs[e.at.origin()].origin, Sequence: e.at.sequence()},
		Clock:    e.clock, At: g.At, Ticket: e.ticket, Generation: g.Generation, Lane: g.Lane,
		Count: g.Count, Out: g.Out, Request: e.request(), Isolated: g.Isolated, Override: g.Override,
		ClockUntrusted: e.marks.Has(gate.MarkClockUntrusted), Excess: excess,
	})
	claimed := e.request() != 0
	c.AllClaimed = c.AllClaimed && claimed
	if excess {
		c.Excess++
		c.ExcessClaimed = c.ExcessClaimed && claimed
	}
}

// personConflicts finds the sessions in which a person came in on more than one
// ticket. The ticket that came first is the one that counts.
func (l *Ledger) personConflicts(event gate.EventID, person gate.PersonKey, limits Limits, known map[Position]bool) []Conflict {
	var chain []int32
	for i, ok := l.persons[person]; ok && i != none; i = l.entries.at(i).nextPerson {
		chain = append(chain, i)
	}
	var buf []gate.Grant
	var found []Conflict
	for k := len(chain) - 1; k >= 0; k-- { // oldest first
		e := l.entries.at(chain[k])
		at := l.events[e.event]
		if l.past(e) || event != 0 && at != event || !limits.OnePerson(at) {
			continue
		}
		var g gate.Grant
		if buf, g = l.grantOf(buf[:0], chain[k]); g.Count == 0 {
			continue
		}
		c := slices.IndexFunc(found, func(c Conflict) bool { return c.Event == at && c.Session == e.session })
		if c < 0 {
			c = len(found)
			found = append(found, Conflict{
				Event: at, Session: e.session, Person: person, Entries: 1, ExcessClaimed: true, AllClaimed: true,
			})
		}
		pos := Position{Origin: l.logs[e.at.origin()].origin, Sequence: e.at.sequence()}
		first := len(found[c].Grants) == 0 || found[c].Grants[0].Ticket == e.ticket
		found[c].add(l, e, &g, !first && !known[pos])
	}
	found = slices.DeleteFunc(found, func(c Conflict) bool { return c.Excess == 0 })
	slices.SortFunc(found, func(a, b Conflict) int {
		return cmp.Or(cmp.Compare(a.Event, b.Event), cmp.Compare(a.Session, b.Session))
	})
	return found
}
