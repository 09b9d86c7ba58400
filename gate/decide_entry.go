package gate

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
		if d.tally.entries >= party && d.pauseLasts() {
			return true
		}
		left := party
		if d.tally.entries < party {
			left = party - d.tally.entries
		}
		v.Count = d.peopleOf(left)
		v.EntryLimit = d.tally.entries + v.Count // nobody else came in meanwhile
	default:
		v.OpenLimit = party
		if d.tally.inside >= party {
			return d.beenInBefore(party)
		}
		if d.comingBack() && d.pauseLasts() {
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
// out, or from the last way in where no exit is on record.
func (d *decision) pauseLasts() bool {
	if d.policy.ReEntryPause <= 0 || d.tally.last == nil {
		return false
	}
	since := d.tally.last.At
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

// entriesAreLeft holds the verdict to the numbers of entries that the event and
// the ticket allow.
func (d *decision) entriesAreLeft() bool {
	v := &d.verdict
	left := v.Count
	limit := func(allowed, used int) {
		if allowed > 0 {
			left = min(left, allowed-used)
		}
	}
	limit(d.policy.EntriesPerSession, d.tally.entries)
	limit(int(d.ticket.EntriesPerDay), d.tally.day)
	limit(int(d.ticket.EntriesInAll), d.tally.all)
	if left <= 0 {
		d.previousIs(d.tally.last)
		return d.refuse(ReasonEntriesUsedUp)
	}
	v.Count = left
	if p := d.policy.EntriesPerSession; p > 0 && (v.EntryLimit == 0 || p < v.EntryLimit) {
		v.EntryLimit = p
	}
	return false
}
