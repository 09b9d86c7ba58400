package lane_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/ledger"
)

// hand is a reader that is fed by the test.
type hand struct {
	readings chan gate.Reading
	starts   int
	fail     error // Run returns it once, after its first reading
}

func (*hand) Name() string { return "code" }

func (h *hand) Run(ctx context.Context, deliver func(gate.Reading)) error {
	h.starts++
	for {
		select {
		case r := <-h.readings:
			deliver(r)
			if err := h.fail; err != nil {
				h.fail = nil
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// arm is a barrier whose passages end when the test says so.
type arm struct {
	opened chan gate.Opening
	ends   chan gate.Passage
}

func (*arm) Run(ctx context.Context) error { <-ctx.Done(); return nil }

func (a *arm) Open(ctx context.Context, o gate.Opening) (gate.Passage, error) {
	a.opened <- o
	select {
	case p := <-a.ends:
		if p.Result == gate.PassageNotOpened {
			return p, errors.New("relay is unplugged")
		}
		return p, nil
	case <-ctx.Done():
		return gate.Passage{}, ctx.Err()
	}
}

// board remembers what it was shown.
type board struct {
	mu     sync.Mutex
	events []lane.Event
}

func (b *board) Show(e lane.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
}

func (b *board) last() lane.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.events[len(b.events)-1]
}

func (b *board) verdicts() (out []gate.Reason) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		if e.Verdict != nil {
			out = append(out, e.Verdict.Reason)
		}
	}
	return out
}

// atLane is a running lane with its parts in the test's hands.
type atLane struct {
	*venue
	hand  *hand
	arm   *arm
	board *board
	stop  func() // waits until Run has returned
}

// run starts a lane inside a synctest bubble.
func run(t *testing.T, v *venue) *atLane {
	l := &atLane{
		venue: v, hand: &hand{readings: make(chan gate.Reading)},
		arm: &arm{opened: make(chan gate.Opening, 1), ends: make(chan gate.Passage)}, board: &board{},
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	the := lane.New(lane.Options{
		DeskOptions: lane.DeskOptions{Lane: northID, Packs: v, Ledger: v.ledger, Claims: v.claims, Journal: v.journal, Clock: v},
		Readers:     []lane.Reader{l.hand}, Barrier: l.arm, Display: l.board, Hold: 7 * time.Second,
	})
	go func() { defer close(done); the.Run(ctx) }()
	l.stop = func() { cancel(); <-done }
	return l
}

// scan holds something up and waits until the lane has nothing left to do.
func (l *atLane) scan(r gate.Reading) {
	l.hand.readings <- r
	synctest.Wait()
}

func (l *atLane) end(p gate.Passage) {
	l.arm.ends <- p
	synctest.Wait()
}

func TestVisitorPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t)
		v.sell(1)
		l := run(t, v)
		defer l.stop()
		l.scan(v.short(1))
		want := gate.Opening{Direction: gate.DirectionEntry, Count: 1, Hold: 7 * time.Second}
		if got := <-l.arm.opened; got != want {
			t.Errorf("the barrier was asked for %+v, want %+v", got, want)
		}
		if e := l.board.last(); e.Verdict == nil || e.Verdict.Outcome != gate.Admit {
			t.Errorf("shown: %+v", e)
		}
		l.end(gate.Passage{Result: gate.PassagePassed, Passed: 1})
		if e := l.board.last(); e.Passage == nil || e.Passage.Result != gate.PassagePassed {
			t.Errorf("shown: %+v", e)
		}
		kinds := v.journal.kinds()
		if len(kinds) != 2 || kinds[0] != ledger.KindGrant || kinds[1] != ledger.KindPassed {
			t.Errorf("records %v", kinds)
		}
		grant, end := v.journal.records[1], v.journal.records[2]
		if end.Ref != grant.Position {
			t.Errorf("the end names %+v, want %+v", end.Ref, grant.Position)
		}
	})
}

// What becomes of the entry depends on how the passage ended: only who surely
// did not go through gets it back.
func TestHowPassagesEnd(t *testing.T) {
	for _, c := range []struct {
		name   string
		result gate.PassageResult
		kind   ledger.Kind
		again  gate.Reason
	}{
		{"nobody went", gate.PassageTimedOut, ledger.KindVoided, gate.ReasonAdmitted},
		{"the arm never moved", gate.PassageNotOpened, ledger.KindVoided, gate.ReasonAdmitted},
		{"nobody can tell", gate.PassageUnknown, ledger.KindUnknown, gate.ReasonAlreadyInside},
		{"went through", gate.PassagePassed, ledger.KindPassed, gate.ReasonAlreadyInside},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVenue(t)
				v.sell(1)
				l := run(t, v)
				defer l.stop()
				l.scan(v.short(1))
				<-l.arm.opened
				l.end(gate.Passage{Result: c.result})
				if kinds := v.journal.kinds(); kinds[len(kinds)-1] != c.kind {
					t.Errorf("on record as %v, want %v", kinds, c.kind)
				}
				v.wait(15 * time.Second)
				l.scan(v.short(1))
				if got := l.board.verdicts(); got[len(got)-1] != c.again {
					t.Errorf("the next try: %v, want %v", got, c.again)
				}
			})
		})
	}
}

func TestPartOfAPartyPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t)
		v.policy.PartyTogether = true
		v.sell(1, func(k *gate.Ticket) { k.Party = 4 })
		l := run(t, v)
		defer l.stop()
		l.scan(v.short(1))
		if o := <-l.arm.opened; o.Count != 4 {
			t.Fatalf("opened for %d", o.Count)
		}
		l.end(gate.Passage{Result: gate.PassagePassed, Passed: 3})
		var h gate.History
		v.ledger.History(&h, 1)
		if len(h.Ticket) != 1 || h.Ticket[0].Count != 3 {
			t.Fatalf("the ledger has %+v, want three inside", h.Ticket)
		}
		v.wait(15 * time.Second)
		l.scan(v.short(1))
		if o := <-l.arm.opened; o.Count != 1 {
			t.Errorf("then opened for %d, want the one who was left", o.Count)
		}
	})
}

// A group is counted through the barrier; who is left gets the entry back.
func TestGroupThatStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t)
		v.leads()
		v.sell(1, inOrder(70, 9))
		for id := gate.TicketID(2); id <= 5; id++ {
			v.sell(id, inOrder(70, 1))
		}
		l := run(t, v)
		defer l.stop()
		l.scan(v.short(1))
		want := gate.Opening{Direction: gate.DirectionEntry, Count: 5, Hold: 20 * time.Second}
		if got := <-l.arm.opened; got != want {
			t.Fatalf("the barrier was asked for %+v, want %+v", got, want)
		}
		l.end(gate.Passage{Result: gate.PassagePassed, Passed: 3})
		kinds := v.journal.kinds()
		if count(kinds, ledger.KindGrant) != 5 || count(kinds, ledger.KindPassed) != 3 || count(kinds, ledger.KindVoided) != 2 {
			t.Errorf("on record: %v", kinds)
		}
		v.wait(20 * time.Second)
		l.scan(v.short(5)) // comes later
		if got := l.board.verdicts(); got[len(got)-1] != gate.ReasonAdmitted {
			t.Errorf("who was left outside: %v", got[len(got)-1])
		}
		<-l.arm.opened
	})
}

func TestNextVisitorWaitsForThePassage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t)
		v.sell(1)
		v.sell(2)
		l := run(t, v)
		defer l.stop()
		first := v.short(1)
		l.scan(first)
		<-l.arm.opened
		l.scan(first) // the reader sees the same phone again: not a visitor
		if e := l.board.last(); e.Busy {
			t.Error("the visitor who is passing is told to wait")
		}
		l.scan(v.short(2))
		if e := l.board.last(); !e.Busy {
			t.Errorf("the next visitor hears %+v, want to wait", e)
		}
		l.end(gate.Passage{Result: gate.PassagePassed, Passed: 1})
		<-l.arm.opened
		if e := l.board.last(); e.Verdict == nil || e.Verdict.Ticket != 2 || e.Verdict.Outcome != gate.Admit {
			t.Errorf("after the passage: %+v", e)
		}
	})
}

func TestWhoWaitedTooLongIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t)
		v.sell(1)
		v.sell(2)
		l := run(t, v)
		defer l.stop()
		l.scan(v.short(1))
		<-l.arm.opened
		l.scan(v.short(2))
		v.wait(8 * time.Second)
		l.end(gate.Passage{Result: gate.PassagePassed, Passed: 1})
		if got := l.board.verdicts(); len(got) != 1 {
			t.Errorf("verdicts %v: somebody who left the reader was let in", got)
		}
	})
}

func TestStoppingRecordsThePassage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t)
		v.sell(1)
		l := run(t, v)
		l.scan(v.short(1))
		<-l.arm.opened
		l.stop()
		kinds := v.journal.kinds()
		if len(kinds) != 2 || kinds[1] != ledger.KindUnknown {
			t.Errorf("records %v: the pending passage should end as unknown", kinds)
		}
	})
}

func TestReaderThatGivesUpIsRunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t)
		v.sell(1)
		v.sell(2)
		l := run(t, v)
		defer l.stop()
		l.hand.fail = errors.New("the driver has had enough")
		l.scan(v.short(1))
		<-l.arm.opened
		l.end(gate.Passage{Result: gate.PassagePassed})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		l.scan(v.short(2))
		<-l.arm.opened
		if l.hand.starts != 2 {
			t.Errorf("the reader was started %d times", l.hand.starts)
		}
	})
}
