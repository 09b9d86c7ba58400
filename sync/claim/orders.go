package claim

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

const (
	maxOrdersOfOne = 1024 // orders and signatures that are kept of one gate's records
	maxOrderItems  = 16   // orders in one request
	orderRetry     = 5 * time.Second
)

// orders is what this gate has seen on record of orders that say who is inside,
// and of signatures. The ledger hands out no signatures.
type orders struct {
	given  map[orderID]*givenOrder
	proofs map[uint64][]proof // by the order's number
	of     map[gate.GateID]int
}

type proof [64]byte

// givenOrder is an order and where it is on record first.
type givenOrder struct {
	order    gate.Order
	first    mark
	accepted bool // the keepers know it
	asked    bool // it is under way
	after    time.Time
}

func newOrders() orders {
	return orders{given: map[orderID]*givenOrder{}, proofs: map[uint64][]proof{}, of: map[gate.GateID]int{}}
}

// see takes note of a record. It reports whether there may be something to hand
// in.
func (s *orders) see(rec *ledger.Record) bool {
	if rec.Kind != ledger.KindOrder && rec.Kind != ledger.KindProof || rec.Marks.Has(gate.MarkTraining) {
		return false
	}
	by := rec.Position.Gate
	if rec.Kind == ledger.KindProof {
		id, p := binary.BigEndian.Uint64(rec.Body[:]), proof(rec.Body[8:])
		if s.of[by] < maxOrdersOfOne && !slices.Contains(s.proofs[id], p) {
			s.of[by]++
			s.proofs[id] = append(s.proofs[id], p)
		}
		for _, g := range s.given {
			if g.order.ID == id {
				g.after = time.Time{}
			}
		}
		return true
	}
	var o gate.Order
	if o.Decode(rec.Body[:]) != nil || !saysWhoIsInside(o.Kind) {
		return false
	}
	at := mark{rec.Clock, rec.Position}
	if rec.Clock.Time().Sub(o.Issued).Abs() > gate.OrderMaxSkew {
		return false // the ledger does not believe it
	}
	g := s.given[orderID(rec.Body)]
	switch {
	case g == nil && s.of[by] >= maxOrdersOfOne:
		return false
	case g == nil:
		s.of[by]++
		s.given[orderID(rec.Body)] = &givenOrder{order: o, first: at}
	case at.compare(g.first) < 0:
		g.first, g.accepted, g.after = at, false, time.Time{}
	}
	return true
}

// concerns reports whether keepers are to be told of an order: of a cancelled
// one only if it was a return to normal.
func (s *orders) concerns(o *gate.Order) bool {
	if o.Kind != gate.OrderCancel {
		return true
	}
	return anyOf(s.given, func(g *givenOrder) bool { return g.order.Kind == gate.OrderNormal && g.order.ID == o.Cancels })
}

// signed returns an order with a signature with which it counts.
func (s *orders) signed(g *givenOrder, counts func(*placedOrder) bool) (placedOrder, bool) {
	for _, p := range s.proofs[g.order.ID] {
		o := placedOrder{gate.SignedOrder{Order: g.order, Signature: p}, g.first}
		if o.IsSigned() && counts(&o) {
			return o, true
		}
	}
	return placedOrder{}, false
}

// all returns every order that counts.
func (s *orders) all(counts func(*placedOrder) bool) []placedOrder {
	var list []placedOrder
	for _, g := range s.given {
		if o, ok := s.signed(g, counts); ok && s.concerns(&g.order) {
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b placedOrder) int { return a.compare(b.mark) })
	return list
}

// pick returns orders that count and that the keepers may not know, in the
// order in which they are on record.
func (s *orders) pick(now time.Time, most int, counts func(*placedOrder) bool) []placedOrder {
	var list []placedOrder
	for _, g := range s.given {
		if g.accepted || g.asked || now.Before(g.after) || !s.concerns(&g.order) {
			continue
		}
		g.after = now.Add(orderRetry) // the roster may have changed by then
		if o, ok := s.signed(g, counts); ok {
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b placedOrder) int { return a.compare(b.mark) })
	for i := range list {
		g := s.find(&list[i])
		if i >= most {
			g.after = time.Time{}
			continue
		}
		g.asked = true
	}
	return list[:min(len(list), most)]
}

func (s *orders) find(o *placedOrder) *givenOrder {
	id, _ := idOf(&o.Order)
	return s.given[id]
}

// settled notes what the keepers said of an order: that they know it, that they
// do not, or nothing.
func (s *orders) settled(o *placedOrder, known, answered bool) {
	g := s.find(o)
	if g == nil {
		return
	}
	g.asked = false
	if !answered {
		g.after = time.Time{}
	}
	if known && g.first == o.mark {
		g.accepted = true
	}
}

// forget starts over with other keepers.
func (s *orders) forget() {
	for _, g := range s.given {
		g.accepted, g.after = false, time.Time{}
	}
}

// counts reports whether an order counts by this gate's own roster.
func (n *Node) counts(o *placedOrder) bool {
	return n.opts.Order != nil && n.opts.Order(&o.SignedOrder, o.at.Gate, o.clock.Time()) == nil
}

// agree puts a request into the log, and before it those of its orders that
// count here. The log has no signatures: what is in it has been judged.
func (n *Node) agree(k *keeper, q *request, body []byte, reply func(status, []result)) {
	for i := range q.items {
		it := &q.items[i]
		if it.kind == itemOrder && k.leads() && !k.fsm.knows(&it.order) && n.counts(&it.order) {
			k.submit(commandOrder, it.order.agreed(), func(status, []result) {})
		}
	}
	k.submit(commandRequest, body, reply)
}
