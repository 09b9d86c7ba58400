package lane

import (
	"context"
	"fmt"
	"time"

	"github.com/venuegate/venuegate/gate"
)

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
	a := d.settle(ctx, now, pack, v, shown, known)
	a.event = pack.Event()
	return a
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
	v := d.decide(now, pack, &shown, known)
	if code.number {
		v = d.unproved(now, pack, v, &shown, known)
	}
	return v, &shown, known, pack, nil
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
