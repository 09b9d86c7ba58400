package claim

import (
	"encoding/binary"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// status is what became of a request as a whole.
type status uint8

const (
	statusOK        status = 0
	statusNotLeader status = 1 // ask the leader that is named, or wait for one
	statusBusy      status = 2 // ask again
	statusBad       status = 3 // what no gate of this venue sends
	statusStopped   status = 4 // this keeper has stopped
)

// leadership is who leads the keepers, as far as one of them knows.
type leadership struct {
	leader Server // zero: nobody
	term   uint64
}

// answer is the reply to one request.
type answer struct {
	number  uint64
	status  status
	lead    leadership
	results []result // of a request's items, in order, with statusOK
}

func (a *answer) bytes() []byte {
	be := binary.BigEndian
	b := []byte{Version}
	b = be.AppendUint64(b, a.number)
	b = append(b, byte(a.status))
	b = a.lead.append(b)
	b = be.AppendUint16(b, uint16(len(a.results)))
	for i := range a.results {
		r := &a.results[i]
		b = append(b, byte(r.code))
		b = be.AppendUint32(b, uint32(r.entry))
		b = be.AppendUint64(b, uint64(r.after))
		if r.by == nil {
			b = append(b, 0)
			continue
		}
		b = append(b, 1)
		b = be.AppendUint64(b, uint64(r.by.At.UnixMilli()))
		b = be.AppendUint32(b, uint32(r.by.Gate))
		b = be.AppendUint16(b, uint16(r.by.Lane))
		b = be.AppendUint64(b, uint64(r.by.Ticket))
	}
	return b
}

func (l leadership) append(b []byte) []byte {
	be := binary.BigEndian
	b = be.AppendUint32(b, uint32(l.leader.Gate))
	b = be.AppendUint32(b, l.leader.Incarnation)
	return be.AppendUint64(b, l.term)
}

func (r *reader) leadership() leadership {
	return leadership{r.server("leader"), r.u64("term", 0, 1<<64-1)}
}

// parseAnswer reads an answer. The error is a *MessageError.
func parseAnswer(b []byte) (*answer, error) {
	r := reader{b: b}
	a := &answer{}
	r.version()
	a.number = r.u64("number", 0, 1<<64-1)
	a.status = status(r.u8("status", 0, uint64(statusStopped)))
	a.lead = r.leadership()
	n := r.u16("results", maxItems)
	for range n {
		if r.err != nil {
			break
		}
		one := result{code: resultCode(r.u8("result", 0, uint64(resultFull))), entry: int(r.u32("entry", 0, 1<<31-1))}
		one.after = ledger.Clock(r.u64("after", 0, 1<<64-1))
		if r.u8("by", 0, 1) == 1 {
			one.by = &gate.Admission{At: r.time("since"), Gate: gate.GateID(r.u32("by gate", 0, 1<<32-1))}
			one.by.Lane = gate.LaneID(r.u16("by lane", 1<<16-1))
			one.by.Ticket = gate.TicketID(r.u64("by ticket", 0, 1<<64-1))
		}
		a.results = append(a.results, one)
	}
	return a, r.end()
}

// standing is what keepers know of a gate: how far its logs are known, and
// which of its claims are neither on record nor released.
type standing struct {
	known map[ledger.Origin]spans
	open  []uint64
}

func (s *standing) append(b []byte) []byte {
	be := binary.BigEndian
	b = be.AppendUint16(b, uint16(len(s.known)))
	for _, o := range sortedOrigins(s.known) {
		b = be.AppendUint32(b, uint32(o.Gate))
		b = be.AppendUint32(b, o.Epoch)
		b = be.AppendUint16(b, uint16(len(s.known[o])))
		for _, x := range s.known[o] {
			b = be.AppendUint64(b, x.First)
			b = be.AppendUint64(b, x.Last)
		}
	}
	b = be.AppendUint16(b, uint16(len(s.open)))
	for _, id := range s.open {
		b = be.AppendUint64(b, id)
	}
	return b
}

func (r *reader) standing() standing {
	s := standing{known: map[ledger.Origin]spans{}}
	for range r.u16("logs", 1<<16-1) {
		if r.err != nil {
			break
		}
		o := ledger.Origin{Gate: gate.GateID(r.u32("log's gate", 0, 1<<32-1)), Epoch: uint32(r.u32("log's epoch", 0, 1<<32-1))}
		var known spans
		for range r.u16("stretches", maxSpans) {
			if r.err != nil {
				break
			}
			first := r.u64("first", 1, ledger.MaxSequence)
			known = known.add(first, r.u64("last", first, ledger.MaxSequence))
		}
		s.known[o] = known
	}
	for range r.u16("open claims", maxOpen) {
		if r.err != nil {
			break
		}
		s.open = append(s.open, r.u64("open claim", 1, 1<<64-1))
	}
	return s
}
