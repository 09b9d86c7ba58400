package store

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// The value of a ticket in a pack file. It is private to this package and may
// change with formatVersion: a pack is built anew from its signed source.
//
//	generation u8 ‖ status, re-entry, real-name, proof u8 ‖ party u8 ‖
//	mask uvarint ‖ class uvarint ‖ zone group uvarint ‖ the fields of the mask
//
// A field that is zero has no bit in the mask and no bytes. Every number is in
// its shortest form, so a ticket has exactly one encoding.
const (
	hasEntrance = 1 << iota
	hasSessions
	hasValidFrom
	hasValidUntil
	hasAdmitFrom
	hasEntriesPerDay
	hasEntriesInAll
	hasOrder
	hasPass
	hasChannel
	hasCode
	hasAnchor
	hasHolder
	hasDocuments
	hasName
	hasBirth
	hasPhone
	hasTexts
	hasForeign
	maskEnd // one past the last bit
)

const (
	statusMask   = 0b0000_0011
	flagReEntry  = 0b0000_0100
	flagRealName = 0b0000_1000
	proofShift   = 4
	proofMask    = 0b0011_0000
	flagsKnown   = statusMask | flagReEntry | flagRealName | proofMask
)

// Bounds of one ticket, generous beside those of the pack format.
const (
	maxSessions  = 512
	maxDocuments = 64
	maxForeign   = 64
	maxText      = 255 // bytes, each of five texts
)

// appendTicket appends the value of t. It refuses what it could not give back:
// the error is a [*TicketError].
func appendTicket(b []byte, t *gate.Ticket) ([]byte, error) {
	if field, why := unstorable(t); field != "" {
		return b, &TicketError{Ticket: t.ID, Field: field, Why: why}
	}
	flags := byte(t.Status) | byte(t.Code.Proof)<<proofShift
	if t.ReEntry {
		flags |= flagReEntry
	}
	if t.RealName {
		flags |= flagRealName
	}
	mask := maskOf(t)
	b = append(b, t.Generation, flags, t.Party)
	b = binary.AppendUvarint(b, mask)
	b = binary.AppendUvarint(b, uint64(t.Class))
	b = binary.AppendUvarint(b, uint64(t.ZoneGroup))
	number := func(bit, v uint64) {
		if mask&bit != 0 {
			b = binary.AppendUvarint(b, v)
		}
	}
	moment := func(bit uint64, at time.Time) {
		if mask&bit != 0 {
			b = binary.AppendVarint(b, at.Unix())
		}
	}
	bytes := func(bit uint64, v []byte) {
		if mask&bit != 0 {
			b = append(b, v...)
		}
	}
	number(hasEntrance, uint64(t.Entrance))
	number(hasSessions, uint64(len(t.Sessions)))
	for _, s := range t.Sessions {
		b = binary.AppendUvarint(b, uint64(s))
	}
	moment(hasValidFrom, t.ValidFrom)
	moment(hasValidUntil, t.ValidUntil)
	moment(hasAdmitFrom, t.AdmitFrom)
	number(hasEntriesPerDay, uint64(t.EntriesPerDay))
	number(hasEntriesInAll, uint64(t.EntriesInAll))
	number(hasOrder, uint64(t.Order))
	number(hasPass, uint64(t.Pass))
	number(hasChannel, uint64(t.Channel))
	if mask&hasCode != 0 {
		b = binary.BigEndian.AppendUint16(b, t.Code.KeyID)
		b = binary.BigEndian.AppendUint32(b, t.Code.T0)
		b = binary.BigEndian.AppendUint16(b, t.Code.Steps)
		b = append(b, t.Code.Period)
	}
	bytes(hasAnchor, t.Code.Anchor[:])
	bytes(hasHolder, t.Code.Holder[:])
	number(hasDocuments, uint64(len(t.Documents)))
	for i := range t.Documents {
		b = append(b, byte(t.Documents[i].Type))
		b = append(b, t.Documents[i].Tag[:]...)
	}
	bytes(hasName, t.Name[:])
	bytes(hasBirth, t.Birth[:])
	bytes(hasPhone, t.Phone[:])
	number(hasForeign, uint64(len(t.Foreign)))
	for i := range t.Foreign {
		b = append(b, t.Foreign[i][:]...)
	}
	if mask&hasTexts != 0 {
		texts := textsOf(t)
		for _, s := range texts {
			b = append(b, byte(len(s)))
		}
		for _, s := range texts {
			b = append(b, s...)
		}
	}
	return b, nil
}

// textsOf returns the ticket's texts in the order of the value.
func textsOf(t *gate.Ticket) [5]string {
	return [5]string{t.Masked, t.Seat.Area, t.Seat.Row, t.Seat.Seat, t.Language}
}

func maskOf(t *gate.Ticket) uint64 {
	var mask uint64
	set := func(bit uint64, there bool) {
		if there {
			mask |= bit
		}
	}
	set(hasEntrance, t.Entrance != 0)
	set(hasSessions, len(t.Sessions) > 0)
	set(hasValidFrom, !t.ValidFrom.IsZero())
	set(hasValidUntil, !t.ValidUntil.IsZero())
	set(hasAdmitFrom, !t.AdmitFrom.IsZero())
	set(hasEntriesPerDay, t.EntriesPerDay != 0)
	set(hasEntriesInAll, t.EntriesInAll != 0)
	set(hasOrder, t.Order != 0)
	set(hasPass, t.Pass != 0)
	set(hasChannel, t.Channel != 0)
	set(hasCode, t.Code.KeyID != 0 || t.Code.T0 != 0 || t.Code.Steps != 0 || t.Code.Period != 0)
	set(hasAnchor, t.Code.Anchor != [20]byte{})
	set(hasHolder, t.Code.Holder != [32]byte{})
	set(hasDocuments, len(t.Documents) > 0)
	set(hasName, !t.Name.IsZero())
	set(hasBirth, !t.Birth.IsZero())
	set(hasPhone, !t.Phone.IsZero())
	set(hasForeign, len(t.Foreign) > 0)
	set(hasTexts, textsOf(t) != [5]string{})
	return mask
}

// unstorable says what keeps a ticket out of a pack, if anything does.
func unstorable(t *gate.Ticket) (field, why string) {
	switch {
	case t.ID == 0:
		return "id", "zero"
	case t.Assumed:
		return "assumed", "a stand-in for a ticket, not a ticket"
	case t.Status > gate.StatusUsedUp:
		return "status", "unknown"
	case t.Code.Proof > gate.ProofHolder:
		return "proof", "unknown"
	case len(t.Sessions) > maxSessions:
		return "sessions", "too many"
	case len(t.Documents) > maxDocuments:
		return "documents", "too many"
	case len(t.Foreign) > maxForeign:
		return "foreign", "too many"
	case t.Masked != "" && !strings.Contains(t.Masked, "*"):
		return "masked", "a name without a mask"
	}
	for _, at := range []time.Time{t.ValidFrom, t.ValidUntil, t.AdmitFrom} {
		if at.Nanosecond() != 0 {
			return "times", "not a whole second"
		}
	}
	for i := range t.Documents {
		if t.Documents[i].Short {
			return "documents", "a shortened tag"
		}
	}
	texts := textsOf(t)
	if slices.ContainsFunc(texts[:], func(s string) bool { return len(s) > maxText }) {
		return "texts", "one is too long"
	}
	return "", ""
}
