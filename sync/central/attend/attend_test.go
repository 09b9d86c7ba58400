package attend_test

import (
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/central/attend"
)

var start = time.Date(2026, 11, 22, 11, 30, 0, 0, time.UTC)

func newBook() *attend.Book {
	return &attend.Book{Start: func(gate.EventID, gate.SessionID) time.Time { return start }}
}

func record(kind ledger.Kind, change func(*ledger.Record)) *ledger.Record {
	r := &ledger.Record{
		Kind: kind, Event: 1, Ticket: 1_000_000_001, Session: 1, Count: 1, Lane: 5, To: 2, Wall: start.Add(-time.Minute),
		Outcome: gate.Admit, Reason: gate.ReasonAdmitted, Position: ledger.Position{Origin: ledger.Origin{Gate: 3, Epoch: 1}, Sequence: 2},
	}
	if kind == ledger.KindExit {
		r.Outcome, r.Reason = gate.Exit, gate.ReasonExited
	}
	if change != nil {
		change(r)
	}
	return r
}

func total(b *attend.Book) (sum attend.Count, refused int) {
	b.Each(1, func(_ attend.Cut, c attend.Count) { sum.Add(c) }, func(_ attend.Refused, n int) { refused += n })
	return sum, refused
}

func TestCounts(t *testing.T) {
	late := func(r *ledger.Record) { r.Wall = start.Add(time.Second) }
	for _, c := range []struct {
		name    string
		records []*ledger.Record
		want    attend.Count
		refused int
		came    int
	}{
		{"nobody", nil, attend.Count{}, 0, 0},
		{"one", []*ledger.Record{record(ledger.KindGrant, nil)}, attend.Count{Admitted: 1, Inside: 1}, 0, 1},
		{"went through", []*ledger.Record{record(ledger.KindGrant, nil), record(ledger.KindPassed, nil)}, attend.Count{Admitted: 1, Inside: 1}, 0, 1},
		{"did not go through", []*ledger.Record{record(ledger.KindGrant, nil), record(ledger.KindVoided, nil)}, attend.Count{}, 0, 0},
		{"the void came first", []*ledger.Record{record(ledger.KindVoided, nil), record(ledger.KindGrant, nil)}, attend.Count{}, 0, 0},
		{"two of three", []*ledger.Record{
			record(ledger.KindGrant, func(r *ledger.Record) { r.Count = 3 }), record(ledger.KindVoided, nil),
		}, attend.Count{Admitted: 2, Inside: 2}, 0, 2},
		{"left", []*ledger.Record{record(ledger.KindGrant, nil), record(ledger.KindExit, nil)}, attend.Count{Admitted: 1, Exited: 1}, 0, 1},
		{"did not leave after all", []*ledger.Record{
			record(ledger.KindGrant, nil), record(ledger.KindExit, nil), record(ledger.KindVoided, func(r *ledger.Record) { r.Outcome = gate.Exit }),
		}, attend.Count{Admitted: 1, Inside: 1}, 0, 1},
		{"late", []*ledger.Record{record(ledger.KindGrant, late)}, attend.Count{Admitted: 1, Inside: 1, Late: 1}, 0, 1},
		{
			"came back late",
			[]*ledger.Record{record(ledger.KindGrant, func(r *ledger.Record) { late(r); r.Reason = gate.ReasonReAdmitted })},
			attend.Count{Admitted: 1, Inside: 1, ReEntries: 1},
			0, 1,
		},
		{"training", []*ledger.Record{record(ledger.KindGrant, func(r *ledger.Record) { r.Marks = gate.MarkTraining })}, attend.Count{}, 0, 0},
		{"turned away", []*ledger.Record{record(ledger.KindRefusal, func(r *ledger.Record) { r.Outcome, r.Reason = gate.Refuse, gate.ReasonCodeStale })}, attend.Count{}, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBook()
			for _, r := range c.records {
				b.Add(r)
			}
			sum, refused := total(b)
			if sum != c.want || refused != c.refused || b.Came(1, 1, 1_000_000_001) != c.came || b.Came(1, 0, 1_000_000_001) != c.came {
				t.Errorf("%+v, %d refused, %d came; want %+v", sum, refused, b.Came(1, 1, 1_000_000_001), c.want)
			}
		})
	}
}

// Counts do not depend on the order of records.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var records []*ledger.Record
		for range rapid.IntRange(0, 30).Draw(t, "n") {
			records = append(records, record(
				rapid.SampledFrom([]ledger.Kind{ledger.KindGrant, ledger.KindVoided, ledger.KindExit, ledger.KindRefusal}).Draw(t, "kind"),
				func(r *ledger.Record) {
					r.Ticket = gate.TicketID(rapid.Uint64Range(4094, 4098).Draw(t, "ticket"))
					r.Count = rapid.Uint8Range(1, 3).Draw(t, "count")
					r.Wall = start.Add(time.Duration(rapid.IntRange(-9000, 9000).Draw(t, "wall")) * time.Second)
					r.Outcome = rapid.SampledFrom([]gate.Outcome{gate.Admit, gate.Exit}).Draw(t, "outcome")
				}))
		}
		count := func(records []*ledger.Record) (map[attend.Cut]attend.Count, map[gate.TicketID]int) {
			b, cuts, came := newBook(), map[attend.Cut]attend.Count{}, map[gate.TicketID]int{}
			for _, r := range records {
				b.Add(r)
			}
			b.Each(1, func(cut attend.Cut, c attend.Count) { cuts[cut] = c }, func(attend.Refused, int) {})
			for id := gate.TicketID(4094); id <= 4098; id++ {
				came[id] = b.Came(1, 0, id)
			}
			return cuts, came
		}
		cuts, came := count(records)
		again, cameAgain := count(rapid.Permutation(records).Draw(t, "order"))
		if !maps.Equal(cuts, again) || !maps.Equal(came, cameAgain) {
			t.Errorf("%v in one order, %v in another", cuts, again)
		}
	})
}
