package gate

import "time"

// Ticket is what was sold, as the pack or a signed body says it.
type Ticket struct {
	Event      EventID
	ID         TicketID
	Generation uint8 // bumped by every re-issue and transfer, from 1
	Status     Status
	Class      ClassID
	ZoneGroup  ZoneGroupID
	Entrance   EntranceID  // zero: any
	Sessions   []SessionID // empty: any session of the event
	ReEntry    bool        // may come back, where the policy knows re-entry
	RealName   bool        // bound to a document; whether that is asked for is the policy's word
	Party      uint8       // people that the ticket admits at a time; zero counts as 1

	ValidFrom  time.Time // zero: no limit
	ValidUntil time.Time // zero: no limit
	AdmitFrom  time.Time // the holder's own admission time, if one was sold

	EntriesPerDay uint16 // zero: no limit of the ticket's own
	EntriesInAll  uint16 // zero: no limit of the ticket's own

	Order   OrderID
	Pass    PassID
	Channel ChannelID
	Code    CodeParams

	Documents []DocumentTag // any of them proves the holder
	Name      Tag
	Birth     Tag
	Phone     Tag // of the last four digits
	Masked    string
	Seat      Seat
	Language  string
	Foreign   []Tag // other platforms' codes for this ticket

	// Assumed is true when the pack does not know the ticket and a signed long
	// or static code stands in for it.
	Assumed bool
}

// PartySize returns how many people the ticket admits at a time.
func (t *Ticket) PartySize() int { return max(1, int(t.Party)) }

// ForSession reports whether the ticket is good for a session.
func (t *Ticket) ForSession(id SessionID) bool {
	if len(t.Sessions) == 0 {
		return true
	}
	for _, s := range t.Sessions {
		if s == id {
			return true
		}
	}
	return false
}

// HasDocument reports whether a shown document belongs to the ticket.
func (t *Ticket) HasDocument(shown Tag) bool {
	for i := range t.Documents {
		if t.Documents[i].Matches(shown) {
			return true
		}
	}
	return false
}

// Status is what the box office last said of a ticket.
type Status uint8

// The states of a ticket.
const (
	StatusValid    Status = 0
	StatusVoid     Status = 1
	StatusRefunded Status = 2
	StatusUsedUp   Status = 3
)

// Proof is how a ticket's code proves itself; see docs/protocol/ticket.md.
type Proof uint8

// The proofs of a code.
const (
	ProofStatic Proof = 0
	ProofChain  Proof = 1
	ProofHolder Proof = 2
)

// CodeParams is the public half of a ticket's rotating code.
type CodeParams struct {
	KeyID  uint16
	T0     uint32 // Unix seconds of step 0
	Steps  uint16 // N
	Period uint8  // seconds
	Proof  Proof
	Anchor [20]byte // proof chain
	Holder [32]byte // proof holder: Ed25519 public key
}

// DocumentTag is the keyed tag of one of a person's documents.
type DocumentTag struct {
	Type DocumentType
	Tag  Tag
	// Short is true when only the first 8 bytes are known, as in a signed body.
	Short bool
}

// Matches reports whether a shown document's tag is this one. Tags are not
// secrets on a gate that made one of them a moment ago, so the comparison need
// not be in constant time.
func (d DocumentTag) Matches(shown Tag) bool {
	if d.Short {
		return d.Tag.Person() == shown.Person()
	}
	return d.Tag == shown
}

// Seat is where the holder sits, for staff to point the way.
type Seat struct {
	Area, Row, Seat string
}
