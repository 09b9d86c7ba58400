package central

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Draft returns the ticket that an order would make, all but its number and
// what is signed. The errors are those of Issue.
func (o *Office) Draft(order *Order, now time.Time) (gate.Ticket, error) {
	e, err := o.event(order.Event)
	if err != nil {
		return gate.Ticket{}, err
	}
	return e.ticketOf(order, now)
}

// Duplicate says that a person who buys has a ticket already, for a session
// that the new one is good for.
type Duplicate struct {
	Index  int           // of the new ticket
	Ticket gate.TicketID // that they have; zero: another new one
	With   int           // its index then
}

// Duplicates returns the people among new tickets who have another already, on
// the list or among the new ones.
func (o *Office) Duplicates(people People, fresh []gate.Ticket) ([]Duplicate, error) {
	var found []Duplicate
	seen := map[gate.Tag][]int{}
	for i := range fresh {
		for _, d := range fresh[i].Documents {
			for _, j := range seen[d.Tag] {
				if j != i && together(&fresh[i], &fresh[j]) {
					found = append(found, Duplicate{Index: i, With: j})
				}
			}
			seen[d.Tag] = append(seen[d.Tag], i)
			had, err := people.OfDocument(fresh[i].Event, d.Tag)
			if err != nil {
				return nil, err
			}
			for _, id := range had {
				t, err := o.storage.Ticket(fresh[i].Event, id)
				if err != nil {
					return nil, err
				}
				if t.Status == gate.StatusValid && together(&fresh[i], &t) {
					found = append(found, Duplicate{Index: i, Ticket: id})
				}
			}
		}
	}
	return found, nil
}

// together reports whether two tickets are good for one session.
func together(a, b *gate.Ticket) bool {
	return len(a.Sessions) == 0 || len(b.Sessions) == 0 ||
		slices.ContainsFunc(a.Sessions, func(s gate.SessionID) bool { return slices.Contains(b.Sessions, s) })
}

// Alias returns the keyed tag of what a channel calls an account or a phone.
func (o *Office) Alias(event gate.EventID, kind, text string) (gate.Tag, error) {
	e, err := o.event(event)
	if err != nil {
		return gate.Tag{}, err
	}
	mac := hmac.New(sha256.New, e.secrets.CodeKey)
	_, _ = mac.Write([]byte("VG1 " + kind + "\x00" + text)) // it never fails
	return gate.Tag(mac.Sum(nil)[:len(gate.Tag{})]), nil
}

// EventOf returns the event of a ticket, or ErrUnknownTicket.
func (o *Office) EventOf(id gate.TicketID) (gate.EventID, error) {
	e, _, err := o.find(id)
	if err != nil {
		return 0, err
	}
	return e.id(), nil
}

// LeasedTo says how far the present generation of a ticket was leased: the last
// step, when it ends, and from when nobody offline is admitted with it. ok is
// false when it never was.
func (o *Office) LeasedTo(id gate.TicketID) (l Leased, until, dark time.Time, ok bool, err error) {
	e, t, err := o.find(id)
	if err != nil {
		return l, until, dark, false, err
	}
	l, ok, err = o.storage.Leased(e.id(), id, t.Generation)
	if err != nil || !ok || t.Code.Proof != gate.ProofChain {
		return l, until, dark, false, err
	}
	b := bodyOf(&t)
	return l, stepTime(&b, int64(l.Last)+1), b.DarkAt(l.Last, e.margins()).UTC(), true, nil
}
