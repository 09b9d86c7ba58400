package lane

import (
	"slices"

	"github.com/venuegate/venuegate/gate"
)

// othersOf adds what the ledger holds of the same person's other tickets: by
// the documents on file, by the document shown, and by the pack's own index.
func (d *Desk) othersOf(pack Pack, known *gate.Ticket, shown *gate.Presented) {
	for _, key := range persons(known, shown) {
		d.history.Person = d.ledger.Person(d.history.Person, key, known.ID)
	}
	var others gate.History
	for i := range known.Documents {
		if known.Documents[i].Short {
			continue
		}
		ids, err := pack.ByDocument(known.Documents[i].Tag, nil)
		if err != nil {
			continue // the ledger's own index still stands
		}
		for _, id := range ids[:min(len(ids), mostTickets)] {
			if id == known.ID {
				continue
			}
			others.Ticket = others.Ticket[:0]
			d.ledger.History(&others, id)
			d.history.Person = append(d.history.Person, others.Ticket...)
		}
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
