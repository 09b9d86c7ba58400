package gate

import "time"

// Policy is what an event's organiser allows. It comes from the signed pack.
type Policy struct {
	Event      EventID
	TimeZone   *time.Location // days begin at midnight here; nil counts as UTC
	Sessions   []Session      // none: the event has no windows
	ZoneGroups map[ZoneGroupID][]ZoneID

	ReEntry           ReEntry
	ReEntryPause      time.Duration // since the last way out, or in where nobody records exits
	ReEntryLate       bool          // coming back is allowed after last entry
	EntriesPerSession int           // in all, re-entries included; zero: no limit
	PartyTogether     bool          // one presentation admits all that is left of the party

	RealName          RealName
	OnePerson         bool // one person, one entry a session, whatever tickets they hold
	ForeignUnproved   bool // platforms' own codes are enough without a document
	NoDocumentAlone   bool // a document by itself does not find the ticket
	Margins           Margins
	Isolation         Isolation
	NoClaims          bool // gates let in by what they have heard of each other, and ask no keepers
	Classes           map[ClassID]ClassRule
	AssumedClass      ClassID // of tickets that the pack does not know yet
	UntrustedMargins  Margins // while the gate's clock is not trusted
	UntrustedDocument bool    // while the gate's clock is not trusted, a code asks for a document

	// Set by Orders.Policy.
	orders     *Orders
	redirected map[EntranceID]EntranceID
}

// ClassRule is what is special about a class of ticket.
type ClassRule struct {
	// Hold is how long the barrier waits for somebody of the class; zero: as for
	// everybody.
	Hold time.Duration
	// LeadsOrder: a ticket of the class brings in all that are left of its order.
	LeadsOrder bool
}

// Margins are how many steps a phone's clock may be behind and ahead.
type Margins struct {
	Behind, Ahead int
}

// Session is one performance, match or day.
type Session struct {
	ID        SessionID
	Name      string
	Doors     time.Time // first entry
	Start     time.Time
	LastEntry time.Time // zero: until End
	End       time.Time
}

// lastEntry returns the moment after which nobody comes in for the first time.
func (s *Session) lastEntry() time.Time {
	if s.LastEntry.IsZero() {
		return s.End
	}
	return s.LastEntry
}

// ReEntry says whether somebody who went out may come back. The ticket must
// allow it too.
type ReEntry uint8

// The re-entry rules.
const (
	ReEntryNone       ReEntry = iota
	ReEntryAfterExit          // once an exit is on record
	ReEntryAfterPause         // once a pause has passed, exit on record or not
)

// RealName says what part documents play.
type RealName uint8

// The real-name modes.
const (
	RealNameNone            RealName = iota
	RealNameDocument                 // the document is the ticket
	RealNameCodeAndDocument          // both, every time
	RealNameDocumentAtFirst          // both on the first entry, the code alone after that
	realNameModesEnd                 // one past the last
)

// Valid reports whether the mode is one that this build knows.
func (m RealName) Valid() bool { return m < realNameModesEnd }

// Isolation says what a gate does with rightful visitors while it cannot ask
// the other gates.
type Isolation uint8

// The isolation policies.
const (
	IsolationUnset  Isolation = iota // a lane without its own: the event's counts; an event without: refer
	IsolationAdmit                   // admit and mark
	IsolationRefer                   // send to staff
	IsolationRefuse                  // keep shut
)

// zones returns the zones of a group.
func (p *Policy) zones(id ZoneGroupID) []ZoneID { return p.ZoneGroups[id] }

// dayOf returns midnight of now's day at the event.
func (p *Policy) dayOf(now time.Time) time.Time {
	loc := p.TimeZone
	if loc == nil {
		loc = time.UTC
	}
	y, m, d := now.In(loc).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, loc)
}
