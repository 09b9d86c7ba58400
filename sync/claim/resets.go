package claim

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// maxResets is how many returns to normal, and how many cancelled orders, the
// keepers know of.
const maxResets = 4096

// mark is a place in the order of records, which is that of gate/ledger.
type mark struct {
	clock ledger.Clock
	at    ledger.Position
}

func (m mark) compare(o mark) int {
	return cmp.Or(cmp.Compare(m.clock, o.clock), m.at.Compare(o.at.Origin), cmp.Compare(m.at.Sequence, o.at.Sequence))
}

// orderID is all that an order says. Two orders may bear one number.
type orderID [gate.OrderSize]byte

// placedOrder is an order that says who is inside, and a place where it is on
// record: a return to normal, or the cancelling of one.
type placedOrder struct {
	gate.SignedOrder
	mark
}

// saysWhoIsInside reports whether keepers are told of orders of a kind.
func saysWhoIsInside(k gate.OrderKind) bool { return k == gate.OrderNormal || k == gate.OrderCancel }

// resets is since when the keepers count anew. It depends on the set of orders
// that were agreed on, not on their order.
type resets struct {
	normal  map[orderID]mark    // returns to normal, and the first place of each
	cancels map[uint64]struct{} // orders that ended before their time
	marks   map[gate.EventID]mark
}

func newResets() resets {
	return resets{normal: map[orderID]mark{}, cancels: map[uint64]struct{}{}}
}

// knows reports whether taking an order would change nothing.
func (s *resets) knows(o *placedOrder) bool {
	if o.Kind == gate.OrderCancel {
		_, known := s.cancels[o.Cancels]
		return known
	}
	id, ok := idOf(&o.Order)
	first, known := s.normal[id]
	return ok && known && first.compare(o.mark) <= 0
}

// take notes an order that counts. What does not fit is left out.
func (s *resets) take(o *placedOrder) {
	if s.knows(o) {
		return
	}
	if o.Kind == gate.OrderCancel {
		if len(s.cancels) < maxResets {
			s.cancels[o.Cancels] = struct{}{}
		}
	} else if id, ok := idOf(&o.Order); ok {
		if _, known := s.normal[id]; known || len(s.normal) < maxResets {
			s.normal[id] = o.mark
		}
	}
	s.derive()
}

// derive finds the latest return to normal of every event that nobody cancelled.
func (s *resets) derive() {
	s.marks = map[gate.EventID]mark{}
	for id, at := range s.normal {
		var o gate.Order
		if o.Decode(id[:]) != nil {
			continue
		}
		if _, cancelled := s.cancels[o.ID]; cancelled {
			continue
		}
		if last, ok := s.marks[o.Event]; !ok || last.compare(at) < 0 {
			s.marks[o.Event] = at
		}
	}
}

// past reports whether a return to normal of an event comes after a place:
// whoever was let in there is out, and may come in once more.
func (s *resets) past(event gate.EventID, at mark) bool {
	if len(s.marks) == 0 {
		return false
	}
	for _, of := range [2]gate.EventID{event, 0} {
		if m, ok := s.marks[of]; ok && at.compare(m) < 0 {
			return true
		}
	}
	return false
}

// after returns the hybrid time of something that happens now at an event: by
// a gate's wall clock, and after every return to normal that is agreed on. Who
// asks after one means to be inside after it, whatever their clock says.
func (s *resets) after(event gate.EventID, wall ledger.Clock) ledger.Clock {
	for _, of := range [2]gate.EventID{event, 0} {
		if m, ok := s.marks[of]; ok {
			wall = max(wall, m.clock+1)
		}
	}
	return wall
}

func idOf(o *gate.Order) (orderID, bool) {
	b, err := o.AppendBinary(nil)
	if err != nil {
		return orderID{}, false
	}
	return orderID(b), true
}

// ids returns the returns to normal in the order of their bytes.
func (s *resets) ids() []orderID {
	list := make([]orderID, 0, len(s.normal))
	for id := range s.normal {
		list = append(list, id)
	}
	slices.SortFunc(list, func(a, b orderID) int { return slices.Compare(a[:], b[:]) })
	return list
}

// agreed returns what the keepers' log says of an order: the order without the
// signature, which the leader has verified, and its place.
func (o *placedOrder) agreed() []byte {
	b, err := o.Order.AppendBinary(nil)
	if err != nil {
		return nil // was never taken for an order
	}
	return appendMark(b, o.mark)
}

func appendMark(b []byte, m mark) []byte {
	be := binary.BigEndian
	b = be.AppendUint64(b, uint64(m.clock))
	b = be.AppendUint32(be.AppendUint32(b, uint32(m.at.Gate)), m.at.Epoch)
	return be.AppendUint64(b, m.at.Sequence)
}

const markSize = 24

func (r *reader) mark() mark {
	m := mark{clock: ledger.Clock(r.u64("clock", 1, 1<<64-1))}
	m.at.Gate = gate.GateID(r.u32("order's gate", 1, 1<<32-1))
	m.at.Epoch = uint32(r.u32("order's epoch", 1, 1<<32-1))
	m.at.Sequence = r.u64("order's sequence", 1, ledger.MaxSequence)
	return m
}

// order reads an order with its signature, or without for the keepers' log.
func (r *reader) order(size int) placedOrder {
	var o placedOrder
	s, err := gate.ParseSignedOrder(r.take("order", size))
	if r.err != nil {
		return o
	}
	o.SignedOrder = s
	switch {
	case err != nil:
		r.fail("order", "%v", err)
	case !saysWhoIsInside(o.Kind):
		r.fail("order", "of kind %s does not say who is inside", o.Kind)
	}
	o.mark = r.mark()
	return o
}
