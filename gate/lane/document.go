package lane

import (
	"context"
	"time"

	"github.com/venuegate/venuegate/gate"
)

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

// mostTickets bounds how many of one person's tickets are looked at.
const mostTickets = 64

// answerDocument finds the tickets of a document and takes the one that opens.
// Where several would let them in, staff choose, unless one person has one entry
// anyway.
func (d *Desk) answerDocument(ctx context.Context, now time.Time, document shownDocument, packs []Pack) Answer {
	var (
		best  gate.Verdict
		from  Pack
		which gate.TicketID
		fits  []Choice
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
				fits = append(fits, Choice{pack.Event(), id, v.Session, holder(known)})
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
	case len(fits) > 1 && best.Outcome == gate.Admit && !from.Policy().OnePerson:
		a := d.note(ctx, from, gate.Verdict{Outcome: gate.Refer, Reason: gate.ReasonSeveralTickets})
		a.event, a.choices = from.Event(), fits
		return a
	}
	shown := gate.Presented{Kind: gate.CredentialDocument, Documents: document.of(from.Event()), Direction: d.side}
	known, err := d.load(from, &shownCode{ticket: which})
	if err != nil || known == nil {
		return d.failed(ctx, from, err)
	}
	a := d.settle(ctx, now, from, d.decide(now, from, &shown, known), &shown, known)
	a.event = from.Event()
	return a
}

// better prefers what opens, then what can still be completed, then what
// happened at this venue tonight over what is for another time or place.
func better(v, than *gate.Verdict) bool {
	rank := func(v *gate.Verdict) int {
		switch {
		case v.Reason == gate.ReasonExited: // the ticket that they came in on
			return 5
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
