package simulate

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// What the keepers answered is linearisable if there is one order of all claims,
// releases and records, in which each takes effect at some moment between its
// call and its answer, and in which every claim was granted if and only if it
// fitted what stood then. Records and releases have no answer: they take effect
// at some moment after they were made, or never.

// mostSteps is how many steps one person's history may take. A time would not
// do: the bubble's clock stands still meanwhile.
const mostSteps = 200_000

// check checks all histories, each person's by itself: what one person does has
// no bearing on another. unknown counts those that took too long.
func (h *history) check() (ok bool, unknown int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	byPerson := map[gate.TicketID][]*op{}
	for _, o := range h.ops {
		id := o.claim.Ticket
		if o.kind == opRecord {
			id = o.record.Ticket
		}
		person := h.venue.pack.person(id)
		byPerson[person] = append(byPerson[person], o)
	}
	ok = true
	for _, person := range sortedKeys(byPerson) {
		ops := byPerson[person]
		if len(ops) > maxOps {
			unknown++
			continue
		}
		steps := mostSteps
		legal := porcupine.CheckOperations(modelOf(ops, &steps), operationsOf(ops))
		switch {
		case legal:
		case steps == 0:
			unknown++
		default:
			h.venue.truth.complain("ticket %v: the keepers' answers to its %d claims and records have no order in which they make sense", person, len(ops))
			ok = false
		}
	}
	return ok, unknown
}

func operationsOf(ops []*op) []porcupine.Operation {
	out := make([]porcupine.Operation, 0, len(ops))
	for i, o := range ops {
		done := o.done
		if done == 0 {
			done = math.MaxInt64
		}
		out = append(out, porcupine.Operation{ClientId: i, Input: i, Call: o.call, Output: o.known && o.request != 0, Return: done})
	}
	return out
}

// maxOps is how many claims, releases and records of one person are checked.
const maxOps = 256

// set is a set of ops by their number.
type set [maxOps / 64]uint64

func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s set) with(i int) set { s[i/64] |= 1 << (i % 64); return s }

func (s set) without(i int) set { s[i/64] &^= 1 << (i % 64); return s }

// keepersState is what the keepers know of one person: a function of what they
// have been told, whatever came first.
type keepersState struct {
	records set
	open    set // claims granted and not on record yet
	ended   set // claims that are over
}

// modelOf returns what the keepers are to do. It takes no step once steps is 0.
func modelOf(ops []*op, steps *int) porcupine.Model {
	index := map[*op]int{}
	claims := map[requestKey]int{}
	for i, o := range ops {
		index[o] = i
		if o.kind == opClaim && o.request != 0 {
			claims[requestKey{o.gate, o.request}] = i
		}
	}
	return porcupine.Model{
		Init: func() any { return keepersState{} },
		Hash: func(state any) uint64 {
			s := state.(keepersState)
			h := uint64(14695981039346656037)
			for _, part := range [...]set{s.records, s.open, s.ended} {
				for _, word := range part {
					h = (h ^ word) * 1099511628211
				}
			}
			return h
		},
		Step: func(state, input, output any) (bool, any) {
			s, i := state.(keepersState), input.(int)
			if *steps == 0 {
				return false, s
			}
			*steps--
			switch o := ops[i]; o.kind {
			case opRelease:
				of := index[o.of]
				s.open, s.ended = s.open.without(of), s.ended.with(of)
			case opRecord:
				s.records = s.records.with(i)
				if of, ok := claims[requestKey{o.gate, o.record.Request}]; ok && o.record.Kind == ledger.KindGrant && o.record.Request != 0 {
					s.open, s.ended = s.open.without(of), s.ended.with(of)
				}
			case opClaim:
				fits := !s.ended.has(i) && fitsAt(ops, s, o, o.at)
				if o.known && fits != output.(bool) {
					// By its answer the wait for an exit's end may have been over.
					if fits = !s.ended.has(i) && fitsAt(ops, s, o, o.until); fits != output.(bool) {
						return false, s
					}
				}
				if fits {
					s.open = s.open.with(i)
				} else {
					s.ended = s.ended.with(i)
				}
			}
			return true, s
		},
	}
}

// fitsAt reports whether a claim fits what stands at a time.
func fitsAt(ops []*op, s keepersState, o *op, now time.Time) bool {
	h := remembered(ops, s, &o.claim, now)
	fits, _ := o.claim.Fits(&h)
	return fits
}

// endWaited is how long an exit without an end takes nobody out.
const endWaited = time.Minute

// part is a grant, an exit, a void or the end of an exit that the keepers know of.
type part struct {
	kind  ledger.Kind
	clock ledger.Clock
	at    ledger.Position
	ref   ledger.Position
	count int
	wall  time.Time
	code  uint32
	grant gate.Grant
}

// remembered is what stands when the keepers are in a state. It is written from
// the rules alone, not from the keepers' code: voids come off first; exits
// follow in order, each from the latest grants before it that have people
// inside, and each of no more people than are known to have gone through, or may
// have, unless that was waited for in vain.
func remembered(ops []*op, s keepersState, c *gate.Claim, now time.Time) (h gate.History) {
	tickets := map[gate.TicketID][]part{}
	for i, o := range ops {
		switch {
		case s.records.has(i):
			tickets[o.record.Ticket] = append(tickets[o.record.Ticket], partOf(&o.record))
		case s.open.has(i):
			tickets[o.claim.Ticket] = append(tickets[o.claim.Ticket], openPart(o))
		}
	}
	for id, parts := range tickets {
		grants, code, out := foldParts(parts, now)
		if id == c.Ticket {
			h.Ticket = grants
			h.HasOut, h.OutGeneration, h.OutStep = out, uint8(code>>24), code&ledger.NoStep
		} else {
			h.Person = append(h.Person, grants...)
		}
	}
	return h
}

func partOf(r *ledger.Record) part {
	p := part{
		kind: r.Kind, clock: r.Clock, at: r.Position, ref: r.Ref, count: int(r.Count), wall: r.Wall,
		code: uint32(r.Generation)<<24 | r.Step,
	}
	if r.Kind == ledger.KindGrant {
		p.grant = gate.Grant{
			Ticket: r.Ticket, Session: r.Session, Generation: r.Generation, HasStep: r.Step != ledger.NoStep, Step: r.Step,
			Count: int(r.Count), At: r.Wall, Gate: r.Position.Gate, Lane: r.Lane,
		}
	}
	return p
}

func openPart(o *op) part {
	c := &o.claim
	return part{
		kind: ledger.KindGrant, clock: ledger.Clock(0).Next(c.At), count: c.Count,
		at: ledger.Position{Origin: ledger.Origin{Gate: o.gate, Epoch: uint32(o.request >> 32)}, Sequence: o.request & (1<<32 - 1)},
		grant: gate.Grant{
			Ticket: c.Ticket, Session: c.Session, Generation: c.Generation, HasStep: c.HasStep, Step: c.Step,
			Count: c.Count, At: c.At, Gate: o.gate, Lane: c.Lane,
		},
	}
}

func foldParts(parts []part, now time.Time) (grants []gate.Grant, code uint32, out bool) {
	slices.SortStableFunc(parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.clock, b.clock), a.at.Compare(b.at.Origin), cmp.Compare(a.at.Sequence, b.at.Sequence))
	})
	voids, through := map[ledger.Position]int{}, map[ledger.Position]int{}
	for _, p := range parts {
		switch p.kind {
		case ledger.KindVoided:
			voids[p.ref] += p.count
		case ledger.KindPassed, ledger.KindUnknown:
			through[p.ref] += p.count
		}
	}
	for _, p := range parts {
		left := max(0, p.count-voids[p.at])
		switch p.kind {
		case ledger.KindGrant:
			p.grant.Count = left
			grants = append(grants, p.grant)
		case ledger.KindExit:
			if step := p.code & ledger.NoStep; left > 0 && step != ledger.NoStep && (!out || p.code > code) {
				code, out = p.code, true
			}
			if now.Sub(p.clock.Time()) <= endWaited {
				left = min(left, through[p.at])
			}
			for g := len(grants) - 1; g >= 0 && left > 0; g-- {
				n := min(left, grants[g].Inside())
				grants[g].Out += n
				left -= n
			}
		}
	}
	return slices.DeleteFunc(grants, func(g gate.Grant) bool { return g.Count == 0 }), code, out
}
