package ledger

import (
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// few is how many entries of a ticket are folded without allocating. The folded
// state of tickets with more of them is kept, see long.
const few = 48

// story is what the entries of one ticket amount to.
type story struct {
	grants []gate.Grant // oldest first, also those that were wholly voided or are past
	of     []int32      // the entry of each
	floor  uint8        // the highest generation granted
	hasOut bool
	out    uint32 // newest code that lets nobody in without being a grant's, as it stands in entries
}

// fold returns the story of the chain at head, and the chain, oldest first. The
// slices of buf and chain are buffers. watch, unless nil, sees every grant in its
// turn: the exits before it have taken their people off the grants before it.
//
// Voids come off first, whenever they happened: who did not go through was
// never in, or never out. Exits follow in order, each taking from the grants
// before it. What a reset has put into the past counts as out in the end.
func (l *Ledger) fold(head int32, buf story, chain []int32, watch *sweep) (story, []int32) {
	s := story{grants: buf.grants[:0], of: buf.of[:0]}
	chain = chain[:0]
	for i := head; i != none; i = l.entries.at(i).next {
		if !l.closed(l.entries.at(i)) {
			chain = append(chain, i)
		}
	}
	slices.Reverse(chain)
	for _, i := range chain {
		if e := l.entries.at(i); e.kind == KindGrant {
			s = s.with(l, e, i)
		}
	}
	var index map[place]int // of the grants, and of what voids name, where there are many
	var notLeft map[place]int
	if len(chain) > few {
		index, notLeft = l.indexOf(s.of), map[place]int{}
	}
	for _, i := range chain {
		e := l.entries.at(i)
		if e.kind != KindVoided {
			continue
		}
		if g := l.find(s.of, index, e.ref); g >= 0 {
			s.grants[g].Count = max(0, s.grants[g].Count-int(e.count))
		} else if notLeft != nil {
			notLeft[e.ref] += int(e.count)
		}
	}
	before := 0 // grants before the entry at hand
	for _, i := range chain {
		switch e := l.entries.at(i); e.kind {
		case KindGrant:
			if watch != nil {
				watch.see(l, &s, before)
			}
			before++
		case KindExit:
			n := int(e.count)
			if notLeft != nil {
				n -= notLeft[e.at]
			} else {
				n -= l.voided(chain, e.at)
			}
			if n > 0 || e.count == 0 {
				s.raise(e)
			}
			l.leave(&s, e, n, l.find(s.of, index, e.ref), before)
		}
	}
	for g, i := range s.of {
		if e := l.entries.at(i); l.past(e) {
			s.grants[g].Out = s.grants[g].Count
			s.raise(e)
		}
	}
	return s, chain
}

// raise notes a code that must not let anybody in again.
func (s *story) raise(e *entry) {
	if e.step() != NoStep && (!s.hasOut || e.code > s.out) {
		s.hasOut, s.out = true, e.code
	}
}

// with appends the grant of entry i. It is by value so that the buffers of short
// stories stay on the stack.
func (s story) with(l *Ledger, e *entry, i int32) story {
	s.floor = max(s.floor, e.generation())
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
	s.grants, s.of = append(s.grants, g), append(s.of, i)
	return s
}

// indexOf finds grants by place. Of two at one place, which only a fork can
// bring about, it keeps the newer one, as find does.
func (l *Ledger) indexOf(of []int32) map[place]int {
	index := make(map[place]int, len(of))
	for g, i := range of {
		index[l.entries.at(i).at] = g
	}
	return index
}

// find returns which grant was recorded at a place, or -1. The newest is the
// likeliest.
func (l *Ledger) find(of []int32, index map[place]int, at place) int {
	if index != nil {
		if g, ok := index[at]; ok {
			return g
		}
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
// grant which has not arrived waits for it and takes nobody off another. One
// that comes after a reset takes nobody off what the reset has emptied.
func (l *Ledger) leave(s *story, exit *entry, left, named, before int) {
	late := !l.past(exit)
	take := func(g int) {
		n := min(left, s.grants[g].Inside())
		if n <= 0 || late && l.past(l.entries.at(s.of[g])) {
			return
		}
		left -= n
		s.grants[g].Out += n
		if at := time.UnixMilli(exit.wall).UTC(); at.After(s.grants[g].LastOut) {
			s.grants[g].LastOut = at
		}
	}
	if named >= 0 {
		take(named)
	}
	if named >= 0 || exit.ref == 0 {
		for g := before - 1; g >= 0 && left > 0; g-- {
			take(g)
		}
	}
}
