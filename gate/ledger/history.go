package ledger

import (
	"slices"

	"github.com/venuegate/venuegate/gate"
)

// History sets h to what is known of a ticket: its grants, oldest first, the
// newest code accepted on a way out, and the highest generation ever admitted. It reuses the memory of h.Ticket and
// h.Person; h.Person is empty after it, see Person.
func (l *Ledger) History(h *gate.History, ticket gate.TicketID) {
	var of, chain [few]int32
	h.Person = h.Person[:0]
	l.mu.RLock()
	defer l.mu.RUnlock()
	head := l.head(ticket)
	h.Ticket, _, h.Floor = l.fold(head, h.Ticket[:0], of[:0], chain[:0])
	code, found := l.newestOut(head)
	h.HasOut, h.OutGeneration, h.OutStep = found, uint8(code>>24), code&NoStep
}

// Person appends the grants of a person's other tickets to dst, oldest first.
// A person is who was shown, or stood first on the ticket, at the time of the
// grant. A zero key is nobody.
func (l *Ledger) Person(dst []gate.Grant, person gate.PersonKey, except gate.TicketID) []gate.Grant {
	if person.IsZero() {
		return dst
	}
	var of, chain [few]int32
	l.mu.RLock()
	defer l.mu.RUnlock()
	i, ok := l.persons[person]
	if !ok {
		return dst
	}
	begin := len(dst)
	for ; i != none; i = l.entries.at(i).nextPerson {
		ticket := l.entries.at(i).ticket
		if ticket == except {
			continue
		}
		from := len(dst)
		grants, entryOf, _ := l.fold(l.head(ticket), dst, of[:0], chain[:0])
		if g := slices.Index(entryOf, i); g >= 0 {
			grants[from] = grants[from+g]
			dst = grants[:from+1]
		}
	}
	slices.Reverse(dst[begin:])
	return dst
}

func (l *Ledger) head(ticket gate.TicketID) int32 {
	if i, ok := l.tickets[ticket]; ok {
		return i
	}
	return none
}
