package store

import (
	"cmp"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/venuegate/venuegate/gate"
)

// View is the set of packs that were in use at one moment. A scan takes one
// with [Packs.Acquire], answers from it alone and gives it back with Release:
// what is installed meanwhile waits for the next scan.
type View struct {
	packs []*Pack // one an event, by ascending event id
	users atomic.Int64
}

// newView takes a use of every pack.
func newView(packs []*Pack) *View {
	v := &View{packs: packs}
	slices.SortFunc(v.packs, func(a, b *Pack) int { return cmp.Compare(a.info.Event, b.info.Event) })
	for _, p := range v.packs {
		p.acquire()
	}
	v.users.Store(1)
	return v
}

func (v *View) acquire() bool {
	for {
		n := v.users.Load()
		if n == 0 {
			return false
		}
		if v.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release gives the view back. The files of packs that were replaced are
// closed with the last view that uses them.
func (v *View) Release() error {
	if v.users.Add(-1) != 0 {
		return nil
	}
	var errs []error
	for _, p := range v.packs {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// Packs returns the packs, one an event, by ascending event id. The caller
// does not change the slice.
func (v *View) Packs() []*Pack { return v.packs }

// Event returns the pack of an event.
func (v *View) Event(id gate.EventID) (*Pack, bool) {
	for _, p := range v.packs {
		if p.info.Event == id {
			return p, true
		}
	}
	return nil, false
}

// Ticket looks a ticket up in all packs; ids are unique over all events. The
// pack is nil when none knows it. See [Pack.Ticket] for into.
func (v *View) Ticket(id gate.TicketID, into *gate.Ticket) (*Pack, error) {
	for _, p := range v.packs {
		known, err := p.Ticket(id, into)
		if err != nil {
			return nil, err
		}
		if known {
			return p, nil
		}
	}
	return nil, nil
}
