package appliance

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/web"
	"github.com/venuegate/venuegate/sync/uplink"
)

// ordersForPage are the orders that count and are not over.
func (a *Appliance) ordersForPage(now time.Time, r *roster) []web.OrderView {
	var views []web.OrderView
	p := a.peopleNow()
	for _, s := range a.ledger.Orders() {
		o := &s.Order
		over := !o.Until.IsZero() && !now.Before(o.Until)
		if s.Ignored != "" || s.Ended || over || o.Kind == gate.OrderNormal || o.Kind == gate.OrderCancel {
			continue
		}
		v := web.OrderView{
			Order: *o, Gate: r.gateName(s.Position.Gate), Recorded: s.Clock.Time(), Signed: s.Proven,
			Event: p.events[o.Event], Session: p.sessions[eventSession{o.Event, o.Session}],
			Zone: nameOr(r.zones[o.Zone], uint64(o.Zone)), Lane: nameOr(r.names[o.Lane], uint64(o.Lane)),
			Entrance: p.entrance(o.Entrance), To: p.entrance(o.To),
		}
		if o.Staff != 0 {
			v.By = nameOr(p.staff[o.Staff].Name, uint64(o.Staff))
		}
		if v.Event == "" && o.Event != 0 {
			v.Event = fmt.Sprint(o.Event)
		}
		views = append(views, v)
	}
	return views
}

// nameOr returns a name, else the number that it is for, and nothing for none.
func nameOr(name string, number uint64) string {
	if name == "" && number != 0 {
		return fmt.Sprint(number)
	}
	return name
}

// Evacuate orders every barrier of the venue to open, by the word of one of the
// staff who is signed in at this gate. The order is not signed: the others believe
// it because this gate is on the roster. It ends with a signed one. Where it cannot
// be recorded, this gate's barriers open all the same, as with a button.
func (c *commands) Evacuate(ctx context.Context, staff uint32) error {
	order, err := c.evacuationBy(staff)
	if err != nil {
		return err
	}
	if err = c.GiveOrder(ctx, &gate.SignedOrder{Order: order}); err != nil {
		c.evacuation.give(order)
	}
	c.log.Warn().Uint32("staff", staff).AnErr("error", err).Msg("evacuation ordered on the page")
	return err
}

// evacuationBy is the order of one of the staff. A return to normal ends what was
// given before it, so this one must not seem older than the last of them.
func (a *Appliance) evacuationBy(staff uint32) (gate.Order, error) {
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return gate.Order{}, err
	}
	issued := a.clock.Now()
	for _, s := range a.ledger.Orders() {
		if s.Order.Kind == gate.OrderNormal && s.Ignored == "" {
			issued = later(issued, s.Order.Issued.Add(time.Millisecond))
		}
	}
	return gate.Order{
		Kind: gate.OrderEvacuate, ID: binary.BigEndian.Uint64(id[:]) | 1, Staff: staff, Issued: issued.Truncate(time.Millisecond),
	}, nil
}

// uplinkView is how far central has the records; nil without a central.
func (a *Appliance) uplinkView() *web.UplinkView {
	if a.uplink == nil {
		return nil
	}
	s := a.uplink.Status()
	v := &web.UplinkView{
		State: string(s.State), Pending: s.Pending, Acked: s.Acked, Left: -1, Heard: s.HeardAt,
	}
	if s.State == uplink.Waiting {
		v.Retry = s.RetryAt
	}
	if s.ETASeconds != nil {
		v.Left = time.Duration(*s.ETASeconds) * time.Second
	}
	return v
}

// zonesForPage adds up the zones of the day's events.
func (a *Appliance) zonesForPage(r *roster) (zones []web.ZoneView, reset time.Time) {
	at := map[gate.ZoneID]int{}
	for _, e := range r.events {
		if c := a.ledger.ResetAt(e); c != 0 && c.Time().After(reset) {
			reset = c.Time()
		}
		for _, z := range a.ledger.Zones(e) {
			i, known := at[z.Zone]
			if !known {
				i = len(zones)
				at[z.Zone] = i
				zones = append(zones, web.ZoneView{Name: nameOr(r.zones[z.Zone], uint64(z.Zone))})
			}
			zones[i].In += z.Admitted
			zones[i].Out += z.Exited
			zones[i].Inside += z.Inside
		}
	}
	return zones, reset
}

// isolations are what a lane does with rightful visitors while the gate is alone,
// by the rules that count there: the configuration's, the roster's, the events'.
func (a *Appliance) isolations(run *running, geometry gate.Lane, r *roster) []gate.Isolation {
	if rule := isolationOf(run.config.Isolation); rule != gate.IsolationUnset {
		return []gate.Isolation{rule}
	}
	if geometry.Isolation != gate.IsolationUnset {
		return []gate.Isolation{geometry.Isolation}
	}
	seen, rules := map[gate.Isolation]bool{}, []gate.Isolation{}
	for _, p := range r.packs {
		rule := p.Policy().Isolation
		if rule == gate.IsolationUnset {
			rule = gate.IsolationRefer
		}
		if !seen[rule] {
			seen[rule] = true
			rules = append(rules, rule)
		}
	}
	return rules
}
