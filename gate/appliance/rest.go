package appliance

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/journal"
	"github.com/venuegate/venuegate/hw/find"
)

// Rested is what became of one lane's barrier in Rest.
type Rested struct {
	Lane    gate.LaneID
	Barrier string // its name; empty where the lane has none
	// Kept says why the barrier was left as it is, where that was right.
	Kept string
	Err  error
}

// errNotUp is a barrier that did not answer in time.
var errNotUp = errors.New("it does not answer")

// Rest puts the barrier of each lane to rest, for a gate that was killed in the
// middle of a pulse: its relays and lines are switched off. Barriers that are
// held open because of a fire or an evacuation stay open, and boards that time their pulses
// themselves are left alone. The caller makes sure that the gate is not running.
// Each barrier has the given time.
func Rest(ctx context.Context, c *config.Config, within time.Duration) []Rested {
	fires, fireErr := firesOnRecord(c)
	evacuation, evacuationErr := openEvacuation(c.Gate.DataDir)
	locator := find.NewLocator(find.Under("/"))
	locator.Set(wants(c.Lanes))
	all := make([]Rested, len(c.Lanes))
	var wg sync.WaitGroup
	for i := range c.Lanes {
		l := &c.Lanes[i]
		all[i].Lane = l.ID
		if l.Barrier.Type == barrierNone {
			continue
		}
		all[i].Barrier = barrierName(&l.Barrier, l.ID)
		switch {
		case l.Barrier.Type == "gateboard":
			all[i].Kept = "its board ends every opening itself"
		case evacuationErr != nil:
			all[i].Kept = "it may stand open for an evacuation"
			all[i].Err = evacuationErr
		case evacuation.mayBeOpen(l.ID):
			all[i].Kept = "it stands open for an evacuation"
		case l.Barrier.FireHold && fireErr != nil:
			all[i].Kept = "it may be held open because of a fire"
			all[i].Err = fireErr
		case l.Barrier.FireHold && fires.latched(l.ID):
			all[i].Kept = "it is held open because of a fire"
		default:
			wg.Go(func() { all[i].Err = rest(ctx, l, fmt.Sprintf("lane[%d]", i), locator, within) })
		}
	}
	wg.Wait()
	return all
}

// rest runs a lane's barrier until it has answered: every driver switches its
// outputs off when it begins and when it ends.
func rest(ctx context.Context, l *config.Lane, at string, locator *find.Locator, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	name := barrierName(&l.Barrier, l.ID)
	var mu sync.Mutex
	up, last := false, errNotUp
	b := builder{locator: locator, onState: func(s gate.DeviceState) {
		if s.Device != name {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		switch {
		case s.Up:
			up = true
			cancel()
		case s.Err != nil:
			last = s.Err
		}
	}}
	d, errs := b.devices(l, at)
	if len(errs) > 0 {
		return errs
	}
	err := d.barrier.Run(ctx)
	mu.Lock()
	defer mu.Unlock()
	switch {
	case err != nil:
		return err
	case !up:
		return last
	}
	return nil
}

// firesOnRecord returns the lanes that a fire has released, by the journal. It is
// read only where it matters.
func firesOnRecord(c *config.Config) (*fires, error) {
	f := &fires{}
	holds := false
	for i := range c.Lanes {
		holds = holds || c.Lanes[i].Barrier.FireHold
	}
	if !holds {
		return f, nil
	}
	_, err := journal.Read(filepath.Join(c.Gate.DataDir, "journal"), func(r *ledger.Record, _ ledger.Hash) error {
		f.see(r)
		return nil
	})
	return f, err
}
