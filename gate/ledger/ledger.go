package ledger

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/venuegate/venuegate/gate"
)

// ErrTooMany is returned for a record of one origin, or of one event, more than
// a ledger holds: 16 777 216 origins, 65 536 events, 2 147 483 647 grants, exits
// and voids.
var ErrTooMany = errors.New("ledger: full")

// GapError is returned for a record that does not follow what the ledger holds
// of its origin.
type GapError struct {
	Origin   Origin
	Expected uint64 // the sequence to be added next
	Got      uint64
}

// Error names the origin and both sequences.
func (e *GapError) Error() string {
	return fmt.Sprintf("ledger: gate %d, epoch %d: record %d comes before %d is known",
		e.Origin.Gate, e.Origin.Epoch, e.Got, e.Expected)
}

// ForkError is returned for a record that contradicts what the ledger holds of
// its origin: another record at the same position, or another one before it.
type ForkError struct {
	Position Position
	Before   bool // it is the record before Position that differs
}

// Error names the position.
func (e *ForkError) Error() string {
	what := "is not the record that is known there"
	if e.Before {
		what = "does not follow the record that is known before it"
	}
	return fmt.Sprintf("ledger: gate %d, epoch %d: record %d %s",
		e.Position.Gate, e.Position.Epoch, e.Position.Sequence, what)
}

// Vector says how far each origin's log is known: the highest sequence held.
type Vector map[Origin]uint64

// Hole is a stretch of an origin's log that is missing between records that
// are held, both ends included.
type Hole struct {
	Origin      Origin
	First, Last uint64
}

// Ledger is the records of any number of origins, folded. It may be used by
// many goroutines: readers run side by side and wait only for one Add.
//
// It keeps 64 bytes of every grant, exit and void, an index by ticket and by
// person, and 4 bytes of every record; refusals are only counted.
type Ledger struct {
	mu      sync.RWMutex
	index   map[Origin]int32
	logs    []originLog
	events  []gate.EventID
	entries slab
	tickets map[gate.TicketID]int32 // newest entry
	persons map[gate.PersonKey]int32
	long    map[gate.TicketID]*long
	dirty   []gate.TicketID // of long, to be folded anew
	few     int             // the constant; less in tests

	unticketed []int32 // entries without a ticket
	branches   branches
	suspects   suspects
	resets     resets
	decrees    decrees
	counts     counts
	scratch    story // reused by Add
}

// New returns an empty ledger.
func New() *Ledger {
	return &Ledger{
		index:    map[Origin]int32{},
		tickets:  map[gate.TicketID]int32{},
		persons:  map[gate.PersonKey]int32{},
		long:     map[gate.TicketID]*long{},
		few:      few,
		suspects: suspects{tickets: map[gate.TicketID]struct{}{}, persons: map[gate.PersonKey]struct{}{}},
		decrees: decrees{
			given: map[[BodySize]byte]*given{}, proofs: map[uint64][]proof{}, checked: map[check]bool{}, standing: gate.NewOrders(nil),
		},
		counts: counts{zones: map[zoneKey]Count{}, verdicts: map[verdictKey]uint64{}},
	}
}

// Add takes the next record of an origin. One that is held already changes
// nothing. The error is a *GapError, a *ForkError, a *FormatError or ErrTooMany,
// and nothing has changed then. Add keeps nothing of rec.
func (l *Ledger) Add(rec *Record) error { return l.AddHashed(rec, rec.Hash()) }

// AddHashed is Add for a caller that knows rec.Hash() already.
func (l *Ledger) AddHashed(rec *Record, hash Hash) error { return l.add(rec, hash, false) }

// Restore is AddHashed for a gate's own journal after damage: it takes records
// after a gap, which becomes a Hole, or after a broken link of the chain. Add
// fills holes.
func (l *Ledger) Restore(rec *Record, hash Hash) error { return l.add(rec, hash, true) }

func (l *Ledger) add(rec *Record, hash Hash, gaps bool) error {
	if err := rec.Check(); err != nil {
		return err
	}
	if err := rec.placed(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.index[rec.Position.Origin]; !known && rec.Position.Sequence != 1 && !gaps {
		return &GapError{Origin: rec.Position.Origin, Expected: 1, Got: rec.Position.Sequence}
	}
	origin, err := l.originIndex(rec.Position.Origin)
	if err != nil {
		return err
	}
	if err := l.roomForOrder(rec); err != nil {
		return err
	}
	e := entry{at: placeOf(origin, rec.Position.Sequence)}
	if kept(rec) {
		if err := l.fill(&e, rec); err != nil {
			return err
		}
	}
	if isNew, err := l.logs[origin].take(rec, hash, gaps); err != nil || !isNew {
		return err
	}
	if l.meetsBranch(e.at, hash) {
		return nil
	}
	l.apply(rec, &e)
	return nil
}

// originIndex finds the origin's place in the table of logs, or makes one. An
// origin that is only referred to has a place and no records.
func (l *Ledger) originIndex(origin Origin) (int32, error) {
	if i, ok := l.index[origin]; ok {
		return i, nil
	}
	if len(l.logs) == maxOrigins {
		return 0, fmt.Errorf("%w: %d origins", ErrTooMany, len(l.logs))
	}
	i := int32(len(l.logs))
	l.logs = append(l.logs, originLog{origin: origin})
	l.index[origin] = i
	return i, nil
}

// eventIndex finds the event's place in the table of events. Few are ever
// known, and the newest is the likeliest.
func (l *Ledger) eventIndex(event gate.EventID) (uint16, error) {
	for i := len(l.events) - 1; i >= 0; i-- {
		if l.events[i] == event {
			return uint16(i), nil
		}
	}
	if len(l.events) == maxEvents {
		return 0, fmt.Errorf("%w: %d events", ErrTooMany, len(l.events))
	}
	l.events = append(l.events, event)
	return uint16(len(l.events) - 1), nil
}

// Vector returns how far each origin is known.
func (l *Ledger) Vector() Vector {
	l.mu.RLock()
	defer l.mu.RUnlock()
	v := make(Vector, len(l.logs))
	for i := range l.logs {
		if last := l.logs[i].last(); last > 0 {
			v[l.logs[i].origin] = last
		}
	}
	return v
}

// Last returns the highest sequence held of an origin and that record's hash;
// zero when nothing is held.
func (l *Ledger) Last(origin Origin) (uint64, Hash) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	at, ok := l.index[origin]
	if !ok || l.logs[at].last() == 0 {
		return 0, Hash{}
	}
	runs := l.logs[at].runs
	return l.logs[at].last(), runs[len(runs)-1].tail
}

// Holes returns what is missing between records that are held, by gate, epoch
// and sequence. A log that begins late, because its beginning was deleted or
// lost, begins with a hole.
func (l *Ledger) Holes() []Hole {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var holes []Hole
	for _, origin := range slices.SortedFunc(maps.Keys(l.index), Origin.Compare) {
		next := uint64(1)
		for _, r := range l.logs[l.index[origin]].runs {
			if r.first > next {
				holes = append(holes, Hole{Origin: origin, First: next, Last: r.first - 1})
			}
			next = r.end() + 1
		}
	}
	return holes
}
