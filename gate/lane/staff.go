package lane

import (
	"errors"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// What a person at the lane may be told instead of an answer.
var (
	// ErrBusy: somebody is going through. Ask again in a moment.
	ErrBusy = errors.New("lane: somebody is going through")
	// ErrOver: the case is not open any more: its time has passed, or it is
	// another visitor's turn.
	ErrOver = errors.New("lane: that visitor's case is not open any more")
)

// Standing is what the lane waits for: something that the visitor has still to
// show, or somebody of the staff who decides.
type Standing struct {
	Wants gate.Want // document, code or both bits clear
	Until time.Time // how long it waits for that
	Case  *Case     // nil: none. Nobody changes it
}

// At returns what is still waited for at a moment.
func (s Standing) At(now time.Time) Standing {
	if !now.Before(s.Until) {
		s.Wants, s.Until = 0, time.Time{}
	}
	if s.Case != nil && !now.Before(s.Case.Until) {
		s.Case = nil
	}
	return s
}

// Case is a visitor who was referred to staff.
type Case struct {
	// ID is another one for every case, so that a button that comes late does
	// not decide on the next visitor.
	ID      uint64
	Verdict gate.Verdict
	Event   gate.EventID
	Holder  Holder
	Choices []Choice // of several tickets, those that would let the visitor in
	Until   time.Time
	// Refused: staff said yes already, and Verdict is why the answer was no. Only
	// Insist opens now.
	Refused bool
}

// Choice is one of a person's tickets.
type Choice struct {
	Event   gate.EventID
	Ticket  gate.TicketID
	Session gate.SessionID
	Holder  Holder
}

// Word is what staff say to a case.
type Word uint8

// The words.
const (
	// Refuse turns the visitor away.
	Refuse Word = iota
	// Admit lets the visitor in on the steward's word. The keepers are asked, and
	// their no stands.
	Admit
	// Insist lets the visitor in whatever is said against it. The keepers are
	// asked first, and what they say is on record.
	Insist
)

// decideWindow is how long a referred visitor's case stays open: time for a talk.
const decideWindow = 3 * time.Minute

// openCase is a case with what the visitor had shown.
type openCase struct {
	Case
	code     *shownCode
	document shownDocument
}

// refer opens a case for a visitor who was sent to staff with a ticket, or with
// several. Whoever was admitted has none any more.
func (d *Desk) refer(now time.Time, a *Answer) {
	v := &a.Verdict
	switch {
	case v.Outcome != gate.Refer && d.open != nil && v.Opens() && v.Ticket == d.open.Verdict.Ticket:
		d.open = nil
	case v.Outcome != gate.Refer || v.Ticket == 0 && len(a.choices) == 0:
	default:
		d.cases++
		window := decideWindow
		if len(a.choices) > 0 {
			window = d.pairing.window
		}
		d.open = &openCase{
			Case: Case{ID: d.cases, Verdict: *v, Event: a.event, Holder: a.Holder, Choices: a.choices, Until: now.Add(window)},
			code: a.code, document: a.document,
		}
	}
}

// standing is what is waited for now.
func (d *Desk) standing(now time.Time) *Standing {
	s := &Standing{Wants: d.pairing.waiting(now), Until: d.pairing.until}
	if d.open != nil && now.Before(d.open.Until) {
		c := d.open.Case
		s.Case = &c
	}
	return s
}
