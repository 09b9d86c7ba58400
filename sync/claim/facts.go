package claim

import (
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

const none = int32(-1)

// kindPerson is a fact that joins a person to a grant. No record has it.
const kindPerson ledger.Kind = 255

// fact is what is kept of a grant, an exit, a void or the end of an exit, or of
// who a grant was for. It never changes, so that a snapshot can be written while facts are
// added. Facts of one ticket, and those of one person, are chained from the
// newest to the oldest as they came.
type fact struct {
	at, ref    ledger.Position
	clock      ledger.Clock
	wall       int64 // Unix milliseconds
	ticket     gate.TicketID
	request    uint64
	person     gate.PersonKey
	event      gate.EventID
	next       int32
	step       uint32
	session    gate.SessionID
	lane       gate.LaneID
	marks      gate.Marks
	kind       ledger.Kind
	generation uint8
	count      uint8
}

// Bears reports whether keepers are told of a record: whether it bears on who
// is inside.
func Bears(rec *ledger.Record) bool {
	switch rec.Kind {
	case ledger.KindGrant, ledger.KindVoided, ledger.KindExit:
	case ledger.KindPassed, ledger.KindUnknown:
		if rec.Outcome != gate.Exit {
			return false // a grant counts from its record
		}
	default:
		return false
	}
	return rec.Ticket != 0 && !rec.Marks.Has(gate.MarkTraining)
}

func factOf(rec *ledger.Record, next int32) fact {
	return fact{
		at: rec.Position, ref: rec.Ref, clock: rec.Clock, wall: rec.Wall.UnixMilli(),
		ticket: rec.Ticket, request: rec.Request, person: rec.Person, event: rec.Event, next: next,
		step: rec.Step, session: rec.Session, lane: rec.Lane, marks: rec.Marks,
		kind: rec.Kind, generation: rec.Generation, count: rec.Count,
	}
}

// record returns as much of the record as the fact holds.
func (f *fact) record() ledger.Record {
	return ledger.Record{
		Kind: f.kind, Position: f.at, Ref: f.ref, Clock: f.clock, Wall: time.UnixMilli(f.wall).UTC(),
		Ticket: f.ticket, Request: f.request, Person: f.person, Event: f.event,
		Step: f.step, Session: f.session, Lane: f.lane, Marks: f.marks,
		Generation: f.generation, Count: f.count,
	}
}

// facts holds facts in chunks, so that growing never copies them.
type facts struct {
	chunks []*[factChunk]fact
	n      int
}

const factChunk = 1 << 12

func (s *facts) at(i int32) *fact { return &s.chunks[i/factChunk][i%factChunk] }

func (s *facts) add(f fact) int32 {
	if s.n == len(s.chunks)*factChunk {
		s.chunks = append(s.chunks, new([factChunk]fact))
	}
	i := int32(s.n)
	s.n++
	*s.at(i) = f
	return i
}
