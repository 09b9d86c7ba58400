package claim

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// The bounds of a request; docs/protocol/claim.md describes it byte for byte.
const (
	// Version is the first byte of a request, of an answer and of a hello.
	Version = 1

	maxFrame   = 1 << 16
	maxItems   = 256
	maxRecords = 256 // of one stretch
	maxPersons = 16
	maxOthers  = 255
	recordSize = ledger.Size - 32 // without the hash of the record before
	maxCount   = 255
)

// requestDomain keeps a signed request from being taken for anything else
// signed with a gate's key.
const requestDomain = "VG1 claim\x00"

// clusterID names a set of keepers that agree, once and for ever.
type clusterID [32]byte

// request is what a gate asks of the keepers, in order.
type request struct {
	gate        gate.GateID
	incarnation uint32
	epoch       uint32
	number      uint64 // grows with every request of this start
	cluster     clusterID
	items       []item
	signature   [ed25519.SignatureSize]byte
}

type itemKind uint8

const (
	itemClaim   itemKind = 1
	itemRelease itemKind = 2
	itemRecords itemKind = 3
	itemOrder   itemKind = 4
)

// item is one thing asked: a claim, the release of some, records or an order
// handed in.
type item struct {
	kind    itemKind
	request uint64      // of a claim, or the first of a release
	last    uint64      // of a release
	claim   gate.Claim  // kind itemClaim
	run     run         // kind itemRecords
	order   placedOrder // kind itemOrder
}

// run is a stretch of a log without a gap: those of its records that bear on
// who is inside. The others only count as known.
type run struct {
	origin      ledger.Origin
	first, last uint64
	records     []ledger.Record
}

// MessageError says which field of a message is wrong.
type MessageError struct {
	Field   string
	Offset  int // of the field in the message
	Problem string
}

// Error names the byte, the field and the problem.
func (e *MessageError) Error() string {
	return fmt.Sprintf("claim message: byte %d, %s: %s", e.Offset, e.Field, e.Problem)
}

const (
	flagStep    = 1
	flagFollows = 2
)

// appendBody appends all but the signature.
func (q *request) appendBody(b []byte) []byte {
	be := binary.BigEndian
	b = append(b, Version)
	b = be.AppendUint32(b, uint32(q.gate))
	b = be.AppendUint32(b, q.incarnation)
	b = be.AppendUint32(b, q.epoch)
	b = be.AppendUint64(b, q.number)
	b = append(b, q.cluster[:]...)
	b = be.AppendUint16(b, uint16(len(q.items)))
	for i := range q.items {
		b = q.items[i].append(b)
	}
	return b
}

// sign returns the signed request.
func (q *request) sign(s Signer) []byte {
	b := q.appendBody(append(make([]byte, 0, 512), requestDomain...))
	return append(b[len(requestDomain):], s.Sign(b)...)
}

// verify reports whether key signed an encoded request.
func verifyRequest(encoded []byte, key ed25519.PublicKey) bool {
	n := len(encoded) - ed25519.SignatureSize
	if n < 0 || len(key) != ed25519.PublicKeySize {
		return false
	}
	signed := append(append(make([]byte, 0, len(requestDomain)+n), requestDomain...), encoded[:n]...)
	return ed25519.Verify(key, signed, encoded[n:])
}

func (it *item) append(b []byte) []byte {
	be := binary.BigEndian
	b = append(b, byte(it.kind))
	switch it.kind {
	case itemRelease:
		return be.AppendUint64(be.AppendUint64(b, it.request), it.last)
	case itemOrder:
		signed, err := it.order.AppendBinary(b)
		if err != nil {
			signed = append(signed, make([]byte, gate.SignedOrderSize)...) // was never taken for an order
		}
		return appendMark(signed, it.order.mark)
	case itemRecords:
		b = be.AppendUint32(b, uint32(it.run.origin.Gate))
		b = be.AppendUint32(b, it.run.origin.Epoch)
		b = be.AppendUint64(b, it.run.first)
		b = be.AppendUint64(b, it.run.last)
		b = be.AppendUint16(b, uint16(len(it.run.records)))
		for i := range it.run.records {
			b = appendRecord(b, &it.run.records[i])
		}
		return b
	}
	return appendClaim(be.AppendUint64(b, it.request), &it.claim)
}

// appendRecord appends a record without its Prev. What cannot be encoded was
// never in a journal.
func appendRecord(b []byte, rec *ledger.Record) []byte {
	n := len(b)
	b, err := rec.AppendBinary(b)
	if err != nil {
		return append(b, make([]byte, recordSize)...)
	}
	return b[:n+recordSize]
}

func appendClaim(b []byte, c *gate.Claim) []byte {
	be := binary.BigEndian
	b = be.AppendUint32(b, uint32(c.Event))
	b = be.AppendUint64(b, uint64(c.Ticket))
	b = append(b, c.Generation)
	b = be.AppendUint16(b, uint16(c.Session))
	var flags byte
	if c.HasStep {
		flags |= flagStep
	}
	if c.Follows {
		flags |= flagFollows
	}
	b = append(b, flags)
	b = be.AppendUint32(b, c.Step)
	b = append(b, byte(c.Count))
	b = be.AppendUint32(b, uint32(c.OpenLimit))
	b = be.AppendUint32(b, uint32(c.EntryLimit))
	b = be.AppendUint16(b, uint16(c.Lane))
	b = be.AppendUint64(b, uint64(c.At.UnixMilli()))
	b = append(b, byte(len(c.Persons)))
	for _, p := range c.Persons {
		b = append(b, p[:]...)
	}
	b = append(b, byte(len(c.Others)))
	for _, id := range c.Others {
		b = be.AppendUint64(b, uint64(id))
	}
	return b
}

// checkClaim reports what no message can hold.
func checkClaim(c *gate.Claim) error {
	for _, f := range []struct {
		name    string
		is, max int
	}{
		{"count", c.Count, maxCount},
		{"open limit", c.OpenLimit, 1<<31 - 1},
		{"entry limit", c.EntryLimit, 1<<31 - 1},
		{"persons", len(c.Persons), maxPersons},
		{"other tickets", len(c.Others), maxOthers},
		{"step", int(c.Step), ledger.NoStep},
	} {
		if f.is < 0 || f.is > f.max {
			return fmt.Errorf("claim of ticket %v: %s: %d is not within 0 to %d", c.Ticket, f.name, f.is, f.max)
		}
	}
	if at := c.At.UnixMilli(); !c.At.IsZero() && (at < 0 || at > maxMilli) {
		return fmt.Errorf("claim of ticket %v: time: year %d is out of range", c.Ticket, c.At.Year())
	}
	return nil
}

// parseRequest reads a signed request. It does not verify it. The error is a
// *MessageError.
func parseRequest(b []byte) (*request, error) {
	if len(b) > maxFrame {
		return nil, &MessageError{"request", 0, fmt.Sprintf("is %d bytes long, at most %d", len(b), maxFrame)}
	}
	r := reader{b: b}
	q := &request{}
	r.version()
	q.gate = gate.GateID(r.u32("gate", 1, 1<<32-1))
	q.incarnation = uint32(r.u32("incarnation", 0, 1<<32-1))
	q.epoch = uint32(r.u32("epoch", 1, 1<<32-1))
	q.number = r.u64("number", 1, 1<<64-1)
	copy(q.cluster[:], r.take("cluster", len(q.cluster)))
	n := int(r.u16("items", maxItems))
	for range n {
		if r.err != nil {
			break
		}
		q.items = append(q.items, r.item(q.epoch))
	}
	copy(q.signature[:], r.take("signature", len(q.signature)))
	return q, r.end()
}

func (r *reader) item(epoch uint32) item {
	it := item{kind: itemKind(r.u8("item", 1, 4))}
	switch it.kind {
	case itemRecords:
		r.run(&it.run)
	case itemOrder:
		it.order = r.order(gate.SignedOrderSize)
	case itemClaim:
		// A claim belongs to the start of the gate that asks; releases may be of
		// an earlier one.
		it.request = r.u64("request", uint64(epoch)<<32|1, uint64(epoch)<<32|(1<<32-1))
		r.claim(&it.claim)
	default:
		it.request = r.u64("request", 1<<32|1, 1<<64-1)
		if it.request&(1<<32-1) == 0 {
			r.fail("request", "%d has no number", it.request)
		}
		it.last = r.u64("last request", it.request, it.request|(1<<32-1)) // of the same start
	}
	return it
}

func (r *reader) claim(c *gate.Claim) {
	c.Event = gate.EventID(r.u32("event", 0, 1<<32-1))
	c.Ticket = gate.TicketID(r.u64("ticket", 0, 1<<64-1))
	c.Generation = uint8(r.u8("generation", 0, 255))
	c.Session = gate.SessionID(r.u16("session", 1<<16-1))
	flags := r.u8("flags", 0, flagStep|flagFollows)
	c.HasStep, c.Follows = flags&flagStep != 0, flags&flagFollows != 0
	c.Step = uint32(r.u32("step", 0, ledger.NoStep))
	c.Count = int(r.u8("count", 0, maxCount))
	c.OpenLimit = int(r.u32("open limit", 0, 1<<31-1))
	c.EntryLimit = int(r.u32("entry limit", 0, 1<<31-1))
	c.Lane = gate.LaneID(r.u16("lane", 1<<16-1))
	c.At = r.time("time")
	for range r.u8("persons", 0, maxPersons) {
		var p gate.PersonKey
		copy(p[:], r.take("person", len(p)))
		c.Persons = append(c.Persons, p)
	}
	for range r.u8("other tickets", 0, maxOthers) {
		c.Others = append(c.Others, gate.TicketID(r.u64("other ticket", 0, 1<<64-1)))
	}
}

func (r *reader) run(out *run) {
	out.origin.Gate = gate.GateID(r.u32("log's gate", 1, 1<<32-1))
	out.origin.Epoch = uint32(r.u32("log's epoch", 1, 1<<32-1))
	out.first = r.u64("first", 1, ledger.MaxSequence)
	out.last = r.u64("last", out.first, ledger.MaxSequence)
	next := out.first
	for range r.u16("records", maxRecords) {
		var full [ledger.Size]byte
		copy(full[:], r.take("record", recordSize))
		if r.err != nil {
			return
		}
		var rec ledger.Record
		if err := rec.Decode(full[:]); err != nil {
			r.fail("record", "%v", err)
			return
		}
		if rec.Position.Origin != out.origin || rec.Position.Sequence < next || rec.Position.Sequence > out.last {
			r.fail("record", "is not of the log, or out of order")
			return
		}
		if !Bears(&rec) {
			r.fail("record", "of kind %d bears on nobody inside", rec.Kind)
			return
		}
		next = rec.Position.Sequence + 1
		out.records = append(out.records, rec)
	}
}

// reader reads fields and remembers the first that is wrong.
type reader struct {
	b   []byte
	at  int
	err error
}

func (r *reader) fail(field, format string, args ...any) {
	if r.err == nil {
		r.err = &MessageError{Field: field, Offset: r.at, Problem: fmt.Sprintf(format, args...)}
	}
}

func (r *reader) take(field string, n int) []byte {
	if r.err == nil && len(r.b)-r.at < n {
		r.fail(field, "is cut off")
	}
	if r.err != nil {
		return make([]byte, n)
	}
	r.at += n
	return r.b[r.at-n : r.at]
}

func (r *reader) number(field string, n int, least, most uint64) uint64 {
	var v uint64
	for _, c := range r.take(field, n) {
		v = v<<8 | uint64(c)
	}
	if r.err == nil && (v < least || v > most) {
		r.at -= n
		r.fail(field, "%d is not within %d to %d", v, least, most)
	}
	if r.err != nil {
		return 0
	}
	return v
}

func (r *reader) u8(field string, least, most uint64) uint64 { return r.number(field, 1, least, most) }

func (r *reader) u16(field string, most uint64) uint64 { return r.number(field, 2, 0, most) }

func (r *reader) u32(field string, least, most uint64) uint64 { return r.number(field, 4, least, most) }

func (r *reader) u64(field string, least, most uint64) uint64 { return r.number(field, 8, least, most) }

func (r *reader) version() { r.u8("version", Version, Version) }

// maxMilli is the last millisecond of the year 9999.
const maxMilli = 253402300799999

func (r *reader) time(field string) time.Time {
	return time.UnixMilli(int64(r.u64(field, 0, maxMilli))).UTC()
}

func (r *reader) server(field string) Server {
	return Server{gate.GateID(r.u32(field+"'s gate", 0, 1<<32-1)), uint32(r.u32(field+"'s incarnation", 0, 1<<32-1))}
}

func (r *reader) end() error {
	if r.err == nil && r.at != len(r.b) {
		r.fail("end", "%d bytes too many", len(r.b)-r.at)
	}
	return r.err
}
