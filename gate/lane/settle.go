package lane

import (
	"context"
	"errors"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// settle makes a verdict hold: an admission is claimed and then recorded, an
// exit is recorded, everything else is noted. Only what is durable opens.
func (d *Desk) settle(ctx context.Context, now time.Time, pack Pack, v gate.Verdict, shown *gate.Presented, known *gate.Ticket) Answer {
	switch {
	case v.Outcome == gate.Exit:
		return d.commit(ctx, pack, v, shown, known, 0)
	case v.Outcome != gate.Admit, v.Marks.Has(gate.MarkPreCheck):
		return d.noteShown(ctx, pack, v, shown, known)
	}
	order := gate.OrderID(0)
	if pack.Policy().Classes[known.Class].LeadsOrder && v.Reason == gate.ReasonAdmitted {
		order = known.Order
	}
	a := d.admit(ctx, now, pack, v, shown, known)
	if order != 0 && a.Verdict.Opens() {
		d.admitOrder(ctx, now, pack, order, &a)
	}
	return a
}

// admit claims and records one admission.
func (d *Desk) admit(ctx context.Context, now time.Time, pack Pack, v gate.Verdict, shown *gate.Presented, known *gate.Ticket) Answer {
	claim := d.claim(now, pack, &v, shown, known)
	answer, err := d.claims.Claim(ctx, claim)
	switch {
	case err != nil && d.word != Refuse:
		return d.commit(ctx, pack, overridden(v, gate.MarkIsolated), shown, known, 0)
	case err != nil:
		v = v.Alone(&d.lane, pack.Policy())
		if !v.Opens() {
			return d.noteShown(ctx, pack, v, shown, known)
		}
		return d.commit(ctx, pack, v, shown, known, 0)
	case !answer.Granted && d.word == Insist:
		v = overridden(v, 0)
		v.Previous = answer.By
		return d.commit(ctx, pack, v, shown, known, 0)
	case !answer.Granted:
		return d.noteShown(ctx, pack, v.Claimed(answer.By), shown, known)
	}
	behind := answer.Request
	if pack.Policy().NoClaims {
		behind = 0 // no keeper stands behind the grant
	}
	a := d.commit(ctx, pack, v, shown, known, behind)
	if a.Verdict.Opens() {
		d.claims.Settle(answer.Request)
	} else {
		d.claims.Release(answer.Request)
	}
	return a
}

func (d *Desk) claim(now time.Time, pack Pack, v *gate.Verdict, shown *gate.Presented, known *gate.Ticket) *gate.Claim {
	c := &gate.Claim{
		Event: pack.Event(), Ticket: v.Ticket, Generation: v.Generation, Session: v.Session,
		HasStep: shown.HasStep, Step: shown.Step, Count: v.Count,
		OpenLimit: v.OpenLimit, EntryLimit: v.EntryLimit, Follows: v.Follows, Lane: d.id, At: now,
	}
	if pack.Policy().OnePerson {
		c.Persons, c.Others = persons(known, shown), d.others
	}
	return c
}

// commit makes a verdict that opens durable, or keeps the lane shut.
func (d *Desk) commit(ctx context.Context, pack Pack, v gate.Verdict, shown *gate.Presented, known *gate.Ticket, request uint64) Answer {
	r := d.fill(pack, &v, shown, known)
	r.Kind, r.Request = ledger.KindGrant, request
	if v.Outcome == gate.Exit {
		r.Kind = ledger.KindExit
	}
	at, err := d.journal.Append(ctx, r)
	if err != nil {
		a := d.noteShown(ctx, pack, v.NotRecorded(), shown, known)
		a.Err = errors.Join(err, a.Err)
		return a
	}
	return Answer{Verdict: v, Holder: holder(known), Grants: []Granted{{at, r.Event, r.Pack, v}}}
}

// note records a verdict about nothing in particular.
func (d *Desk) note(ctx context.Context, pack Pack, v gate.Verdict) Answer {
	return d.noteShown(ctx, pack, v, &gate.Presented{}, nil)
}

func (d *Desk) noteShown(ctx context.Context, pack Pack, v gate.Verdict, shown *gate.Presented, known *gate.Ticket) Answer {
	r := d.fill(pack, &v, shown, known)
	r.Kind = ledger.KindRefusal
	if v.Marks.Has(gate.MarkPreCheck) && v.Outcome == gate.Admit {
		r.Kind = ledger.KindPreCheck
	}
	a := Answer{Verdict: v, Holder: holder(known), Err: d.journal.Note(ctx, r)}
	if v.Reason == gate.ReasonDocumentMismatch {
		a.Holder = Holder{} // staff need not see whose ticket somebody else held up
	}
	return a
}

// fill writes a verdict into d.record.
func (d *Desk) fill(pack Pack, v *gate.Verdict, shown *gate.Presented, known *gate.Ticket) *ledger.Record {
	r := &d.record
	*r = ledger.Record{
		Ticket: v.Ticket, Generation: v.Generation, Session: v.Session,
		Entry: uint16(min(v.Entry, 1<<16-1)), Step: ledger.NoStep, Count: uint8(min(v.Count, 255)),
		Lane:    d.id,
		Outcome: v.Outcome, Reason: v.Reason, Marks: v.Marks, Staff: d.staff,
	}
	r.From, r.To = d.zones(v.Outcome)
	if pack != nil {
		r.Event, r.Pack = pack.Event(), uint32(pack.Version())
	}
	if shown.HasStep {
		r.Step = shown.Step
	}
	switch {
	case len(shown.Documents) > 0:
		r.Person = shown.Documents[0].Person()
	case known != nil && len(known.Documents) > 0:
		r.Person = known.Documents[0].Tag.Person()
	}
	return r
}

// zones returns the near and the far side of a passage through the lane.
func (d *Desk) zones(o gate.Outcome) (from, to gate.ZoneID) {
	if o == gate.Exit {
		return d.lane.To, d.lane.From
	}
	return d.lane.From, d.lane.To
}

func holder(t *gate.Ticket) Holder {
	if t == nil {
		return Holder{}
	}
	return Holder{Masked: t.Masked, Class: t.Class, Seat: t.Seat, Party: t.PartySize(), Language: t.Language}
}
