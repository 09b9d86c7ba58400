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
	if !kept(rec) {
		return
	}
	if rec.Ticket == 0 {
		l.countUnticketed(rec)
		return
	}
	head := l.head(rec.Ticket)
	l.countTicket(head, -1)
	i := l.entries.add(e)
	head = l.link(head, i)
	l.tickets[rec.Ticket] = head
	if rec.Kind == KindGrant && !rec.Person.IsZero() {
		first, ok := l.persons[rec.Person]
		if !ok {
			first = none
		}
		l.persons[rec.Person] = l.linkPerson(first, i)
	}
	l.countTicket(head, +1)
}

// countTicket adds what the chain at head amounts to, or takes it off again.
func (l *Ledger) countTicket(head int32, sign int) {
	if head == none {
		return
	}
	var of, chain [few]int32
	grants, entryOf, _ := l.fold(head, l.scratch[:0], of[:0], chain[:0])
	for g, i := range entryOf {
		e, grant := l.entries.at(i), &grants[g]
		l.count(zoneKey{l.events[e.event], e.zone}, Count{
			Admitted: sign * grant.Count,
			Exited:   sign * grant.Out,
			Inside:   sign * grant.Inside(),
		})
	}
	l.scratch = grants[:0]
}

// countUnticketed counts people that staff let through without a ticket. There
// is no telling who of them left, so they only add up.
func (l *Ledger) countUnticketed(rec *Record) {
	n := int(rec.Count)
	switch rec.Kind {
	case KindGrant:
		l.count(zoneKey{rec.Event, rec.To}, Count{Admitted: n, Inside: n})
	case KindVoided:
		l.count(zoneKey{rec.Event, rec.To}, Count{Admitted: -n, Inside: -n})
	case KindExit:
		l.count(zoneKey{rec.Event, rec.From}, Count{Exited: n, Inside: -n})
	}
}

func (l *Ledger) count(key zoneKey, c Count) {
	sum := l.counts.zones[key]
	sum.add(c)
	l.counts.zones[key] = sum
}

// Total returns the count of an event over all its zones.
func (l *Ledger) Total(event gate.EventID) Count {
	l.mu.RLock()
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
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.counts.zones[zoneKey{event, zone}].Inside
}

// Zones returns the counts of an event by zone, in the order of the zones' ids.
// Zones that nobody ever entered are left out.
func (l *Ledger) Zones(event gate.EventID) []ZoneCount {
	l.mu.RLock()
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
