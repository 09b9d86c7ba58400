package ledger

import (
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// few is how many entries of a ticket are folded without allocating.
const few = 48

// fold appends the grants of the chain at head to dst, oldest first, and
// returns the entry of each of them in of, and the highest generation granted.
// of and chain are buffers.
//
// Voids come off first, whenever they happened: who did not go through was
// never in. Exits follow in order, each taking from the grants before it.
func (l *Ledger) fold(head int32, dst []gate.Grant, of, chain []int32) (grants []gate.Grant, entryOf []int32, floor uint8) {
	from := len(dst)
	of, chain = of[:0], chain[:0]
	for i := head; i != none; i = l.entries.at(i).next {
		chain = append(chain, i)
	}
	slices.Reverse(chain)
	for _, i := range chain {
		if e := l.entries.at(i); e.kind == KindGrant {
			floor = max(floor, e.generation())
			dst = append(dst, l.grant(e))
			of = append(of, i)
		}
	}
	own := dst[from:]
	for _, i := range chain {
		if e := l.entries.at(i); e.kind == KindVoided {
			if g := l.find(of, e.ref); g >= 0 {
				own[g].Count = max(0, own[g].Count-int(e.count))
			}
		}
	}
	before := 0 // grants before the exit at hand
	for _, i := range chain {
		switch e := l.entries.at(i); e.kind {
		case KindGrant:
			before++
		case KindExit:
			took := leave(own, e, l.find(of, e.ref), before)
			markStep(own, e, took, before)
		}
	}
	n := 0
	for g := range own { // wholly voided grants are left out
		if own[g].Count > 0 {
			own[n], of[n] = own[g], of[g]
			n++
		}
	}
	return dst[:from+n], of[:n], floor
}

func (l *Ledger) grant(e *entry) gate.Grant {
	g := gate.Grant{
		Ticket:     e.ticket,
		Session:    e.session,
		Generation: e.generation(),
		Count:      int(e.count),
		At:         time.UnixMilli(e.wall).UTC(),
		Gate:       l.logs[e.at.origin()].origin.Gate,
		Lane:       e.lane,
		Isolated:   e.marks.Has(gate.MarkIsolated),
		Override:   e.marks.Has(gate.MarkOverride),
	}
	if step := e.step(); step != NoStep {
		g.HasStep, g.Step = true, step
	}
	return g
}

// find returns which grant was recorded at a place, or -1. The newest is the
// likeliest.
func (l *Ledger) find(of []int32, at place) int {
	if at == 0 {
		return -1
	}
	for g := len(of) - 1; g >= 0; g-- {
		if l.entries.at(of[g]).at == at {
			return g
		}
	}
	return -1
}

// leave takes the people of an exit off the grant that it names, and then off
// the latest grants before it that have people inside. An exit that names a
// grant which has not arrived waits for it and takes nobody off another. leave
// returns the first grant that it took somebody off, or -1.
func leave(grants []gate.Grant, e *entry, named, before int) int {
	left, took := int(e.count), -1
	take := func(g int) {
		n := min(left, grants[g].Inside())
		if n == 0 {
			return
		}
		left -= n
		grants[g].Out += n
		if at := time.UnixMilli(e.wall).UTC(); at.After(grants[g].LastOut) {
			grants[g].LastOut = at
		}
		if took < 0 {
			took = g
		}
	}
	if named >= 0 {
		take(named)
	}
	if named >= 0 || e.ref == 0 {
		for g := before - 1; g >= 0 && left > 0; g-- {
			take(g)
		}
	}
	return took
}

// markStep remembers the code of an exit with a grant of its generation, so
// that it opens nothing again: the grant that was left, else the latest before
// the exit, else the latest.
func markStep(grants []gate.Grant, e *entry, took, before int) {
	if e.step() == NoStep {
		return
	}
	g := took
	if g < 0 || !marksGrant(&grants[g], e) {
		g = latest(grants[:before], e)
	}
	if g < 0 {
		g = latest(grants, e)
	}
	if g < 0 {
		return
	}
	if grant := &grants[g]; !grant.OutHasStep || e.step() > grant.OutStep {
		grant.OutHasStep, grant.OutStep = true, e.step()
	}
}

func marksGrant(g *gate.Grant, e *entry) bool {
	return g.Count > 0 && g.Generation == e.generation()
}

func latest(grants []gate.Grant, e *entry) int {
	for g := len(grants) - 1; g >= 0; g-- {
		if marksGrant(&grants[g], e) {
			return g
		}
	}
	return -1
}
