package claim_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/claim"
)

func granted(t *testing.T, b *box, c *gate.Claim) (gate.ClaimAnswer, ledger.Position) {
	t.Helper()
	a, at, err := b.admit(c)
	if err != nil || !a.Granted {
		t.Fatalf("gate %d, ticket %v: %+v, %v, want a grant", b.id, c.Ticket, a, err)
	}
	return a, at
}

func refused(t *testing.T, b *box, c *gate.Claim) {
	t.Helper()
	if a, _, err := b.admit(c); err != nil || a.Granted {
		t.Fatalf("gate %d, ticket %v: %+v, %v, want a refusal", b.id, c.Ticket, a, err)
	}
}

// unlimited may come back in when it has left, on whatever code.
func unlimited(ticket gate.TicketID) *gate.Claim {
	return &gate.Claim{Ticket: ticket, Generation: 1, Session: 1, Count: 1, OpenLimit: 1}
}

// settled waits until nothing is on its way to the keepers.
func (v *venue) settled() {
	v.t.Helper()
	v.await("everything is handed in", 20*time.Second, func() bool {
		for _, b := range v.gates {
			if b.cancel == nil {
				continue
			}
			if s := b.node.State(); s.Lates+s.Releases > 0 || !s.Isolated.IsZero() || len(s.Stranded) > 0 {
				return false
			}
		}
		return true
	})
}

// connected waits until every gate has a connection to every keeper.
func (v *venue) connected() {
	v.t.Helper()
	v.await("all connections", 10*time.Second, func() bool {
		for _, b := range v.gates {
			if b.cancel == nil {
				continue
			}
			for _, k := range b.node.State().Keepers {
				if !k.Up {
					return false
				}
			}
		}
		return true
	})
}

func TestExitFreesReEntry(t *testing.T) {
	inVenue(t, 4, 3, func(t *testing.T, v *venue) {
		c := unlimited(7)
		a, _ := granted(t, v.gates[1], c)
		if a.Entry != 1 {
			t.Errorf("entry %d, want 1", a.Entry)
		}
		refused(t, v.gates[4], c)
		v.gates[2].leave(exitOf(c))
		v.settled()
		if a, _ := granted(t, v.gates[4], c); a.Entry != 2 {
			t.Errorf("entry %d, want 2", a.Entry)
		}
		refused(t, v.gates[3], c)
	})
}

// A gate's own exit is known to its next claim, without a wait: they go in one
// request.
func TestOwnExitGoesBeforeTheNextClaim(t *testing.T) {
	inVenue(t, 4, 3, func(t *testing.T, v *venue) {
		c := unlimited(7)
		for range 20 {
			granted(t, v.gates[4], c)
			v.gates[4].leave(exitOf(c))
		}
	})
}

// Somebody opens the way out at one gate and stays inside: nobody comes in on the
// ticket at another, neither meanwhile nor afterwards.
func TestExitCountsWithItsEnd(t *testing.T) {
	for _, c := range []struct {
		name  string
		party int
		ends  []ledger.Kind // of one person each
		wait  time.Duration
		free  int // how many may come in then
	}{
		{name: "no end yet", party: 1},
		{name: "went through", party: 1, ends: []ledger.Kind{ledger.KindPassed}, free: 1},
		{name: "nobody can say", party: 1, ends: []ledger.Kind{ledger.KindUnknown}, free: 1},
		{name: "stayed", party: 1, ends: []ledger.Kind{ledger.KindVoided}},
		{name: "stayed, long ago", party: 1, ends: []ledger.Kind{ledger.KindVoided}, wait: 2 * time.Minute},
		{name: "the gate died", party: 1, wait: 2 * time.Minute, free: 1},
		{name: "one of two went through", party: 2, ends: []ledger.Kind{ledger.KindPassed}, free: 1},
		{name: "one went through, one stayed", party: 2, ends: []ledger.Kind{ledger.KindPassed, ledger.KindVoided}, free: 1},
		{name: "one stayed, one has no end", party: 2, ends: []ledger.Kind{ledger.KindVoided}},
		{name: "one stayed, and the gate died", party: 2, ends: []ledger.Kind{ledger.KindVoided}, wait: 2 * time.Minute, free: 1},
		{name: "both went through, one unseen", party: 2, ends: []ledger.Kind{ledger.KindPassed, ledger.KindUnknown}, free: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			inVenue(t, 4, 3, func(t *testing.T, v *venue) {
				in := unlimited(7)
				in.Count, in.OpenLimit = c.party, c.party
				granted(t, v.gates[1], in)
				exit := exitOf(in)
				at := v.gates[2].write(exit)
				for _, kind := range c.ends {
					v.gates[2].write(endOf(kind, exit, at, 1))
				}
				time.Sleep(c.wait)
				v.settled()
				one := unlimited(7)
				one.OpenLimit = c.party
				for range c.free {
					granted(t, v.gates[4], one)
				}
				refused(t, v.gates[3], one)
			})
		})
	}
}

func TestVoidGivesBack(t *testing.T) {
	inVenue(t, 3, 3, func(t *testing.T, v *venue) {
		c := single(7)
		c.HasStep = false
		_, at := granted(t, v.gates[1], c)
		refused(t, v.gates[2], c)
		v.gates[1].write(&ledger.Record{Kind: ledger.KindVoided, Ticket: 7, Ref: at, Count: 1})
		v.settled()
		granted(t, v.gates[2], c)
	})
}

func TestReleaseGivesBack(t *testing.T) {
	inVenue(t, 3, 3, func(t *testing.T, v *venue) {
		for id, b := range v.gates {
			a, err := b.node.Claim(t.Context(), single(7))
			if err != nil || !a.Granted {
				t.Fatalf("gate %d: %+v, %v", id, a, err)
			}
			b.node.Release(a.Request)
			b.node.Release(a.Request)
			v.settled()
		}
	})
}

func TestOnePersonOnTwoTicketsAcrossGates(t *testing.T) {
	inVenue(t, 3, 3, func(t *testing.T, v *venue) {
		zhang, li := gate.PersonKey{1}, gate.PersonKey{2}
		c := single(1)
		c.Persons = []gate.PersonKey{li, zhang}
		granted(t, v.gates[1], c)
		v.settled() // the record names only the first of them
		for _, second := range []struct {
			name string
			c    gate.Claim
			want bool
		}{
			{"by the record's person", gate.Claim{Ticket: 2, Session: 1, Count: 1, Persons: []gate.PersonKey{li}}, false},
			{"by the claim's other person", gate.Claim{Ticket: 3, Session: 1, Count: 1, Persons: []gate.PersonKey{zhang}}, false},
			{"by the other ticket", gate.Claim{Ticket: 4, Session: 1, Count: 1, Persons: []gate.PersonKey{{9}}, Others: []gate.TicketID{1}}, false},
			{"another session", gate.Claim{Ticket: 5, Session: 2, Count: 1, Persons: []gate.PersonKey{zhang}}, true},
			{"somebody else", gate.Claim{Ticket: 6, Session: 1, Count: 1, Persons: []gate.PersonKey{{8}}}, true},
		} {
			a, _, err := v.gates[2].admit(&second.c)
			if err != nil || a.Granted != second.want {
				t.Errorf("%s: %+v, %v, want granted: %v", second.name, a, err, second.want)
			}
		}
	})
}

// The leader falls silent while eight lanes at other gates claim without a
// pause: none of them waits longer than the fail-over time, and none is
// refused or granted twice.
func TestLeaderDies(t *testing.T) {
	inVenue(t, 5, 3, func(t *testing.T, v *venue) {
		for round := range 3 {
			old := v.leader()
			longest := make(chan time.Duration, 8)
			for lane := range 8 {
				b := v.gates[gate.GateID(4+lane%2)]
				go func() {
					var worst time.Duration
					for i := range 40 {
						began := time.Now()
						ticket := gate.TicketID(1000*(round*8+lane) + i + 1)
						a, _, err := b.admit(single(ticket))
						if err != nil || !a.Granted {
							t.Errorf("ticket %v: %+v, %v", ticket, a, err)
						}
						worst = max(worst, time.Since(began))
						time.Sleep(20 * time.Millisecond)
					}
					longest <- worst
				}()
			}
			time.Sleep(200 * time.Millisecond)
			old.stop()
			for range 8 {
				if d := <-longest; d > 1500*time.Millisecond {
					t.Errorf("a claim waited for %v", d)
				}
			}
			for lane := range 8 {
				refused(t, v.gates[gate.GateID(5-lane%2)], single(gate.TicketID(1000*(round*8+lane)+1)))
			}
			old.start()
			v.ready()
			v.connected()
			v.settled()
		}
	})
}

// A gate without keepers is isolated; what it grants alone is accepted when it
// can be heard again, and binds the others then.
func TestIsolatedGateHealsAndHandsIn(t *testing.T) {
	inVenue(t, 4, 3, func(t *testing.T, v *venue) {
		lonely := v.gates[4]
		for id := gate.GateID(1); id <= 3; id++ {
			v.wires.both(4, id, true)
		}
		began := time.Now()
		_, _, err := lonely.admit(single(9))
		var alone *claim.IsolatedError
		if !errors.As(err, &alone) || alone.Since.IsZero() || alone.Why == "" {
			t.Fatalf("got %v, want an isolation that says why", err)
		}
		if d := time.Since(began); d > 1500*time.Millisecond {
			t.Errorf("waited for %v", d)
		}
		time.Sleep(5 * time.Second)
		began = time.Now()
		if _, _, err = lonely.admit(single(10)); !errors.As(err, &alone) {
			t.Fatalf("got %v", err)
		}
		if d := time.Since(began); d > 250*time.Millisecond {
			t.Errorf("long alone, a claim still waits for %v", d)
		}
		lonely.write(grantOf(single(9), 0, gate.MarkIsolated))
		if s := lonely.node.State(); s.Isolated.IsZero() || s.Lates != 1 {
			t.Errorf("state %+v", s)
		}
		granted(t, v.gates[1], single(11)) // the others go on
		for id := gate.GateID(1); id <= 3; id++ {
			v.wires.both(4, id, false)
		}
		v.settled()
		refused(t, v.gates[1], single(9))
		granted(t, v.gates[1], single(10)) // given back
		refused(t, lonely, single(11))
	})
}

// A keeper in the minority is isolated as well, the leader most of all.
func TestLeaderInTheMinority(t *testing.T) {
	inVenue(t, 3, 3, func(t *testing.T, v *venue) {
		old := v.leader()
		var others []*box
		for id, b := range v.gates {
			if b != old {
				v.wires.both(old.id, id, true)
				others = append(others, b)
			}
		}
		var alone *claim.IsolatedError
		if _, _, err := old.admit(single(1)); !errors.As(err, &alone) {
			t.Errorf("the cut off leader: %v", err)
		}
		granted(t, others[0], single(1))
		refused(t, others[1], single(1))
		for id := range v.gates {
			v.wires.both(old.id, id, false)
		}
		v.ready()
		v.settled()
		refused(t, old, single(1))
	})
}

// A gate that cannot reach the leader, but others that can, is not isolated.
func TestLeaderReachedThroughAnother(t *testing.T) {
	inVenue(t, 4, 3, func(t *testing.T, v *venue) {
		v.wires.both(4, v.leader().id, true)
		time.Sleep(4 * time.Second)
		granted(t, v.gates[4], single(1))
		refused(t, v.gates[1], single(1))
		v.settled()
	})
}

// The gate died between the answer and the record, or the answer never came:
// its next start gives the claim back. Without its records staff decide.
func TestCrashBetweenClaimAndRecord(t *testing.T) {
	for _, intact := range []bool{true, false} {
		t.Run(fmt.Sprint("intact ", intact), func(t *testing.T) {
			inVenue(t, 4, 3, func(t *testing.T, v *venue) {
				b := v.gates[4]
				granted(t, b, single(1)) // on record: is not given back
				a, err := b.node.Claim(t.Context(), single(2))
				if err != nil || !a.Granted {
					t.Fatal(a, err)
				}
				b.stop()
				time.Sleep(11 * time.Second)
				if s := v.leader().node.State().Stranded; len(s) == 0 || s[len(s)-1].Ticket != 2 || s[0].Gate != 4 {
					t.Errorf("stranded: %+v", s)
				}
				b.start(func(o *claim.Options) { o.PreviousIntact = intact })
				v.ready()
				time.Sleep(time.Second)
				refused(t, v.gates[1], single(1))
				if intact {
					v.settled()
					granted(t, v.gates[1], single(2))
					return
				}
				refused(t, v.gates[1], single(2))
				if u := b.node.State().Undecided; len(u) != 1 || u[0] != a.Request {
					t.Errorf("undecided %v, want %d", u, a.Request)
				}
				b.node.Release(a.Request) // so staff decided
				v.settled()
				granted(t, v.gates[1], single(2))
			})
		})
	}
}

// Another gate hands in what came by gossip when the gate itself cannot.
func TestOthersHandInRecords(t *testing.T) {
	inVenue(t, 5, 3, func(t *testing.T, v *venue) {
		for id := gate.GateID(1); id <= 3; id++ {
			v.wires.both(4, id, true)
		}
		v.gates[4].write(grantOf(single(1), 0, gate.MarkIsolated))
		for _, r := range v.gates[4].records {
			v.gates[5].node.Recorded(r) // by gossip
		}
		time.Sleep(15 * time.Second)
		refused(t, v.gates[1], single(1))
		if s := v.gates[5].node.State(); s.Lates != 0 {
			t.Errorf("gate 5 still holds %d records of gate 4", s.Lates)
		}
	})
}

func TestKeeperRestarts(t *testing.T) {
	inVenue(t, 3, 3, func(t *testing.T, v *venue) {
		for ticket := gate.TicketID(1); ticket <= 30; ticket++ {
			granted(t, v.gates[gate.GateID(1+ticket%3)], single(ticket))
		}
		v.settled()
		for _, b := range v.gates {
			b.stop()
		}
		for _, b := range v.gates {
			b.start()
		}
		v.ready()
		for ticket := gate.TicketID(1); ticket <= 30; ticket++ {
			refused(t, v.gates[gate.GateID(1+(ticket+1)%3)], single(ticket))
		}
	})
}

// The context ends a wait without making the gate isolated.
func TestContextEnds(t *testing.T) {
	inVenue(t, 4, 3, func(t *testing.T, v *venue) {
		for id := gate.GateID(1); id <= 3; id++ {
			v.wires.both(4, id, true)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := v.gates[4].node.Claim(ctx, single(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if s := v.gates[4].node.State(); !s.Isolated.IsZero() {
			t.Error("isolated because somebody did not wait")
		}
	})
}

func TestAloneByRoster(t *testing.T) {
	for _, c := range []struct {
		name   string
		roster claim.Roster
	}{
		{"no keepers", claim.Roster{Version: 1, Gates: 3}},
		{"no other gate", claim.Roster{Version: 1, Gates: 1, Keepers: []claim.Server{{Gate: 1, Incarnation: 1}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVenue(t, 1, 0)
				v.roster.Store(&c.roster)
				v.start()
				defer v.stop()
				granted(t, v.gates[1], single(1))
				refused(t, v.gates[1], single(1))
				if s := v.gates[1].node.State(); s.Role != claim.RoleAlone || s.Lates != 0 || s.Releases != 0 {
					t.Errorf("role %v, %d records and %d claims to hand in", s.Role, s.Lates, s.Releases)
				}
			})
		})
	}
}

// Two gates, one of them named as the only keeper.
func TestSiteOfTwo(t *testing.T) {
	inVenue(t, 2, 1, func(t *testing.T, v *venue) {
		granted(t, v.gates[2], single(1))
		refused(t, v.gates[1], single(1))
		granted(t, v.gates[1], single(2))
		refused(t, v.gates[2], single(2))
	})
}
