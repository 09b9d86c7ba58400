package ledger

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate"
)

// stories draws the logs of a few gates that deal with the same few tickets and
// persons, with clocks that are apart.
func stories() *rapid.Generator[[]*gateLog] {
	return rapid.Custom(func(t *rapid.T) []*gateLog {
		logs := make([]*gateLog, rapid.IntRange(1, 4).Draw(t, "gates"))
		for i := range logs {
			logs[i] = newLog(gate.GateID(i + 1))
		}
		var grants []Position
		for range rapid.IntRange(0, 40).Draw(t, "records") {
			at := doors.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds")) * time.Second)
			r := grant(rapid.Uint32Range(0, 5).Draw(t, "step"), rapid.Uint8Range(0, 3).Draw(t, "count"))
			r.Ticket = gate.TicketID(rapid.IntRange(0, 3).Draw(t, "ticket"))
			r.Generation = rapid.Uint8Range(1, 3).Draw(t, "generation")
			r.Request = rapid.Uint64Range(0, 1).Draw(t, "request")
			r.Session = gate.SessionID(rapid.IntRange(3, 4).Draw(t, "session"))
			r.To = gate.ZoneID(rapid.IntRange(4, 5).Draw(t, "zone"))
			r.Person[0] = rapid.Uint8Range(0, 2).Draw(t, "person")
			if r.Step == 5 {
				r.Step = NoStep
			}
			r.Kind = rapid.SampledFrom([]Kind{
				KindGrant, KindGrant, KindExit, KindExit, KindVoided, KindPassed, KindUnknown, KindRefusal, KindPreCheck,
			}).Draw(t, "kind")
			if r.Kind != KindGrant && len(grants) > 0 && rapid.Bool().Draw(t, "names a grant") {
				r.Ref = rapid.SampledFrom(grants).Draw(t, "ref")
			}
			if rapid.IntRange(0, 9).Draw(t, "training") == 0 {
				r.Marks |= gate.MarkTraining
			}
			p := rapid.SampledFrom(logs).Draw(t, "gate").add(at, r)
			if r.Kind == KindGrant {
				grants = append(grants, p)
			}
		}
		return logs
	})
}

// TestSetNotOrder is the law of the ledger: however the logs of the gates come
// in, one between the other and as often as they like, what follows is the same.
func TestSetNotOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logs := stories().Draw(t, "logs")
		one := New()
		for _, g := range logs {
			for i := range g.records {
				if err := one.Add(&g.records[i]); err != nil {
					t.Fatal(err)
				}
			}
		}
		other := New()
		other.few = rapid.SampledFrom([]int{0, 1, 3, few}).Draw(t, "few") // which stories are kept
		next := make([]int, len(logs))
		for left := len(logs); left > 0; {
			i := rapid.IntRange(0, len(logs)-1).Draw(t, "whose")
			g := logs[i]
			if next[i] == len(g.records) {
				continue
			}
			if err := other.Add(&g.records[next[i]]); err != nil {
				t.Fatal(err)
			}
			next[i]++
			if rapid.IntRange(0, 3).Draw(t, "look") == 0 {
				see(other)
			}
			if again := rapid.IntRange(0, next[i]-1).Draw(t, "again"); other.Add(&g.records[again]) != nil {
				t.Fatalf("record %d of gate %d was not taken again", again, g.gate)
			}
			if next[i] == len(g.records) {
				left--
			}
		}
		if a, b := see(one), see(other); !reflect.DeepEqual(a, b) {
			t.Fatalf("in order:\n%+v\nmixed:\n%+v", a, b)
		}
	})
}

// TestCountsAreSums holds the running counts against the histories.
func TestCountsAreSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := New()
		l.few = rapid.SampledFrom([]int{0, 2, few}).Draw(t, "few")
		for _, g := range stories().Draw(t, "logs") {
			for i := range g.records {
				if g.records[i].Ticket == 0 && g.records[i].Kind != KindEpoch {
					continue // without a ticket there is no history
				}
				if err := l.Restore(&g.records[i], g.records[i].Hash()); err != nil {
					t.Fatal(err)
				}
			}
		}
		var sum Count
		for ticket := range l.tickets {
			var h gate.History
			l.History(&h, ticket)
			for i := range h.Ticket {
				g := &h.Ticket[i]
				if g.Count < 1 || g.Out < 0 || g.Out > g.Count || g.Generation > h.Floor {
					t.Fatalf("impossible grant %+v, floor %d", g, h.Floor)
				}
				sum.add(Count{g.Count, g.Out, g.Inside()})
			}
		}
		if got := l.Total(testEvent); got != sum {
			t.Fatalf("counted %+v, the histories hold %+v", got, sum)
		}
	})
}

// TestForkSetNotOrder: whichever branch of a log that forked is heard first, and
// whatever else comes in between, what follows is the same.
func TestForkSetNotOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logs := stories().Draw(t, "logs")
		forked := logs[0]
		at := rapid.IntRange(1, len(forked.records)).Draw(t, "fork")
		twin := &gateLog{gate: forked.gate, records: append([]Record{}, forked.records[:at]...)}
		for i := range rapid.IntRange(1, 6).Draw(t, "length of the other branch") {
			r := grant(uint32(90+i), 1)
			r.Ticket = gate.TicketID(rapid.IntRange(0, 3).Draw(t, "ticket"))
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				r.Kind = KindExit
			case 1:
				r.Kind, r.Ref = KindVoided, Position{Origin{forked.gate, 1}, rapid.Uint64Range(1, 10).Draw(t, "ref")}
			}
			twin.add(doors.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds"))*time.Second), r)
		}
		all := append([]*gateLog{twin}, logs...)
		hear := func(l *Ledger, pick func(open []int) int) {
			next := make([]int, len(all))
			for {
				var open []int
				for i := range all {
					if next[i] < len(all[i].records) {
						open = append(open, i)
					}
				}
				if len(open) == 0 {
					return
				}
				i := pick(open)
				rec := &all[i].records[next[i]]
				next[i]++
				err := l.Add(rec)
				var fork *ForkError
				var gap *GapError
				if errors.As(err, &fork) || errors.As(err, &gap) {
					err = l.AddBranch(rec, rec.Hash())
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		first, mixed := New(), New()
		mixed.few = rapid.SampledFrom([]int{0, 2, few}).Draw(t, "few")
		hear(first, func(open []int) int { return open[0] })
		hear(mixed, func(open []int) int { return rapid.SampledFrom(open).Draw(t, "whose") })
		a, b := see(first), see(mixed)
		a.Vector, b.Vector = nil, nil // how far each knows the branch that it calls the log
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("one branch first:\n%+v\nmixed:\n%+v", a, b)
		}
	})
}

// TestExcessIsWhatIsOverTheLimit: of n grants of one person each, all but the
// first limit of them are in excess, by whichever limit, and they are the last.
func TestExcessIsWhatIsOverTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logs := []*gateLog{newLog(1), newLog(2), newLog(3)}
		n := rapid.IntRange(0, 12).Draw(t, "grants")
		for i := range n {
			at := doors.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "seconds")) * time.Second)
			rapid.SampledFrom(logs).Draw(t, "gate").add(at, grant(uint32(i), 1))
		}
		l := New()
		l.few = rapid.SampledFrom([]int{0, few}).Draw(t, "few")
		for _, g := range rapid.Permutation(logs).Draw(t, "arrival") {
			for i := range g.records {
				if err := l.Add(&g.records[i]); err != nil {
					t.Fatal(err)
				}
			}
		}
		open, entries := rapid.IntRange(0, 5).Draw(t, "open"), rapid.IntRange(0, 5).Draw(t, "entries")
		limit := n
		for _, some := range []int{open, entries} {
			if some > 0 {
				limit = min(limit, some)
			}
		}
		conflicts := l.Conflicts(0, Limits{
			Ticket: func(gate.EventID, gate.TicketID, gate.SessionID) (int, int) { return open, entries },
		})
		got := 0
		for _, c := range conflicts {
			got += c.Excess
			for i, g := range c.Grants {
				if g.Excess != (i >= limit) {
					t.Fatalf("grant %d of %d: excess %v, the limit is %d", i, n, g.Excess, limit)
				}
			}
		}
		if got != n-limit {
			t.Fatalf("%d in excess, want %d", got, n-limit)
		}
	})
}
