package claim

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// Whether keepers forget an event before or after its records come, they hold
// the same: what is on record at other events, and what came later.
func TestForgettingSetNotOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawLogs(t)
		at := rapid.SampledFrom(all).Draw(t, "over at").Clock.Time()
		forget := func(m *machine) {
			if _, err := m.apply(command(commandForget, at, eventBytes([]gate.EventID{1}))); err != nil {
				t.Fatal(err)
			}
		}
		before, after, never := newMachine(), newMachine(), newMachine()
		forget(before)
		for _, it := range handIns(t, all) {
			hand(t, before, 2, it)
		}
		for _, it := range handIns(t, all) {
			hand(t, after, 2, it)
		}
		forget(after)
		for _, r := range all {
			if r.Event != 1 || r.Clock >= ledger.Clock(0).Next(at) {
				it := item{kind: itemRecords, run: run{origin: r.Position.Origin, first: r.Position.Sequence, last: r.Position.Sequence}}
				if Bears(&r) {
					it.run.records = append(it.run.records, r)
				}
				hand(t, never, 2, it)
			}
		}
		for ticket := gate.TicketID(1); ticket <= 3; ticket++ {
			a, b, c := before.history(anyClaim(ticket), at), after.history(anyClaim(ticket), at), never.history(anyClaim(ticket), at)
			if !reflect.DeepEqual(a.Ticket, b.Ticket) || !reflect.DeepEqual(a.Ticket, c.Ticket) || len(a.Person) != len(b.Person) || len(a.Person) != len(c.Person) {
				t.Fatalf("ticket %v:\nforgotten first %+v\nforgotten last  %+v\nnever known     %+v", ticket, a, b, c)
			}
		}
		if before.facts.n != after.facts.n || before.facts.n != never.facts.n {
			t.Fatalf("%d, %d and %d facts", before.facts.n, after.facts.n, never.facts.n)
		}
	})
}

// BenchmarkForget forgets one of two events of 100 000 admissions each.
func BenchmarkForget(b *testing.B) {
	full := newMachine()
	for i := range 200000 {
		r := ledger.Record{Kind: ledger.KindGrant, Event: gate.EventID(1 + i%2), Ticket: gate.TicketID(i + 1), Clock: 1, Count: 1}
		full.add(&r)
	}
	for b.Loop() {
		m := newMachine()
		m.facts = full.facts
		if m.forget([]gate.EventID{1}, time.UnixMilli(1795379400000)); m.facts.n != 100000 {
			b.Fatalf("%d facts are left", m.facts.n)
		}
	}
}
