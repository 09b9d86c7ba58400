package claim

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// drawLogs draws the logs of a few gates: grants, some of them claimed, exits,
// some of them ended in part or wholly, and voids of a handful of tickets, at two events.
func drawLogs(t *rapid.T) []ledger.Record {
	var all []ledger.Record
	var prev [4]ledger.Hash
	var grants []ledger.Position
	var exits []ledger.Record
	var sequence [4]uint64
	clock := ledger.Clock(1795379400000 << 16)
	for i := range rapid.IntRange(1, 40).Draw(t, "records") {
		g := rapid.IntRange(1, 3).Draw(t, "gate")
		clock = clock.Next(clock.Time().Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "ms")) * time.Millisecond))
		r := ledger.Record{Clock: clock, Wall: clock.Time(), Step: ledger.NoStep, Count: 1}
		r.Position.Origin = ledger.Origin{Gate: gate.GateID(g), Epoch: 1}
		if sequence[g]++; sequence[g] == 1 {
			r.Kind = ledger.KindEpoch
		} else {
			r.Kind = rapid.SampledFrom([]ledger.Kind{ledger.KindGrant, ledger.KindGrant, ledger.KindExit, ledger.KindVoided, ledger.KindPassed, ledger.KindUnknown, ledger.KindRefusal}).Draw(t, "kind")
			r.Ticket = gate.TicketID(rapid.IntRange(1, 3).Draw(t, "ticket"))
			r.Event = gate.EventID(rapid.IntRange(1, 2).Draw(t, "event"))
			r.Generation, r.Session = 1, gate.SessionID(rapid.IntRange(1, 2).Draw(t, "session"))
			r.Count = uint8(rapid.IntRange(1, 3).Draw(t, "count"))
		}
		r.Position.Sequence, r.Prev = sequence[g], prev[g]
		switch r.Kind {
		case ledger.KindGrant:
			grants = append(grants, r.Position)
			r.Person = gate.PersonKey{byte(rapid.IntRange(0, 2).Draw(t, "person"))}
			if rapid.Bool().Draw(t, "step") {
				r.Step = uint32(i)
			}
			if rapid.Bool().Draw(t, "claimed") {
				r.Request = 1<<32 | uint64(i+1)
			}
		case ledger.KindExit:
			if len(grants) > 0 && rapid.Bool().Draw(t, "names a grant") {
				r.Ref = rapid.SampledFrom(grants).Draw(t, "ref")
			}
			exits = append(exits, r)
		case ledger.KindVoided, ledger.KindPassed, ledger.KindUnknown:
			if len(exits) > 0 && rapid.IntRange(0, 2).Draw(t, "of an exit") > 0 {
				exit := rapid.SampledFrom(exits).Draw(t, "exit")
				r.Ref, r.Ticket, r.Outcome = exit.Position, exit.Ticket, gate.Exit
			} else if len(grants) > 0 {
				r.Ref = rapid.SampledFrom(grants).Draw(t, "ref")
			}
		}
		prev[g] = r.Hash()
		all = append(all, r)
	}
	return all
}

// handIns cuts the logs into runs of one to four records, in any order and some
// of them twice.
func handIns(t *rapid.T, all []ledger.Record) []item {
	var items []item
	for g := gate.GateID(1); g <= 3; g++ {
		var log []ledger.Record
		for _, r := range all {
			if r.Position.Gate == g {
				log = append(log, r)
			}
		}
		for len(log) > 0 {
			n := min(len(log), rapid.IntRange(1, 4).Draw(t, "run"))
			r := run{origin: log[0].Position.Origin, first: log[0].Position.Sequence, last: log[n-1].Position.Sequence}
			for i := range n {
				if Bears(&log[i]) {
					r.records = append(r.records, log[i])
				}
			}
			items = append(items, item{kind: itemRecords, run: r})
			log = log[n:]
		}
	}
	items = append(items, items[:rapid.IntRange(0, len(items)).Draw(t, "twice")]...)
	shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	shuffle.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	return items
}

func anyClaim(ticket gate.TicketID) *gate.Claim {
	return &gate.Claim{Ticket: ticket, Generation: 1, Session: 1, Count: 1, Persons: []gate.PersonKey{{1}, {2}}}
}

// What the keepers hold of records and orders is what a gate's ledger makes of
// them, in whatever order and however often they are handed in. While the ends of
// exits are still waited for, it is what a ledger makes of exits of as many people
// as have an end.
func TestKeepersAgreeWithTheLedger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawLogs(t)
		written, orders := drawOrders(t, all)
		book, ended := ledger.New(), ledger.New()
		for _, of := range []struct {
			book *ledger.Ledger
			log  []ledger.Record
		}{{book, all}, {ended, exitsAsEnded(all)}} {
			of.book.Trust(supervisor())
			for _, r := range append(slices.Clone(of.log), written...) {
				if err := of.book.Restore(&r, r.Hash()); err != nil {
					t.Fatal(err)
				}
			}
		}
		m := newMachine()
		m.seeded = true
		items := handIns(t, all)
		for i := range orders {
			items = slices.Insert(items, rapid.IntRange(0, len(items)).Draw(t, "at"), item{kind: itemOrder, order: orders[i]})
		}
		for _, it := range items {
			hand(t, m, 9, it)
		}
		soon := all[0].Clock.Time().Add(exitEnds)
		late := all[len(all)-1].Clock.Time().Add(exitEnds + time.Millisecond)
		for ticket := gate.TicketID(1); ticket <= 3; ticket++ {
			sameHistory(t, m, ended, book, ticket, soon)
			sameHistory(t, m, book, book, ticket, late)
		}
	})
}

// exitsAsEnded returns logs in which exits are of those people whose end is known.
func exitsAsEnded(all []ledger.Record) []ledger.Record {
	all = slices.Clone(all)
	for i := range all {
		exit := &all[i]
		if exit.Kind != ledger.KindExit {
			continue
		}
		voided, passed := 0, 0
		for _, r := range all {
			switch {
			case r.Ref != exit.Position:
			case r.Kind == ledger.KindVoided:
				voided += int(r.Count)
			case r.Kind == ledger.KindPassed, r.Kind == ledger.KindUnknown:
				passed += int(r.Count)
			}
		}
		exit.Count = uint8(min(int(exit.Count), voided+passed))
	}
	return all
}

// sameHistory compares what keepers hold at a time with ledgers. The code of an
// exit is used from its record on, whatever its end.
func sameHistory(t *rapid.T, m *machine, book, codes *ledger.Ledger, ticket gate.TicketID, now time.Time) {
	var want, used gate.History
	book.History(&want, ticket)
	codes.History(&used, ticket)
	got := m.history(anyClaim(ticket), now)
	if len(got.Ticket)+len(want.Ticket) > 0 && !reflect.DeepEqual(got.Ticket, want.Ticket) {
		t.Fatalf("ticket %v at %v:\nkeepers %+v\nledger  %+v", ticket, now, got.Ticket, want.Ticket)
	}
	if got.HasOut != used.HasOut || got.OutStep != used.OutStep || got.OutGeneration != used.OutGeneration {
		t.Fatalf("ticket %v: newest way out differs", ticket)
	}
	for _, p := range anyClaim(ticket).Persons {
		want.Person = book.Person(want.Person, p, ticket)
	}
	byTime := func(a, b gate.Grant) int { return a.At.Compare(b.At)*4 + int(a.Ticket) - int(b.Ticket) }
	slices.SortStableFunc(got.Person, byTime)
	slices.SortStableFunc(want.Person, byTime)
	if len(got.Person) != len(want.Person) {
		t.Fatalf("ticket %v: person:\nkeepers %+v\nledger  %+v", ticket, got.Person, want.Person)
	}
}

// Claims, releases and records in any order: a machine that was restored from a
// snapshot in the middle goes on as the one that wrote it, and writes the same
// bytes in the end. No limit is ever passed, and nothing is ever both open and
// ended.
func TestSnapshotIsTheState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawLogs(t)
		items := handIns(t, all)
		_, orders := drawOrders(t, all)
		for i := range orders {
			items = slices.Insert(items, rapid.IntRange(0, len(items)).Draw(t, "at"), item{kind: itemOrder, order: orders[i]})
		}
		for i := range rapid.IntRange(1, 30).Draw(t, "claims") {
			it := item{kind: itemClaim, request: 1<<32 | uint64(rapid.IntRange(1, 40).Draw(t, "request"))}
			it.claim = *anyClaim(gate.TicketID(rapid.IntRange(1, 3).Draw(t, "ticket")))
			it.claim.OpenLimit, it.claim.At = rapid.IntRange(0, 3).Draw(t, "limit"), time.UnixMilli(1795379400000+int64(i)).UTC()
			it.claim.Event = gate.EventID(rapid.IntRange(1, 2).Draw(t, "event"))
			it.claim.Count = max(1, rapid.IntRange(-8, 2).Draw(t, "count or over"))
			if rapid.IntRange(0, 3).Draw(t, "release") == 0 {
				it = item{kind: itemRelease, request: it.request, last: it.request}
			}
			items = slices.Insert(items, rapid.IntRange(0, len(items)).Draw(t, "at"), it)
		}
		a := newMachine()
		a.seeded = true
		cut := rapid.IntRange(0, len(items)).Draw(t, "cut")
		step := func(m *machine, it item) []result {
			if it.kind == itemClaim && it.claim.Count == 2 { // somebody says that an event is over
				if _, err := m.apply(command(commandForget, it.claim.At, eventBytes([]gate.EventID{it.claim.Event}))); err != nil {
					t.Fatal(err)
				}
				return nil
			}
			return hand(t, m, 2, it)
		}
		for _, it := range items[:cut] {
			step(a, it)
		}
		b, err := readSnapshot(bytes.NewReader(written(t, a.snapshot())))
		if err != nil {
			t.Fatal(err)
		}
		shot := a.snapshot()
		before := written(t, shot)
		for _, it := range items[cut:] {
			if x, y := step(a, it), step(b, it); !reflect.DeepEqual(x, y) {
				t.Fatalf("%+v: one says %+v, the other %+v", it, x, y)
			}
		}
		if !bytes.Equal(written(t, a.snapshot()), written(t, b.snapshot())) {
			t.Fatal("the machines have come to differ")
		}
		if !bytes.Equal(before, written(t, shot)) {
			t.Fatal("a snapshot has changed under the hand")
		}
		for key := range a.open {
			if a.ended[key.origin()].has(key.number()) {
				t.Fatalf("%+v is open and ended", key)
			}
		}
	})
}

func written(t *rapid.T, s *snapshot) []byte {
	var b bytes.Buffer
	if err := s.write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A set of numbers is what was put in, in as few stretches as can be.
func TestSpans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s spans
		in := map[uint64]bool{}
		for range rapid.IntRange(0, 30).Draw(t, "adds") {
			first := rapid.Uint64Range(1, 40).Draw(t, "first")
			last := first + rapid.Uint64Range(0, 5).Draw(t, "more")
			s = s.add(first, last)
			for n := first; n <= last; n++ {
				in[n] = true
			}
		}
		for n := uint64(1); n < 50; n++ {
			if s.has(n) != in[n] || s.covers(n, n+1) != (in[n] && in[n+1]) {
				t.Fatalf("%v: %d", s, n)
			}
		}
		for i := 1; i < len(s); i++ {
			if s[i-1].Last+1 >= s[i].First {
				t.Fatalf("%v touches itself", s)
			}
		}
	})
}

// An entry that this version does not know stops the machine; nothing after it
// is applied.
func TestUnknownVersionStops(t *testing.T) {
	var told error
	s := newStateMachine(func(err error) { told = err })
	if _, err := s.apply(command(commandSeeded, time.Unix(1, 0), nil)); err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{nil, {2, 1, 0, 0, 0, 0, 0, 0, 0, 0}, {1, 99, 0, 0, 0, 0, 0, 0, 0, 0}, command(commandRequest, time.Unix(1, 0), []byte("nonsense"))} {
		s.failure, told = nil, nil
		if err, ok := s.Apply(logOf(5, data)).(error); !ok || err == nil || told == nil {
			t.Errorf("%x: went on", data)
		}
		if _, ok := s.Apply(logOf(6, command(commandSeeded, time.Unix(1, 0), nil))).(error); !ok {
			t.Errorf("%x: something was applied after it", data)
		}
		if _, err := s.Snapshot(); err == nil {
			t.Errorf("%x: a stopped machine gives a snapshot", data)
		}
	}
}

func logOf(index uint64, data []byte) *raft.Log { return &raft.Log{Index: index, Data: data} }
