package appliance

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/ledger"
)

// fires are the lanes that a fire signal has released and nobody has put back.
// They outlive a restart, because the journal does.
type fires struct {
	mu    sync.Mutex
	lanes map[gate.LaneID]bool
}

// see follows what the journal says.
func (f *fires) see(r *ledger.Record) {
	if r.Kind == ledger.KindBarrier {
		f.set(r.Lane, r.Reason)
	}
}

func (f *fires) set(lane gate.LaneID, r gate.Reason) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r {
	case gate.ReasonFire:
		if f.lanes == nil {
			f.lanes = map[gate.LaneID]bool{}
		}
		f.lanes[lane] = true
	case gate.ReasonFireEnded:
		delete(f.lanes, lane)
	}
}

func (f *fires) latched(lane gate.LaneID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lanes[lane]
}

// reasonOf is the reason that a barrier's event is recorded with.
func reasonOf(k gate.BarrierEventKind) gate.Reason {
	switch k {
	case gate.BarrierForced:
		return gate.ReasonPassageForced
	case gate.BarrierWrongWay:
		return gate.ReasonPassageWrongWay
	case gate.BarrierTailgate:
		return gate.ReasonPassageTailgate
	case gate.BarrierFire:
		return gate.ReasonFire
	case gate.BarrierFireQuiet:
		return gate.ReasonFireQuiet
	case gate.BarrierFirePassage:
		return gate.ReasonFirePassage
	case gate.BarrierFireEnded:
		return gate.ReasonFireEnded
	case gate.BarrierEvacuation:
		return gate.ReasonEvacuationBegun
	case gate.BarrierEvacuationPassage:
		return gate.ReasonEvacuationPassage
	case gate.BarrierEvacuationEnded:
		return gate.ReasonEvacuationEnded
	case gate.BarrierButton:
		return gate.ReasonEvacuationButton
	case gate.BarrierButtonReleased:
		return gate.ReasonEvacuationButtonReleased
	default:
		return gate.ReasonNone
	}
}

// noteWithin is how long a driver may be held up.
const noteWithin = 100 * time.Millisecond

// barrierEvent records and shows what happened at a lane's barrier besides
// openings. It is called from the driver and does not wait for the disk.
func (a *Appliance) barrierEvent(lane gate.LaneID, e gate.BarrierEvent) {
	reason := reasonOf(e.Kind)
	a.fires.set(lane, reason)
	if a.evacuation.button(lane, reason) {
		a.evacuation.ring()
	}
	a.mishaps.see(lane, e)
	name := a.LaneName(lane)
	a.log.Warn().Str("lane", name).Stringer("event", e.Kind).Msg("barrier")
	// The driver must not be held up by a disk that hangs.
	ctx, cancel := context.WithTimeout(context.Background(), noteWithin)
	defer cancel()
	if err := a.journal.Note(ctx, &ledger.Record{
		Kind: ledger.KindBarrier, Wall: e.At, Lane: lane, Reason: reason, Step: ledger.NoStep,
	}); err != nil {
		a.log.Error().Err(err).Str("lane", name).Msg("a barrier's event is not on record")
	}
	a.showFires()
}

// lightsTrouble is told of lamps that fail: visitors can still be served, so a
// line in the log will do.
func (a *Appliance) lightsTrouble(err error) {
	if err != nil {
		a.log.Warn().Err(err).Msg("a lamp or buzzer does not obey")
	}
}

// showFires makes the warnings those of the lanes that a fire has released.
func (a *Appliance) showFires() {
	now := a.clock.Now()
	for _, run := range a.lanes.all() {
		name := a.LaneName(run.config.ID)
		if a.fires.latched(run.config.ID) {
			a.health.Set(now, health.FireReleased, name, health.Detail{})
		} else {
			a.health.Clear(now, health.FireReleased, name)
		}
	}
	a.hub.Changed()
}

// EndFire puts a lane's barrier back after a fire signal, because a person said
// so. It fails while the signal stands.
func (a *Appliance) EndFire(lane gate.LaneID) error {
	for _, run := range a.lanes.all() {
		if run.config.ID != lane {
			continue
		}
		b, ok := run.devices.barrier.(interface{ ResetFire() error })
		if !ok {
			return fmt.Errorf("lane %d has no barrier that senses a fire signal", lane)
		}
		return b.ResetFire()
	}
	return fmt.Errorf("there is no lane %d at this gate", lane)
}
