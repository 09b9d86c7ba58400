package lane

import (
	"context"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Choose lets the visitor of a case in on one of several tickets. The document
// proves the visitor; staff only say which ticket.
func (d *Desk) Choose(ctx context.Context, staff uint32, id uint64, which gate.TicketID) (Answer, error) {
	now := d.clock.Now()
	c, err := d.caseOf(now, id)
	if err != nil {
		return Answer{}, err
	}
	view := d.packs.Acquire()
	defer view.Release()
	packs, reason := d.begin(view, staff)
	var choice *Choice
	for i := range c.Choices {
		if c.Choices[i].Ticket == which {
			choice = &c.Choices[i]
		}
	}
	if choice == nil || reason != gate.ReasonNone {
		return Answer{}, ErrOver
	}
	pack := packOf(packs, choice.Event)
	if pack == nil {
		return Answer{}, ErrOver
	}
	known, err := d.load(pack, &shownCode{ticket: which})
	if err != nil || known == nil {
		return d.failed(ctx, pack, err), nil
	}
	shown := gate.Presented{Kind: gate.CredentialDocument, Documents: c.document.of(pack.Event()), Direction: d.side}
	a := d.settle(ctx, now, pack, d.decide(now, pack, &shown, known), &shown, known)
	a.event, a.document = pack.Event(), c.document
	if a.Verdict.Opens() {
		d.open = nil
	}
	d.refer(now, &a)
	return a, nil
}

// Decide carries out what staff say to a case. Where the rules open by now, the
// word only confirms them; otherwise the record says that staff overrode them.
func (d *Desk) Decide(ctx context.Context, staff uint32, id uint64, word Word) (Answer, error) {
	now := d.clock.Now()
	c, err := d.caseOf(now, id)
	if err != nil {
		return Answer{}, err
	}
	view := d.packs.Acquire()
	defer view.Release()
	packs, reason := d.begin(view, staff)
	if reason != gate.ReasonNone || word == Insist && !c.Refused {
		return Answer{}, ErrOver
	}
	if len(c.Choices) > 0 {
		if word != Refuse {
			return Answer{}, ErrOver // which ticket? Choose says so
		}
		d.open = nil
		return d.note(ctx, packOf(packs, c.Event), turnedAway(c.Verdict)), nil
	}
	pack := packOf(packs, c.Event)
	if pack == nil {
		return Answer{}, ErrOver
	}
	shown, known, err := d.again(c, pack)
	if err != nil || known == nil {
		return d.failed(ctx, pack, err), nil
	}
	d.pairing.forget()
	if word == Refuse {
		d.open = nil
		return d.noteShown(ctx, pack, turnedAway(c.Verdict), &shown, known), nil
	}
	return d.vouch(ctx, now, word, c, pack, &shown, known), nil
}

// vouch answers a case on the word of staff.
func (d *Desk) vouch(ctx context.Context, now time.Time, word Word, c *openCase, pack Pack, shown *gate.Presented, known *gate.Ticket) Answer {
	v := d.decide(now, pack, shown, known)
	if !v.Opens() {
		v = d.decideBy(now, pack, vouched(pack.Policy()), shown, known)
		v.Marks |= gate.MarkOverride
		switch {
		case v.Outcome == gate.Admit:
			v.Reason = gate.ReasonOverridden
		case v.Outcome == gate.Refer, word == Insist && !v.Opens():
			v = d.forced(v, pack.Policy(), known)
		}
	}
	d.word = word
	a := d.settle(ctx, now, pack, v, shown, known)
	d.word = Refuse
	switch {
	case a.Verdict.Opens() || a.Verdict.Marks.Has(gate.MarkPreCheck):
		d.open = nil
	case a.Verdict.Outcome == gate.Refuse:
		c.Refused, c.Verdict, c.Until = true, a.Verdict, now.Add(decideWindow)
	default: // not on record: the same word may help once the disk does
		c.Until = now.Add(decideWindow)
	}
	return a
}

// forced is an admission that the rules have no verdict for. The claim still
// holds it to one entry for each of the party.
func (d *Desk) forced(v gate.Verdict, policy *gate.Policy, known *gate.Ticket) gate.Verdict {
	v.Outcome, v.Reason, v.Wants, v.Count = gate.Admit, gate.ReasonOverridden, 0, 1
	v.Marks |= gate.MarkOverride
	v.OpenLimit = known.PartySize()
	if policy.ReEntry == gate.ReEntryNone || !known.ReEntry {
		v.EntryLimit = known.PartySize()
	}
	v.Hold = policy.Classes[known.Class].Hold
	switch d.lane.Kind {
	case gate.LaneExit:
		v.Outcome = gate.Exit
	case gate.LanePreCheck:
		v.Marks |= gate.MarkPreCheck
	}
	return v
}

// overridden is a verdict that opens because staff said so.
func overridden(v gate.Verdict, why gate.Marks) gate.Verdict {
	v.Reason, v.Marks = gate.ReasonOverridden, v.Marks|gate.MarkOverride|why
	return v
}

// turnedAway is a referred visitor's verdict once staff said no.
func turnedAway(v gate.Verdict) gate.Verdict {
	v.Outcome, v.Count, v.Wants, v.Marks = gate.Refuse, 0, 0, v.Marks|gate.MarkOverride
	return v
}

// caseOf returns the open case of a number.
func (d *Desk) caseOf(now time.Time, id uint64) (*openCase, error) {
	if d.open == nil || d.open.ID != id || !now.Before(d.open.Until) {
		return nil, ErrOver
	}
	return d.open, nil
}

// again is what the visitor of a case had shown, with the ticket as the pack has
// it now. A code is not verified again: it was good when it was shown.
func (d *Desk) again(c *openCase, pack Pack) (gate.Presented, *gate.Ticket, error) {
	if c.code != nil {
		shown := c.code.shown
		shown.Direction = d.side
		if tags := c.document.of(pack.Event()); len(tags) > 0 {
			shown.Kind, shown.Documents = shown.Kind.WithDocument(), tags
		}
		known, err := d.load(pack, c.code)
		return shown, known, err
	}
	known, err := d.load(pack, &shownCode{ticket: c.Verdict.Ticket})
	return gate.Presented{Kind: gate.CredentialDocument, Documents: c.document.of(pack.Event()), Direction: d.side}, known, err
}
