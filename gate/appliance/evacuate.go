package appliance

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/ledger"
)

// openEvacuation takes up what an earlier run has left open. It comes before
// anything that could shut a barrier.
func (a *Appliance) openEvacuation() {
	var err error
	a.evacuation, err = openEvacuation(a.config().Gate.DataDir)
	if err != nil {
		a.log.Error().Err(err).Msg("evacuation")
	}
}

// standsOpen is a barrier that an evacuation opens.
type standsOpen interface {
	Evacuate(on bool)
	Evacuating() bool
}

// orderTick is how late an order may begin or end by its own times.
const orderTick = time.Second

// runOrders has the barriers and lamps follow the orders to evacuate until ctx
// ends: at once when an order arrives or a button is pressed, and within a second
// when an order's own time comes. Other orders are for the lanes, which ask at
// every scan.
func (a *Appliance) runOrders(ctx context.Context) {
	var giving sync.WaitGroup
	defer giving.Wait()
	given := make(chan struct{}, 1)
	giving.Go(func() { a.recordEvacuations(ctx, given) })
	tick := time.NewTicker(min(a.tick, orderTick))
	defer tick.Stop()
	a.trustRoster()
	for {
		a.followOrders(ctx)
		select {
		case <-a.ordered:
		case <-a.evacuation.news:
			a.evacuation.give(a.buttonOrder())
			select {
			case given <- struct{}{}:
			default:
			}
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// followOrders opens the barriers of lanes that are to be evacuated and shuts
// those that are no longer. Opening comes before anything that can take time;
// what is open is written down before anything is shut.
func (a *Appliance) followOrders(ctx context.Context) {
	now, runs := a.clock.Now(), a.lanes.all()
	if ctx.Err() != nil {
		return // lanes that are stopped stay as they are
	}
	opened := gate.NewOrders(a.evacuation.follow(a.ledger.Orders(), now))
	standing := a.packs.standing.Load()
	geometry := a.packs.roster().lanes
	var lanes []gate.LaneID
	var shut []*running
	var opening sync.WaitGroup
	for _, run := range runs {
		l, known := geometry[run.config.ID]
		if !known {
			l = gate.Lane{ID: run.config.ID} // an order for all of the venue opens it, too
		}
		if !standing.Evacuating(now, &l) && !opened.Evacuating(now, &l) {
			shut = append(shut, run)
			continue
		}
		lanes = append(lanes, run.config.ID)
		opening.Go(func() { a.standOpen(run, true) }) // one must not wait for another
	}
	opening.Wait()
	slices.Sort(lanes)
	if err := a.evacuation.keep(lanes); err != nil {
		a.log.Error().Err(err).Msg("an evacuation is not written down: 'lane safe' and a restart would not know of it")
	}
	for _, run := range shut {
		a.standOpen(run, false)
	}
	a.showEvacuation(now, len(lanes))
}

// standOpen makes a lane's barrier and lamps those of an evacuation, or no
// longer. The barrier tells of it, and that is recorded.
func (a *Appliance) standOpen(run *running, on bool) {
	if b, ok := run.devices.barrier.(standsOpen); ok && b.Evacuating() != on {
		b.Evacuate(on)
	}
	if run.devices.lights != nil {
		run.devices.lights.Free(on)
	}
}

func (a *Appliance) showEvacuation(now time.Time, lanes int) {
	if lanes == 0 {
		a.health.Clear(now, health.Evacuation, "")
		return
	}
	a.health.Set(now, health.Evacuation, "", health.Detail{Count: lanes})
}

// Evacuating reports whether a lane stands open by order.
func (a *Appliance) Evacuating(lane gate.LaneID) bool { return a.evacuation.open(lane) }

// buttonOrder is the order that a wired button gives: the whole venue, from a
// gate, signed by nobody.
func (a *Appliance) buttonOrder() gate.Order {
	// A person's order to return to normal ends those that were given before it,
	// so this one must not seem older than the last of them.
	issued := a.clock.Now()
	for _, s := range a.ledger.Orders() {
		if s.Order.Kind == gate.OrderNormal && s.Ignored == "" {
			issued = later(issued, s.Order.Issued.Add(time.Millisecond))
		}
	}
	var id [8]byte
	_, _ = rand.Read(id[:])                 // never fails
	n := binary.BigEndian.Uint64(id[:]) | 1 // never 0
	a.log.Warn().Uint64("order", n).Msg("evacuation button: every barrier of the venue opens")
	return gate.Order{Kind: gate.OrderEvacuate, ID: n, Issued: issued.Truncate(time.Millisecond)}
}

// recordEvacuations records the orders of this gate's buttons, so that every
// gate obeys. While the disk fails it is tried again: this gate's own barriers
// are open meanwhile.
func (a *Appliance) recordEvacuations(ctx context.Context, given <-chan struct{}) {
	tick := time.NewTicker(a.tick)
	defer tick.Stop()
	for {
		for _, o := range a.evacuation.unrecorded() {
			err := a.GiveOrder(ctx, &gate.SignedOrder{Order: o})
			if ignored := (*ledger.IgnoredError)(nil); err == nil || errors.As(err, &ignored) {
				a.evacuation.recorded(o.ID)
			}
			if err != nil && ctx.Err() == nil {
				a.log.Error().Err(err).Uint64("order", o.ID).Msg("evacuation: this gate stands open, the others have not heard of it")
			}
		}
		select {
		case <-given:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
