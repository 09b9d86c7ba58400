package claim

import (
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// part is a fact, or a claim that is not on record yet, on its way into a
// ticket's history.
type part struct {
	mark
	kind  ledger.Kind
	ref   ledger.Position
	count int
	code  uint32 // generation and step
	wall  time.Time
	open  *openClaim
	past  bool // before a return to normal
	grant gate.Grant
}

// admitted is one grant of a ticket, and what it is known by.
type admitted struct {
	gate.Grant
	at   ledger.Position
	open *openClaim
	past bool
	code uint32
}

// exitEnds is how long the keepers wait for the end of an exit. After that they
// count it, so that a gate that died while somebody left keeps nobody inside.
const exitEnds = time.Minute

// history returns what bears on a claim at a time by the leader's clock.
func (m *machine) history(c *gate.Claim, now time.Time) gate.History {
	var h gate.History
	grants, code, out := m.fold(c.Ticket, now)
	for i := range grants {
		h.Ticket = append(h.Ticket, grants[i].Grant)
	}
	h.HasOut, h.OutGeneration, h.OutStep = out, uint8(code>>24), code&ledger.NoStep
	for _, p := range c.Persons {
		h.Person = m.ofPerson(h.Person, p, c.Ticket, now)
	}
	for _, id := range c.Others {
		if id == c.Ticket {
			continue
		}
		others, _, _ := m.fold(id, now)
		for i := range others {
			h.Person = append(h.Person, others[i].Grant)
		}
	}
	return h
}

// ofPerson appends the grants of a person's other tickets.
func (m *machine) ofPerson(dst []gate.Grant, p gate.PersonKey, except gate.TicketID, now time.Time) []gate.Grant {
	for _, o := range m.openPersons[p] {
		if o.claim.Ticket != except && !m.resets.past(o.claim.Event, o.mark()) {
			dst = append(dst, o.grant())
		}
	}
	i, ok := m.persons[p]
	for ; ok && i != none; i = m.facts.at(i).next {
		f := m.facts.at(i)
		if f.ticket == except {
			continue
		}
		grants, _, _ := m.fold(f.ticket, now)
		for g := range grants {
			if grants[g].open == nil && grants[g].at == f.at {
				dst = append(dst, grants[g].Grant)
			}
		}
	}
	return dst
}

func (o *openClaim) grant() gate.Grant {
	c := &o.claim
	return gate.Grant{
		Ticket: c.Ticket, Session: c.Session, Generation: c.Generation, HasStep: c.HasStep, Step: c.Step,
		Count: c.Count, At: c.At, Gate: o.key.gate, Lane: c.Lane,
	}
}

// fold makes the grants of a ticket out of its facts, by the same rules as
// gate/ledger: voids come off first, whenever they happened; exits follow in
// order, each taking from the one that it names and then from the latest before
// it; what is before a return to normal is left out. Unlike there, an exit whose
// end is not known yet takes nobody: it may still be voided, and a claim that was
// granted meanwhile would stand. A claim that is not on record yet counts as
// granted when it was made. The newest code comes with it that was accepted on a
// way out, or let in somebody whom a return to normal took out.
func (m *machine) fold(id gate.TicketID, now time.Time) (grants []admitted, code uint32, out bool) {
	parts := m.partsOf(id)
	for i := range parts {
		if p := &parts[i]; p.kind == ledger.KindGrant {
			grants = append(grants, admitted{p.grant, p.at, p.open, p.past, p.code})
		}
	}
	named := func(ref ledger.Position) int {
		return slices.IndexFunc(grants, func(g admitted) bool { return g.open == nil && !ref.IsZero() && g.at == ref })
	}
	for i := range parts {
		if p := &parts[i]; p.kind == ledger.KindVoided {
			if g := named(p.ref); g >= 0 {
				grants[g].Count = max(0, grants[g].Count-p.count)
			}
		}
	}
	raise := func(is uint32) {
		if is&ledger.NoStep != ledger.NoStep && (!out || is > code) {
			code, out = is, true
		}
	}
	before := 0
	for i := range parts {
		switch p := &parts[i]; p.kind {
		case ledger.KindGrant:
			before++
		case ledger.KindExit:
			left := p.count - endedOf(parts, p.at, ledger.KindVoided)
			if left > 0 || p.count == 0 {
				raise(p.code)
			}
			if now.Sub(p.clock.Time()) <= exitEnds {
				left = min(left, endedOf(parts, p.at, ledger.KindPassed, ledger.KindUnknown))
			}
			leave(grants, p, left, named(p.ref), before)
		}
	}
	for i := range grants {
		if grants[i].past {
			raise(grants[i].code)
		}
	}
	return slices.DeleteFunc(grants, func(g admitted) bool { return g.past || g.Count <= 0 }), code, out
}

// endedOf returns for how many people what is at a place has ended in one of
// some ways.
func endedOf(parts []part, at ledger.Position, ways ...ledger.Kind) int {
	n := 0
	for i := range parts {
		if parts[i].ref == at && slices.Contains(ways, parts[i].kind) {
			n += parts[i].count
		}
	}
	return n
}

// leave takes the people of an exit off grants. One after a return to normal
// takes nobody off what it has emptied.
func leave(grants []admitted, exit *part, left, named, before int) {
	take := func(g *admitted) {
		n := min(left, g.Inside())
		if n <= 0 || g.past && !exit.past {
			return
		}
		left -= n
		g.Out += n
		if exit.wall.After(g.LastOut) {
			g.LastOut = exit.wall
		}
	}
	if named >= 0 {
		take(&grants[named])
	}
	if named >= 0 || exit.ref.IsZero() {
		for g := before - 1; g >= 0 && left > 0; g-- {
			take(&grants[g])
		}
	}
}

// partsOf returns a ticket's facts and open claims in order of hybrid time;
// gate, epoch and sequence decide between equal ones.
func (m *machine) partsOf(id gate.TicketID) []part {
	parts := m.parts[:0]
	for i := m.ticketHead(id); i != none; i = m.facts.at(i).next {
		f := m.facts.at(i)
		p := f.part()
		p.past = m.resets.past(f.event, p.mark)
		parts = append(parts, p)
	}
	for _, o := range m.openTickets[id] {
		p := part{kind: ledger.KindGrant, mark: o.mark(), code: ledger.NoStep, open: o, grant: o.grant()}
		if p.past = m.resets.past(o.claim.Event, p.mark); o.claim.HasStep {
			p.code = uint32(o.claim.Generation)<<24 | o.claim.Step
		}
		parts = append(parts, p)
	}
	slices.SortStableFunc(parts, func(a, b part) int { return a.compare(b.mark) })
	m.parts = parts
	return parts
}

func (f *fact) part() part {
	p := part{
		kind: f.kind, mark: mark{f.clock, f.at}, ref: f.ref, count: int(f.count),
		code: uint32(f.generation)<<24 | f.step, wall: time.UnixMilli(f.wall).UTC(),
	}
	if f.kind != ledger.KindGrant {
		return p
	}
	p.grant = gate.Grant{
		Ticket: f.ticket, Session: f.session, Generation: f.generation, Count: int(f.count), At: p.wall,
		Gate: f.at.Gate, Lane: f.lane,
		Isolated: f.marks.Has(gate.MarkIsolated), Override: f.marks.Has(gate.MarkOverride),
	}
	if f.step != ledger.NoStep {
		p.grant.HasStep, p.grant.Step = true, f.step
	}
	return p
}
