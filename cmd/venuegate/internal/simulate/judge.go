package simulate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/claim"
)

// claimed reports whether a claim became a grant on any disk.
func (t *truth) claimed(k requestKey) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.claims[k]
}

// clear reports whether nothing has stood for a while between the gates that
// have to do with a ticket, nor between them and the keepers. v.mu is held.
func (v *venue) clear(g gate.GateID, id gate.TicketID) bool {
	v.truth.mu.Lock()
	person := v.pack.person(id)
	bits := bit(g) | v.truth.gates[id] | v.truth.gates[person] | v.truth.gates[person+1]
	lost := v.truth.diskless[person]
	v.truth.mu.Unlock()
	if lost {
		return false // nobody can know what only that disk knew
	}
	keepers := 0
	for _, b := range v.boxes {
		if int(b.id) <= v.options.Keepers && v.joined(g, b.id) {
			keepers++
		}
		if bits&bit(b.id) == 0 {
			continue
		}
		l := b.running()
		if l == nil || !v.joined(g, b.id) {
			return false
		}
		s := l.claims.State()
		if !s.Isolated.IsZero() || s.Releases > 0 {
			return false
		}
		for _, open := range s.Stranded {
			if v.pack.person(open.Ticket) == person {
				return false // staff have yet to decide
			}
		}
	}
	return 2*keepers > v.options.Keepers
}

// admits decides on a code by the truth. It is not judged where something has
// befallen its holder lately.
func (t *truth) admits(g gate.GateID, id gate.TicketID, lane int, shown time.Time, grace time.Duration) (admits, judged bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.venue.pack
	person := p.person(id)
	if time.Since(t.lastOf[person]) < grace {
		return false, false
	}
	var h, other gate.History
	t.ledger.History(&h, id)
	known := &p.tickets[id-1]
	if kindOf(int(id)-1) == paired {
		for i := person; i <= person+1; i++ {
			if i == id {
				continue
			}
			t.ledger.History(&other, i)
			h.Person = append(h.Person, other.Ticket...)
		}
	}
	at, _ := p.Lane(laneOf(g, lane))
	code := gate.Presented{
		Kind: gate.CredentialCode, Generation: 1, HasStep: true, Step: uint32(p.bodies[id-1].StepAt(shown)),
	}
	verdict := gate.Decide(shown, &at, &code, known, &h, &p.policy)
	return verdict.Opens(), true
}

// level reports whether every gate runs, holds the same records as the others,
// and has told the keepers all that it knows.
func (v *venue) level() bool { return v.unlevel() == "" }

func (v *venue) unlevel() string {
	all := v.lives()
	if len(all) < len(v.boxes) {
		return fmt.Sprintf("%d of %d gates run", len(all), len(v.boxes))
	}
	first := all[0].logs.Vector()
	for _, l := range all[1:] {
		if other := l.logs.Vector(); !maps.Equal(first, other) {
			return fmt.Sprintf("gate %d holds %v, gate %d %v", all[0].id, first, l.id, other)
		}
	}
	for _, l := range all {
		s := l.claims.State()
		if len(all) > 1 && (!s.Isolated.IsZero() || s.Lates+s.Releases > 0) {
			return fmt.Sprintf("gate %d is isolated since %v, with %d records and %d releases to hand in: %s", l.id, s.Isolated, s.Lates, s.Releases, s.Problem)
		}
	}
	return ""
}

func (v *venue) report(p *plan) *Report {
	v.mu.Lock()
	defer v.mu.Unlock()
	o, c := &v.options, &v.counts
	v.history.mu.Lock()
	answered := v.history.answered
	v.history.mu.Unlock()
	v.truth.mu.Lock()
	defer v.truth.mu.Unlock()
	return &Report{
		Seed: o.Seed, Gates: o.Gates, Keepers: o.Keepers,
		Presented: c.presented, Granted: c.granted, Refused: c.refused,
		FalseRefusals: c.falseRefusals,
		Convergence:   timesOf(v.truth.samples), Decision: timesOf(c.decisions),
		ClaimsPerSecond: float64(answered) / time.Since(v.begin).Seconds(),
		Details: Details{
			Schedule: p.hash(), Faults: len(p.faults), Exits: c.exits, Referred: c.referred, NoAnswer: c.unanswered,
			Judged: c.judged,
		},
	}
}

// judge holds what the gates believe, once they are level, against the truth.
func (v *venue) judge(r *Report) {
	all := v.lives()
	if len(all) == 0 {
		v.truth.violate("no gate runs in the end")
		return
	}
	v.sameEverywhere(all)
	stranded := v.stranded(all)
	v.truth.mu.Lock()
	defer v.truth.mu.Unlock()
	v.judgeRecords(r, all, stranded)
	v.judgeGrants(r, all[0])
	for key, open := range stranded {
		switch {
		case v.truth.claims[key]:
		case v.truth.lostDisk[key.gate]:
			r.LostWithDisk++ // whether there was a grant died with the disk: staff decide
		default:
			r.StrandedTickets++
			v.truth.complain("ticket %v is held by a claim of gate %d (request %d) that never became a grant", open.Ticket, key.gate, key.request)
		}
	}
	if len(v.options.Faults) == 0 {
		v.mu.Lock()
		for _, id := range sortedKeys(v.holder) {
			if h := v.holder[id]; h.came && !h.granted {
				r.FalseRefusals++
				v.truth.complain("nothing was wrong, and yet nobody ever came in on ticket %v", id)
			}
		}
		v.mu.Unlock()
		if r.IsolatedGrants > 0 {
			v.truth.complain("nothing was wrong, and yet %d grants were made alone", r.IsolatedGrants)
		}
	}
	r.Linearizable, r.Details.Unknown = v.history.check()
	if !r.Linearizable {
		v.truth.complain("the keepers' answers have no order in which they make sense")
	}
}

// sameEverywhere compares the gates' ledgers.
func (v *venue) sameEverywhere(all []*life) {
	first := all[0]
	limits := v.pack.limits()
	want := first.ledger.Conflicts(0, limits)
	for _, l := range all[1:] {
		if !maps.Equal(first.ledger.Vector(), l.ledger.Vector()) {
			v.truth.violate("the ledgers of gates %d and %d do not go as far", first.id, l.id)
		}
		if a, b := first.ledger.Total(eventID), l.ledger.Total(eventID); a != b {
			v.truth.violate("gate %d counts %+v, gate %d %+v", first.id, a, l.id, b)
		}
		if got := l.ledger.Conflicts(0, limits); fmt.Sprint(got) != fmt.Sprint(want) {
			v.truth.violate("gates %d and %d name different conflicts", first.id, l.id)
		}
		var a, b gate.History
		for i := range v.pack.tickets {
			first.ledger.History(&a, v.pack.tickets[i].ID)
			l.ledger.History(&b, v.pack.tickets[i].ID)
			if !slices.Equal(a.Ticket, b.Ticket) || a.HasOut != b.HasOut || a.OutStep != b.OutStep {
				v.truth.violate("gates %d and %d remember ticket %v differently", first.id, l.id, v.pack.tickets[i].ID)
			}
		}
		if q, beyond := l.logs.Quarantined(); len(q) > 0 || beyond > 0 {
			for _, one := range q {
				v.truth.violate("gate %d has refused records of gate %d, epoch %d: %s", l.id, one.Origin.Gate, one.Origin.Epoch, one.Why)
			}
		}
	}
}

// stranded are the claims that keepers hold for long without a record.
func (v *venue) stranded(all []*life) map[requestKey]claim.OpenClaim {
	found := map[requestKey]claim.OpenClaim{}
	for _, l := range all {
		s := l.claims.State()
		if s.Role != claim.RoleLeader {
			continue
		}
		for _, open := range s.Stranded {
			found[requestKey{open.Gate, open.Request}] = open
		}
	}
	return found
}

// judgeRecords looks for every record that was ever written.
func (v *venue) judgeRecords(r *Report, all []*life, stranded map[requestKey]claim.OpenClaim) {
	held := all[0].logs.Vector()
	agreed := func(p ledger.Position) bool {
		return slices.ContainsFunc(all, func(l *life) bool { return l.claims.Knows(p) })
	}
	for _, w := range v.truth.order {
		rec := &w.record
		if rec.Kind == ledger.KindGrant && rec.Request == 0 {
			r.IsolatedGrants++
		}
		if rec.Position.Sequence <= held[rec.Position.Origin] {
			w.held = true
			continue
		}
		_, known := stranded[requestKey{rec.Position.Gate, rec.Request}]
		switch {
		case !w.wiped:
			r.LostRecords++
			v.truth.complain("record %v of ticket %v is lost", rec.Position, rec.Ticket)
		case rec.Kind == ledger.KindGrant && rec.Request != 0 && !known && !agreed(rec.Position):
			r.LostRecords++
			v.truth.complain("grant %v of ticket %v died with its disk, and the keepers do not know its claim %d", rec.Position, rec.Ticket, rec.Request)
		case rec.Kind == ledger.KindGrant && rec.Request != 0:
		default:
			r.LostWithDisk++
		}
	}
}

// judgeGrants counts what was granted too often: among claims alone, where
// there must be none, and in all.
func (v *venue) judgeGrants(r *Report, l *life) {
	claimed, surviving := ledger.New(), ledger.New()
	add := func(to *ledger.Ledger, w *written) {
		if err := to.Restore(&w.record, w.record.Hash()); err != nil {
			v.truth.complain("record %v: %v", w.record.Position, err)
		}
	}
	for _, w := range v.truth.order {
		if w.record.Kind != ledger.KindGrant || w.record.Request != 0 {
			add(claimed, w)
		}
		if w.held {
			add(surviving, w)
		}
	}
	limits := v.pack.limits()
	for _, c := range claimed.Conflicts(0, limits) {
		r.DoubleGrantsConnected += c.Excess
		v.truth.complain("ticket %v: %d grants too many, all of them claimed%s", c.Ticket, c.Excess, v.truth.describe(&c))
	}
	excess := 0
	for _, c := range surviving.Conflicts(0, limits) {
		excess += c.Excess
		if c.AllClaimed && c.Excess > 0 {
			v.truth.complain("ticket %v: a conflict among claimed grants%s", c.Ticket, v.truth.describe(&c))
		}
		if v.options.Policy != gate.IsolationAdmit {
			v.truth.complain("ticket %v: granted too often though nobody is admitted alone%s", c.Ticket, v.truth.describe(&c))
		}
	}
	r.DoubleGrantsIsolated = max(0, excess-r.DoubleGrantsConnected)
	for _, c := range l.ledger.Conflicts(0, limits) {
		r.ConflictsReported += c.Excess
	}
	if r.ConflictsReported != r.DoubleGrantsIsolated {
		v.truth.complain("%d grants were too many, and the gates report %d", r.DoubleGrantsIsolated, r.ConflictsReported)
	}
}

// describe tells a conflict's story: every record of its tickets in the ledger's
// order, each with the second in which it was really written.
func (t *truth) describe(c *ledger.Conflict) string {
	tickets := []gate.TicketID{c.Ticket}
	for i := range c.Grants {
		tickets = append(tickets, c.Grants[i].Ticket)
	}
	var of []*written
	for _, w := range t.order {
		switch w.record.Kind {
		case ledger.KindGrant, ledger.KindExit, ledger.KindVoided:
			if slices.Contains(tickets, w.record.Ticket) {
				of = append(of, w)
			}
		}
	}
	slices.SortStableFunc(of, func(a, b *written) int { return cmp.Compare(a.record.Clock, b.record.Clock) })
	var text strings.Builder
	for _, w := range of {
		r := &w.record
		_, _ = fmt.Fprintf(&text, "; %s of %d on ticket %v at %.3f s (hybrid %.3f s), %v",
			kindWord(r.Kind), r.Count, r.Ticket, w.at.Sub(t.venue.begin).Seconds(), r.Clock.Time().Sub(t.venue.begin).Seconds(), r.Position)
		if r.Kind == ledger.KindGrant && r.Request == 0 {
			text.WriteString(", alone")
		}
		if r.Kind == ledger.KindVoided {
			_, _ = fmt.Fprintf(&text, ", of %v", r.Ref)
		}
		if !w.held {
			text.WriteString(", died with its disk")
		}
	}
	return text.String()
}

func kindWord(k ledger.Kind) string {
	switch k {
	case ledger.KindGrant:
		return "grant"
	case ledger.KindExit:
		return "exit"
	default:
		return "void"
	}
}
