package claim_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/claim"
)

// records is a ledger that grants are written into by hand.
type records struct {
	mu     sync.Mutex
	grants map[gate.TicketID][]gate.Grant
	person map[gate.PersonKey][]gate.Grant
}

func (r *records) History(h *gate.History, id gate.TicketID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h.Ticket = append(h.Ticket[:0], r.grants[id]...)
	h.Person = h.Person[:0]
}

func (r *records) Person(dst []gate.Grant, key gate.PersonKey, except gate.TicketID) []gate.Grant {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.person[key] {
		if g.Ticket != except {
			dst = append(dst, g)
		}
	}
	return dst
}

func (r *records) write(g gate.Grant, persons ...gate.PersonKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.grants == nil {
		r.grants, r.person = map[gate.TicketID][]gate.Grant{}, map[gate.PersonKey][]gate.Grant{}
	}
	r.grants[g.Ticket] = append(r.grants[g.Ticket], g)
	for _, p := range persons {
		r.person[p] = append(r.person[p], g)
	}
}

func single(ticket gate.TicketID) *gate.Claim {
	return &gate.Claim{Ticket: ticket, Generation: 1, Session: 1, Count: 1, OpenLimit: 1, EntryLimit: 1, HasStep: true, Step: 9}
}

// Eight lanes read one ticket in the same instant, each decided that it may
// come in: one of them gets it, and the others hear who.
func TestOneGrantForOneTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var book records
		keeper := claim.NewAlone(&book)
		granted, refused := make(chan gate.LaneID, 8), make(chan *gate.Admission, 8)
		var lanes sync.WaitGroup
		for lane := gate.LaneID(1); lane <= 8; lane++ {
			lanes.Go(func() {
				c := single(4711)
				c.Lane = lane
				a, err := keeper.Claim(t.Context(), c)
				if err != nil {
					t.Error(err)
					return
				}
				if !a.Granted {
					refused <- a.By
					return
				}
				time.Sleep(time.Millisecond) // the flush
				book.write(gate.Grant{Ticket: 4711, Session: 1, Generation: 1, HasStep: true, Step: 9, Count: 1, Lane: lane})
				keeper.Settle(a.Request)
				granted <- lane
			})
		}
		lanes.Wait()
		if len(granted) != 1 || len(refused) != 7 {
			t.Fatalf("%d grants and %d refusals, want 1 and 7", len(granted), len(refused))
		}
		first := <-granted
		for range 7 {
			if by := <-refused; by == nil || by.Lane != first {
				t.Errorf("refused because of %+v, want lane %d", by, first)
			}
		}
		if n := keeper.Open(); n != 0 {
			t.Errorf("%d claims are left open", n)
		}
	})
}

func TestReleasedClaimIsFreeAgain(t *testing.T) {
	var book records
	keeper := claim.NewAlone(&book)
	a, err := keeper.Claim(t.Context(), single(1))
	if err != nil || !a.Granted {
		t.Fatal(a, err)
	}
	keeper.Release(a.Request)
	keeper.Release(a.Request) // a second time changes nothing
	if b, err := keeper.Claim(t.Context(), single(1)); err != nil || !b.Granted || b.Request == a.Request {
		t.Errorf("after the release: %+v, %v", b, err)
	}
}

func TestOnePersonOnTwoTickets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var book records
		keeper := claim.NewAlone(&book)
		zhang := gate.PersonKey{1}
		first, second := single(1), single(2)
		first.Persons, second.Persons = []gate.PersonKey{zhang}, []gate.PersonKey{{2}, zhang}
		a, err := keeper.Claim(t.Context(), first)
		if err != nil || !a.Granted {
			t.Fatal(a, err)
		}
		answer := make(chan gate.ClaimAnswer, 1)
		go func() {
			b, err := keeper.Claim(t.Context(), second)
			if err != nil {
				t.Error(err)
			}
			answer <- b
		}()
		synctest.Wait()
		if len(answer) != 0 {
			t.Fatal("the second ticket did not wait for the first")
		}
		book.write(gate.Grant{Ticket: 1, Session: 1, Count: 1, Lane: 5}, zhang)
		keeper.Settle(a.Request)
		if b := <-answer; b.Granted || b.By == nil || b.By.Lane != 5 {
			t.Errorf("second ticket: %+v", b)
		}
		other := single(3)
		other.Persons = []gate.PersonKey{{2}}
		if c, err := keeper.Claim(t.Context(), other); err != nil || !c.Granted {
			t.Errorf("somebody else: %+v, %v", c, err)
		}
	})
}

// The first ticket's record names one of the person's documents, the second
// ticket another: what the pack knows of the person joins them.
func TestOnePersonByTheOtherTickets(t *testing.T) {
	var book records
	keeper := claim.NewAlone(&book)
	book.write(gate.Grant{Ticket: 1, Session: 1, Count: 1, Lane: 5}, gate.PersonKey{1})
	c := single(2)
	c.Persons, c.Others = []gate.PersonKey{{2}}, []gate.TicketID{1}
	if a, err := keeper.Claim(t.Context(), c); err != nil || a.Granted || a.By == nil || a.By.Lane != 5 {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keeper := claim.NewAlone(&records{})
		if a, err := keeper.Claim(t.Context(), single(1)); err != nil || !a.Granted {
			t.Fatal(a, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
		defer cancel()
		if _, err := keeper.Claim(ctx, single(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
	})
}

func TestLimits(t *testing.T) {
	grant := func(count, out int, step uint32) gate.Grant {
		return gate.Grant{Ticket: 1, Session: 1, Generation: 1, Count: count, Out: out, HasStep: true, Step: step}
	}
	for _, c := range []struct {
		name   string
		claim  gate.Claim
		before []gate.Grant
		want   bool
	}{
		{"nobody yet", gate.Claim{Count: 1, OpenLimit: 1}, nil, true},
		{"inside", gate.Claim{Count: 1, OpenLimit: 1, HasStep: true, Step: 20}, []gate.Grant{grant(1, 0, 10)}, false},
		{"came and left", gate.Claim{Count: 1, OpenLimit: 1, HasStep: true, Step: 20}, []gate.Grant{grant(1, 1, 10)}, true},
		{"came and left, all entries used", gate.Claim{Count: 1, OpenLimit: 1, EntryLimit: 1, HasStep: true, Step: 20}, []gate.Grant{grant(1, 1, 10)}, false},
		{"came and left, the same code", gate.Claim{Count: 1, OpenLimit: 1, HasStep: true, Step: 10}, []gate.Grant{grant(1, 1, 10)}, false},
		{"the rest of a party", gate.Claim{Count: 2, OpenLimit: 3, HasStep: true, Step: 10, Follows: true}, []gate.Grant{grant(1, 0, 10)}, true},
		{"more than the rest of a party", gate.Claim{Count: 3, OpenLimit: 3, HasStep: true, Step: 10, Follows: true}, []gate.Grant{grant(1, 0, 10)}, false},
		{"no limits", gate.Claim{Count: 1, HasStep: true, Step: 20}, []gate.Grant{grant(1, 0, 10)}, true},
		{"another session", gate.Claim{Count: 1, OpenLimit: 1, Session: 2, HasStep: true, Step: 20}, []gate.Grant{grant(1, 0, 10)}, true},
		{"another session, an old code", gate.Claim{Count: 1, OpenLimit: 1, Session: 2, HasStep: true, Step: 5}, []gate.Grant{grant(1, 0, 10)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var book records
			for _, g := range c.before {
				book.write(g)
			}
			c.claim.Ticket, c.claim.Generation = 1, 1
			if c.claim.Session == 0 {
				c.claim.Session = 1
			}
			a, err := claim.NewAlone(&book).Claim(t.Context(), &c.claim)
			if err != nil {
				t.Fatal(err)
			}
			if a.Granted != c.want {
				t.Errorf("granted: %v, want %v", a.Granted, c.want)
			}
			if !a.Granted && a.By == nil {
				t.Error("refused without saying what stands in the way")
			}
		})
	}
}
