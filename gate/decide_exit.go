package gate

// leaving handles the way out. Whoever has a good ticket is let out, whatever
// the hour and whatever is on record: a gate does not lock people in.
func (d *decision) leaving() bool {
	if !d.isExit() {
		return false
	}
	v := &d.verdict
	v.Outcome, v.Reason, v.Count = Exit, ReasonExitUnmatched, 1
	inside := 0
	for i := range d.history.Ticket {
		g := &d.history.Ticket[i]
		if g.Inside() > 0 {
			inside += g.Inside()
			v.Session = g.Session
			v.Previous = g.admission()
		}
	}
	if inside > 0 {
		v.Reason = ReasonExited
		v.Count = d.peopleOf(inside)
	}
	return true
}

// isExit tells the direction: the lane's own, the side of the reader, or, where
// neither says, out for who is inside.
func (d *decision) isExit() bool {
	switch d.lane.Kind {
	case LaneExit:
		return true
	case LaneBoth:
		switch d.shown.Direction {
		case DirectionExit:
			return true
		case DirectionEntry:
			return false
		default:
			return d.tally.inside >= d.ticket.PartySize()
		}
	default:
		return false
	}
}
