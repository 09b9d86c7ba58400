package lane

import (
	"context"
	"errors"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// mostInGroup bounds how many tickets come in with a leader: the barrier opens
// for at most 255 people at a time.
const mostInGroup = 255

// admitOrder lets in what is left of an order, after its leader. Each ticket is
// decided, claimed and recorded by itself, so that one which was refunded, or was
// in before, stays out without keeping the others waiting.
func (d *Desk) admitOrder(ctx context.Context, now time.Time, pack Pack, order gate.OrderID, a *Answer) {
	leader := a.Verdict.Ticket
	word := d.word
	d.word = Refuse // staff answered for the leader, who stands before them
	defer func() { d.word = word }()
	a.Verdict.Group = gate.Group{Admitted: a.Verdict.Count, Of: a.Verdict.Count}
	ids, err := pack.ByOrder(order, d.ids[:0])
	if d.ids = ids; err != nil {
		a.Err = errors.Join(a.Err, err)
		return
	}
	for _, id := range ids {
		if id == leader {
			continue
		}
		known, err := d.load(pack, &shownCode{ticket: id})
		if err != nil || known == nil {
			a.Err = errors.Join(a.Err, err)
			continue
		}
		if known.Status == gate.StatusValid {
			a.Verdict.Group.Of += known.PartySize()
		}
		// Nobody shows anything: the leader stands for them.
		shown := gate.Presented{Kind: gate.CredentialCode, Direction: d.side, Count: known.PartySize()}
		v := d.decide(now, pack, &shown, known)
		if v.Outcome != gate.Admit || v.Reason != gate.ReasonAdmitted || a.Verdict.Count+v.Count > mostInGroup {
			continue
		}
		v.Marks |= gate.MarkLed
		one := d.admit(ctx, now, pack, v, &shown, known)
		a.Err = errors.Join(a.Err, one.Err)
		if !one.Verdict.Opens() {
			continue
		}
		a.Grants = append(a.Grants, one.Grants...)
		a.Verdict.Count += one.Verdict.Count
		a.Verdict.Group.Admitted += one.Verdict.Count
		a.Verdict.Hold = max(a.Verdict.Hold, one.Verdict.Hold)
	}
}
