package ledger

import (
	"cmp"
	"fmt"

	"github.com/venuegate/venuegate/gate"
)

const (
	maxOrigins = 1 << 24
	maxEvents  = 1 << 16
	maxEntries = 1<<31 - 1
	none       = int32(-1) // no entry
)

// place is a record's position in 64 bits: the origin's index in the ledger,
// and the sequence below it. Zero, which would be sequence 0, is no place.
type place uint64

func placeOf(origin int32, sequence uint64) place { return place(origin)<<40 | place(sequence) }

func (p place) origin() int32    { return int32(p >> 40) }
func (p place) sequence() uint64 { return uint64(p & MaxSequence) }

// entry is what is kept of a grant, an exit or a void: 64 bytes and no
// pointer, so that a million of them cost the garbage collector nothing.
// Entries of one ticket, and grants of one person, are chained from the newest
// to the oldest.
type entry struct {
	ticket     gate.TicketID
	clock      Clock
	wall       int64 // Unix milliseconds
	at         place
	ref        place  // what it ends; of a grant, see request
	next       int32  // of the same ticket
	nextPerson int32  // of the same person
	code       uint32 // generation and step, as in the encoded record
	session    gate.SessionID
	zone       gate.ZoneID
	lane       gate.LaneID
	event      uint16
	marks      gate.Marks
	kind       Kind
	count      uint8
}

func (e *entry) generation() uint8 { return uint8(e.code >> 24) }
func (e *entry) step() uint32      { return e.code & NoStep }

// request returns the claim behind a grant. It stands where a grant, which ends
// nothing, would have its ref.
func (e *entry) request() uint64 { return uint64(e.ref) }

// kept reports whether an entry is kept of the record: whether it bears on
// who is inside.
func kept(rec *Record) bool {
	switch rec.Kind {
	case KindGrant, KindVoided, KindExit:
		return !rec.Marks.Has(gate.MarkTraining)
	default:
		return false
	}
}

// fill makes the entry of a record whose place is known.
func (l *Ledger) fill(e *entry, rec *Record) error {
	if l.entries.n == maxEntries {
		return fmt.Errorf("%w: %d entries", ErrTooMany, l.entries.n)
	}
	event, err := l.eventIndex(rec.Event)
	if err != nil {
		return err
	}
	if rec.Kind == KindGrant {
		e.ref = place(rec.Request)
	} else if !rec.Ref.IsZero() {
		origin, err := l.originIndex(rec.Ref.Origin)
		if err != nil {
			return err
		}
		e.ref = placeOf(origin, rec.Ref.Sequence)
	}
	e.ticket, e.clock, e.wall = rec.Ticket, rec.Clock, rec.Wall.UnixMilli()
	e.next, e.nextPerson = none, none
	e.code = uint32(rec.Generation)<<24 | rec.Step
	e.session, e.zone, e.lane, e.event = rec.Session, rec.To, rec.Lane, event
	if rec.Kind == KindExit {
		e.zone = rec.From // the one that they left
	}
	e.marks, e.kind, e.count = rec.Marks, rec.Kind, rec.Count
	return nil
}

// slab holds entries in chunks, so that growing never copies them: an Add that
// stalled to move a hundred megabytes would stall a lane.
type slab struct {
	chunks []*[chunkSize]entry
	n      int
}

const chunkSize = 1 << 12

func (s *slab) at(i int32) *entry { return &s.chunks[i/chunkSize][i%chunkSize] }

func (s *slab) add(e *entry) int32 {
	if s.n == len(s.chunks)*chunkSize {
		s.chunks = append(s.chunks, new([chunkSize]entry))
	}
	i := int32(s.n)
	s.n++
	*s.at(i) = *e
	return i
}

// before orders entries by hybrid time; gate, epoch and sequence decide between
// equal ones. It is the same on every gate, whatever came first.
func (l *Ledger) before(a, b *entry) bool {
	if a.clock != b.clock {
		return a.clock < b.clock
	}
	if a.at == b.at { // the branches of a fork
		return a.content(b) < 0
	}
	if a.at.origin() == b.at.origin() {
		return a.at < b.at
	}
	return cmp.Or(
		l.logs[a.at.origin()].origin.Compare(l.logs[b.at.origin()].origin),
		cmp.Compare(a.at.sequence(), b.at.sequence())) < 0
}

// content orders two entries at one position by what they say. Which of two
// that say the same comes first makes no difference. The refs of exits and voids
// are not looked at, since a fork leaves those out.
func (e *entry) content(o *entry) int {
	if c := cmp.Or(cmp.Compare(e.kind, o.kind), cmp.Compare(e.code, o.code), cmp.Compare(e.wall, o.wall)); c != 0 {
		return c
	}
	c := cmp.Or(cmp.Compare(e.session, o.session), cmp.Compare(e.zone, o.zone), cmp.Compare(e.lane, o.lane),
		cmp.Compare(e.marks, o.marks), cmp.Compare(e.count, o.count))
	if c == 0 && e.kind == KindGrant {
		c = cmp.Compare(e.ref, o.ref)
	}
	return c
}

// link puts entry i into its ticket's chain and returns the chain's head.
func (l *Ledger) link(head, i int32) int32 {
	e := l.entries.at(i)
	if head == none || !l.before(e, l.entries.at(head)) {
		e.next = head
		return i
	}
	at := l.entries.at(head)
	for at.next != none && l.before(e, l.entries.at(at.next)) {
		at = l.entries.at(at.next)
	}
	e.next, at.next = at.next, i
	return head
}

// linkPerson is link for a person's chain.
func (l *Ledger) linkPerson(head, i int32) int32 {
	e := l.entries.at(i)
	if head == none || !l.before(e, l.entries.at(head)) {
		e.nextPerson = head
		return i
	}
	at := l.entries.at(head)
	for at.nextPerson != none && l.before(e, l.entries.at(at.nextPerson)) {
		at = l.entries.at(at.nextPerson)
	}
	e.nextPerson, at.nextPerson = at.nextPerson, i
	return head
}
