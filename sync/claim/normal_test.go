package claim_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/claim"
)

// onStep is single on another of the ticket's codes.
func onStep(ticket gate.TicketID, step uint32) *gate.Claim {
	c := single(ticket)
	c.Event, c.Step = 1, step
	return c
}

// Everybody is sent out, and back to normal: who was inside may come in once
// more, at any gate, on another code, and then no more.
func TestBackToNormal(t *testing.T) {
	inVenue(t, 5, 3, func(t *testing.T, v *venue) {
		for ticket := gate.TicketID(1); ticket <= 6; ticket++ {
			granted(t, v.gates[1+gate.GateID(ticket%5)], onStep(ticket, 9))
		}
		open, err := v.gates[2].node.Claim(t.Context(), onStep(7, 9)) // its lane is slow
		if err != nil || !open.Granted {
			t.Fatal(open, err)
		}
		time.Sleep(time.Second)
		v.gates[5].order(gate.Order{Kind: gate.OrderEvacuate, ID: 1}, keyOf(112))
		time.Sleep(time.Minute)
		refused(t, v.gates[5], onStep(1, 10))
		v.gates[5].order(gate.Order{Kind: gate.OrderNormal, ID: 2, Event: 1}, keyOf(112))
		for ticket := gate.TicketID(1); ticket <= 7; ticket++ {
			refused(t, v.gates[5], onStep(ticket, 9)) // the code was used
			if a, _ := granted(t, v.gates[5], onStep(ticket, 10)); a.Entry != 1 {
				t.Errorf("ticket %v: entry %d, want 1", ticket, a.Entry)
			}
			for id, b := range v.gates {
				if a, _, err := b.admit(onStep(ticket, 11)); err != nil || a.Granted {
					t.Errorf("ticket %v a third time, at gate %d: %+v, %v", ticket, id, a, err)
				}
			}
		}
		v.leader().stop() // the next one knows it as well
		v.ready()
		for id, b := range v.gates {
			if b.cancel == nil {
				continue
			}
			if a, _, err := b.admit(onStep(1, 12)); err != nil || a.Granted {
				t.Errorf("under another leader, at gate %d: %+v, %v", id, a, err)
			}
		}
	})
}

// A keeper that was not there when all was said hears of it all.
func TestBackToNormalOutlivesKeepers(t *testing.T) {
	inVenue(t, 4, 3, func(t *testing.T, v *venue) {
		granted(t, v.gates[4], onStep(1, 9))
		v.gates[3].stop()
		v.ready()
		time.Sleep(time.Second)
		v.gates[4].order(gate.Order{Kind: gate.OrderNormal, ID: 2}, keyOf(112))
		granted(t, v.gates[4], onStep(1, 10))
		v.settled()
		v.gates[3].start()
		v.ready()
		time.Sleep(5 * time.Second)
		v.leader().stop()
		v.ready()
		for _, b := range v.gates {
			if b.cancel != nil {
				refused(t, b, onStep(1, 11))
			}
		}
	})
}

// A cancelled return to normal never was one.
func TestBackToNormalIsCancelled(t *testing.T) {
	inVenue(t, 4, 3, func(t *testing.T, v *venue) {
		granted(t, v.gates[4], onStep(1, 9))
		granted(t, v.gates[4], onStep(2, 9))
		time.Sleep(time.Second)
		v.gates[4].order(gate.Order{Kind: gate.OrderNormal, ID: 2}, keyOf(112))
		granted(t, v.gates[4], onStep(1, 10))
		v.gates[4].order(gate.Order{Kind: gate.OrderCancel, ID: 3, Cancels: 2}, keyOf(112))
		time.Sleep(time.Second)
		refused(t, v.gates[4], onStep(2, 10))
	})
}

// A gate that believes anybody's order cannot make the keepers believe it.
func TestNobodysOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, 4, 3)
		defer v.stop()
		for id, b := range v.gates {
			b.start(func(o *claim.Options) {
				if id == 4 {
					o.Order = func(*gate.SignedOrder, gate.GateID, time.Time) error { return nil }
				}
			})
		}
		v.ready()
		granted(t, v.gates[4], onStep(1, 9))
		time.Sleep(time.Second)
		v.gates[4].order(gate.Order{Kind: gate.OrderNormal, ID: 2}, keyOf(9))
		refused(t, v.gates[4], onStep(1, 10))
		time.Sleep(30 * time.Second)
		refused(t, v.gates[4], onStep(1, 10))
		v.gates[4].order(gate.Order{Kind: gate.OrderNormal, ID: 3}, keyOf(112))
		granted(t, v.gates[4], onStep(1, 10))
	})
}

// The keepers forget an event that is over. What is recorded late is taken and
// changes nothing, at other events all is as it was.
func TestEventsThatAreOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, 4, 3)
		defer v.stop()
		over := make(chan struct{})
		for _, b := range v.gates {
			b.start(func(o *claim.Options) {
				o.Over = func() []gate.EventID {
					select {
					case <-over:
						return []gate.EventID{1}
					default:
						return nil
					}
				}
			})
		}
		v.ready()
		other := onStep(2, 9)
		other.Event = 2
		granted(t, v.gates[1], onStep(1, 9))
		granted(t, v.gates[4], other)
		late := grantOf(onStep(3, 9), 0, gate.MarkIsolated)
		late.Wall = time.Now().UTC().Truncate(time.Millisecond)
		v.settled()
		facts := v.leader().node.State().Facts
		close(over)
		v.await("the keepers have forgotten the event", 10*time.Second, func() bool {
			return v.leader().node.State().Facts < facts
		})
		if n := v.leader().node.State().Facts; n != 1 {
			t.Errorf("%d facts are left, want the one of the other event", n)
		}
		refused(t, v.gates[3], other)
		v.gates[4].clock, v.gates[4].slow = 0, time.Hour // it was off, and had recorded it long before
		v.gates[4].write(late)
		v.settled()
		if n := v.leader().node.State().Facts; n != 1 {
			t.Errorf("%d facts after a late record, want 1", n)
		}
	})
}

// In a long isolation claims are given back as one stretch.
func TestLongIsolationGivesBackInOneStretch(t *testing.T) {
	inVenue(t, 4, 3, func(t *testing.T, v *venue) {
		b := v.gates[4]
		granted(t, b, single(1))
		for id := gate.GateID(1); id <= 3; id++ {
			v.wires.both(4, id, true)
		}
		for ticket := gate.TicketID(2); ticket < 2000; ticket++ {
			var alone *claim.IsolatedError
			if _, err := b.node.Claim(t.Context(), single(ticket)); !errors.As(err, &alone) {
				t.Fatalf("ticket %v: %v, want nobody to answer", ticket, err)
			}
		}
		if n := b.node.State().Releases; n != 1998 {
			t.Errorf("%d claims are to be given back, want 1998", n)
		}
		for id := gate.GateID(1); id <= 3; id++ {
			v.wires.both(4, id, false)
		}
		v.settled()
		for ticket := gate.TicketID(2); ticket < 2000; ticket += 100 {
			granted(t, v.gates[1], single(ticket))
		}
		refused(t, b, single(1))
	})
}

// One gate was its own keeper, and the venue grows to four with three keepers.
// They must be told once to begin from what it has on record, and they say so.
func TestOneGateGrowsToSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, 4, 3)
		defer v.stop()
		grown := v.roster.Load()
		v.roster.Store(&claim.Roster{Version: 1, Gates: 1})
		one := v.gates[1]
		start := func(b *box) {
			b.start(func(o *claim.Options) {
				o.Held = b.held
				o.LedgerEmpty = func() bool { return b.ledger.Total(0).Admitted == 0 }
			})
		}
		start(one)
		for ticket := gate.TicketID(1); ticket <= 20; ticket++ {
			granted(t, one, single(ticket))
		}
		if s := one.node.State(); s.Role != claim.RoleAlone || s.Problem != "" {
			t.Errorf("alone: %v, %q", s.Role, s.Problem)
		}
		for id := gate.GateID(2); id <= 4; id++ {
			start(v.gates[id])
		}
		more := *grown
		more.Version = 2
		v.roster.Store(&more)
		time.Sleep(10 * time.Second)
		for id := gate.GateID(1); id <= 3; id++ {
			if p := v.gates[id].node.State().Problem; !strings.Contains(p, "run `venuegate cluster recover` once, at one keeper") || !strings.Contains(p, "growing from one gate") {
				t.Errorf("keeper %d says %q", id, p)
			}
		}
		if err := one.node.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		v.follows()
		v.ready()
		for id := gate.GateID(1); id <= 4; id++ {
			refused(t, v.gates[id], single(gate.TicketID(id)))
			granted(t, v.gates[id], single(gate.TicketID(100+id)))
			if p := v.gates[id].node.State().Problem; p != "" {
				t.Errorf("gate %d still says %q", id, p)
			}
		}
	})
}

// A log that forks, ends, jumps or begins anew may be handed in: what the keepers
// know first of a position stays, and they go on.
func TestForkedLogIsHandedIn(t *testing.T) {
	inVenue(t, 4, 3, func(t *testing.T, v *venue) {
		b := v.gates[4]
		granted(t, b, single(1))
		v.settled()
		branch := func(sequence uint64, epoch uint32, kind ledger.Kind, ticket gate.TicketID) {
			r := grantOf(single(ticket), 0, 0)
			r.Kind, r.Wall = kind, time.Now().UTC().Truncate(time.Millisecond)
			r.Clock = ledger.Clock(0).Next(r.Wall)
			r.Position = ledger.Position{Origin: ledger.Origin{Gate: 4, Epoch: epoch}, Sequence: sequence}
			b.node.Recorded(r)
		}
		branch(2, b.epoch, ledger.KindGrant, 50)   // in place of the grant of ticket 1
		branch(3, b.epoch, ledger.KindGrant, 51)   // follows
		branch(3, b.epoch, ledger.KindGrant, 52)   // and another
		branch(9, b.epoch, ledger.KindGrant, 53)   // after a gap
		branch(5, b.epoch, ledger.KindGrant, 54)   // within it
		branch(2, b.epoch+7, ledger.KindGrant, 55) // another epoch
		branch(0, b.epoch, ledger.KindGrant, 56)   // of no journal
		branch(1, b.epoch, ledger.KindGrant, 57)   // an epoch does not begin so
		v.settled()
		for _, ticket := range []gate.TicketID{1, 51, 53, 54, 55} {
			refused(t, v.gates[1], single(ticket))
		}
		for _, ticket := range []gate.TicketID{50, 52, 56, 57} {
			granted(t, v.gates[1], single(ticket))
		}
		for id, b := range v.gates {
			if s := b.node.State(); s.Problem != "" || !slices.Contains([]claim.Role{claim.RoleClient, claim.RoleFollower, claim.RoleLeader}, s.Role) {
				t.Errorf("gate %d: %v, %q", id, s.Role, s.Problem)
			}
		}
	})
}
