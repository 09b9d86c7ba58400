package ledger

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/venuegate/venuegate/gate"
)

// twoBranches makes two branches of one gate's log that part at record 3.
func twoBranches() (a, b *gateLog, in Position) {
	a = newLog(7)
	in = a.add(minute(1), grant(10, 1))
	b = &gateLog{gate: 7, records: slices.Clone(a.records)}
	a.add(minute(2), exit(20, 1, in))
	a.add(minute(3), grant(30, 1))
	b.add(minute(2), with(grant(21, 1), func(r *Record) { r.Ticket = 43 }))
	ref := b.add(minute(4), grant(40, 1))
	b.add(minute(5), voided(1, ref))
	return a, b, in
}

func TestForkKeepsGrantsOnly(t *testing.T) {
	a, b, _ := twoBranches()
	elsewhere := newLog(8)
	elsewhere.add(minute(6), exit(60, 1, Position{}))
	l := New()
	addAll(t, l, a, elsewhere)
	if got := l.Total(testEvent); got != (Count{2, 2, 0}) {
		t.Fatalf("before the fork is known: %+v", got)
	}
	for i := range b.records {
		rec := &b.records[i]
		err := l.Add(rec)
		var fork *ForkError
		var gap *GapError
		switch {
		case err == nil && i < 2:
			continue
		case !errors.As(err, &fork) && !errors.As(err, &gap):
			t.Fatalf("record %d: %v", i+1, err)
		}
		for range 2 { // a second time changes nothing
			if err := l.AddBranch(rec, rec.Hash()); err != nil {
				t.Fatal(err)
			}
		}
	}
	var h gate.History
	l.History(&h, testTicket)
	var steps []uint32
	for _, g := range h.Ticket {
		steps = append(steps, g.Step)
	}
	// The exit of one branch and the void of the other are left out; the exit at
	// another gate takes its one person off the latest grant.
	if !slices.Equal(steps, []uint32{10, 30, 40}) || h.Ticket[2].Out != 1 || h.Ticket[0].Out != 0 {
		t.Errorf("history %+v", h.Ticket)
	}
	if got := l.Total(testEvent); got != (Count{4, 1, 3}) {
		t.Errorf("counted %+v", got)
	}
	if got, want := l.Forks(), []Position{{Origin{7, 1}, 3}}; !slices.Equal(got, want) {
		t.Errorf("forks %v, want %v", got, want)
	}
	if got := said(l.Conflicts(0, singles)); got != "ticket 42: 1 3! 4!" {
		t.Errorf("conflicts: %s", got)
	}
}

// Two signed heads prove a fork before any record of the other branch is here.
func TestForkByWordAlone(t *testing.T) {
	a, _, in := twoBranches()
	l := New()
	if err := l.Fork(Position{Origin{7, 1}, 4}); err != nil { // before the log itself
		t.Fatal(err)
	}
	addAll(t, l, a)
	if got := l.Total(testEvent); got != (Count{2, 1, 1}) {
		t.Errorf("forked behind the exit: %+v", got)
	}
	for _, seq := range []uint64{3, 9} { // the lowest counts
		if err := l.Fork(Position{Origin{7, 1}, seq}); err != nil {
			t.Fatal(err)
		}
		if got := l.Total(testEvent); got != (Count{2, 0, 2}) {
			t.Errorf("forked at the exit: %+v", got)
		}
	}
	if l.Forks()[0].Sequence != 3 || in.Sequence != 2 {
		t.Errorf("forks %v", l.Forks())
	}
	for _, bad := range []Position{{}, {Origin{7, 0}, 3}, {Origin{7, 1}, MaxSequence + 1}} {
		if err := l.Fork(bad); err == nil {
			t.Errorf("a fork at %v", bad)
		}
	}
}

func TestBranchesAreBounded(t *testing.T) {
	a, b, _ := twoBranches()
	l := New()
	addAll(t, l, a)
	l.branches.n = maxBranchRecords
	if err := l.AddBranch(&b.records[2], b.records[2].Hash()); !errors.Is(err, ErrTooMany) {
		t.Errorf("got %v", err)
	}
	if l.Forks() != nil {
		t.Error("it is a fork all the same")
	}
	if err := l.AddBranch(&Record{Kind: KindGrant}, Hash{}); err == nil {
		t.Error("a record without a place was taken")
	}
}

// A branch may be heard before the log that others call the log.
func TestBranchFirst(t *testing.T) {
	a, b, _ := twoBranches()
	branchFirst, logFirst := New(), New()
	for i := range b.records {
		if err := branchFirst.AddBranch(&b.records[i], b.records[i].Hash()); err != nil {
			t.Fatal(err)
		}
	}
	if branchFirst.Forks() != nil {
		t.Errorf("forks %v, with one branch known", branchFirst.Forks())
	}
	addAll(t, branchFirst, a) // the first two records of it for the second time
	addAll(t, logFirst, a)
	for i := range b.records {
		if err := logFirst.AddBranch(&b.records[i], b.records[i].Hash()); err != nil {
			t.Fatal(err)
		}
	}
	if x, y := see(branchFirst), see(logFirst); !reflect.DeepEqual(x, y) {
		t.Errorf("branch first:\n%+v\nlog first:\n%+v", x, y)
	}
}

// Two grants at one position and one time stand in the same order everywhere.
func TestTwinsHaveAnOrder(t *testing.T) {
	a, b := newLog(7), newLog(7)
	a.add(minute(1), grant(10, 1))
	b.add(minute(1), grant(11, 1))
	var seen [2]gate.History
	for i, logs := range [][2]*gateLog{{a, b}, {b, a}} {
		l := New()
		addAll(t, l, logs[0])
		if err := l.AddBranch(&logs[1].records[1], logs[1].records[1].Hash()); err != nil {
			t.Fatal(err)
		}
		l.History(&seen[i], testTicket)
	}
	if !slices.Equal(seen[0].Ticket, seen[1].Ticket) || len(seen[0].Ticket) != 2 {
		t.Errorf("%+v and %+v", seen[0].Ticket, seen[1].Ticket)
	}
}
