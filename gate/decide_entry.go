package gate

import "time"

// reEntry reports whether this ticket may ever come back in.
func (d *decision) reEntry() bool {
	return d.policy.ReEntry != ReEntryNone && d.ticket.ReEntry
}

// pauseMode reports whether a pause, not an exit, is what lets the ticket back
// in. A static ticket proves nothing by being shown again, so it needs an exit.
func (d *decision) pauseMode() bool {
	rotating := d.shown.HasStep || d.shown.Kind == CredentialDocument || len(d.shown.Documents) > 0
	return d.reEntry() && d.policy.ReEntry == ReEntryAfterPause && rotating
}

// comingBack reports whether everybody of the party was in before.
func (d *decision) comingBack() bool {
	return d.tally.entries >= d.ticket.PartySize()
}

// partyIsUnderWay reports whether some of the party came in and others have
// still to follow.
func (d *decision) partyIsUnderWay() bool {
	party := d.ticket.PartySize()
	if d.pauseMode() {
		return d.tally.entries%party != 0
	}
	return d.tally.inside > 0 && d.tally.inside < party
}

// mayComeIn sets how many may come in and the limits that the claim holds to,
// or refuses.
func (d *decision) mayComeIn() bool {
	party := d.ticket.PartySize()
	v := &d.verdict
	switch {
	case !d.reEntry():
		v.OpenLimit, v.EntryLimit = party, party
		if d.tally.entries >= party {
			return d.beenInBefore(party)
		}
		v.Count = d.peopleOf(party - d.tally.entries)
	case d.pauseMode():
		if d.comingBack() && !d.partyIsUnderWay() && d.pauseLasts(d.tally.lastIn) {
			return true
		}
		v.Count = d.peopleOf(party - d.tally.entries%party)
		v.EntryLimit = d.tally.entries + v.Count // nobody else came in meanwhile
	default:
		v.OpenLimit = party
		if d.tally.inside >= party {
			return d.beenInBefore(party)
		}
		if d.comingBack() && d.pauseLasts(time.Time{}) {
			return true
		}
		v.Count = d.peopleOf(party - d.tally.inside)
	}
	return false
}

func (d *decision) beenInBefore(party int) bool {
	d.previousIs(d.tally.first)
	switch {
	case d.tally.inside == 0:
		return d.refuse(ReasonNoReEntry)
	case party > 1:
		return d.refuse(ReasonPartyComplete)
	default:
		return d.refuse(ReasonAlreadyInside)
	}
}

// pauseLasts refuses who comes back too soon. The pause runs from the last way
// out, or from since, the last way in, where exits need not be on record.
func (d *decision) pauseLasts(since time.Time) bool {
	if d.policy.ReEntryPause <= 0 {
		return false
	}
	if d.tally.lastOut.After(since) {
		since = d.tally.lastOut
	}
	until := since.Add(d.policy.ReEntryPause)
	if !d.now.Before(until) {
		return false
	}
	d.previousIs(d.tally.last)
	return d.refuseUntil(ReasonPauseNotOver, until)
}

// peopleOf returns how many of those left come in now.
func (d *decision) peopleOf(left int) int {
	switch {
	case d.shown.Count > 0:
		return min(d.shown.Count, left)
	case d.policy.PartyTogether:
		return left
	default:
		return min(1, left)
	}
}

// entriesAreLeft holds the verdict and its claim to the numbers of entries that
// the event and the ticket allow.
func (d *decision) entriesAreLeft() bool {
	v := &d.verdict
	limit := func(allowed, used int) {
		if allowed <= 0 {
			return
		}
		left := max(0, allowed-used)
		v.Count = min(v.Count, left)
		if most := d.tally.entries + left; v.EntryLimit == 0 || most < v.EntryLimit {
			v.EntryLimit = most
		}
	}
	limit(d.policy.EntriesPerSession, d.tally.entries)
	limit(int(d.ticket.EntriesPerDay), d.tally.day)
	limit(int(d.ticket.EntriesInAll), d.tally.all)
	if v.Count <= 0 {
		d.previousIs(d.tally.last)
		return d.refuse(ReasonEntriesUsedUp)
	}
	return false
}
