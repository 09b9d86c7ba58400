package claim

import (
	"context"
	"fmt"
	"sync"

	"github.com/venuegate/venuegate/gate"
)

// Records is what is on record of a ticket and of its holder's other tickets.
type Records interface {
	History(h *gate.History, id gate.TicketID)
	Person(dst []gate.Grant, key gate.PersonKey, except gate.TicketID) []gate.Grant
}

// Alone answers for a gate that is its own keeper. Of the claims for one ticket
// or one person it lets one at a time be made into a record: a second waits
// until the first is settled or released, and is then held against the records
// as they have become.
type Alone struct {
	records Records

	mu   sync.Mutex
	next uint64
	busy map[any]chan struct{} // by gate.TicketID and gate.PersonKey, closed when free
	open map[uint64]*gate.Claim
}

// NewAlone returns a keeper that answers from records.
func NewAlone(records Records) *Alone {
	return &Alone{records: records, busy: map[any]chan struct{}{}, open: map[uint64]*gate.Claim{}}
}

// Claim waits until no other claim for the same ticket or person is open, and
// answers. A granted claim stays open until Settle or Release. The error is that
// of ctx.
func (a *Alone) Claim(ctx context.Context, c *gate.Claim) (gate.ClaimAnswer, error) {
	request, err := a.reserve(ctx, c)
	if err != nil {
		return gate.ClaimAnswer{}, fmt.Errorf("claim of ticket %v: %w", c.Ticket, err)
	}
	var h gate.History
	a.records.History(&h, c.Ticket)
	for _, p := range c.Persons {
		h.Person = a.records.Person(h.Person, p, c.Ticket)
	}
	var other gate.History
	for _, id := range c.Others {
		a.records.History(&other, id)
		h.Person = append(h.Person, other.Ticket...)
	}
	if ok, by := c.Fits(&h); !ok {
		a.Release(request)
		return gate.ClaimAnswer{By: by}, nil
	}
	return gate.ClaimAnswer{Granted: true, Request: request}, nil
}

// Settle ends a granted claim whose grant is on record.
func (a *Alone) Settle(request uint64) { a.free(request) }

// Release ends a granted claim that will not become a grant.
func (a *Alone) Release(request uint64) { a.free(request) }

// Open returns how many claims are neither settled nor released.
func (a *Alone) Open() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.open)
}

func (a *Alone) reserve(ctx context.Context, c *gate.Claim) (uint64, error) {
	for {
		a.mu.Lock()
		taken := a.taken(c)
		if taken == nil {
			a.next++
			request := a.next
			a.open[request] = c
			done := make(chan struct{})
			a.busy[c.Ticket] = done
			for _, p := range c.Persons {
				a.busy[p] = done
			}
			a.mu.Unlock()
			return request, nil
		}
		a.mu.Unlock()
		select {
		case <-taken:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// taken returns a channel that closes when one of the claim's keys is free.
func (a *Alone) taken(c *gate.Claim) chan struct{} {
	if ch := a.busy[c.Ticket]; ch != nil {
		return ch
	}
	for _, p := range c.Persons {
		if ch := a.busy[p]; ch != nil {
			return ch
		}
	}
	return nil
}

func (a *Alone) free(request uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.open[request]
	if c == nil {
		return
	}
	delete(a.open, request)
	if ch := a.busy[c.Ticket]; ch != nil {
		close(ch)
	}
	delete(a.busy, c.Ticket)
	for _, p := range c.Persons {
		delete(a.busy, p)
	}
}
