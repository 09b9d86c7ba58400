package gate

import "time"

// Verdict is the answer to one presentation.
type Verdict struct {
	Outcome    Outcome
	Reason     Reason
	Ticket     TicketID
	Generation uint8
	Session    SessionID
	Count      int           // people that may pass; zero unless Outcome opens
	Entry      int           // the number of this entry of the ticket in its session, from 1
	Wants      Want          // what is missing and may still be shown
	Skew       time.Duration // phone's clock less ours
	NotBefore  time.Time     // when to come back, where the reason has such a time
	Previous   *Admission    // the earlier entry that stands in the way
	Entrance   EntranceID    // where to go instead, where the reason is the wrong entrance
	Marks      Marks
	Hold       time.Duration // how long the barrier waits; zero: as the lane does
	Group      Group         // where a leader brought others along
	// Follows: one more of a party, on the code that let its first in.
	Follows bool
	// OpenLimit and EntryLimit are what the claim must hold to: people inside
	// at a time, and people admitted in the session (zero: no limit).
	OpenLimit, EntryLimit int
}

// Group is how many of an order came in with its leader.
type Group struct {
	Admitted, Of int // people; both zero without a group
}

// Opens reports whether the barrier moves.
func (v *Verdict) Opens() bool { return v.Outcome == Admit || v.Outcome == Exit }

// Outcome is what the lane does.
type Outcome uint8

// The outcomes.
const (
	Refuse Outcome = iota // the zero value keeps the barrier shut
	Admit
	Exit
	Refer // to staff
)

// String returns the outcome's word: admit, exit, refuse or refer.
func (o Outcome) String() string {
	switch o {
	case Admit:
		return "admit"
	case Exit:
		return "exit"
	case Refer:
		return "refer"
	default:
		return "refuse"
	}
}

// Want is what a visitor may still show to be admitted.
type Want uint8

// What may be missing.
const (
	WantDocument Want = 1 << iota
	WantCode
	WantLongCode // the full code instead of the short one
)

// Marks say what was special about a verdict. They travel in the record.
type Marks uint16

// The marks of a verdict.
const (
	MarkIsolated       Marks = 1 << iota // granted alone
	MarkOverride                         // by staff
	MarkClockUntrusted                   // the gate was not sure of the time
	MarkTraining                         // not for the books
	MarkAssumed                          // a signed code stood in for the pack
	MarkPreCheck                         // verified, nothing consumed
	MarkLed                              // came in with the leader of the order
)

// Has reports whether all of the given marks are set.
func (m Marks) Has(which Marks) bool { return m&which == which }
