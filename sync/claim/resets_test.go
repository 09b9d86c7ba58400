package claim

import (
	"crypto/ed25519"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// supervisor says that staff member 12 may give orders.
func supervisor() ledger.Authority {
	return ledger.Authority{Staff: func(id uint32) (ed25519.PublicKey, bool, bool) {
		return keyFor(12).Public().(ed25519.PublicKey), id == 12, id == 12
	}}
}

// drawOrders draws returns to normal of an event or of all, some of them
// cancelled and some on record twice, among the times of records. It returns
// what is on record of them, and every order at every place.
func drawOrders(t *rapid.T, all []ledger.Record) (records []ledger.Record, placed []placedOrder) {
	var given []gate.SignedOrder
	for i := range rapid.IntRange(0, 4).Draw(t, "orders") {
		o := gate.Order{Kind: gate.OrderNormal, ID: uint64(i/2 + 1), Staff: 12, Issued: time.UnixMilli(1795379400000 + int64(i)).UTC()}
		if o.Event = gate.EventID(rapid.IntRange(0, 2).Draw(t, "event of the order")); i > 0 && rapid.IntRange(0, 3).Draw(t, "cancel") == 0 {
			o.Kind, o.Event, o.ID, o.Cancels = gate.OrderCancel, 0, 100+o.ID, given[0].ID
		}
		signed, err := o.Sign(keyFor(12).PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 2).Draw(t, "places") {
			given = append(given, signed)
		}
	}
	clocks := make([]ledger.Clock, len(given))
	for i := range clocks {
		clocks[i] = rapid.SampledFrom(all).Draw(t, "time").Clock
	}
	slices.Sort(clocks)
	given = rapid.Permutation(given).Draw(t, "order of orders")
	var next [4]ledger.Record // of logs of gates 1 to 3
	for i := range given {
		g := rapid.IntRange(1, 3).Draw(t, "gate of the order")
		two, err := ledger.OrderRecords(&given[i])
		if err != nil {
			t.Fatal(err)
		}
		if next[g].Position.Sequence == 0 {
			two = slices.Insert(two, 0, ledger.Record{Kind: ledger.KindEpoch, Step: ledger.NoStep})
		}
		for _, r := range two {
			r.Position = ledger.Position{Origin: ledger.Origin{Gate: gate.GateID(g), Epoch: 2}, Sequence: next[g].Position.Sequence + 1}
			r.Clock, r.Prev = max(clocks[i], next[g].Clock+1), next[g].Prev
			r.Wall = r.Clock.Time()
			if r.Kind == ledger.KindOrder {
				placed = append(placed, placedOrder{given[i], mark{r.Clock, r.Position}})
			}
			records = append(records, r)
			next[g] = r
			next[g].Prev = r.Hash()
		}
	}
	return records, placed
}

// hand has a machine take one item, as leader and log do.
func hand(t *rapid.T, m *machine, from gate.GateID, it item) []result {
	if it.kind == itemOrder {
		if _, err := m.apply(command(commandOrder, time.Unix(1, 0), it.order.agreed())); err != nil {
			t.Fatal(err)
		}
	}
	return m.answer(&request{gate: from, items: []item{it}}, time.Unix(1, 0).UTC())
}

func normalAt(clock ledger.Clock, event gate.EventID) *placedOrder {
	o := exampleOrder()
	o.Event, o.clock = event, clock
	return &o
}

// A claim that was open when everybody was sent out is past; one after it is
// not, although the gate that asks has a clock that is behind.
func TestOpenClaimsAndReturnToNormal(t *testing.T) {
	m := newMachine()
	m.seeded = true
	at := time.UnixMilli(1795379400000).UTC()
	ask := func(request uint64, ticket gate.TicketID, when time.Time) resultCode {
		c := gate.Claim{Event: 1, Ticket: ticket, Session: 1, Count: 1, OpenLimit: 1, EntryLimit: 1, At: when}
		return m.claimed(requestKey{2, 1<<32 | request}, &c, when).code
	}
	if ask(1, 7, at) != resultGranted || ask(2, 7, at) != resultRefused {
		t.Fatal("before: want one grant")
	}
	m.resets.take(normalAt(ledger.Clock(0).Next(at.Add(time.Minute)), 2))
	if ask(3, 7, at.Add(2*time.Minute)) != resultRefused {
		t.Error("another event's return to normal counts")
	}
	m.resets.take(normalAt(ledger.Clock(0).Next(at.Add(time.Minute)), 1))
	if ask(4, 7, at) != resultGranted {
		t.Error("after a return to normal: want one more")
	}
	if ask(5, 7, at.Add(2*time.Minute)) != resultRefused {
		t.Error("the grant after the return to normal is past, too")
	}
	cancel := exampleOrder()
	cancel.Kind, cancel.Event, cancel.Cancels = gate.OrderCancel, 0, cancel.ID
	m.resets.take(&cancel)
	if h := m.history(&gate.Claim{Ticket: 7}, at); len(h.Ticket) != 2 {
		t.Errorf("once it is cancelled, %d grants count, want 2", len(h.Ticket))
	}
}

// Orders that do not fit change nothing, and what is agreed is told apart.
func TestOrdersAreBounded(t *testing.T) {
	s := newResets()
	for i := range uint64(maxResets) {
		s.normal[orderID{0: byte(i), 1: byte(i >> 8), 71: 1}] = mark{}
	}
	o := exampleOrder()
	o.Kind, o.Event, o.Cancels = gate.OrderCancel, 0, 1
	for id := range uint64(maxResets) {
		s.cancels[id+2] = struct{}{}
	}
	if s.take(&o); s.knows(&o) || len(s.cancels) != maxResets {
		t.Error("one cancelled order too many is kept")
	}
	more := exampleOrder()
	if s.take(&more); s.knows(&more) || len(s.normal) != maxResets {
		t.Error("one return to normal too many is kept")
	}
}
