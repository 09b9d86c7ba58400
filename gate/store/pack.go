package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"github.com/venuegate/venuegate/gate"
)

// Pack is an installed pack, open for reading: a pack file, and with it the
// patch that has been laid over it, if any. It may be used by any number of
// goroutines.
type Pack struct {
	*image
	patch *patch // nil: none
	info  Info
	users atomic.Int64 // scans that hold it, and the holder itself
}

// OpenPack opens a pack file that BuildPack made, without any patch. It does
// not read the whole file: [Packs] checks the sum first, because bbolt would
// follow a damaged page's offsets anywhere. The error is a [*DamagedError] when
// the file is not a pack.
func OpenPack(path string) (*Pack, error) {
	m, err := openImage(path)
	if err != nil {
		return nil, err
	}
	return m.pack(nil, m.built), nil
}

// Info returns what the pack says of itself.
func (p *Pack) Info() Info { return p.info }

// Policy returns the event's policy. The caller does not change it.
func (p *Pack) Policy() *gate.Policy { return p.policy }

// Venue returns venue.json as it was signed.
func (p *Pack) Venue() json.RawMessage { return p.venue }

// Document returns event.json as it was signed: names, issuer keys, texts.
func (p *Pack) Document() json.RawMessage { return p.document }

// Ticket reads a ticket into the caller's, whose slices are used again and
// whose texts are kept where they are the same. It reports whether the pack
// knows the ticket; what into holds after a false is undefined. The error is a
// [*DamagedError].
func (p *Pack) Ticket(id gate.TicketID, into *gate.Ticket) (known bool, err error) {
	into.Event = p.info.Event
	if i, ok := p.patch.find(id); ok {
		into.ID = id
		if err := decodeTicket(p.patch.value(i), into); err != nil {
			return false, p.damagedTicket(id, err)
		}
		return true, nil
	}
	return p.ticket(id, into)
}

// ByDocument appends the tickets that a document finds to dst, in ascending
// order. The error is a [*DamagedError].
func (p *Pack) ByDocument(tag gate.Tag, dst []gate.TicketID) ([]gate.TicketID, error) {
	found, err := p.byKey(&p.documents, tag[:], "index of documents", dst)
	if p.patch == nil || err != nil {
		return found, err
	}
	return p.patch.over(found, len(dst), withTag(p.patch.documents, tag[:])), nil
}

// ByPerson appends the tickets of whoever has a document whose tag begins with
// key, each once, in ascending order of the tags. The error is a
// [*DamagedError].
func (p *Pack) ByPerson(key gate.PersonKey, dst []gate.TicketID) (found []gate.TicketID, err error) {
	found = dst
	add := func(id gate.TicketID) {
		if !slices.Contains(found[len(dst):], id) {
			found = append(found, id)
		}
	}
	var own []indexed // what the patch knows of them, in the index's order
	if p.patch != nil {
		own = withTag(p.patch.documents, key[:])
	}
	old := debug.SetPanicOnFault(true)
	defer p.unmask(old, &err)
	c := p.documents.Get().(*bbolt.Cursor)
	for k, v := c.Seek(key[:]); bytes.HasPrefix(k, key[:]); k, v = c.Next() {
		if len(v) == 0 || len(v)%idSize != 0 {
			return dst, &DamagedError{File: p.file, What: "index of documents"}
		}
		for ; len(v) > 0; v = v[idSize:] {
			for len(own) > 0 && own[0].before(k, v) {
				add(own[0].ticket())
				own = own[1:]
			}
			id := gate.TicketID(binary.BigEndian.Uint64(v))
			if _, ok := p.patch.find(id); !ok {
				add(id)
			}
		}
	}
	p.documents.Put(c)
	for i := range own {
		add(own[i].ticket())
	}
	return found, nil
}

// ByOrder appends the tickets of an order to dst, in ascending order. The error
// is a [*DamagedError].
func (p *Pack) ByOrder(order gate.OrderID, dst []gate.TicketID) ([]gate.TicketID, error) {
	key := orderKey(order)
	found, err := p.byKey(&p.orders, key[:], "index of orders", dst)
	if p.patch == nil || err != nil {
		return found, err
	}
	return p.patch.over(found, len(dst), withTag(p.patch.orders, key[:])), nil
}

// ByForeign finds the ticket of another platform's code, and where it was
// sold. The error is a [*DamagedError].
func (p *Pack) ByForeign(tag gate.Tag) (id gate.TicketID, channel gate.ChannelID, known bool, err error) {
	if p.patch == nil {
		return p.byForeign(tag)
	}
	if id, channel, known = p.patch.code(tag); known {
		return id, channel, true, nil
	}
	id, channel, known, err = p.byForeign(tag)
	if _, changed := p.patch.find(id); changed {
		return 0, 0, false, err // the ticket has another code now, or none
	}
	return id, channel, known, err
}

// acquire takes one use of the pack, unless it is closed.
func (p *Pack) acquire() bool {
	for {
		n := p.users.Load()
		if n == 0 {
			return false
		}
		if p.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Close gives the pack back: to whoever opened it with OpenPack, or one use of
// it. The file is closed with the last use of the last pack that is made of it.
func (p *Pack) Close() error {
	if p.users.Add(-1) != 0 {
		return nil
	}
	return p.release()
}
