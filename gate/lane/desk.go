package lane

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// Desk answers one visitor after another: it verifies, decides, claims and
// records, and moves nothing. It belongs to one goroutine.
type Desk struct {
	id      gate.LaneID
	rule    gate.Isolation
	sides   map[string]gate.Direction
	lane    gate.Lane // as the venue's roster has it at the scan under way
	packs   Packs
	ledger  Ledger
	claims  Claimer
	journal Recorder
	clock   Clock
	pairing pairing

	// Scratch memory of the scan that is under way.
	side    gate.Direction
	ticket  gate.Ticket
	held    ticket.Held
	history gate.History
	ids     []gate.TicketID
	record  ledger.Record
}

// DeskOptions say what a desk asks and writes to.
type DeskOptions struct {
	Lane    gate.LaneID
	Packs   Packs
	Ledger  Ledger
	Claims  Claimer
	Journal Recorder
	Clock   Clock
	// PairWindow is how long a code waits for its document and the other way
	// round; 10 s when zero.
	PairWindow time.Duration
	// Isolation is the lane's own rule; unset: the event's counts.
	Isolation gate.Isolation
	// Sides says which way each reader faces, by its name, where the lane
	// serves both.
	Sides map[string]gate.Direction
}

const defaultPairWindow = 10 * time.Second

// NewDesk returns a desk for one lane.
func NewDesk(o DeskOptions) *Desk {
	if o.PairWindow == 0 {
		o.PairWindow = defaultPairWindow
	}
	return &Desk{
		id: o.Lane, rule: o.Isolation, sides: o.Sides, packs: o.Packs, ledger: o.Ledger, claims: o.Claims, journal: o.Journal, clock: o.Clock,
		pairing: pairing{window: o.PairWindow},
	}
}

// Answer is a verdict that has been recorded.
type Answer struct {
	Verdict gate.Verdict
	Holder  Holder
	Grants  []Granted // what is durable, where the verdict opens; a leader's comes first
	Err     error     // what went wrong inside, fit for a log
}

// Granted is a durable grant or exit that has not ended yet.
type Granted struct {
	At      ledger.Position
	Event   gate.EventID
	Pack    uint32 // version of the pack that was asked
	Verdict gate.Verdict
}

// Scan answers one reading. When it returns a verdict that opens, the grant or
// exit is durable.
func (d *Desk) Scan(ctx context.Context, r gate.Reading) Answer {
	view := d.packs.Acquire()
	defer view.Release()
	packs := view.Packs()
	d.lane = gate.Lane{ID: d.id}
	if len(packs) == 0 {
		return d.note(ctx, nil, gate.Verdict{Outcome: gate.Refer, Reason: gate.ReasonNoPack})
	}
	var known bool
	if d.lane, known = view.Lane(d.id); !known {
		d.lane.ID = d.id
		return d.note(ctx, packs[0], gate.Verdict{Outcome: gate.Refer, Reason: gate.ReasonLaneUnknown})
	}
	if d.rule != gate.IsolationUnset {
		d.lane.Isolation = d.rule
	}
	d.side = d.sides[r.Reader]
	now := d.clock.Now()
	code, document, reason, err := d.read(now, r, packs)
	if err != nil {
		return d.failed(ctx, packs[0], err)
	}
	if reason != gate.ReasonNone {
		return d.note(ctx, packs[0], gate.Verdict{Outcome: gate.Refuse, Reason: reason})
	}
	p := presentation{freshDocument: code == nil}
	p.code, p.document = d.pairing.complete(now, code, document)
	var a Answer
	if p.code != nil {
		a = d.answerCode(ctx, now, &p, packs)
	} else {
		a = d.answerDocument(ctx, now, p.document, packs)
	}
	d.pairing.keep(now, a.Verdict.Wants, p.code, p.document)
	return a
}

// presentation is what one visitor has shown: a code, a document, or both. Of
// both, one was kept from a moment ago, and freshDocument says which.
type presentation struct {
	code          *shownCode
	document      shownDocument
	freshDocument bool
}

// Waiting reports what the visitor at the lane still has to show.
func (d *Desk) Waiting(now time.Time) gate.Want { return d.pairing.waiting(now) }

func (d *Desk) read(now time.Time, r gate.Reading, packs []Pack) (*shownCode, shownDocument, gate.Reason, error) {
	if r.Document != nil {
		doc, reason := d.readDocument(r.Document, packs)
		return nil, doc, reason, nil
	}
	code, reason, err := d.readText(now, r.Text.Reveal(), packs)
	return &code, nil, reason, err
}

// answerCode decides on a code, with the document that came with it. A document
// and a code that do not match may be two visitors': the half that was kept is
// then let go, where the fresh one makes sense by itself.
func (d *Desk) answerCode(ctx context.Context, now time.Time, p *presentation, packs []Pack) Answer {
	v, shown, known, pack, err := d.decideCode(now, p.code, p.document, packs)
	switch {
	case pack == nil:
		return d.note(ctx, nil, gate.Verdict{Outcome: gate.Refer, Reason: gate.ReasonNoPack})
	case err != nil:
		return d.failed(ctx, pack, err)
	case v.Reason == gate.ReasonDocumentMismatch && p.freshDocument && d.isKnown(p.document, packs):
		p.code = nil
		return d.answerDocument(ctx, now, p.document, packs)
	case v.Reason == gate.ReasonDocumentMismatch && !p.freshDocument:
		p.document = nil
		return d.answerCode(ctx, now, p, packs)
	}
	return d.settle(ctx, now, pack, v, shown, known)
}

func (d *Desk) decideCode(now time.Time, code *shownCode, document shownDocument, packs []Pack) (gate.Verdict, *gate.Presented, *gate.Ticket, Pack, error) {
	pack := packOf(packs, code.event)
	if pack == nil {
		return gate.Verdict{}, nil, nil, nil, nil
	}
	shown := code.shown
	shown.Direction = d.side
	if tags := document.of(code.event); len(tags) > 0 {
		shown.Kind, shown.Documents = shown.Kind.WithDocument(), tags
	}
	known, err := d.load(pack, code)
	if err != nil {
		return gate.Verdict{}, nil, nil, pack, err
	}
	return d.decide(now, pack, &shown, known), &shown, known, pack, nil
}

// isKnown reports whether any ticket is on file for a document.
func (d *Desk) isKnown(document shownDocument, packs []Pack) bool {
	for _, t := range document {
		ids, err := packOf(packs, t.event).ByDocument(t.tag, d.ids[:0])
		if d.ids = ids; err == nil && len(ids) > 0 {
			return true
		}
	}
	return false
}

// failed sends the visitor to staff because the pack cannot be read.
func (d *Desk) failed(ctx context.Context, pack Pack, err error) Answer {
	a := d.note(ctx, pack, gate.Verdict{Outcome: gate.Refer, Reason: gate.ReasonNoPack})
	a.Err = errors.Join(err, a.Err)
	return a
}

// load puts the code's ticket into d.ticket.
func (d *Desk) load(pack Pack, code *shownCode) (*gate.Ticket, error) {
	if code.ticket == 0 {
		return nil, nil
	}
	ok, err := pack.Ticket(code.ticket, &d.ticket)
	if err != nil {
		return nil, fmt.Errorf("ticket %v: %w", code.ticket, err)
	}
	if code.assumed != nil {
		if !ok {
			d.ticket = gate.Ticket{Documents: d.ticket.Documents[:0], Foreign: d.ticket.Foreign[:0]}
		}
		assume(&d.ticket, code.assumed, pack.Policy())
		return &d.ticket, nil
	}
	if !ok {
		return nil, nil
	}
	return &d.ticket, nil
}

// mostTickets bounds how many of one person's tickets are looked at.
const mostTickets = 64

// answerDocument finds the tickets of a document and takes the one that opens.
// Where several would, staff choose.
func (d *Desk) answerDocument(ctx context.Context, now time.Time, document shownDocument, packs []Pack) Answer {
	var (
		best  gate.Verdict
		from  Pack
		which gate.TicketID
		fits  int
	)
	for _, t := range document {
		pack := packOf(packs, t.event)
		shown := gate.Presented{Kind: gate.CredentialDocument, Documents: []gate.Tag{t.tag}, Direction: d.side}
		ids, err := pack.ByDocument(t.tag, d.ids[:0])
		if err != nil {
			return d.failed(ctx, pack, err)
		}
		d.ids = ids
		for _, id := range ids[:min(len(ids), mostTickets)] {
			known, err := d.load(pack, &shownCode{ticket: id})
			if err != nil || known == nil {
				continue
			}
			v := d.decide(now, pack, &shown, known)
			if v.Opens() {
				fits++
			}
			if from == nil || better(&v, &best) {
				best, from, which = v, pack, id
			}
		}
	}
	switch {
	case from == nil:
		from = packs[0]
		shown := gate.Presented{Kind: gate.CredentialDocument}
		return d.settle(ctx, now, from, d.decide(now, from, &shown, nil), &shown, nil)
	case fits > 1:
		return d.note(ctx, from, gate.Verdict{Outcome: gate.Refer, Reason: gate.ReasonSeveralTickets})
	}
	shown := gate.Presented{Kind: gate.CredentialDocument, Documents: document.of(from.Event()), Direction: d.side}
	known, err := d.load(from, &shownCode{ticket: which})
	if err != nil || known == nil {
		return d.failed(ctx, from, err)
	}
	return d.settle(ctx, now, from, d.decide(now, from, &shown, known), &shown, known)
}

// better prefers what opens, then what can still be completed, then what
// happened at this venue tonight over what is for another time or place.
func better(v, than *gate.Verdict) bool {
	rank := func(v *gate.Verdict) int {
		switch {
		case v.Opens():
			return 4
		case v.Wants != 0:
			return 3
		case v.Outcome == gate.Refer:
			return 2
		case v.Previous != nil:
			return 1
		default:
			return 0
		}
	}
	return rank(v) > rank(than)
}

func (d *Desk) decide(now time.Time, pack Pack, shown *gate.Presented, known *gate.Ticket) gate.Verdict {
	policy := pack.Policy()
	d.history.Ticket, d.history.Person, d.history.Floor = d.history.Ticket[:0], d.history.Person[:0], 0
	if known != nil {
		d.ledger.History(&d.history, known.ID)
		if policy.OnePerson {
			d.othersOf(pack, known, shown)
		}
	}
	return gate.Decide(now, &d.lane, shown, known, &d.history, policy)
}

// othersOf adds what the ledger holds of the same person's other tickets: by
// the documents on file, by the document shown, and by the pack's own index.
func (d *Desk) othersOf(pack Pack, known *gate.Ticket, shown *gate.Presented) {
	for _, key := range persons(known, shown) {
		d.history.Person = d.ledger.Person(d.history.Person, key, known.ID)
	}
	var others gate.History
	for i := range known.Documents {
		if known.Documents[i].Short {
			continue
		}
		ids, err := pack.ByDocument(known.Documents[i].Tag, nil)
		if err != nil {
			continue // the ledger's own index still stands
		}
		for _, id := range ids[:min(len(ids), mostTickets)] {
			if id == known.ID {
				continue
			}
			others.Ticket = others.Ticket[:0]
			d.ledger.History(&others, id)
			d.history.Person = append(d.history.Person, others.Ticket...)
		}
	}
}

// persons returns the keys by which a ticket's holder may be known.
func persons(known *gate.Ticket, shown *gate.Presented) []gate.PersonKey {
	var keys []gate.PersonKey
	add := func(k gate.PersonKey) {
		if !k.IsZero() && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	for i := range known.Documents {
		add(known.Documents[i].Tag.Person())
	}
	for _, tag := range shown.Documents {
		add(tag.Person())
	}
	return keys
}

func packOf(packs []Pack, event gate.EventID) Pack {
	for _, p := range packs {
		if p.Event() == event {
			return p
		}
	}
	return nil
}
