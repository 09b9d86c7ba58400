package claim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// The bounds of what keepers hold.
const (
	maxOpen    = 4096    // claims of one gate that are neither on record nor released
	maxSpans   = 8192    // stretches of a log or of a gate's request numbers
	maxOrigins = 1 << 16 // logs
	maxFacts   = 1 << 24 // grants, exits, voids and ends of exits
)

// errFull is returned where a bound is reached.
var errFull = errors.New("claim: the keepers hold as much as they may")

// requestKey names a claim over all gates, for ever.
type requestKey struct {
	gate    gate.GateID
	request uint64 // the epoch of the gate's start, and a number from 1 below it
}

func (k requestKey) origin() ledger.Origin {
	return ledger.Origin{Gate: k.gate, Epoch: uint32(k.request >> 32)}
}

func (k requestKey) number() uint64 { return k.request & (1<<32 - 1) }

func (k requestKey) compare(o requestKey) int {
	return cmp.Or(cmp.Compare(k.gate, o.gate), cmp.Compare(k.request, o.request))
}

// openClaim is a granted claim whose grant is not on record yet.
type openClaim struct {
	key   requestKey
	claim gate.Claim
	entry int
	since time.Time // by the leader's clock
	clock ledger.Clock
}

func (o *openClaim) mark() mark {
	return mark{o.clock, ledger.Position{Origin: o.key.origin(), Sequence: o.key.number()}}
}

// machine is what the keepers agree on: which records they know, and which
// claims were granted without being on record yet. It is a function of the
// commands and of nothing else. What it holds of records is a function of their
// set.
type machine struct {
	seeded bool                // claims may be answered
	roster uint64              // version that the keepers follow
	joined map[Server]struct{} // who has ever taken part
	known  map[ledger.Origin]spans
	ended  map[ledger.Origin]spans // requests that are refused, released or on record
	open   map[requestKey]*openClaim
	facts  facts
	resets resets
	cuts   cuts // of events that are over

	// What follows from the above.
	openOf      map[gate.GateID]int
	openTickets map[gate.TicketID][]*openClaim
	openPersons map[gate.PersonKey][]*openClaim
	tickets     map[gate.TicketID]int32
	persons     map[gate.PersonKey]int32
	events      map[gate.EventID]int // facts of each
	parts       []part               // scratch
}

func newMachine() *machine {
	return &machine{
		joined: map[Server]struct{}{},
		known:  map[ledger.Origin]spans{}, ended: map[ledger.Origin]spans{}, open: map[requestKey]*openClaim{},
		openOf: map[gate.GateID]int{}, openTickets: map[gate.TicketID][]*openClaim{},
		openPersons: map[gate.PersonKey][]*openClaim{}, resets: newResets(), cuts: cuts{},
		events:  map[gate.EventID]int{},
		tickets: map[gate.TicketID]int32{}, persons: map[gate.PersonKey]int32{},
	}
}

// resultCode is the keepers' word on one item of a request.
type resultCode uint8

const (
	resultRefused resultCode = iota
	resultGranted
	resultDone     // records taken, or known; a claim released
	resultNotReady // the keepers have lost their state
	resultFull
)

// result is the answer to one item.
type result struct {
	code  resultCode
	entry int
	after ledger.Clock // of all that is known of the ticket: the grant's record comes later
	by    *gate.Admission
}

// claimed decides a claim. The same claim has the same answer however often it
// comes, and one that was released before it came is refused.
func (m *machine) claimed(key requestKey, c *gate.Claim, now time.Time) result {
	if o := m.open[key]; o != nil {
		return result{code: resultGranted, entry: o.entry, after: m.latest(c)}
	}
	if !m.seeded {
		return result{code: resultNotReady}
	}
	h := m.history(c, now)
	fits, by := c.Fits(&h)
	if m.ended[key.origin()].has(key.number()) {
		return result{code: resultRefused, by: by}
	}
	if !fits {
		if m.end(key) != nil {
			return result{code: resultFull}
		}
		return result{code: resultRefused, by: by}
	}
	if m.openOf[key.gate] >= maxOpen {
		return result{code: resultFull}
	}
	o := &openClaim{key: key, claim: *c, entry: 1, since: now, clock: m.resets.after(c.Event, ledger.Clock(0).Next(c.At))}
	for i := range h.Ticket {
		if h.Ticket[i].Session == c.Session {
			o.entry += h.Ticket[i].Count
		}
	}
	after := m.latest(c)
	m.opened(o)
	return result{code: resultGranted, entry: o.entry, after: after}
}

// latest returns the hybrid time of the last record that a claim was held
// against. The grant's record must come after it in every ledger, also where the
// gate has not heard of that record and its clock is behind.
func (m *machine) latest(c *gate.Claim) (latest ledger.Clock) {
	look := func(id gate.TicketID) {
		for i := m.ticketHead(id); i != none; i = m.facts.at(i).next {
			latest = max(latest, m.facts.at(i).clock)
		}
	}
	look(c.Ticket)
	for _, id := range c.Others {
		look(id)
	}
	for _, p := range c.Persons {
		i, ok := m.persons[p]
		for ; ok && i != none; i = m.facts.at(i).next {
			look(m.facts.at(i).ticket)
		}
	}
	return latest
}

// released gives claims of one start of a gate back, and refuses them from then
// on. Those that are on record stay so.
func (m *machine) released(first, last requestKey) result {
	if n := last.request - first.request; n < maxOpen {
		for i := range n + 1 {
			m.closed(requestKey{first.gate, first.request + i})
		}
	} else {
		for key := range m.open {
			if key.gate == first.gate && first.request <= key.request && key.request <= last.request {
				m.closed(key)
			}
		}
	}
	if note(m.ended, first.origin(), first.number(), last.number()) != nil {
		return result{code: resultFull}
	}
	return result{code: resultDone}
}

// end notes that a request is over.
func (m *machine) end(key requestKey) error {
	return note(m.ended, key.origin(), key.number(), key.number())
}

func note(of map[ledger.Origin]spans, origin ledger.Origin, first, last uint64) error {
	s, ok := of[origin]
	if len(s) >= maxSpans && !s.covers(first, last) && (s[len(s)-1].Last+1 != first) || !ok && len(of) >= maxOrigins {
		return fmt.Errorf("%w: of gate %d, epoch %d", errFull, origin.Gate, origin.Epoch)
	}
	of[origin] = s.add(first, last)
	return nil
}

func (m *machine) opened(o *openClaim) {
	m.open[o.key] = o
	m.openOf[o.key.gate]++
	with(m.openTickets, o.claim.Ticket, o)
	for _, p := range o.claim.Persons {
		with(m.openPersons, p, o)
	}
}

// with adds a claim in the order of keys, which is the same after a snapshot.
func with[K comparable](of map[K][]*openClaim, key K, o *openClaim) {
	i, _ := slices.BinarySearchFunc(of[key], o, func(a, b *openClaim) int { return a.key.compare(b.key) })
	of[key] = slices.Insert(of[key], i, o)
}

func (m *machine) closed(key requestKey) *openClaim {
	o := m.open[key]
	if o == nil {
		return nil
	}
	delete(m.open, key)
	if m.openOf[key.gate]--; m.openOf[key.gate] == 0 {
		delete(m.openOf, key.gate)
	}
	without(m.openTickets, o.claim.Ticket, o)
	for _, p := range o.claim.Persons {
		without(m.openPersons, p, o)
	}
	return o
}

func without[K comparable](of map[K][]*openClaim, key K, o *openClaim) {
	rest := of[key][:0:0]
	for _, x := range of[key] {
		if x != o {
			rest = append(rest, x)
		}
	}
	if len(rest) == 0 {
		delete(of, key)
		return
	}
	of[key] = rest
}

// recorded takes a stretch of a log: those of its records that bear on who is
// inside. Records that are known already change nothing.
func (m *machine) recorded(r *run) result {
	known := slices.Clone(m.known[r.origin]) // note changes what it is given
	if known.covers(r.first, r.last) {
		return result{code: resultDone}
	}
	if m.facts.n+maxPersons*len(r.records) > maxFacts || note(m.known, r.origin, r.first, r.last) != nil {
		return result{code: resultFull}
	}
	for i := range r.records {
		if rec := &r.records[i]; !known.has(rec.Position.Sequence) {
			m.add(rec)
		}
	}
	return result{code: resultDone}
}

// add takes one new record.
func (m *machine) add(rec *ledger.Record) {
	over := m.cuts.over(rec.Event, rec.Clock)
	if !over {
		m.keep(factOf(rec, none))
	}
	if rec.Kind != ledger.KindGrant {
		return
	}
	if !over {
		m.admitted(rec.Person, rec)
	}
	key := requestKey{rec.Position.Gate, rec.Request}
	if key.number() == 0 || key.origin().Epoch == 0 {
		return
	}
	if o := m.closed(key); o != nil && !over {
		for _, p := range o.claim.Persons {
			if p != rec.Person {
				m.admitted(p, rec)
			}
		}
	}
	_ = m.end(key) // beyond the bound nothing is lost but the memory of a refusal
}

// admitted notes that a grant was for a person.
func (m *machine) admitted(p gate.PersonKey, rec *ledger.Record) {
	if !p.IsZero() {
		m.keep(fact{kind: kindPerson, person: p, ticket: rec.Ticket, event: rec.Event, clock: rec.Clock, at: rec.Position})
	}
}

// keep adds a fact at the head of its ticket's or its person's chain.
func (m *machine) keep(f fact) {
	m.events[f.event]++
	if f.kind != kindPerson {
		f.next = m.ticketHead(f.ticket)
		m.tickets[f.ticket] = m.facts.add(f)
		return
	}
	f.next = none
	if i, ok := m.persons[f.person]; ok {
		f.next = i
	}
	m.persons[f.person] = m.facts.add(f)
}

func (m *machine) ticketHead(id gate.TicketID) int32 {
	if i, ok := m.tickets[id]; ok {
		return i
	}
	return none
}
