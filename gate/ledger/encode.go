package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// The form of a record in journals, packets and uploads; docs/protocol/journal.md
// describes it byte for byte.
const (
	// Size is the length of an encoded record in bytes.
	Size = 144
	// Version is the first byte of an encoded record. A new kind, or a meaning
	// for a reserved byte, is a new version.
	Version = 1
	// BodyVersion is the first byte of an encoded order or proof.
	BodyVersion = 2
	// MaxSequence is the highest sequence number that a record may have.
	MaxSequence = 1<<40 - 1
)

// Where the fields stand in an encoded record.
const (
	atVersion    = 0
	atKind       = 1
	atMarks      = 2
	atGate       = 4
	atEpoch      = 8
	atEvent      = 12
	atSequence   = 16
	atClock      = 24
	atWall       = 32
	atTicket     = 40
	atBody       = 40 // of orders and proofs
	atGeneration = 48
	atStep       = 49
	atSession    = 52
	atEntry      = 54
	atLane       = 56
	atFrom       = 58
	atTo         = 60
	atReason     = 62
	atOutcome    = 64
	atCount      = 65
	atReserved1  = 66
	atStaff      = 68
	atPerson     = 72
	atRefGate    = 80
	atRefEpoch   = 84
	atRefSeq     = 88
	atRequest    = 96
	atPack       = 104
	atReserved2  = 108
	atPrev       = 112
)

// hashDomain keeps a record's hash from being the hash of anything else.
const hashDomain = "VG1 record\x00"

// FormatError says which field of an encoded record, or of one that is to be
// encoded, is wrong.
type FormatError struct {
	Field   string
	Offset  int // of the field in the encoded record
	Problem string
}

// Error names the byte, the field and the problem.
func (e *FormatError) Error() string {
	return fmt.Sprintf("record: byte %d, %s: %s", e.Offset, e.Field, e.Problem)
}

func wrong(field string, offset int, format string, args ...any) error {
	return &FormatError{Field: field, Offset: offset, Problem: fmt.Sprintf(format, args...)}
}

// Check reports a field that no encoded record can hold, among those that the
// maker of a record sets. The error is a *FormatError.
func (r *Record) Check() error {
	switch {
	case r.Kind < KindEpoch || r.Kind > KindProof:
		return wrong("kind", atKind, "%d is unknown", r.Kind)
	case r.Kind.hasBody() && *r != r.bodyOnly():
		return wrong("body", atBody, "is not all that the record says; orders and proofs have nothing else")
	case !r.Kind.hasBody() && r.Body != [BodySize]byte{}:
		return wrong("body", atBody, "does not go with kind %d", r.Kind)
	case r.Outcome > gate.Refer:
		return wrong("outcome", atOutcome, "%d is unknown", r.Outcome)
	case r.Step > NoStep:
		return wrong("step", atStep, "%d takes more than 24 bits", r.Step)
	case r.Ref.Sequence > MaxSequence:
		return wrong("ref sequence", atRefSeq, "%d is above %d", r.Ref.Sequence, uint64(MaxSequence))
	case r.Ref.IsZero() && r.Ref != (Position{}):
		return wrong("ref", atRefGate, "names a log but no record in it")
	}
	return nil
}

// bodyOnly returns what an order or a proof can hold of the record.
func (r *Record) bodyOnly() Record {
	return Record{
		Kind: r.Kind, Position: r.Position, Clock: r.Clock, Wall: r.Wall, Event: r.Event, Marks: r.Marks,
		Prev: r.Prev, Body: r.Body,
	}
}

// placed reports what is wrong with the record's place in its log.
func (r *Record) placed() error {
	switch {
	case r.Position.Epoch == 0:
		return wrong("epoch", atEpoch, "is zero; epochs count from 1")
	case r.Position.Sequence == 0:
		return wrong("sequence", atSequence, "is zero; records count from 1")
	case r.Position.Sequence > MaxSequence:
		return wrong("sequence", atSequence, "%d is above %d", r.Position.Sequence, uint64(MaxSequence))
	case (r.Kind == KindEpoch) != (r.Position.Sequence == 1):
		return wrong("kind", atKind, "%d at sequence %d; an epoch begins with kind %d and has no other",
			r.Kind, r.Position.Sequence, KindEpoch)
	}
	return nil
}

// AppendBinary appends the encoded record, Size bytes, to b. The error is a
// *FormatError; b is unchanged then.
func (r *Record) AppendBinary(b []byte) ([]byte, error) {
	if err := r.Check(); err != nil {
		return b, err
	}
	if err := r.placed(); err != nil {
		return b, err
	}
	n := len(b)
	b = append(b, make([]byte, Size)...)
	p := b[n : n+Size : n+Size]
	be := binary.BigEndian
	p[atVersion], p[atKind] = r.Kind.version(), byte(r.Kind)
	be.PutUint16(p[atMarks:], uint16(r.Marks))
	be.PutUint32(p[atGate:], uint32(r.Position.Gate))
	be.PutUint32(p[atEpoch:], r.Position.Epoch)
	be.PutUint32(p[atEvent:], uint32(r.Event))
	be.PutUint64(p[atSequence:], r.Position.Sequence)
	be.PutUint64(p[atClock:], uint64(r.Clock))
	be.PutUint64(p[atWall:], uint64(r.Wall.UnixMilli()))
	copy(p[atPrev:], r.Prev[:])
	if r.Kind.hasBody() {
		copy(p[atBody:], r.Body[:])
		return b, nil
	}
	be.PutUint64(p[atTicket:], uint64(r.Ticket))
	be.PutUint32(p[atGeneration:], uint32(r.Generation)<<24|r.Step)
	be.PutUint16(p[atSession:], uint16(r.Session))
	be.PutUint16(p[atEntry:], r.Entry)
	be.PutUint16(p[atLane:], uint16(r.Lane))
	be.PutUint16(p[atFrom:], uint16(r.From))
	be.PutUint16(p[atTo:], uint16(r.To))
	be.PutUint16(p[atReason:], uint16(r.Reason))
	p[atOutcome], p[atCount] = byte(r.Outcome), r.Count
	be.PutUint32(p[atStaff:], r.Staff)
	copy(p[atPerson:], r.Person[:])
	be.PutUint32(p[atRefGate:], uint32(r.Ref.Gate))
	be.PutUint32(p[atRefEpoch:], r.Ref.Epoch)
	be.PutUint64(p[atRefSeq:], r.Ref.Sequence)
	be.PutUint64(p[atRequest:], r.Request)
	be.PutUint32(p[atPack:], r.Pack)
	return b, nil
}

// Decode reads an encoded record. The error is a *FormatError; r is undefined
// then. Decode keeps nothing of b.
func (r *Record) Decode(b []byte) error {
	if len(b) != Size {
		return wrong("record", 0, "is %d bytes long, want %d", len(b), Size)
	}
	if b[atVersion] == BodyVersion {
		return r.decodeBody(b)
	}
	if b[atVersion] != Version {
		return wrong("version", atVersion, "%d is unknown, want %d or %d", b[atVersion], Version, BodyVersion)
	}
	if Kind(b[atKind]).hasBody() {
		return wrong("kind", atKind, "%d takes version %d", b[atKind], BodyVersion)
	}
	be := binary.BigEndian
	if be.Uint16(b[atReserved1:]) != 0 {
		return wrong("reserved", atReserved1, "is not zero")
	}
	if be.Uint32(b[atReserved2:]) != 0 {
		return wrong("reserved", atReserved2, "is not zero")
	}
	r.Kind = Kind(b[atKind])
	r.Marks = gate.Marks(be.Uint16(b[atMarks:]))
	r.Position.Gate = gate.GateID(be.Uint32(b[atGate:]))
	r.Position.Epoch = be.Uint32(b[atEpoch:])
	r.Position.Sequence = be.Uint64(b[atSequence:])
	r.Event = gate.EventID(be.Uint32(b[atEvent:]))
	r.Clock = Clock(be.Uint64(b[atClock:]))
	r.Wall = time.UnixMilli(int64(be.Uint64(b[atWall:]))).UTC()
	r.Ticket = gate.TicketID(be.Uint64(b[atTicket:]))
	r.Generation = b[atGeneration]
	r.Step = be.Uint32(b[atGeneration:]) & NoStep
	r.Session = gate.SessionID(be.Uint16(b[atSession:]))
	r.Entry = be.Uint16(b[atEntry:])
	r.Lane = gate.LaneID(be.Uint16(b[atLane:]))
	r.From = gate.ZoneID(be.Uint16(b[atFrom:]))
	r.To = gate.ZoneID(be.Uint16(b[atTo:]))
	r.Reason = gate.Reason(be.Uint16(b[atReason:]))
	r.Outcome = gate.Outcome(b[atOutcome])
	r.Count = b[atCount]
	r.Staff = be.Uint32(b[atStaff:])
	r.Person = gate.PersonKey(b[atPerson : atPerson+8])
	r.Ref.Gate = gate.GateID(be.Uint32(b[atRefGate:]))
	r.Ref.Epoch = be.Uint32(b[atRefEpoch:])
	r.Ref.Sequence = be.Uint64(b[atRefSeq:])
	r.Request = be.Uint64(b[atRequest:])
	r.Pack = be.Uint32(b[atPack:])
	r.Prev = Hash(b[atPrev : atPrev+32])
	r.Body = [BodySize]byte{}
	if err := r.Check(); err != nil {
		return err
	}
	return r.placed()
}

// decodeBody reads an order or a proof.
func (r *Record) decodeBody(b []byte) error {
	be := binary.BigEndian
	*r = Record{
		Kind:  Kind(b[atKind]),
		Marks: gate.Marks(be.Uint16(b[atMarks:])),
		Position: Position{
			Origin{gate.GateID(be.Uint32(b[atGate:])), be.Uint32(b[atEpoch:])}, be.Uint64(b[atSequence:]),
		},
		Event: gate.EventID(be.Uint32(b[atEvent:])),
		Clock: Clock(be.Uint64(b[atClock:])),
		Wall:  time.UnixMilli(int64(be.Uint64(b[atWall:]))).UTC(),
		Body:  [BodySize]byte(b[atBody : atBody+BodySize]),
		Prev:  Hash(b[atPrev : atPrev+32]),
	}
	if !r.Kind.hasBody() {
		return wrong("version", atVersion, "%d does not go with kind %d", b[atVersion], r.Kind)
	}
	return r.placed()
}

// Hash returns the hash that the next record's Prev holds. It is defined for
// records that can be encoded; for others it returns the zero Hash.
func (r *Record) Hash() Hash {
	var buf [Size]byte
	b, err := r.AppendBinary(buf[:0])
	if err != nil {
		return Hash{}
	}
	return HashEncoded(b)
}

// HashEncoded returns the hash of an encoded record.
func HashEncoded(encoded []byte) Hash {
	var buf [len(hashDomain) + Size]byte
	b := append(append(buf[:0], hashDomain...), encoded...)
	return sha256.Sum256(b)
}
