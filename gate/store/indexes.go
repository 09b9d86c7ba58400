package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"

	"github.com/venuegate/venuegate/gate"
)

// indexed is a tag, or an order in its form, and a ticket that it finds.
type indexed [16 + idSize]byte

// coded is a foreign code's tag with its ticket and the channel of that.
type coded [16 + idSize + channelSize]byte

func indexPair(tag gate.Tag, id gate.TicketID) (p indexed) {
	copy(p[:], tag[:])
	binary.BigEndian.PutUint64(p[16:], uint64(id))
	return p
}

func foreignPair(tag gate.Tag, id gate.TicketID, channel gate.ChannelID) (p coded) {
	copy(p[:], tag[:])
	binary.BigEndian.PutUint64(p[16:], uint64(id))
	binary.BigEndian.PutUint16(p[16+idSize:], uint16(channel))
	return p
}

func (p *indexed) ticket() gate.TicketID { return gate.TicketID(binary.BigEndian.Uint64(p[16:])) }

func (p *coded) ticket() gate.TicketID { return gate.TicketID(binary.BigEndian.Uint64(p[16:])) }

func (p *coded) channel() gate.ChannelID {
	return gate.ChannelID(binary.BigEndian.Uint16(p[16+idSize:]))
}

// before reports whether the pair stands before a key and the first of the
// tickets that a pack file's index has for it.
func (p *indexed) before(key, tickets []byte) bool {
	if c := bytes.Compare(p[:16], key); c != 0 {
		return c < 0
	}
	return bytes.Compare(p[16:], tickets[:idSize]) < 0
}

// withTag returns those of sorted pairs whose tag begins so.
func withTag(pairs []indexed, begin []byte) []indexed {
	from := sort.Search(len(pairs), func(i int) bool { return bytes.Compare(pairs[i][:len(begin)], begin) >= 0 })
	n := 0
	for from+n < len(pairs) && bytes.Equal(pairs[from+n][:len(begin)], begin) {
		n++
	}
	return pairs[from : from+n]
}

// indexes are what finds the tickets of a pack besides their ids.
type indexes struct {
	documents []indexed
	foreign   []coded
	orders    []indexed
}

// add remembers what finds a ticket.
func (x *indexes) add(t *gate.Ticket) {
	eachDocument(t, func(tag gate.Tag) { x.documents = append(x.documents, indexPair(tag, t.ID)) })
	eachForeign(t, func(tag gate.Tag) { x.foreign = append(x.foreign, foreignPair(tag, t.ID, t.Channel)) })
	if t.Order != 0 {
		x.orders = append(x.orders, indexPair(orderKey(t.Order), t.ID))
	}
}

func (x *indexes) sort() {
	slices.SortFunc(x.documents, func(x, y indexed) int { return bytes.Compare(x[:], y[:]) })
	slices.SortFunc(x.foreign, func(x, y coded) int { return bytes.Compare(x[:], y[:]) })
	slices.SortFunc(x.orders, func(x, y indexed) int { return bytes.Compare(x[:], y[:]) })
}

// orderKey is an order as a key of its index.
func orderKey(order gate.OrderID) (key gate.Tag) {
	binary.BigEndian.PutUint64(key[8:], uint64(order))
	return key
}

// eachDocument calls f with every document tag of a ticket. One that is there
// twice finds the ticket once.
func eachDocument(t *gate.Ticket, f func(gate.Tag)) {
	for i := range t.Documents {
		tag := t.Documents[i].Tag
		if !slices.ContainsFunc(t.Documents[:i], func(d gate.DocumentTag) bool { return d.Tag == tag }) {
			f(tag)
		}
	}
}

// eachForeign calls f with every foreign code of a ticket, once.
func eachForeign(t *gate.Ticket, f func(gate.Tag)) {
	for i, tag := range t.Foreign {
		if !slices.Contains(t.Foreign[:i], tag) {
			f(tag)
		}
	}
}

// follows says what keeps a ticket from coming after the last one of its event;
// zero: it is the first.
func follows(t *gate.Ticket, event gate.EventID, last gate.TicketID) error {
	switch {
	case t.Event != event:
		return &TicketError{Ticket: t.ID, Field: "event", Why: fmt.Sprintf("of event %d", t.Event)}
	case last != 0 && t.ID <= last:
		return &TicketError{Ticket: t.ID, Field: "id", Why: fmt.Sprintf("comes after ticket %s", last)}
	}
	return nil
}

// tooMany refuses a document or an order that finds more tickets than an index
// holds for one. It names the first of them.
func tooMany(bucket []byte, first gate.TicketID, n int) error {
	return &TicketError{Ticket: first, Field: string(bucket), Why: fmt.Sprintf("one of them has %d tickets", n)}
}

// sameCode refuses one foreign code of two tickets.
func sameCode(a, b gate.TicketID) error {
	return &TicketError{Ticket: max(a, b), Field: "foreign", Why: fmt.Sprintf("the same code as ticket %s", min(a, b))}
}
