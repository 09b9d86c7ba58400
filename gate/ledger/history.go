package ledger

import (
	"slices"

	"github.com/venuegate/venuegate/gate"
)

// History sets h to what is known of a ticket: its grants, oldest first, the
// newest code accepted on a way out, and the highest generation ever admitted.
// What a reset has put into the past is left out; its codes are still used up.
// It reuses the memory of h.Ticket and h.Person; h.Person is empty after it, see
// Person.
func (l *Ledger) History(h *gate.History, ticket gate.TicketID) {
	var of, chain [few]int32
	h.Person = h.Person[:0]
	l.rlock()
	defer l.mu.RUnlock()
	s := story{grants: h.Ticket[:0], of: of[:0]}
	if kept := l.long[ticket]; kept != nil {
		s = kept.story
	} else {
		s, _ = l.fold(l.head(ticket), s, chain[:0], nil)
	}
	h.Ticket = l.present(h.Ticket[:0], &s)
	h.Floor, h.HasOut = s.floor, s.hasOut
	h.OutGeneration, h.OutStep = uint8(s.out>>24), s.out&NoStep
}

// present appends the grants of a story that bear on what comes next. dst may
// be where the story's own grants begin.
func (l *Ledger) present(dst []gate.Grant, s *story) []gate.Grant {
	for g, i := range s.of {
		if s.grants[g].Count > 0 && !l.past(l.entries.at(i)) {
			dst = append(dst, s.grants[g])
		}
	}
	return dst
}

// Person appends the grants of a person's other tickets to dst, oldest first.
// A person is who was shown, or stood first on the ticket, at the time of the
// grant. A zero key is nobody.
func (l *Ledger) Person(dst []gate.Grant, person gate.PersonKey, except gate.TicketID) []gate.Grant {
	if person.IsZero() {
		return dst
	}
	l.rlock()
	defer l.mu.RUnlock()
	i, ok := l.persons[person]
	if !ok {
		return dst
	}
	begin := len(dst)
	for ; i != none; i = l.entries.at(i).nextPerson {
		e := l.entries.at(i)
		if e.ticket == except || l.past(e) {
			continue
		}
		var g gate.Grant
		if dst, g = l.grantOf(dst, i); g.Count > 0 {
			dst = append(dst, g)
		}
	}
	slices.Reverse(dst[begin:])
	return dst
}

// grantOf returns the grant of one entry as it has become. The memory behind
// buf's end is used.
func (l *Ledger) grantOf(buf []gate.Grant, i int32) ([]gate.Grant, gate.Grant) {
	e := l.entries.at(i)
	if kept := l.long[e.ticket]; kept != nil {
		if g := kept.index[e.at]; kept.of[g] == i {
			return buf, kept.grants[g]
		}
		return buf, kept.grants[slices.Index(kept.of, i)]
	}
	var of, chain [few]int32
	n := len(buf)
	s := story{grants: buf[n:], of: of[:0]}
	s, _ = l.fold(l.head(e.ticket), s, chain[:0], nil)
	g := s.grants[slices.Index(s.of, i)]
	if cap(buf) == n { // the story grew elsewhere; keep the memory for the next one
		buf = append(buf, s.grants...)[:n]
	}
	return buf, g
}

func (l *Ledger) head(ticket gate.TicketID) int32 {
	if i, ok := l.tickets[ticket]; ok {
		return i
	}
	return none
}
