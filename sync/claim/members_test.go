package claim_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/claim"
)

func servers(list ...claim.Server) []claim.Server { return list }

func (v *venue) follows() {
	v.t.Helper()
	v.await("the keepers are those of the roster", 60*time.Second, func() bool {
		l := v.leader()
		if l == nil || l.node.State().Roster != v.roster.Load().Version {
			return false
		}
		for _, k := range v.roster.Load().Keepers {
			b := v.gates[k.Gate]
			if r := b.node.State().Role; b.cancel != nil && r != claim.RoleFollower && r != claim.RoleLeader {
				return false
			}
		}
		return true
	})
	time.Sleep(5 * time.Second)
}

func TestFromThreeKeepersToFive(t *testing.T) {
	inVenue(t, 6, 3, func(t *testing.T, v *venue) {
		granted(t, v.gates[6], single(1))
		v.roster.Store(&claim.Roster{Version: 2, Gates: 6, Keepers: servers(
			claim.Server{Gate: 1, Incarnation: 1}, claim.Server{Gate: 2, Incarnation: 1}, claim.Server{Gate: 3, Incarnation: 1},
			claim.Server{Gate: 4, Incarnation: 1}, claim.Server{Gate: 5, Incarnation: 1},
		)})
		v.follows()
		// Two of five may die, and they are two of the first three.
		v.gates[1].stop()
		v.gates[2].stop()
		v.ready()
		refused(t, v.gates[6], single(1))
		granted(t, v.gates[6], single(2))
	})
}

// A box that was made anew is another keeper: it knows nothing and must not
// vote under the old name.
func TestKeeperIsMadeAnew(t *testing.T) {
	inVenue(t, 4, 3, func(t *testing.T, v *venue) {
		granted(t, v.gates[4], single(1))
		time.Sleep(2 * time.Second) // the others have agreed on who took part
		b := v.gates[2]
		b.stop()
		b.disk = claim.NewMemory()
		b.start()
		time.Sleep(5 * time.Second)
		if s := b.node.State(); s.Role != claim.RoleWaiting || !strings.Contains(s.Problem, "incarnation") {
			t.Errorf("wiped under the old name: %v, %q", s.Role, s.Problem)
		}
		b.stop()
		b.incarnation, b.disk = 2, claim.NewMemory()
		v.roster.Store(&claim.Roster{Version: 2, Gates: 4, Keepers: servers(
			claim.Server{Gate: 1, Incarnation: 1}, claim.Server{Gate: 2, Incarnation: 2}, claim.Server{Gate: 3, Incarnation: 1},
		)})
		b.start()
		v.follows()
		v.gates[1].stop() // the two that are left agree
		v.ready()
		refused(t, v.gates[4], single(1))
		granted(t, v.gates[4], single(2))
	})
}

// The leader itself is replaced.
func TestEveryKeeperIsReplaced(t *testing.T) {
	inVenue(t, 6, 3, func(t *testing.T, v *venue) {
		granted(t, v.gates[6], single(1))
		v.roster.Store(&claim.Roster{Version: 2, Gates: 6, Keepers: servers(
			claim.Server{Gate: 4, Incarnation: 1}, claim.Server{Gate: 5, Incarnation: 1}, claim.Server{Gate: 6, Incarnation: 1},
		)})
		v.follows()
		v.await("the old keepers have left", 60*time.Second, func() bool {
			for id := gate.GateID(1); id <= 3; id++ {
				if v.gates[id].node.State().Role != claim.RoleClient {
					return false
				}
			}
			return true
		})
		v.ready()
		refused(t, v.gates[1], single(1))
		granted(t, v.gates[2], single(2))
	})
}

func (b *box) held() iter.Seq[*ledger.Record] {
	var list []*ledger.Record
	for _, x := range b.v.gates { // others' came by gossip
		x.mu.Lock()
		list = append(list, x.records...)
		x.mu.Unlock()
	}
	return slices.Values(list)
}

// All keepers lose their disks. Nobody is told anything until staff have said
// from which ledger to start again.
func TestKeepersLoseEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, 4, 3)
		defer v.stop()
		for _, b := range v.gates {
			b.start(func(o *claim.Options) { o.Held = b.held })
		}
		v.ready()
		for ticket := gate.TicketID(1); ticket <= 300; ticket++ {
			granted(t, v.gates[1+gate.GateID(ticket%4)], single(ticket))
		}
		v.settled()
		if err := v.gates[1].node.Recover(t.Context()); !errors.Is(err, claim.ErrNotLost) {
			t.Errorf("recover while all is well: %v", err)
		}
		r := &claim.Roster{Version: 2, Gates: 4}
		for id := gate.GateID(1); id <= 3; id++ {
			b := v.gates[id]
			b.stop()
			b.incarnation, b.disk = 2, claim.NewMemory()
			r.Keepers = append(r.Keepers, claim.Server{Gate: id, Incarnation: 2})
		}
		v.roster.Store(r)
		for id := gate.GateID(1); id <= 3; id++ {
			b := v.gates[id]
			b.start(func(o *claim.Options) {
				o.Held = b.held
				o.LedgerEmpty = func() bool { return id != 3 } // one ledger is enough
			})
		}
		time.Sleep(10 * time.Second)
		for id, b := range v.gates {
			var alone *claim.IsolatedError
			if _, _, err := b.admit(single(1)); !errors.As(err, &alone) {
				t.Errorf("gate %d: %v, want nobody to answer", id, err)
			}
			if p := b.node.State().Problem; id <= 3 && !strings.Contains(p, "recover") {
				t.Errorf("gate %d does not say what to do: %q", id, p)
			}
		}
		if err := v.gates[4].node.Recover(t.Context()); !errors.Is(err, claim.ErrNotKeeper) {
			t.Errorf("recover at no keeper: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := v.gates[2].node.Recover(ctx); err != nil {
			t.Fatal(err)
		}
		v.follows()
		v.ready()
		v.settled()
		for ticket := gate.TicketID(1); ticket <= 300; ticket++ {
			refused(t, v.gates[1+gate.GateID((ticket+1)%4)], single(ticket))
		}
		granted(t, v.gates[4], single(301))
		if s := v.gates[4].node.State(); s.Generation != 2 {
			t.Errorf("generation %d, want 2", s.Generation)
		}
	})
}

// What is on disk comes back: the log, and a snapshot of it.
func TestKeeperRestartsFromDisk(t *testing.T) {
	v := newVenue(t, 3, 3)
	// Real time: a busy machine must not look like dead keepers.
	v.times = claim.Times{
		Founding: time.Millisecond, Heartbeat: 2 * time.Second, Election: 2 * time.Second, Lease: time.Second,
		Claim: 20 * time.Second, Failover: 30 * time.Second,
	}
	for _, b := range v.gates {
		b.dir = t.TempDir()
	}
	v.start()
	defer v.stop()
	v.ready()
	for ticket := gate.TicketID(1); ticket <= 30; ticket++ {
		granted(t, v.gates[gate.GateID(1+ticket%3)], single(ticket))
	}
	v.settled()
	for _, b := range v.gates {
		b.stop()
		b.start()
	}
	v.ready()
	v.connected()
	for ticket := gate.TicketID(1); ticket <= 30; ticket++ {
		refused(t, v.gates[gate.GateID(1+(ticket+1)%3)], single(ticket))
	}
}
