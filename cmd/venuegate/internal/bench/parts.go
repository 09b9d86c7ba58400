package bench

import (
	"crypto/rand"
	"time"

	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/sync/pack"
)

// stoppedClock stands at the time at which all codes are shown.
type stoppedClock struct{}

func (stoppedClock) Now() time.Time { return showTime }

func (stoppedClock) Trusted() bool { return true }

type random struct{}

func (random) Read(p []byte) (int, error) { return rand.Read(p) }

// view is the pack of the run as a lane sees it: taken and given back once a
// scan, as the appliance does.
type view struct {
	store *store.Packs
	pack  *packUse
	packs []lane.Pack
	lanes map[gate.LaneID]gate.Lane
}

type packUse struct {
	*store.Pack
	keys ticket.KeyFinder
}

func newView(packs *store.Packs) (*view, error) {
	held := packs.Acquire()
	defer func() { _ = held.Release() }()
	p := held.Packs()[0]
	event, err := pack.DecodeEvent(p.Document())
	if err != nil {
		return nil, err
	}
	venue, err := pack.DecodeVenue(p.Venue())
	if err != nil {
		return nil, err
	}
	l, _, _ := venue.Lane(laneID)
	use := &packUse{p, event.Issuers}
	return &view{store: packs, pack: use, packs: []lane.Pack{use}, lanes: map[gate.LaneID]gate.Lane{laneID: l}}, nil
}

type heldView struct {
	*view
	held *store.View
}

func (v *view) Acquire() lane.View { return heldView{v, v.store.Acquire()} }

func (v heldView) Packs() []lane.Pack { return v.packs }

func (v heldView) Lane(id gate.LaneID) (gate.Lane, bool) {
	l, ok := v.lanes[id]
	return l, ok
}

func (v heldView) Release() { _ = v.held.Release() }

func (p *packUse) Event() gate.EventID { return p.Info().Event }

func (p *packUse) Version() uint64 { return p.Info().Version }

func (p *packUse) Keys() ticket.KeyFinder { return p.keys }

func (p *packUse) Secrets() lane.Secrets { return lane.Secrets{} }

func (p *packUse) ByForeign(tag gate.Tag) (gate.TicketID, bool, error) {
	id, _, ok, err := p.Pack.ByForeign(tag)
	return id, ok, err
}
