package appliance

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/store"
)

// packs are the installed packs with their rosters, as the lanes see them.
type packs struct {
	store   *store.Packs
	secrets secretsOf
	trouble func(error) // told what newRoster says, with nil when all is well

	making  sync.Mutex // one roster at a time
	ready   atomic.Pointer[packSet]
	renewed atomic.Pointer[renewals]

	standing atomic.Pointer[gate.Orders] // nil: supervisors have ordered nothing
	now      func() time.Time
	open     func(gate.LaneID) bool // whether a lane stands open already; nil: none does
}

// renewals say, by event, what the repository that was verified last says of
// the signatures. A repository that was only signed anew installs nothing.
type renewals map[gate.EventID]renewal

type renewal struct {
	digest          string // of the pack that it is about
	issued, expires time.Time
}

func (p *packs) renewals() renewals {
	if r := p.renewed.Load(); r != nil {
		return *r
	}
	return nil
}

// packSet is a set of packs in use and its roster.
type packSet struct {
	of     *store.View
	roster *roster
}

// view is a packSet held for one scan.
type view struct {
	held *store.View
	*roster
	standing *gate.Orders
	at       time.Time
	open     func(gate.LaneID) bool
}

// Acquire returns what is in use now.
func (p *packs) Acquire() lane.View {
	held := p.store.Acquire()
	return view{held, p.rosterOf(held), p.standing.Load(), p.now(), p.open}
}

// roster returns what the packs in use now say.
func (p *packs) roster() *roster {
	held := p.store.Acquire()
	defer func() { _ = held.Release() }()
	return p.rosterOf(held)
}

func (p *packs) rosterOf(held *store.View) *roster {
	if set := p.ready.Load(); set != nil && set.of == held {
		return set.roster
	}
	p.making.Lock()
	defer p.making.Unlock()
	if set := p.ready.Load(); set != nil && set.of == held {
		return set.roster
	}
	r, err := newRoster(held.Packs(), p.secrets)
	p.trouble(err)
	p.ready.Store(&packSet{held, r})
	return r
}

// remake makes the roster of the packs in use anew, because the keys beside them
// are others.
func (p *packs) remake() {
	p.making.Lock()
	p.ready.Store(nil)
	p.making.Unlock()
	p.roster()
}

func (v view) Packs() []lane.Pack { return underOrders(v.packs, v.standing, v.at) }

func (v view) Lane(id gate.LaneID) (gate.Lane, bool) {
	l, ok := v.lanes[id]
	l = v.standing.Lane(v.at, l)
	l.Evacuating = l.Evacuating || v.open != nil && v.open(id)
	return l, ok
}

func (v view) Release() { _ = v.held.Release() }
