package store

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// errValue is a ticket value that appendTicket never wrote.
var errValue = errors.New("malformed ticket value")

// decodeTicket reads a value into t, whose slices are used again. It allocates
// at most once, for the ticket's texts, and not even then if t held the same
// ones. Event and ID are the caller's to set.
func decodeTicket(value []byte, t *gate.Ticket) error {
	r := reader{b: value}
	t.Generation = r.byte()
	flags := r.byte()
	t.Party = r.byte()
	mask := r.number(32)
	if r.bad || flags&^flagsKnown != 0 || mask >= maskEnd {
		return errValue
	}
	t.Status = gate.Status(flags & statusMask)
	t.ReEntry = flags&flagReEntry != 0
	t.RealName = flags&flagRealName != 0
	t.Code.Proof = gate.Proof(flags & proofMask >> proofShift)
	if t.Code.Proof > gate.ProofHolder {
		return errValue
	}
	t.Assumed = false
	t.Class = gate.ClassID(r.number(16))
	t.ZoneGroup = gate.ZoneGroupID(r.number(16))
	r.mask = mask

	t.Entrance = gate.EntranceID(r.field(hasEntrance, 16))
	t.Sessions = t.Sessions[:0]
	for range r.count(hasSessions, maxSessions) {
		t.Sessions = append(t.Sessions, gate.SessionID(r.number(16)))
	}
	t.ValidFrom = r.moment(hasValidFrom)
	t.ValidUntil = r.moment(hasValidUntil)
	t.AdmitFrom = r.moment(hasAdmitFrom)
	t.EntriesPerDay = uint16(r.field(hasEntriesPerDay, 16))
	t.EntriesInAll = uint16(r.field(hasEntriesInAll, 16))
	t.Order = gate.OrderID(r.field(hasOrder, 64))
	t.Pass = gate.PassID(r.field(hasPass, 64))
	t.Channel = gate.ChannelID(r.field(hasChannel, 16))
	r.code(&t.Code)
	r.fixed(hasAnchor, t.Code.Anchor[:])
	r.fixed(hasHolder, t.Code.Holder[:])
	t.Documents = t.Documents[:0]
	for range r.count(hasDocuments, maxDocuments) {
		d := gate.DocumentTag{Type: gate.DocumentType(r.byte())}
		copy(d.Tag[:], r.next(len(d.Tag)))
		t.Documents = append(t.Documents, d)
	}
	r.fixed(hasName, t.Name[:])
	r.fixed(hasBirth, t.Birth[:])
	r.fixed(hasPhone, t.Phone[:])
	t.Foreign = t.Foreign[:0]
	for range r.count(hasForeign, maxForeign) {
		t.Foreign = append(t.Foreign, gate.Tag{})
		copy(t.Foreign[len(t.Foreign)-1][:], r.next(len(gate.Tag{})))
	}
	r.texts(t)
	if r.bad || len(r.b) != 0 {
		return errValue
	}
	return nil
}

// reader takes a value apart. After the first thing that does not fit, bad is
// set and everything reads as zero.
type reader struct {
	b    []byte
	mask uint64
	bad  bool
}

func (r *reader) next(n int) []byte {
	if r.bad || len(r.b) < n {
		r.bad = true
		return nil
	}
	head := r.b[:n]
	r.b = r.b[n:]
	return head
}

func (r *reader) byte() byte {
	if b := r.next(1); b != nil {
		return b[0]
	}
	return 0
}

// number reads an unsigned number of at most so many bits, in its shortest form.
func (r *reader) number(bits int) uint64 {
	v, n := binary.Uvarint(r.b)
	if r.bad || n <= 0 || n > 1 && r.b[n-1] == 0 || bits < 64 && v>>bits != 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) has(bit uint64) bool { return r.mask&bit != 0 }

// field reads a number that is there only when it is not zero.
func (r *reader) field(bit uint64, bits int) uint64 {
	if !r.has(bit) {
		return 0
	}
	v := r.number(bits)
	r.bad = r.bad || v == 0
	return v
}

// count reads how many of something follow. The bound keeps a damaged value
// from asking for memory.
func (r *reader) count(bit, most uint64) uint64 {
	n := r.field(bit, 32)
	if n > most {
		r.bad = true
	}
	if r.bad {
		return 0
	}
	return n
}

func (r *reader) moment(bit uint64) time.Time {
	if !r.has(bit) {
		return time.Time{}
	}
	u := r.number(64)
	at := time.Unix(int64(u>>1)^-int64(u&1), 0).UTC()
	r.bad = r.bad || at.IsZero()
	return at
}

// fixed reads an array that is there only when it is not all zeros.
func (r *reader) fixed(bit uint64, into []byte) {
	clear(into)
	if !r.has(bit) {
		return
	}
	copy(into, r.next(len(into)))
	for _, c := range into {
		if c != 0 {
			return
		}
	}
	r.bad = true
}

func (r *reader) code(c *gate.CodeParams) {
	c.KeyID, c.T0, c.Steps, c.Period = 0, 0, 0, 0
	if !r.has(hasCode) {
		return
	}
	b := r.next(9)
	if b == nil {
		return
	}
	c.KeyID = binary.BigEndian.Uint16(b)
	c.T0 = binary.BigEndian.Uint32(b[2:])
	c.Steps = binary.BigEndian.Uint16(b[6:])
	c.Period = b[8]
	r.bad = c.KeyID == 0 && c.T0 == 0 && c.Steps == 0 && c.Period == 0
}

// texts reads the five texts, which stand one after the other so that one
// string backs them all.
func (r *reader) texts(t *gate.Ticket) {
	into := [5]*string{&t.Masked, &t.Seat.Area, &t.Seat.Row, &t.Seat.Seat, &t.Language}
	if !r.has(hasTexts) {
		for _, s := range into {
			*s = ""
		}
		return
	}
	lengths := r.next(len(into))
	total := 0
	for _, n := range lengths {
		total += int(n)
	}
	all := r.next(total)
	if r.bad || total == 0 {
		r.bad = true
		return
	}
	same := true
	at := 0
	for i, s := range into {
		end := at + int(lengths[i])
		same = same && *s == string(all[at:end])
		at = end
	}
	if same {
		return
	}
	backing := string(all)
	for i, s := range into {
		*s, backing = backing[:lengths[i]], backing[lengths[i]:]
	}
}
