package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"sort"

	"github.com/venuegate/venuegate/gate"
)

// Bounds of a patch, which is held in memory and written anew with every change
// of an overlay. What is more is installed whole.
const (
	maxPatch      = 20_000  // tickets
	maxPatchBytes = 8 << 20 // of their values
)

// patch is what lies over a pack file: tickets that stand in place of those of
// the file with the same ids, or beside them. Nobody changes it once it is in
// use. A nil patch has no ticket.
type patch struct {
	ids    []gate.TicketID // ascending
	ends   []int           // of each ticket's value in values
	values []byte
	indexes
}

// find returns a ticket's place.
func (p *patch) find(id gate.TicketID) (int, bool) {
	if p == nil {
		return 0, false
	}
	return slices.BinarySearch(p.ids, id)
}

func (p *patch) value(i int) []byte {
	if i == 0 {
		return p.values[:p.ends[0]]
	}
	return p.values[p.ends[i-1]:p.ends[i]]
}

// over makes of what the file's index found beyond dst what a pack with the
// patched tickets finds.
func (p *patch) over(found []gate.TicketID, dst int, own []indexed) []gate.TicketID {
	kept := found[:dst]
	for _, id := range found[dst:] {
		if _, changed := p.find(id); !changed {
			kept = append(kept, id)
		}
	}
	for i := range own {
		kept = append(kept, own[i].ticket())
	}
	slices.Sort(kept[dst:])
	return kept
}

// code finds a patched ticket by its foreign code.
func (p *patch) code(tag gate.Tag) (gate.TicketID, gate.ChannelID, bool) {
	i := sort.Search(len(p.foreign), func(i int) bool { return bytes.Compare(p.foreign[i][:16], tag[:]) >= 0 })
	if i == len(p.foreign) || !bytes.Equal(p.foreign[i][:16], tag[:]) {
		return 0, 0, false
	}
	return p.foreign[i].ticket(), p.foreign[i].channel(), true
}

// take adds a ticket after those that are there. The value is copied.
func (p *patch) take(t *gate.Ticket, value []byte) {
	p.ids = append(p.ids, t.ID)
	p.values = append(p.values, value...)
	p.ends = append(p.ends, len(p.values))
	p.add(t)
}

// content is what Info says of a pack file of that content with the patch.
func (p *patch) content(base string) string {
	h := sha256.New()
	hashPair(h, []byte("patch of"), []byte(base))
	p.each(func(key, value []byte) { hashPair(h, key, value) })
	return hex.EncodeToString(h.Sum(nil))
}

func (p *patch) each(f func(key, value []byte)) {
	var key [idSize]byte
	for i, id := range p.ids {
		binary.BigEndian.PutUint64(key[:], uint64(id))
		f(key[:], p.value(i))
	}
}

// patcher makes a patch of changed tickets.
type patcher struct {
	base     *image
	patch    patch
	had      gate.Ticket // of the file, the one that changes
	value    []byte
	replaced indexes // what found the tickets that change
	added    int     // tickets that the file does not have
}

// newPatch makes the patch that turns a pack file into a pack with the changed
// tickets, and what that says of itself. It refuses what
// BuildPack would refuse of all the tickets.
func newPatch(ctx context.Context, base *image, src *Source, changed iter.Seq2[gate.Ticket, error]) (*patch, Info, error) {
	w := patcher{base: base}
	last := gate.TicketID(0)
	for t, err := range changed {
		if err == nil && len(w.patch.ids)%1024 == 0 {
			err = ctx.Err()
		}
		if err == nil {
			err = follows(&t, src.Event, last)
		}
		if err == nil {
			err = w.change(&t)
		}
		if err != nil {
			return nil, Info{}, err
		}
		last = t.ID
	}
	w.patch.sort()
	if err := w.check(); err != nil {
		return nil, Info{}, err
	}
	h, err := src.header()
	if err != nil {
		return nil, Info{}, err
	}
	was, info := base.built, h.Info
	info.Changes = len(w.patch.ids)
	info.Tickets = was.Tickets + w.added
	info.Documents = was.Documents - len(w.replaced.documents) + len(w.patch.documents)
	info.Foreign = was.Foreign - len(w.replaced.foreign) + len(w.patch.foreign)
	info.Content = w.patch.content(was.Content)
	return &w.patch, info, nil
}

// change takes one ticket, unless the file has the same.
func (w *patcher) change(t *gate.Ticket) (err error) {
	if w.value, err = appendTicket(w.value[:0], t); err != nil {
		return err
	}
	known, err := w.base.ticket(t.ID, &w.had)
	if err != nil {
		return err
	}
	if known {
		n := len(w.value)
		if w.value, err = appendTicket(w.value, &w.had); err != nil {
			return err
		}
		same := bytes.Equal(w.value[:n], w.value[n:])
		if w.value = w.value[:n]; same {
			return nil
		}
		w.replaced.add(&w.had)
	} else {
		w.added++
	}
	if len(w.patch.ids) == maxPatch || len(w.patch.values)+len(w.value) > maxPatchBytes {
		return fmt.Errorf("event %d: more than %d changed tickets: %w", t.Event, len(w.patch.ids), ErrNotOnBase)
	}
	w.patch.take(t, w.value)
	return nil
}

// check refuses what a pack with all the tickets could not index, in the order
// in which that is built.
func (w *patcher) check() error {
	if err := w.count(bucketDocuments, w.patch.documents); err != nil {
		return err
	}
	if err := w.codes(w.patch.foreign); err != nil {
		return err
	}
	return w.count(bucketOrders, w.patch.orders)
}

// codes refuses a foreign code of the patch that two tickets have.
func (w *patcher) codes(pairs []coded) error {
	var having []gate.TicketID // one code, ascending
	for i := 0; i < len(pairs); {
		tag := gate.Tag(pairs[i][:16])
		having = having[:0]
		for ; i < len(pairs) && gate.Tag(pairs[i][:16]) == tag; i++ {
			having = append(having, pairs[i].ticket())
		}
		id, _, known, err := w.base.byForeign(tag)
		if err != nil {
			return err
		}
		if _, changed := w.patch.find(id); known && !changed {
			having = append(having, id)
			slices.Sort(having)
		}
		if len(having) > 1 {
			return sameCode(having[0], having[1])
		}
	}
	return nil
}

// count refuses a key of the patch that finds too many tickets.
func (w *patcher) count(bucket []byte, pairs []indexed) error {
	pool := &w.base.documents
	if &bucket[0] == &bucketOrders[0] {
		pool = &w.base.orders
	}
	var found []gate.TicketID
	for len(pairs) > 0 {
		own := withTag(pairs, pairs[0][:16])
		var err error
		if found, err = w.base.byKey(pool, own[0][:16], "index of "+string(bucket), found[:0]); err != nil {
			return err
		}
		if found = w.patch.over(found, 0, own); len(found) > maxPerKey {
			return tooMany(bucket, found[0], len(found))
		}
		pairs = pairs[len(own):]
	}
	return nil
}
