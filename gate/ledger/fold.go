package ledger

import (
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// few is how many entries of a ticket are folded without allocating.
const few = 48

// folded is a ticket's entries made into grants, oldest first.
type folded struct {
	grants []gate.Grant // the caller's, appended to
	from   int          // where this ticket's grants begin
	of     []int32      // the entry of each of them
	floor  uint8
}

// fold appends the grants of the chain at head. Voids come off first, whenever
// they happened: who did not go through was never in. Exits follow in order,
// each taking from the grants before it. of and chain are buffers.
func (l *Ledger) fold(head int32, grants []gate.Grant, of, chain []int32) folded {
	f := folded{grants: grants, from: len(grants), of: of[:0]}
	chain = chain[:0]
	for i := head; i != none; i = l.entries.at(i).next {
		chain = append(chain, i)
	}
	slices.Reverse(chain)
	for _, i := range chain {
		if e := l.entries.at(i); e.kind == KindGrant {
			f.floor = max(f.floor, e.generation())
			f.grants = append(f.grants, l.grant(e))
			f.of = append(f.of, i)
		}
	}
	for _, i := range chain {
		if e := l.entries.at(i); e.kind == KindVoided {
			if g := l.find(&f, e.ref); g >= 0 {
				grant := &f.grants[f.from+g]
				grant.Count = max(0, grant.Count-int(e.count))
			}
		}
	}
	before := 0 // grants before the exit at hand
	for _, i := range chain {
		switch e := l.entries.at(i); e.kind {
		case KindGrant:
			before++
		case KindExit:
			l.leave(&f, e, before)
		}
	}
	f.dropVoided()
	return f
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

// find returns the index of the grant that was recorded at a place, or -1. The
// newest is the likeliest.
func (l *Ledger) find(f *folded, at place) int {
	if at == 0 {
		return -1
	}
	for g := len(f.of) - 1; g >= 0; g-- {
		if l.entries.at(f.of[g]).at == at {
			return g
		}
	}
	return -1
}

// leave takes the people of an exit off the grant that it names, and then off
// the latest grants before it that have people inside. An exit that names a
// grant which has not arrived waits for it and takes nobody off another.
func (l *Ledger) leave(f *folded, e *entry, before int) {
	named := l.find(f, e.ref)
	left := int(e.count)
	took := -1
	take := func(g int) {
		grant := &f.grants[f.from+g]
		n := min(left, grant.Inside())
		if n == 0 {
			return
		}
		left -= n
		grant.Out += n
		if at := time.UnixMilli(e.wall).UTC(); at.After(grant.LastOut) {
			grant.LastOut = at
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
	f.markStep(e, took, before)
}

// markStep remembers the code of an exit with a grant of its generation, so
// that it opens nothing again: the grant that was left, else the latest before
// the exit, else the latest.
func (f *folded) markStep(e *entry, took, before int) {
	if e.step() == NoStep {
		return
	}
	fits := func(g int) bool {
		grant := &f.grants[f.from+g]
		return grant.Count > 0 && grant.Generation == e.generation()
	}
	g := took
	if g < 0 || !fits(g) {
		for g = before - 1; g >= 0 && !fits(g); g-- {
		}
	}
	if g < 0 {
		for g = len(f.of) - 1; g >= 0 && !fits(g); g-- {
		}
	}
	if g < 0 {
		return
	}
	grant := &f.grants[f.from+g]
	if !grant.OutHasStep || e.step() > grant.OutStep {
		grant.OutHasStep, grant.OutStep = true, e.step()
	}
}

// dropVoided removes the grants that nobody went through on.
func (f *folded) dropVoided() {
	n := 0
	for g, i := range f.of {
		if f.grants[f.from+g].Count == 0 {
			continue
		}
		f.grants[f.from+n], f.of[n] = f.grants[f.from+g], i
		n++
	}
	f.grants, f.of = f.grants[:f.from+n], f.of[:n]
}
