package ledger

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/venuegate/venuegate/gate"
)

func TestAddInOrder(t *testing.T) {
	a := newLog(7)
	for i := range 5 {
		a.add(minute(i), grant(uint32(i), 1))
	}
	l := New()
	addAll(t, l, a)
	addAll(t, l, a) // again: nothing changes
	if got := l.Total(testEvent).Admitted; got != 5 {
		t.Errorf("%d admitted, want 5", got)
	}
	if v := l.Vector(); !maps.Equal(v, Vector{Origin{7, 1}: 6}) {
		t.Errorf("vector %v", v)
	}
	seq, hash := l.Last(Origin{7, 1})
	if seq != 6 || hash != a.records[5].Hash() {
		t.Errorf("last is %d", seq)
	}
	if seq, hash := l.Last(Origin{8, 1}); seq != 0 || hash != (Hash{}) {
		t.Errorf("last of an unknown log is %d", seq)
	}
	if holes := l.Holes(); holes != nil {
		t.Errorf("holes %v", holes)
	}
}

func TestAddRefuses(t *testing.T) {
	a := newLog(7)
	for i := range 3 {
		a.add(minute(i), grant(uint32(i), 1))
	}
	tests := []struct {
		name string
		held int // records of a that are there already
		add  Record
		want error
	}{
		{"a log that begins in the middle", 0, a.records[1], &GapError{Origin{7, 1}, 1, 2}},
		{"a record too early", 2, a.records[3], &GapError{Origin{7, 1}, 3, 4}},
		{
			"another record at the same place", 4,
			with(a.records[2], func(r *Record) { r.Count = 9 }),
			&ForkError{Position: Position{Origin{7, 1}, 3}},
		},
		{
			"another record before it", 3,
			with(a.records[3], func(r *Record) { r.Prev[0] ^= 1 }),
			&ForkError{Position: Position{Origin{7, 1}, 4}, Before: true},
		},
		{
			"what no record can hold", 3,
			with(a.records[3], func(r *Record) { r.Step = 1 << 30 }),
			&FormatError{Field: "step", Offset: 49, Problem: "1073741824 takes more than 24 bits"},
		},
		{
			"an epoch that begins with a grant", 0,
			with(a.records[0], func(r *Record) { r.Kind = KindGrant }),
			&FormatError{Field: "kind", Offset: 1, Problem: "2 at sequence 1; an epoch begins with kind 1 and has no other"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := New()
			for i := range test.held {
				if err := l.Add(&a.records[i]); err != nil {
					t.Fatal(err)
				}
			}
			before := see(l)
			err := l.Add(&test.add)
			if !reflect.DeepEqual(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if after := see(l); !reflect.DeepEqual(after, before) {
				t.Errorf("the ledger changed:\n%+v\n%+v", before, after)
			}
		})
	}
}

// view is what can be seen of a ledger.
type view struct {
	Vector    Vector
	Holes     []Hole
	Histories map[gate.TicketID]gate.History
	Persons   map[gate.PersonKey][]gate.Grant
	Zones     []ZoneCount
	Verdicts  []VerdictCount
	Total     Count
	Conflicts []Conflict
	Forks     []Position
}

// singles is the plainest of limits: every ticket lets one person in, once in
// each session, and a person enters once.
var singles = Limits{
	Ticket:    func(gate.EventID, gate.TicketID, gate.SessionID) (int, int) { return 1, 1 },
	OnePerson: func(gate.EventID) bool { return true },
}

func see(l *Ledger) view {
	v := view{
		Vector:    l.Vector(),
		Holes:     l.Holes(),
		Histories: map[gate.TicketID]gate.History{},
		Persons:   map[gate.PersonKey][]gate.Grant{},
		Zones:     l.Zones(testEvent),
		Verdicts:  l.Verdicts(testEvent),
		Total:     l.Total(testEvent),
		Conflicts: l.Conflicts(0, singles),
		Forks:     l.Forks(),
	}
	for ticket := range l.tickets {
		var h gate.History
		l.History(&h, ticket)
		h.Ticket = append([]gate.Grant(nil), h.Ticket...) // nil where there are none
		v.Histories[ticket] = h
	}
	for person := range l.persons {
		v.Persons[person] = append([]gate.Grant(nil), l.Person(nil, person, 0)...)
	}
	return v
}

func TestHoles(t *testing.T) {
	a := newLog(7)
	for i := range 9 {
		a.add(minute(i), with(grant(uint32(i), 1), func(r *Record) { r.Ticket = gate.TicketID(i + 1) }))
	}
	restore := func(t *testing.T, l *Ledger, sequences ...uint64) {
		t.Helper()
		for _, seq := range sequences {
			r := a.records[seq-1]
			if err := l.Restore(&r, r.Hash()); err != nil {
				t.Fatal(err)
			}
		}
	}
	o := Origin{7, 1}

	t.Run("a beginning that is gone", func(t *testing.T) {
		l := New()
		restore(t, l, 4, 5)
		if got := l.Holes(); !slices.Equal(got, []Hole{{o, 1, 3}}) {
			t.Errorf("holes %v", got)
		}
		if err := l.Add(&a.records[5]); err != nil {
			t.Errorf("the next record: %v", err)
		}
	})
	t.Run("filled from the left, the middle and none twice", func(t *testing.T) {
		l := New()
		restore(t, l, 1, 2, 6, 9)
		if got := l.Holes(); !slices.Equal(got, []Hole{{o, 3, 5}, {o, 7, 8}}) {
			t.Errorf("holes %v", got)
		}
		var gap *GapError
		if err := l.Add(&a.records[3]); !errors.As(err, &gap) || gap.Expected != 3 {
			t.Errorf("record 4 before 3: %v", err)
		}
		for _, seq := range []int{3, 3, 7, 4, 5, 8, 6} {
			if err := l.Add(&a.records[seq-1]); err != nil {
				t.Fatalf("record %d: %v", seq, err)
			}
		}
		whole := New()
		addAll(t, whole, &gateLog{records: a.records[:9]})
		if got, want := see(l), see(whole); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if len(l.logs[0].runs) != 1 {
			t.Errorf("%d runs", len(l.logs[0].runs))
		}
	})
	t.Run("a hole does not take a record that does not fit", func(t *testing.T) {
		l := New()
		restore(t, l, 1, 2, 4)
		wrong := with(a.records[2], func(r *Record) { r.Count = 200 })
		var fork *ForkError
		if err := l.Add(&wrong); !errors.As(err, &fork) || fork.Position.Sequence != 3 {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a broken link is no hole", func(t *testing.T) {
		l := New()
		restore(t, l, 1, 2)
		broken := with(a.records[2], func(r *Record) { r.Prev[0] ^= 1 })
		if err := l.Restore(&broken, broken.Hash()); err != nil {
			t.Fatal(err)
		}
		if got := l.Holes(); got != nil || l.Vector()[o] != 3 {
			t.Errorf("holes %v, vector %v", got, l.Vector())
		}
	})
}

func TestCounts(t *testing.T) {
	inner := gate.ZoneID(5)
	a := newLog(7)
	a.add(minute(1), with(grant(1, 2), func(r *Record) { r.Ticket = 1 }))
	a.add(minute(1), with(grant(2, 1), func(r *Record) { r.Ticket, r.To, r.Lane = 1, inner, 30 }))
	a.add(minute(2), with(grant(3, 1), func(r *Record) { r.Ticket = 2 }))
	a.add(minute(3), with(exit(4, 1, Position{}), func(r *Record) { r.Ticket = 2 }))
	a.add(minute(4), with(exit(4, 1, Position{}), func(r *Record) { r.Ticket, r.Reason = 3, gate.ReasonExitUnmatched }))
	for range 3 {
		a.add(minute(5), Record{
			Kind: KindRefusal, Event: testEvent, Lane: 21, Step: NoStep,
			Outcome: gate.Refuse, Reason: gate.ReasonCodeStale,
		})
	}
	a.add(minute(6), with(grant(5, 1), func(r *Record) { r.Event, r.Ticket = 1002, 9 }))
	// Staff wave three people through without a ticket, one turns back, one leaves.
	staff := with(grant(NoStep, 3), func(r *Record) {
		r.Ticket, r.Staff, r.Marks, r.Reason = 0, 12, gate.MarkOverride, gate.ReasonOverridden
	})
	ref := a.add(minute(7), staff)
	a.add(minute(8), with(voided(1, ref), func(r *Record) { r.Ticket = 0 }))
	a.add(minute(9), with(exit(NoStep, 1, Position{}), func(r *Record) { r.Ticket = 0 }))

	l := New()
	addAll(t, l, a)
	if got, want := l.Zones(testEvent), []ZoneCount{{arena, Count{5, 2, 3}}, {inner, Count{1, 0, 1}}}; !slices.Equal(got, want) {
		t.Errorf("zones %+v, want %+v", got, want)
	}
	if got := l.Inside(testEvent, arena); got != 3 {
		t.Errorf("%d inside the arena, want 3", got)
	}
	if got, want := l.Total(1002), (Count{1, 0, 1}); got != want {
		t.Errorf("the other event has %+v, want %+v", got, want)
	}
	want := []VerdictCount{
		{21, gate.Refuse, gate.ReasonCodeStale, 3},
		{21, gate.Admit, gate.ReasonAdmitted, 2},
		{21, gate.Admit, gate.ReasonOverridden, 1},
		{22, gate.Exit, gate.ReasonExited, 2},
		{22, gate.Exit, gate.ReasonExitUnmatched, 1},
		{30, gate.Admit, gate.ReasonAdmitted, 1},
	}
	if got := l.Verdicts(testEvent); !slices.Equal(got, want) {
		t.Errorf("verdicts\n%+v, want\n%+v", got, want)
	}
	var h gate.History
	if l.History(&h, 0); len(h.Ticket) != 0 {
		t.Error("people without a ticket have a history")
	}
}

func TestReadersBesideAdd(t *testing.T) {
	a := newLog(7)
	for i := range 2000 {
		a.add(minute(i), grant(uint32(i), 1))
	}
	l := New()
	added := make(chan struct{})
	go func() {
		defer close(added)
		for i := range a.records {
			if err := l.Add(&a.records[i]); err != nil {
				t.Error(err)
			}
		}
	}()
	var h gate.History
	for seen := 0; seen < 2000; seen = len(h.Ticket) {
		l.History(&h, testTicket)
		if len(h.Ticket) < seen || l.Inside(testEvent, arena) < len(h.Ticket) {
			t.Fatalf("%d grants after %d, %d inside", len(h.Ticket), seen, l.Inside(testEvent, arena))
		}
	}
	<-added
}
