package lane

import (
	"slices"

	"github.com/venuegate/venuegate/gate"
)

// othersOf finds a person's other tickets, by the documents on file, by the
// document shown, and by what the ledger remembers of either, and adds what they
// were admitted for to d.history. A pack that cannot be read leaves the ledger's
// own index.
func (d *Desk) othersOf(pack Pack, known *gate.Ticket, shown *gate.Presented) {
	d.others = d.others[:0]
	for _, key := range persons(known, shown) {
		d.history.Person = d.ledger.Person(d.history.Person, key, known.ID)
		ids, err := pack.ByPerson(key, d.person[:0])
		if d.person = ids; err != nil {
			continue
		}
		for _, id := range ids[:min(len(ids), mostTickets)] {
			if id != known.ID && !slices.Contains(d.others, id) {
				d.others = append(d.others, id)
			}
		}
	}
	var other gate.History
	for _, id := range d.others {
		d.ledger.History(&other, id)
		d.history.Person = append(d.history.Person, other.Ticket...)
	}
}

// persons returns the keys by which a ticket's holder may be known.
func persons(known *gate.Ticket, shown *gate.Presented) []gate.PersonKey {
	var keys []gate.PersonKey
	add := func(k gate.PersonKey) {
		if !k.IsZero() && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	for i := range known.Documents {
		add(known.Documents[i].Tag.Person())
	}
	for _, tag := range shown.Documents {
		add(tag.Person())
	}
	return keys
}
