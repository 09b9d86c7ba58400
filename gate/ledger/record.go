package ledger

import (
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Kind says what a record is about. The numbers stand in journals and never
// change meaning.
type Kind uint8

// The kinds of record.
const (
	KindEpoch    Kind = 1  // first record of an epoch: Ref and Prev name the last record of the one before
	KindGrant    Kind = 2  // somebody may come in
	KindPassed   Kind = 3  // the grant that Ref names ended: they went through
	KindVoided   Kind = 4  // the grant that Ref names ended: Count of its people did not go through
	KindUnknown  Kind = 5  // the grant that Ref names ended, and nobody can say how: it stays used
	KindExit     Kind = 6  // Count people left
	KindRefusal  Kind = 7  // refused or referred; concerns central only
	KindPreCheck Kind = 8  // verified without consuming; concerns central only
	KindBarrier  Kind = 9  // something happened at a barrier besides an opening; Reason says what
	KindOrder    Kind = 10 // Body is an order of a supervisor, or an evacuation that nobody has signed yet
	KindProof    Kind = 11 // Body is an order's id and the signature of the staff member that it names
)

// NoStep is the step of a record whose credential had none.
const NoStep = 1<<24 - 1

// Origin is one journal: a gate's log between two starts.
type Origin struct {
	Gate  gate.GateID
	Epoch uint32
}

// Position names one record over all gates, for ever.
type Position struct {
	Origin
	Sequence uint64 // from 1 in every epoch; 0: no record
}

// IsZero reports whether no record is named.
func (p Position) IsZero() bool { return p.Sequence == 0 }

// Hash is the chained hash of a record.
type Hash [32]byte

// Record is one signed entry of a journal. Position, Clock and Prev are given
// by the journal when the record is appended.
type Record struct {
	Kind     Kind
	Position Position
	Clock    Clock     // hybrid logical time
	Wall     time.Time // the gate's own clock, in whole milliseconds, UTC

	Event      gate.EventID
	Ticket     gate.TicketID
	Generation uint8
	Session    gate.SessionID
	Entry      uint16
	Step       uint32 // 24 bits; NoStep when there is none
	Count      uint8
	Lane       gate.LaneID
	From, To   gate.ZoneID
	Outcome    gate.Outcome
	Reason     gate.Reason
	Marks      gate.Marks
	Person     gate.PersonKey // of the document that was shown, or the ticket's first
	Staff      uint32         // who decided, where a person did
	Ref        Position       // the grant that this record ends, or the one before an epoch
	Request    uint64         // the claim that stands behind a grant; 0: none
	Pack       uint32         // version of the pack that was asked
	Prev       Hash           // hash of the record before

	// Body is what an order or a proof says; zero in other kinds. Those two have
	// position, clock, wall, event and marks besides, and nothing else.
	Body [BodySize]byte
}

// BodySize is the length of the body of an order or a proof.
const BodySize = gate.OrderSize

// hasBody reports whether records of the kind are orders or proofs.
func (k Kind) hasBody() bool { return k == KindOrder || k == KindProof }

// version returns the first byte of records of the kind.
func (k Kind) version() byte {
	if k.hasBody() {
		return BodyVersion
	}
	return Version
}

// Clock is hybrid logical time: 48 bits of Unix milliseconds, 16 bits of
// counter. It never runs backwards and orders records of different gates.
type Clock uint64

// Time returns the millisecond part.
func (c Clock) Time() time.Time { return time.UnixMilli(int64(c >> 16)).UTC() }

// Next returns the clock of an event at wall time now that comes after c.
func (c Clock) Next(now time.Time) Clock {
	wall := Clock(max(0, now.UnixMilli())) << 16
	return max(wall, c+1)
}
