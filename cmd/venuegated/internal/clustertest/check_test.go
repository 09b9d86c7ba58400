package clustertest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// inside counts by ticket who is inside by what was ever seen in the gates'
// journals: those let in, less those who did not go through and who left.
func (b *bench) inside() map[gate.TicketID]int {
	n := map[gate.TicketID]int{}
	for r := range b.records() {
		switch r.Kind {
		case ledger.KindGrant:
			n[r.Ticket] += int(r.Count)
		case ledger.KindVoided, ledger.KindExit:
			n[r.Ticket] -= int(r.Count)
		}
	}
	return n
}

// records gives every record that was ever seen in a gate's journal.
func (b *bench) records() func(yield func(*ledger.Record) bool) {
	return func(yield func(*ledger.Record) bool) {
		for _, x := range b.boxes[1:] {
			for _, records := range [][]ledger.Record{x.follower.lost, x.follower.all()} {
				for i := range records {
					if !yield(&records[i]) {
						return
					}
				}
			}
		}
	}
}

// check looks for what may never be, in all journals at once.
func (b *bench) check(t *testing.T) {
	t.Helper()
	claimed := map[gate.TicketID]int{}
	grants := map[ledger.Position]*ledger.Record{}
	for r := range b.records() {
		alone := r.Marks.Has(gate.MarkIsolated)
		switch {
		case r.Kind != ledger.KindGrant:
			continue
		case alone && int(r.Lane)%10 != kind:
			t.Errorf("lane %d let ticket %s in without the keepers, which its policy forbids: %s", r.Lane, r.Ticket, r.Position)
		case !alone && r.Request == 0:
			t.Errorf("lane %d let ticket %s in without a claim and without saying so: %s", r.Lane, r.Ticket, r.Position)
		}
		grants[r.Position] = r
		if !alone {
			claimed[r.Ticket]++
		}
	}
	for r := range b.records() {
		switch r.Kind {
		case ledger.KindExit:
			claimed[r.Ticket]--
		case ledger.KindVoided:
			if g := grants[r.Ref]; g == nil {
				t.Errorf("%s ends %s, which nobody has seen", r.Position, r.Ref)
			} else if !g.Marks.Has(gate.MarkIsolated) {
				claimed[r.Ticket]--
			}
		}
	}
	for ticket, n := range claimed {
		if n > 1 {
			t.Errorf("the keepers let ticket %s in %d times at once", ticket, n)
		}
	}
}

// doubled is by ticket how many too many are inside.
func (b *bench) doubled() map[gate.TicketID]int {
	n := b.inside()
	for ticket, inside := range n {
		if inside > 1 {
			n[ticket] = inside - 1
		} else {
			delete(n, ticket)
		}
	}
	return n
}

// confess waits until each of the gates names every ticket that was let in too
// often, and no other, and returns how long after the moment that took.
func (b *bench) confess(t *testing.T, since time.Time, boxes ...*box) time.Duration {
	t.Helper()
	want := b.doubled()
	b.await(t, healing-time.Since(since), "every gate names the double grants", func() (bool, string) {
		for _, x := range boxes {
			got, err := x.conflicts(b.ctx)
			if err != nil {
				return false, err.Error()
			}
			if why := compare(want, got); why != "" {
				return false, fmt.Sprintf("gate %d: %s", x.id, why)
			}
		}
		return true, ""
	})
	return time.Since(since)
}

func compare(want map[gate.TicketID]int, got []ledger.ConflictReport) string {
	named := map[string]bool{}
	for i := range got {
		c := &got[i]
		named[c.Ticket] = true
		for ticket, excess := range want {
			if ticket.String() == c.Ticket && excess != c.Excess {
				return fmt.Sprintf("ticket %s: %d in excess, not %d", c.Ticket, c.Excess, excess)
			}
		}
		if !slices.ContainsFunc(c.Grants, func(g ledger.GrantReport) bool { return g.Isolated }) {
			return fmt.Sprintf("ticket %s: none of its grants is marked as made alone", c.Ticket)
		}
	}
	for ticket := range want {
		if !named[ticket.String()] {
			return fmt.Sprintf("ticket %s is not named", ticket)
		}
	}
	if len(named) != len(want) {
		return fmt.Sprintf("%d tickets are named, not %d", len(named), len(want))
	}
	return ""
}
