package gate

import (
	"encoding/hex"
	"fmt"
	"strconv"
)

// EventID names an event over all of an issuer's events.
type EventID uint32

// TicketID names a ticket over all events and issuers that a gate can hold.
type TicketID uint64

// String returns the id in decimal, as every interface shows it.
func (id TicketID) String() string { return strconv.FormatUint(uint64(id), 10) }

// GateID names an appliance in the venue's roster.
type GateID uint32

// LaneID names a lane in the venue's roster, over all gates.
type LaneID uint16

// ZoneID names an area of the venue.
type ZoneID uint16

// ZoneGroupID names a set of zones that one kind of ticket grants.
type ZoneGroupID uint16

// SessionID names a session of an event. Zero stands for "no sessions".
type SessionID uint16

// ClassID names a class of ticket, such as adult, child or accreditation.
type ClassID uint16

// EntranceID names an entrance. Zero on a ticket means any entrance.
type EntranceID uint16

// ChannelID names where a ticket was sold.
type ChannelID uint16

// OrderID joins the tickets bought together.
type OrderID uint64

// PassID joins the tickets of one pass, such as a festival's single days.
type PassID uint64

// Tag is a keyed tag of something that must not be stored plain: a document
// number, a name, a foreign code. See docs/protocol/ticket.md.
type Tag [16]byte

// IsZero reports whether no tag is set.
func (t Tag) IsZero() bool { return t == Tag{} }

// String returns the tag as 32 hex digits.
func (t Tag) String() string { return hex.EncodeToString(t[:]) }

// MarshalText writes the tag as 32 hex digits.
func (t Tag) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads 32 hex digits.
func (t *Tag) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(t)) {
		return fmt.Errorf("tag: %d characters, want %d hex digits", len(text), hex.EncodedLen(len(t)))
	}
	if _, err := hex.Decode(t[:], text); err != nil {
		return fmt.Errorf("tag: %w", err)
	}
	return nil
}

// PersonKey is the first 8 bytes of a document tag: enough to find a person's
// other tickets, and what a ticket's signed body carries.
type PersonKey [8]byte

// IsZero reports whether no person is named.
func (k PersonKey) IsZero() bool { return k == PersonKey{} }

// Person returns the tag's person key.
func (t Tag) Person() PersonKey { return PersonKey(t[:8]) }
