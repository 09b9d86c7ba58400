package gate

import (
	"slices"
	"sync/atomic"
	"time"
)

// Orders is a set of orders that count, made ready to be asked at every scan. It
// does not change; a nil *Orders holds none. Of two orders for the same thing
// the later one wins, however much wider or narrower it is.
type Orders struct {
	lanes    []Order // in order
	policies []Order // in order
	tickets  map[TicketID][]Order
	persons  map[PersonKey][]Order
	all      []Order
	turns    []time.Time // when an order among policies comes into force or ends
	made     atomic.Pointer[[]madePolicy]
}

// NewOrders makes a set of orders, given in the order in which they count: by
// the hybrid time of their records.
func NewOrders(orders []Order) *Orders {
	o := &Orders{tickets: map[TicketID][]Order{}, persons: map[PersonKey][]Order{}}
	o.all = StandingOrders(orders)
	for _, d := range o.all {
		switch d.Kind {
		case OrderDoors, OrderLastEntry, OrderEntrance:
			o.policies = append(o.policies, d)
			o.turns = append(o.turns, d.From, d.Until)
		case OrderLaneKind, OrderLaneClosed, OrderHold, OrderEvacuate:
			o.lanes = append(o.lanes, d)
		case OrderBlockTicket:
			o.tickets[d.Ticket] = append(o.tickets[d.Ticket], d)
		case OrderBlockDocument:
			o.persons[d.Person] = append(o.persons[d.Person], d)
		}
	}
	slices.SortFunc(o.turns, time.Time.Compare)
	return o
}

// StandingOrders returns the orders that no other one has ended, in their
// order: a cancel ends the order that it names, wherever it stands, and a return
// to normal the evacuations and holds before it. Cancels and returns to normal
// themselves are left out, since nothing remains to be done for them.
func StandingOrders(orders []Order) []Order {
	cancelled := map[uint64]bool{}
	for i := range orders {
		if orders[i].Kind == OrderCancel {
			cancelled[orders[i].Cancels] = true
		}
	}
	normal := -1
	for i := range orders {
		if orders[i].Kind == OrderNormal && !cancelled[orders[i].ID] {
			normal = i
		}
	}
	var standing []Order
	for i, d := range orders {
		passing := d.Kind == OrderEvacuate || d.Kind == OrderHold
		switch {
		case d.Kind == OrderCancel, d.Kind == OrderNormal, cancelled[d.ID], passing && i < normal:
		default:
			standing = append(standing, d)
		}
	}
	return standing
}

// InForce returns the orders that are in force now, in the order in which they
// were given.
func (o *Orders) InForce(now time.Time) []Order {
	if o == nil {
		return nil
	}
	var in []Order
	for _, d := range o.all {
		if d.inForce(now) {
			in = append(in, d)
		}
	}
	return in
}

// Lane returns a lane as the orders have it now.
func (o *Orders) Lane(now time.Time, lane Lane) Lane {
	if o == nil {
		return lane
	}
	for i := range o.lanes {
		d := &o.lanes[i]
		if !d.inForce(now) || !d.concerns(&lane) {
			continue
		}
		switch d.Kind {
		case OrderLaneKind:
			lane.Kind, lane.Closed = d.LaneKind, false
		case OrderLaneClosed:
			lane.Closed = true
		case OrderHold:
			lane.Held = true
		case OrderEvacuate:
			lane.Evacuating = true
		}
	}
	return lane
}

// Evacuating reports whether a lane's barrier stands open by order.
func (o *Orders) Evacuating(now time.Time, lane *Lane) bool {
	return o.Lane(now, *lane).Evacuating
}

// Blocked reports whether a ticket, or any of the persons, is blocked now.
func (o *Orders) Blocked(now time.Time, ticket TicketID, persons ...PersonKey) bool {
	return o.ticketBlocked(now, ticket) || slices.ContainsFunc(persons, func(p PersonKey) bool {
		return o.personBlocked(now, p)
	})
}

func (o *Orders) ticketBlocked(now time.Time, ticket TicketID) bool {
	return o != nil && anyInForce(now, o.tickets[ticket])
}

func (o *Orders) personBlocked(now time.Time, person PersonKey) bool {
	return o != nil && anyInForce(now, o.persons[person])
}

func anyInForce(now time.Time, orders []Order) bool {
	for i := range orders {
		if orders[i].inForce(now) {
			return true
		}
	}
	return false
}

// madePolicy is a policy that was made of another one, for a while.
type madePolicy struct {
	of   *Policy
	turn int
	made *Policy
}

// mostPolicies is how many made policies are kept: a gate has few events.
const mostPolicies = 8

// Policy returns an event's policy as the orders have it now: doors, last entry,
// where visitors of an entrance go, who is blocked. p itself is not changed, and
// is returned where no order concerns it. What was made before is returned
// again until an order begins or ends.
func (o *Orders) Policy(now time.Time, p *Policy) *Policy {
	if o == nil || len(o.policies)+len(o.tickets)+len(o.persons) == 0 {
		return p
	}
	turn, _ := slices.BinarySearchFunc(o.turns, now, func(t, now time.Time) int {
		if t.After(now) {
			return 1
		}
		return -1
	})
	var kept []madePolicy
	if k := o.made.Load(); k != nil {
		kept = *k
	}
	for i := range kept {
		if kept[i].of == p && kept[i].turn == turn {
			return kept[i].made
		}
	}
	m := madePolicy{p, turn, o.makePolicy(now, p)}
	next := append([]madePolicy{m}, kept[:min(len(kept), mostPolicies-1)]...)
	o.made.Store(&next)
	return m.made
}

func (o *Orders) makePolicy(now time.Time, of *Policy) *Policy {
	p := *of
	p.orders, p.Sessions = o, slices.Clone(of.Sessions)
	for i := range o.policies {
		d := &o.policies[i]
		if !d.inForce(now) || d.Event != 0 && d.Event != p.Event {
			continue
		}
		if d.Kind == OrderEntrance {
			if p.redirected == nil {
				p.redirected = map[EntranceID]EntranceID{}
			}
			p.redirected[d.Entrance] = d.To
			continue
		}
		for j := range p.Sessions {
			s := &p.Sessions[j]
			switch {
			case d.Session != 0 && d.Session != s.ID:
			case d.Kind == OrderDoors:
				s.Doors = d.At
			default:
				s.LastEntry = d.At
				if s.End.Before(d.At) {
					s.End = d.At
				}
			}
		}
	}
	return &p
}

// entrance returns where visitors of an entrance go: by order to another one.
func (p *Policy) entrance(id EntranceID) EntranceID {
	if to, ok := p.redirected[id]; ok {
		return to
	}
	return id
}
