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
// never in, or never out. Exits follow in order, each taking from the grants
// before it.
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
			leave(own, e, int(e.count)-l.voided(chain, e.at), l.find(of, e.ref), before)
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

// voided returns how many people of an exit did not go through after all.
func (l *Ledger) voided(chain []int32, at place) int {
	n := 0
	for _, i := range chain {
		if e := l.entries.at(i); e.kind == KindVoided && e.ref == at {
			n += int(e.count)
		}
	}
	return n
}

// leave takes the people of an exit off the grant that it names, and then off
// the latest grants before it that have people inside. An exit that names a
// grant which has not arrived waits for it and takes nobody off another.
func leave(grants []gate.Grant, e *entry, left, named, before int) {
	take := func(g int) {
		n := min(left, grants[g].Inside())
		if n <= 0 {
			return
		}
		left -= n
		grants[g].Out += n
		if at := time.UnixMilli(e.wall).UTC(); at.After(grants[g].LastOut) {
			grants[g].LastOut = at
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
}

// newestOut returns the newest code that was accepted on a way out, as it
// stands in entries: whoever shows it again is not let in with it, whether or
// not a grant is on record that was left.
func (l *Ledger) newestOut(head int32) (code uint32, found bool) {
	for i := head; i != none; i = l.entries.at(i).next {
		e := l.entries.at(i)
		if e.kind != KindExit || e.step() == NoStep || l.wasVoided(head, e) {
			continue
		}
		if !found || e.code > code {
			code, found = e.code, true
		}
	}
	return code, found
}

// wasVoided reports whether nobody of an exit went through.
func (l *Ledger) wasVoided(head int32, exit *entry) bool {
	n := 0
	for i := head; i != none; i = l.entries.at(i).next {
		if e := l.entries.at(i); e.kind == KindVoided && e.ref == exit.at {
			n += int(e.count)
		}
	}
	return n >= int(exit.count)
}
