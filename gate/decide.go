package gate

import "time"

// Decide answers one presentation. It knows only its arguments: now is the
// gate's best time, ticket is nil when neither the pack nor a signed code knows
// one, history is what the ledger holds, policy the event's.
//
// The order of the checks is the order in which a steward would want to hear
// what is wrong: first the lane, then the code, then the ticket, then place and
// time, then the person, then what happened before. Each check returns true when
// it has made the verdict.
func Decide(now time.Time, lane *Lane, shown *Presented, ticket *Ticket, history *History, policy *Policy) Verdict {
	d := decision{now: now, lane: lane, shown: shown, ticket: ticket, history: history, policy: policy}
	d.verdict.Skew = shown.Skew
	if shown.ClockUntrusted {
		d.verdict.Marks |= MarkClockUntrusted
	}
	stopped := d.laneIsOpen() ||
		d.codeIsProven() ||
		d.ticketIsKnown() ||
		d.pickSession() ||
		d.leavingFromInside() ||
		d.ticketIsValid() ||
		d.generationStands() ||
		d.leavingUnseen() ||
		d.queueMoves() ||
		d.nobodyIsBlocked() ||
		d.placeFits() ||
		d.timeFits() ||
		d.documentFits() ||
		d.codeIsFresh() ||
		d.mayComeIn() ||
		d.entriesAreLeft() ||
		d.personIsNew()
	if !stopped {
		d.admit()
	}
	if d.lane.Evacuating && !d.verdict.Opens() {
		d.refuse(ReasonEvacuation) // whatever else is wrong
	}
	return d.verdict
}

// decision is one run of Decide.
type decision struct {
	now     time.Time
	lane    *Lane
	shown   *Presented
	ticket  *Ticket
	history *History
	policy  *Policy

	session *Session // the one that the visitor comes for; nil: the event has none
	tally   tally
	verdict Verdict
}

func (d *decision) refuse(r Reason) bool {
	d.verdict.Outcome, d.verdict.Reason, d.verdict.Count = Refuse, r, 0
	return true
}

func (d *decision) refer(r Reason) bool {
	d.verdict.Outcome, d.verdict.Reason, d.verdict.Count = Refer, r, 0
	return true
}

func (d *decision) refuseUntil(r Reason, at time.Time) bool {
	d.verdict.NotBefore = at
	return d.refuse(r)
}

// laneIsOpen stops what needs no look at a ticket. Where people may leave by the
// lane too, queueMoves has the word once their direction is known.
func (d *decision) laneIsOpen() bool {
	switch {
	case d.lane.Evacuating:
		return false
	case d.lane.Closed:
		return d.refuse(ReasonLaneClosed)
	default:
		return d.lane.Held && d.lane.Kind == LaneEntry && d.refuse(ReasonLaneHeld)
	}
}

// queueMoves refuses who would come in while nobody is to.
func (d *decision) queueMoves() bool {
	if d.lane.Evacuating {
		return d.refuse(ReasonEvacuation)
	}
	return d.lane.Held && d.lane.Kind != LanePreCheck && d.refuse(ReasonLaneHeld)
}

// nobodyIsBlocked plays the supervisors' blocks. Whoever is inside may leave.
func (d *decision) nobodyIsBlocked() bool {
	orders := d.policy.orders
	if orders == nil {
		return false
	}
	if orders.ticketBlocked(d.now, d.ticket.ID) {
		return d.refuse(ReasonTicketBlocked)
	}
	for i := range d.ticket.Documents {
		if orders.personBlocked(d.now, d.ticket.Documents[i].Tag.Person()) {
			return d.refuse(ReasonDocumentBlocked)
		}
	}
	for _, tag := range d.shown.Documents {
		if orders.personBlocked(d.now, tag.Person()) {
			return d.refuse(ReasonDocumentBlocked)
		}
	}
	return false
}

func (d *decision) codeIsProven() bool {
	switch d.shown.Check {
	case ReasonNone:
		return false
	case ReasonNewerThanPack:
		d.verdict.Wants = WantLongCode
	}
	d.named()
	return d.refuse(d.shown.Check)
}

// named puts the ticket into the verdict, where one is known.
func (d *decision) named() {
	if d.ticket != nil {
		d.verdict.Ticket = d.ticket.ID
		d.verdict.Generation = d.generation()
	}
}

// generation returns the generation that was shown; a document or a foreign
// code shows whatever the pack holds.
func (d *decision) generation() uint8 {
	if d.shown.Generation != 0 {
		return d.shown.Generation
	}
	return d.ticket.Generation
}

func (d *decision) ticketIsKnown() bool {
	if d.ticket == nil {
		if d.shown.Kind == CredentialDocument {
			return d.refuse(ReasonDocumentUnknown)
		}
		return d.refuse(ReasonUnknownTicket)
	}
	d.named()
	if d.ticket.Assumed {
		d.verdict.Marks |= MarkAssumed
	}
	return d.ticket.Event != d.policy.Event && d.refuse(ReasonWrongEvent)
}

func (d *decision) ticketIsValid() bool {
	if d.shown.Generation > d.ticket.Generation {
		return false // the status is of an older generation
	}
	switch d.ticket.Status {
	case StatusValid:
		return false
	case StatusRefunded:
		return d.refuse(ReasonTicketRefunded)
	case StatusUsedUp:
		return d.refuse(ReasonTicketUsedUp)
	default:
		return d.refuse(ReasonTicketVoid)
	}
}

func (d *decision) generationStands() bool {
	if d.generation() < d.history.Floor {
		return d.refuse(ReasonSuperseded)
	}
	if old := d.tally.oldInside; old != nil && !d.isExit() {
		d.verdict.Previous = old.admission()
		return d.refer(ReasonEnteredByOldHolder)
	}
	return false
}

func (d *decision) placeFits() bool {
	if !contains(d.policy.zones(d.ticket.ZoneGroup), d.lane.To) {
		return d.refuse(ReasonWrongZone)
	}
	want := d.policy.entrance(d.ticket.Entrance)
	if want == 0 || d.lane.Entrance == 0 || want == d.lane.Entrance {
		return false
	}
	d.verdict.Entrance = want
	if d.ticket.Entrance == d.lane.Entrance {
		return d.refuse(ReasonEntranceMoved)
	}
	return d.refuse(ReasonWrongEntrance)
}

// codeIsFresh keeps one code from being accepted twice, and an older one after
// a newer one.
func (d *decision) codeIsFresh() bool {
	if !d.shown.HasStep || d.lane.Kind == LanePreCheck || !d.tally.used(d.shown.Generation, d.shown.Step) {
		return false
	}
	if d.partyIsUnderWay() && d.tally.isLast(d.shown.Generation, d.shown.Step) {
		d.verdict.Follows = true // the rest of the party, on the same code
		return false
	}
	d.previousIs(d.tally.first)
	if d.tally.inside > 0 && !d.pauseMode() {
		return d.refuse(ReasonAlreadyInside)
	}
	return d.refuse(ReasonCodeUsed)
}

func (d *decision) previousIs(g *Grant) {
	if g == nil && len(d.history.Ticket) > 0 {
		g = &d.history.Ticket[0]
	}
	if g != nil {
		d.verdict.Previous = g.admission()
	}
}

// personIsNew keeps one person from entering on two tickets.
func (d *decision) personIsNew() bool {
	if !d.policy.OnePerson {
		return false
	}
	for i := range d.history.Person {
		g := &d.history.Person[i]
		if g.Session != d.sessionID() || g.Count == 0 {
			continue
		}
		d.verdict.Previous = g.admission()
		return d.refuse(ReasonPersonAlreadyInside)
	}
	return false
}

func (d *decision) admit() {
	v := &d.verdict
	v.Outcome, v.Reason = Admit, ReasonAdmitted
	v.Entry = d.tally.entries + 1
	v.Hold = d.policy.Classes[d.ticket.Class].Hold
	if d.comingBack() {
		v.Reason = ReasonReAdmitted
	}
	if d.lane.Kind == LanePreCheck {
		v.Reason = ReasonPreChecked
		v.Marks |= MarkPreCheck
	}
}

func contains(zones []ZoneID, zone ZoneID) bool {
	for _, z := range zones {
		if z == zone {
			return true
		}
	}
	return false
}
