package ledger

import (
	"cmp"
	"slices"

	"github.com/venuegate/venuegate/gate"
)

// Count is people: how many were admitted, how many of them left, how many are
// inside. Whom a void gave back was not admitted.
type Count struct {
	Admitted, Exited, Inside int
}

func (c *Count) add(o Count) {
	c.Admitted += o.Admitted
	c.Exited += o.Exited
	c.Inside += o.Inside
}

// ZoneCount is the count of those who were let into one zone. Where somebody
// went on into an inner zone on another grant, they count in both.
type ZoneCount struct {
	Zone gate.ZoneID
	Count
}

// VerdictCount is how often a lane answered in one way.
type VerdictCount struct {
	Lane    gate.LaneID
	Outcome gate.Outcome
	Reason  gate.Reason
	Times   uint64
}

type zoneKey struct {
	event gate.EventID
	zone  gate.ZoneID
}

type verdictKey struct {
	event   gate.EventID
	lane    gate.LaneID
	outcome gate.Outcome
	reason  gate.Reason
}

// counts is kept up to date by every record. It depends on the set of records
// only: what a ticket adds to it is a function of the ticket's entries.
type counts struct {
	zones    map[zoneKey]Count
	verdicts map[verdictKey]uint64
}

// apply folds a new record in.
func (l *Ledger) apply(rec *Record, e *entry) {
	switch rec.Kind {
	case KindGrant, KindExit, KindRefusal, KindPreCheck:
		if !rec.Marks.Has(gate.MarkTraining) {
			l.counts.verdicts[verdictKey{rec.Event, rec.Lane, rec.Outcome, rec.Reason}]++
		}
	}
	if rec.Kind.hasBody() {
		l.addOrder(rec)
	}
	if !kept(rec) {
		return
	}
	i := l.entries.add(e)
	if rec.Ticket == 0 {
		l.unticketed = append(l.unticketed, i)
		l.countUnticketed(e, +1)
		return
	}
	head, known := l.head(rec.Ticket), l.long[rec.Ticket]
	var chain [few + 1]int32
	s := l.scratch
	if known == nil && head != none {
		s, _ = l.fold(head, s, chain[:0], nil)
		l.countStory(&s, -1)
	}
	head = l.link(head, i)
	l.tickets[rec.Ticket] = head
	if rec.Kind == KindGrant && !rec.Person.IsZero() {
		l.addPerson(rec.Person, i)
	}
	if known != nil {
		l.follow(rec.Ticket, known, i)
		return
	}
	s, all := l.fold(head, s, chain[:0], nil)
	if len(all) > l.few {
		l.hold(rec.Ticket, new(long))
	} else {
		l.countStory(&s, +1)
		l.suspect(rec.Ticket, &s)
	}
	l.scratch = s
}

// addPerson puts a grant into a person's chain.
func (l *Ledger) addPerson(person gate.PersonKey, i int32) {
	first, ok := l.persons[person]
	if !ok {
		first = none
	} else if l.entries.at(first).ticket != l.entries.at(i).ticket {
		l.suspects.persons[person] = struct{}{}
	}
	l.persons[person] = l.linkPerson(first, i)
}

// countStory adds what a ticket's entries amount to, or takes it off again.
func (l *Ledger) countStory(s *story, sign int) {
	for g, i := range s.of {
		l.countGrant(l.entries.at(i), &s.grants[g], sign)
	}
}

func (l *Ledger) countGrant(e *entry, g *gate.Grant, sign int) {
	l.count(zoneKey{l.events[e.event], e.zone}, Count{
		Admitted: sign * g.Count,
		Exited:   sign * min(g.Out, g.Count),
		Inside:   sign * g.Inside(),
	})
}

// countUnticketed counts people that staff let through without a ticket, or
// takes them off again. There is no telling who of them left, so they only add
// up; those before a reset are out.
func (l *Ledger) countUnticketed(e *entry, sign int) {
	if l.closed(e) {
		return
	}
	n := sign * int(e.count)
	inside := n
	if l.past(e) {
		inside = 0
	}
	c := Count{}
	switch e.kind {
	case KindGrant:
		c = Count{Admitted: n, Exited: n - inside, Inside: inside}
	case KindVoided:
		c = Count{Admitted: -n, Exited: inside - n, Inside: -inside}
	case KindExit:
		c = Count{Exited: inside, Inside: -inside} // one before a reset is among those whom it took out
	}
	l.count(zoneKey{l.events[e.event], e.zone}, c)
}

func (l *Ledger) count(key zoneKey, c Count) {
	sum := l.counts.zones[key]
	sum.add(c)
	l.counts.zones[key] = sum
}

// Total returns the count of an event over all its zones.
func (l *Ledger) Total(event gate.EventID) Count {
	l.rlock()
	defer l.mu.RUnlock()
	var sum Count
	for key, c := range l.counts.zones {
		if key.event == event {
			sum.add(c)
		}
	}
	return sum
}

// Inside returns how many people are in a zone of an event.
func (l *Ledger) Inside(event gate.EventID, zone gate.ZoneID) int {
	l.rlock()
	defer l.mu.RUnlock()
	return l.counts.zones[zoneKey{event, zone}].Inside
}

// Zones returns the counts of an event by zone, in the order of the zones' ids.
// Zones that nobody ever entered are left out.
func (l *Ledger) Zones(event gate.EventID) []ZoneCount {
	l.rlock()
	defer l.mu.RUnlock()
	var zones []ZoneCount
	for key, c := range l.counts.zones {
		if key.event == event && c != (Count{}) {
			zones = append(zones, ZoneCount{Zone: key.zone, Count: c})
		}
	}
	slices.SortFunc(zones, func(a, b ZoneCount) int { return cmp.Compare(a.Zone, b.Zone) })
	return zones
}

// Verdicts returns how often each lane gave each answer at an event, by lane,
// outcome and reason.
func (l *Ledger) Verdicts(event gate.EventID) []VerdictCount {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var verdicts []VerdictCount
	for key, n := range l.counts.verdicts {
		if key.event == event {
			verdicts = append(verdicts, VerdictCount{key.lane, key.outcome, key.reason, n})
		}
	}
	slices.SortFunc(verdicts, func(a, b VerdictCount) int {
		return cmp.Or(cmp.Compare(a.Lane, b.Lane), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Reason, b.Reason))
	})
	return verdicts
}
