package gate

import "time"

// Claim asks whoever keeps the admissions of the venue, before a grant, that
// its ticket is admitted no more often than it allows.
type Claim struct {
	Event      EventID
	Ticket     TicketID
	Generation uint8
	Session    SessionID
	HasStep    bool
	Step       uint32
	Count      int
	OpenLimit  int         // people inside at a time; zero: no limit
	EntryLimit int         // people admitted in the session; zero: no limit
	Follows    bool        // one more of a party, on the code that let its first in
	Persons    []PersonKey // where one person may enter once, whatever the ticket
	Others     []TicketID  // that person's other tickets, as far as the pack knows
	Lane       LaneID
	At         time.Time
}

// ClaimAnswer is the keepers' word on a claim.
type ClaimAnswer struct {
	Granted bool
	Request uint64     // names the claim in the grant's record
	Entry   int        // where several gates agree, the number of this entry of the ticket in its session; zero: unknown
	By      *Admission // what stands in the way of a refused one
}

// Fits reports whether a claim may be granted beside what is on record
// already, and if not, which admission stands in the way.
func (c *Claim) Fits(h *History) (bool, *Admission) {
	t := h.tally(c.Session, c.Generation, time.Time{})
	over := func(limit, used int) bool { return limit > 0 && used+c.Count > limit }
	follows := c.Follows && t.isLast(c.Generation, c.Step)
	stale := c.HasStep && !follows && t.used(c.Generation, c.Step)
	if stale || over(c.OpenLimit, t.inside) || over(c.EntryLimit, t.entries) {
		return false, blocking(h.Ticket, c.Session)
	}
	for i := range h.Person {
		if g := &h.Person[i]; g.Session == c.Session && g.Count > 0 {
			return false, g.admission()
		}
	}
	return true, nil
}

// blocking returns the session's latest grant, or the latest of any.
func blocking(grants []Grant, session SessionID) *Admission {
	for i := len(grants) - 1; i >= 0; i-- {
		if grants[i].Session == session {
			return grants[i].admission()
		}
	}
	if len(grants) > 0 {
		return grants[len(grants)-1].admission()
	}
	return nil
}
