package lane

import (
	"context"
	"errors"
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
	cases   uint64    // how many there were
	open    *openCase // the latest visitor who was referred to staff

	// Scratch memory of the scan that is under way.
	side    gate.Direction
	staff   uint32 // who typed, chose or decided; 0: nobody
	word    Word   // what they said, where the rules said something else
	ticket  gate.Ticket
	held    ticket.Held
	history gate.History
	ids     []gate.TicketID
	person  []gate.TicketID // found by a person's documents
	others  []gate.TicketID // the person's other tickets
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

	// What a case is made of, where the verdict refers.
	event    gate.EventID
	choices  []Choice
	code     *shownCode
	document shownDocument
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
func (d *Desk) Scan(ctx context.Context, r gate.Reading) Answer { return d.scan(ctx, r, 0) }

func (d *Desk) scan(ctx context.Context, r gate.Reading, staff uint32) Answer {
	view := d.packs.Acquire()
	defer view.Release()
	packs, reason := d.begin(view, staff)
	if reason != gate.ReasonNone {
		return d.note(ctx, first(packs), gate.Verdict{Outcome: gate.Refer, Reason: reason})
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
	typist := d.pairing.staff
	p.code, p.document = d.pairing.complete(now, code, document)
	if p.code != nil && p.document != nil && d.staff == 0 {
		d.staff = typist // of the other half
	}
	if code == nil && p.code != nil && p.code.code != nil {
		again, reason, err := d.verify(p.code.at, p.code.code, packs)
		if err != nil || reason != gate.ReasonNone {
			p.code = nil // its event is gone
		} else {
			p.code = &again
		}
	}
	var a Answer
	if p.code != nil {
		a = d.answerCode(ctx, now, &p, packs)
	} else {
		a = d.answerDocument(ctx, now, p.document, packs)
	}
	d.pairing.keep(now, a.Verdict.Wants, p.code, p.document, d.staff)
	a.code, a.document = p.code, p.document
	d.refer(now, &a)
	return a
}

// begin prepares for one answer: the packs in force, the lane as they have it,
// and who of the staff asks. The reason says why there can be none.
func (d *Desk) begin(view View, staff uint32) ([]Pack, gate.Reason) {
	packs := view.Packs()
	d.lane, d.side, d.staff = gate.Lane{ID: d.id}, gate.DirectionUnknown, staff
	if len(packs) == 0 {
		return nil, gate.ReasonNoPack
	}
	var known bool
	if d.lane, known = view.Lane(d.id); !known {
		d.lane.ID = d.id
		return packs, gate.ReasonLaneUnknown
	}
	if d.rule != gate.IsolationUnset {
		d.lane.Isolation = d.rule
	}
	return packs, gate.ReasonNone
}

func first(packs []Pack) Pack {
	if len(packs) == 0 {
		return nil
	}
	return packs[0]
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
	switch {
	case r.Document != nil:
		doc, reason := d.readDocument(r.Document, packs)
		return nil, doc, reason, nil
	case r.Face != nil:
		doc, reason, err := d.readFace(r.Face, packs)
		return nil, doc, reason, err
	}
	read := d.readText
	if d.staff != 0 {
		read = d.readTyped
	}
	code, reason, err := read(now, r.Text.Reveal(), packs)
	return &code, nil, reason, err
}

// failed sends the visitor to staff because the pack cannot be read.
func (d *Desk) failed(ctx context.Context, pack Pack, err error) Answer {
	a := d.note(ctx, pack, gate.Verdict{Outcome: gate.Refer, Reason: gate.ReasonNoPack})
	a.Err = errors.Join(err, a.Err)
	return a
}

func (d *Desk) decide(now time.Time, pack Pack, shown *gate.Presented, known *gate.Ticket) gate.Verdict {
	return d.decideBy(now, pack, pack.Policy(), shown, known)
}

func (d *Desk) decideBy(now time.Time, pack Pack, policy *gate.Policy, shown *gate.Presented, known *gate.Ticket) gate.Verdict {
	d.history.Ticket, d.history.Person, d.history.Floor = d.history.Ticket[:0], d.history.Person[:0], 0
	if known != nil {
		d.ledger.History(&d.history, known.ID)
		if policy.OnePerson {
			d.othersOf(pack, known, shown)
		}
	}
	return gate.Decide(now, &d.lane, shown, known, &d.history, policy)
}

func packOf(packs []Pack, event gate.EventID) Pack {
	for _, p := range packs {
		if p.Event() == event {
			return p
		}
	}
	return nil
}
