package ledger

import "github.com/venuegate/venuegate/gate"

// resets says since when the occupancy of events is counted anew. What stands
// before a reset in the ledger's order is past: everybody it let in is out, and
// may come in once more.
type resets struct {
	marks map[gate.EventID]mark // 0: of every event
}

// mark is a place in the ledger's order.
type mark struct {
	clock    Clock
	position Position
}

// past reports whether a reset of the entry's event comes after it.
func (l *Ledger) past(e *entry) bool {
	if len(l.resets.marks) == 0 {
		return false
	}
	return l.isPast(e, l.events[e.event]) || l.isPast(e, 0)
}

func (l *Ledger) isPast(e *entry, event gate.EventID) bool {
	m, ok := l.resets.marks[event]
	if !ok {
		return false
	}
	at := Position{Origin: l.logs[e.at.origin()].origin, Sequence: e.at.sequence()}
	return mark{e.clock, at}.compare(m) < 0
}

// ResetAt returns the hybrid time since when an event's occupancy is counted;
// zero when it never was reset.
func (l *Ledger) ResetAt(event gate.EventID) Clock {
	l.rlock()
	defer l.mu.RUnlock()
	return max(l.resets.marks[event].clock, l.resets.marks[0].clock)
}

// reset puts other marks in place of those that are there, and counts everybody
// anew: it concerns nearly every ticket.
func (l *Ledger) reset(marks map[gate.EventID]mark) {
	l.resets.marks = marks
	clear(l.counts.zones)
	clear(l.suspects.tickets)
	for _, i := range l.unticketed {
		l.countUnticketed(l.entries.at(i), +1)
	}
	var chain [few + 1]int32
	s := l.scratch
	for ticket, head := range l.tickets {
		if kept := l.long[ticket]; kept != nil {
			if !kept.dirty {
				kept.dirty = true
				l.dirty = append(l.dirty, ticket)
			}
			continue
		}
		s, _ = l.fold(head, s, chain[:0], nil)
		l.countStory(&s, +1)
		l.suspect(ticket, &s)
	}
	l.scratch = s
}
