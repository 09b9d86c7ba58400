package ledger

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate"
)

// The staff of the tests: 12 is a supervisor, 13 a steward with a key, 14 a
// supervisor without one.
func staffKey(id uint32) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(id)}, ed25519.SeedSize))
}

func authority() Authority {
	return Authority{
		Staff: func(id uint32) (ed25519.PublicKey, bool, bool) {
			switch id {
			case 12, 13:
				return staffKey(id).Public().(ed25519.PublicKey), id == 12, true
			case 14:
				return nil, true, true
			}
			return nil, false, false
		},
		Gate: func(id gate.GateID) bool { return id < 9 },
	}
}

// order appends an order to a gate's log, signed by a key unless that is nil.
func (g *gateLog) order(t testing.TB, at time.Time, o gate.Order, key ed25519.PrivateKey) Position {
	t.Helper()
	if o.Issued.IsZero() {
		o.Issued = at
	}
	s := gate.SignedOrder{Order: o}
	if key != nil {
		var err error
		if s, err = o.Sign(key); err != nil {
			t.Fatal(err)
		}
	}
	records, err := OrderRecords(&s)
	if err != nil {
		t.Fatal(err)
	}
	p := g.add(at, records[0])
	for _, r := range records[1:] {
		g.add(at, r)
	}
	return p
}

func TestWhichOrdersCount(t *testing.T) {
	hold := gate.Order{Kind: gate.OrderHold, ID: 1, Staff: 12}
	evacuate := gate.Order{Kind: gate.OrderEvacuate, ID: 2}
	by := func(o gate.Order, staff uint32) gate.Order { o.Staff = staff; return o }
	tests := []struct {
		name    string
		story   func(t *testing.T, a, b *gateLog) // gates 7 and 9; 9 is not on the roster
		proven  bool
		ignored string
	}{
		{"a supervisor's", func(t *testing.T, a, _ *gateLog) { a.order(t, minute(1), hold, staffKey(12)) }, true, ""},
		{"a supervisor's, by way of a gate that was struck off", func(t *testing.T, _, b *gateLog) { b.order(t, minute(1), hold, staffKey(12)) }, true, ""},
		{"nobody signed", func(t *testing.T, a, _ *gateLog) { a.order(t, minute(1), hold, nil) }, false, "not signed"},
		{"somebody else signed", func(t *testing.T, a, _ *gateLog) { a.order(t, minute(1), hold, staffKey(13)) }, false, "signature does not verify"},
		{"a steward's", func(t *testing.T, a, _ *gateLog) { a.order(t, minute(1), by(hold, 13), staffKey(13)) }, false, "its staff member is no supervisor"},
		{"a stranger's", func(t *testing.T, a, _ *gateLog) { a.order(t, minute(1), by(hold, 15), staffKey(15)) }, false, "its staff member is not known"},
		{"of somebody without a key", func(t *testing.T, a, _ *gateLog) { a.order(t, minute(1), by(hold, 14), staffKey(14)) }, false, "its staff member has no key"},
		{"last season's", func(t *testing.T, a, _ *gateLog) {
			o := hold
			o.Issued = minute(-25 * 60)
			a.order(t, minute(1), o, staffKey(12))
		}, true, "recorded more than 24h0m0s from its time of issue"},
		{"a button's", func(t *testing.T, a, _ *gateLog) { a.order(t, minute(1), evacuate, nil) }, false, ""},
		{"a button's of a gate that was struck off", func(t *testing.T, _, b *gateLog) { b.order(t, minute(1), evacuate, nil) }, false, "not signed, and its gate is not on the roster"},
		{"an evacuation, signed later", func(t *testing.T, a, b *gateLog) {
			b.order(t, minute(1), by(evacuate, 12), nil)
			o := by(evacuate, 12)
			o.Issued = minute(1)
			a.order(t, minute(9), o, staffKey(12))
		}, true, ""},
		{"in training", func(t *testing.T, a, _ *gateLog) {
			a.order(t, minute(1), hold, staffKey(12))
			for i := range a.records {
				a.records[i].Marks = gate.MarkTraining
				if i > 0 {
					a.records[i].Prev = a.records[i-1].Hash()
				}
			}
		}, false, "none"},
		{"what is no order", func(_ *testing.T, a, _ *gateLog) {
			a.add(minute(1), Record{Kind: KindOrder, Body: [BodySize]byte{99}})
		}, false, "order: kind 99 is unknown"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, b := newLog(7), newLog(9)
			test.story(t, a, b)
			l := New()
			addAll(t, l, a, b)
			if n := len(l.Standing().InForce(minute(10))); n != 0 && test.proven {
				t.Errorf("%d orders count before anybody is trusted", n)
			}
			l.Trust(authority())
			got := l.Orders()
			if test.ignored == "none" {
				if len(got) != 0 {
					t.Errorf("got %+v", got)
				}
				return
			}
			if len(got) != 1 || got[0].Proven != test.proven || got[0].Ignored != test.ignored {
				t.Fatalf("got %+v, want proven %v, ignored %q", got, test.proven, test.ignored)
			}
			if counts := len(l.Standing().InForce(minute(10))) == 1; counts != (test.ignored == "") {
				t.Errorf("counts: %v", counts)
			}
		})
	}
}

func TestWouldCount(t *testing.T) {
	sign := func(o gate.Order, key ed25519.PrivateKey) *gate.SignedOrder {
		s, err := o.Sign(key)
		if err != nil {
			t.Fatal(err)
		}
		return &s
	}
	hold := gate.Order{Kind: gate.OrderHold, ID: 1, Staff: 12, Issued: minute(1)}
	evacuate := &gate.SignedOrder{Order: gate.Order{Kind: gate.OrderEvacuate, ID: 1, Issued: minute(1)}}
	for _, c := range []struct {
		name  string
		order *gate.SignedOrder
		by    gate.GateID
		at    time.Time
		why   string
	}{
		{"a supervisor's", sign(hold, staffKey(12)), 7, minute(2), ""},
		{"somebody else's", sign(hold, staffKey(13)), 7, minute(2), "signature does not verify"},
		{"two days late", sign(hold, staffKey(12)), 7, minute(2 * 24 * 60), "recorded more than 24h0m0s from its time of issue"},
		{"a button's", evacuate, 7, minute(1), ""},
		{"a button's of a gate that was struck off", evacuate, 9, minute(1), "not signed, and its gate is not on the roster"},
		{"no order", &gate.SignedOrder{}, 7, minute(1), "order: kind 0 is unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := New()
			l.Trust(authority())
			err := l.WouldCount(c.order, c.by, c.at)
			var ignored *IgnoredError
			if errors.As(err, &ignored); (err == nil) != (c.why == "") || err != nil && ignored.Why != c.why {
				t.Errorf("got %v, want %q", err, c.why)
			}
			if len(l.Orders()) != 0 {
				t.Error("it is on record")
			}
		})
	}
}

func TestOrdersEnd(t *testing.T) {
	a, b := newLog(7), newLog(8)
	a.order(t, minute(1), gate.Order{Kind: gate.OrderHold, ID: 1, Staff: 12}, staffKey(12))
	a.order(t, minute(2), gate.Order{Kind: gate.OrderBlockTicket, ID: 2, Staff: 12, Ticket: 42}, staffKey(12))
	a.order(t, minute(3), gate.Order{Kind: gate.OrderEvacuate, ID: 3, Staff: 12}, staffKey(12))
	b.order(t, minute(4), gate.Order{Kind: gate.OrderNormal, ID: 4, Staff: 12}, staffKey(12))
	b.order(t, minute(5), gate.Order{Kind: gate.OrderHold, ID: 5, Staff: 12}, staffKey(12))
	b.order(t, minute(6), gate.Order{Kind: gate.OrderCancel, ID: 6, Staff: 12, Cancels: 2}, staffKey(12))
	l := New()
	l.Trust(authority())
	addAll(t, l, a, b)
	var ended []uint64
	for _, s := range l.Orders() {
		if s.Ended {
			ended = append(ended, s.Order.ID)
		}
	}
	if !slices.Equal(ended, []uint64{1, 2, 3}) {
		t.Errorf("orders %v have ended, want 1, 2, 3", ended)
	}
	if in := l.Standing().InForce(minute(9)); len(in) != 1 || in[0].ID != 5 {
		t.Errorf("in force: %+v", in)
	}
	if set := l.Standing(); set != l.Standing() {
		t.Error("the set is made anew for everybody who asks")
	}
}

// normal is a reset of an event, or of all.
func normal(id uint64, event gate.EventID) gate.Order {
	return gate.Order{Kind: gate.OrderNormal, ID: id, Staff: 12, Event: event}
}

func TestReset(t *testing.T) {
	for _, keep := range []int{0, few} {
		a, b := newLog(7), newLog(8)
		past := a.add(minute(1), with(grant(10, 2), func(r *Record) { r.Person = gate.PersonKey{5} }))
		a.add(minute(2), exit(20, 1, Position{}))
		a.add(minute(2), with(grant(NoStep, 4), func(r *Record) { r.Ticket = 0 }))
		at := b.order(t, minute(3), normal(9, testEvent), staffKey(12))
		b.add(minute(4), exit(30, 1, past))
		a.add(minute(5), grant(40, 1))
		a.add(minute(6), with(grant(NoStep, 1), func(r *Record) { r.Ticket = 0 }))
		a.add(minute(6), with(grant(7, 1), func(r *Record) { r.Event, r.Ticket, r.Wall = testEvent+1, 43, minute(1) }))

		l := New()
		l.few = keep
		addAll(t, l, a, b)
		if got := l.Total(testEvent); got.Inside != 6 {
			t.Fatalf("before anybody is trusted: %+v", got)
		}
		l.Trust(authority())
		if got, want := l.Total(testEvent), (Count{Admitted: 8, Exited: 6, Inside: 2}); got != want {
			t.Errorf("counted %+v, want %+v", got, want)
		}
		if got := l.Inside(testEvent, arena); got != 2 {
			t.Errorf("%d inside the arena", got)
		}
		var h gate.History
		l.History(&h, testTicket)
		if len(h.Ticket) != 1 || h.Ticket[0].Step != 40 || h.Ticket[0].Out != 0 {
			t.Errorf("history %+v", h.Ticket)
		}
		if !h.HasOut || h.OutStep != 30 || h.Floor != 1 {
			t.Errorf("codes up to %d are used, floor %d", h.OutStep, h.Floor)
		}
		if p := l.Person(nil, gate.PersonKey{5}, 0); len(p) != 0 {
			t.Errorf("the person's past: %+v", p)
		}
		if c := l.Conflicts(0, singles); len(c) != 0 {
			t.Errorf("conflicts: %s", said(c))
		}
		if got := l.ResetAt(testEvent); got != b.records[at.Sequence-1].Clock || l.ResetAt(testEvent+1) != 0 {
			t.Errorf("reset at %v", got.Time())
		}
		b.order(t, minute(8), gate.Order{Kind: gate.OrderCancel, ID: 10, Staff: 12, Cancels: 9}, staffKey(12))
		addAll(t, l, b)
		if l.History(&h, testTicket); len(h.Ticket) != 2 || l.ResetAt(testEvent) != 0 {
			t.Errorf("the reset was a mistake, and the history is %+v", h.Ticket)
		}
	}
}

// Who leaves after a reset by what is past leaves by the grant that is not.
func TestExitAfterReset(t *testing.T) {
	for _, keep := range []int{0, few} {
		a := newLog(7)
		past := a.add(minute(1), grant(10, 1))
		a.order(t, minute(2), normal(9, 0), staffKey(12))
		a.add(minute(3), grant(20, 1))
		a.add(minute(4), exit(30, 1, past))
		l := New()
		l.few = keep
		l.Trust(authority())
		addAll(t, l, a)
		var h gate.History
		if l.History(&h, testTicket); len(h.Ticket) != 1 || h.Ticket[0].Out != 1 || l.Total(testEvent) != (Count{2, 2, 0}) {
			t.Errorf("history %+v, counted %+v", h.Ticket, l.Total(testEvent))
		}
	}
}

// TestOrdersSetNotOrder: orders, their proofs and the records that they bear on
// may arrive in any order.
func TestOrdersSetNotOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logs := stories().Draw(t, "logs")
		for i := range rapid.IntRange(0, 6).Draw(t, "orders") {
			o := gate.Order{ID: uint64(i + 1), Staff: 12, Issued: doors}
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				o.Kind, o.Event = gate.OrderNormal, rapid.SampledFrom([]gate.EventID{0, testEvent}).Draw(t, "event")
			case 1:
				o.Kind, o.Cancels = gate.OrderCancel, rapid.Uint64Range(1, 6).Draw(t, "cancels")
			case 2:
				o.Kind, o.Staff = gate.OrderEvacuate, 0
			default:
				o.Kind = gate.OrderHold
			}
			s := gate.SignedOrder{Order: o}
			if o.Staff != 0 && rapid.IntRange(0, 5).Draw(t, "is signed") > 0 {
				var err error
				if s, err = o.Sign(staffKey(12)); err != nil {
					t.Fatal(err)
				}
			}
			records, err := OrderRecords(&s)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records { // in any logs, the proof perhaps before its order
				at := doors.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds")) * time.Second)
				rapid.SampledFrom(logs).Draw(t, "log").insert(at, r, rapid.IntRange(1, 100).Draw(t, "where"))
			}
		}
		one, other := New(), New()
		one.Trust(authority())
		other.few = rapid.SampledFrom([]int{0, 2, few}).Draw(t, "few")
		for _, g := range logs {
			for i := range g.records {
				if err := one.Add(&g.records[i]); err != nil {
					t.Fatal(err)
				}
			}
		}
		next, trusted := make([]int, len(logs)), false
		for {
			var open []int
			for i := range logs {
				if next[i] < len(logs[i].records) {
					open = append(open, i)
				}
			}
			if len(open) == 0 {
				break
			}
			i := rapid.SampledFrom(open).Draw(t, "whose")
			if err := other.Add(&logs[i].records[next[i]]); err != nil {
				t.Fatal(err)
			}
			next[i]++
			if !trusted && rapid.IntRange(0, 9).Draw(t, "trust") == 0 {
				other.Trust(authority())
				trusted = true
			}
			if rapid.IntRange(0, 3).Draw(t, "look") == 0 {
				see(other)
			}
		}
		if !trusted {
			other.Trust(authority())
		}
		if a, b := see(one), see(other); !reflect.DeepEqual(a, b) {
			t.Fatalf("in order:\n%+v\nmixed:\n%+v", a, b)
		}
		if a, b := one.Orders(), other.Orders(); !slices.Equal(a, b) {
			t.Fatalf("orders in order:\n%+v\nmixed:\n%+v", a, b)
		}
		if a, b := one.Standing().InForce(doors), other.Standing().InForce(doors); !slices.Equal(a, b) {
			t.Fatalf("in force in order:\n%+v\nmixed:\n%+v", a, b)
		}
	})
}

// insert puts a record into a log that exists already, and chains anew what
// comes behind it. Refs to those records name others then, or none.
func (g *gateLog) insert(at time.Time, r Record, where int) {
	where = min(where, len(g.records))
	behind := slices.Clone(g.records[where:])
	g.records = g.records[:where]
	g.add(at, r)
	for _, b := range behind {
		g.add(b.Wall, b)
	}
}

// BenchmarkReset puts a million records into the past, as a return to normal does.
func BenchmarkReset(b *testing.B) {
	records, hashes := million()
	l := New()
	l.Trust(authority())
	for i := range records {
		if err := l.AddHashed(&records[i], hashes[i]); err != nil {
			b.Fatal(err)
		}
	}
	marks := map[gate.EventID]mark{testEvent: {clock: records[len(records)-1].Clock}}
	for b.Loop() {
		l.reset(marks)
	}
}

func TestOrdersAreBounded(t *testing.T) {
	l := New()
	for i := range maxOrders {
		l.decrees.given[[BodySize]byte{byte(i), byte(i >> 8)}] = &given{}
	}
	a := newLog(7)
	a.order(t, minute(1), gate.Order{Kind: gate.OrderHold, ID: 1, Staff: 12}, staffKey(12))
	if err := l.Add(&a.records[0]); err != nil {
		t.Fatal(err)
	}
	if err := l.Add(&a.records[1]); !errors.Is(err, ErrTooMany) {
		t.Errorf("one order too many: %v", err)
	}
	if seq, _ := l.Last(Origin{7, 1}); seq != 1 {
		t.Errorf("the log goes to %d", seq)
	}
}
