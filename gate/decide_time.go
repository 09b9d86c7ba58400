package gate

import "time"

// pickSession finds the session that the visitor comes for, and adds up what
// happened in it. It never ends the decision: leaving has no hours.
func (d *decision) pickSession() bool {
	d.session = d.policy.sessionFor(d.now, d.ticket)
	d.verdict.Session = d.sessionID()
	d.tally = d.history.tally(d.sessionID(), d.generation(), d.policy.dayOf(d.now))
	return false
}

func (d *decision) sessionID() SessionID {
	if d.session == nil {
		return 0
	}
	return d.session.ID
}

// sessionFor returns the ticket's session that may be entered now (of several
// the one whose doors opened last), else one that is on, else its next one, else
// its last. It returns nil when the event has no sessions, or none that the
// ticket is good for.
func (p *Policy) sessionFor(now time.Time, t *Ticket) *Session {
	var open, on, next, last *Session
	for i := range p.Sessions {
		s := &p.Sessions[i]
		switch {
		case !t.ForSession(s.ID):
		case now.After(s.End):
			if last == nil || s.End.After(last.End) {
				last = s
			}
		case now.Before(s.Doors):
			if next == nil || s.Doors.Before(next.Doors) {
				next = s
			}
		case now.After(s.lastEntry()):
			on = s
		case open == nil || s.Doors.After(open.Doors):
			open = s
		}
	}
	for _, s := range []*Session{open, on, next} {
		if s != nil {
			return s
		}
	}
	return last
}

// openSession returns any session that people may enter now, whoever they are.
func (p *Policy) openSession(now time.Time) *Session {
	for i := range p.Sessions {
		s := &p.Sessions[i]
		if !now.Before(s.Doors) && !now.After(s.lastEntry()) {
			return s
		}
	}
	return nil
}

func (d *decision) timeFits() bool {
	t := d.ticket
	switch {
	case !t.ValidFrom.IsZero() && d.now.Before(t.ValidFrom):
		return d.refuseUntil(ReasonNotYetValid, t.ValidFrom)
	case !t.ValidUntil.IsZero() && d.now.After(t.ValidUntil):
		return d.refuse(ReasonNoLongerValid)
	}
	if len(d.policy.Sessions) > 0 && d.sessionMissed() {
		return true
	}
	if !t.AdmitFrom.IsZero() && d.now.Before(t.AdmitFrom) {
		return d.refuseUntil(ReasonBeforeAdmission, t.AdmitFrom)
	}
	return false
}

// sessionMissed refuses who is outside the hours of their session. Another
// session that is open now is the likelier mistake, so it is named first.
func (d *decision) sessionMissed() bool {
	s := d.session
	switch {
	case s == nil:
		return d.refuse(ReasonOtherSession)
	case d.now.Before(s.Doors):
		if d.policy.openSession(d.now) != nil {
			return d.refuseUntil(ReasonOtherSession, s.Doors)
		}
		return d.refuseUntil(ReasonDoorsNotOpen, s.Doors)
	case d.now.After(s.End):
		if d.policy.openSession(d.now) != nil {
			return d.refuse(ReasonOtherSession)
		}
		return d.refuse(ReasonSessionOver)
	case d.now.After(s.lastEntry()):
		if d.policy.ReEntryLate && d.comingBack() {
			return false
		}
		return d.refuse(ReasonLastEntryPassed)
	}
	return false
}
