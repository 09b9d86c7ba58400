package gate

import "time"

// leavingFromInside lets out whoever is on record as inside and shows a good
// code or document, whatever the hour and whatever became of the ticket since: a
// gate does not lock people in.
func (d *decision) leavingFromInside() bool {
	return d.tally.anywhere > 0 && d.isExit() && d.leave(ReasonExited)
}

// leavingUnseen lets out the holder of a valid ticket whose way in is not on
// record, such as by an open gate.
func (d *decision) leavingUnseen() bool {
	return d.isExit() && d.leave(ReasonExitUnmatched)
}

func (d *decision) leave(r Reason) bool {
	v := &d.verdict
	v.Outcome, v.Reason, v.Count = Exit, r, 1
	for i := range d.history.Ticket {
		g := &d.history.Ticket[i]
		if g.Inside() > 0 {
			v.Session = g.Session
			v.Previous = g.admission()
		}
	}
	if d.tally.anywhere > 0 {
		v.Count = d.peopleOf(min(d.tally.anywhere, d.ticket.PartySize()))
	}
	return true
}

// turnAround is how long somebody who just came in is not taken for leaving,
// where only their being inside tells the direction: a phone that lingers at the
// reader does not open the arm again.
const turnAround = 30 * time.Second

// isExit tells the direction: the lane's own, the side of the reader, or, where
// neither says, out for who is inside.
func (d *decision) isExit() bool {
	if d.lane.Evacuating && d.tally.anywhere > 0 {
		return true // whatever the lane is for, people leave by it
	}
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
			again := d.shown.HasStep && d.tally.used(d.generation(), d.shown.Step)
			return !again && d.tally.anywhere >= d.ticket.PartySize() && d.now.Sub(d.tally.lastIn) >= turnAround
		}
	default:
		return false
	}
}
