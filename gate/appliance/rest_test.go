package appliance_test

import (
	"slices"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/health"
)

// What a fire released stays released when the gate is killed: only a person
// ends it.
func TestRestLeavesAFireAlone(t *testing.T) {
	s := newSite(t)
	s.sell(1)
	s.setUp()
	s.plugIn()
	s.change = func(c *config.Config) { c.Lanes[0].Barrier.FireHold = true }
	s.open()
	rest := func() appliance.Rested {
		t.Helper()
		all := appliance.Rest(t.Context(), s.config(), 10*time.Second)
		if len(all) != 1 || all[0].Lane != 1 || all[0].Barrier != "arm" || all[0].Err != nil {
			t.Fatalf("%+v", all)
		}
		return all[0]
	}
	s.turnstile.Fire(true)
	s.await("the fire is on record", func() bool {
		return slices.ContainsFunc(s.gate.State().Warnings, func(w health.Active) bool { return w.Code == "fire_released" })
	})
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	switched := len(s.turnstile.Switches())
	if r := rest(); r.Kept == "" {
		t.Errorf("put to rest in spite of a fire: %+v", r)
	}
	if now := len(s.turnstile.Switches()); now != switched {
		t.Errorf("the board was told %d things", now-switched)
	}

	// Once a person has ended it, it is like any other.
	s.open()
	s.turnstile.Fire(false)
	s.await("the release is ended", func() bool { return s.gate.EndFire(gate.LaneID(1)) == nil })
	s.await("and on record", func() bool {
		return !slices.ContainsFunc(s.gate.State().Warnings, func(w health.Active) bool { return w.Code == "fire_released" })
	})
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	switched = len(s.turnstile.Switches())
	if r := rest(); r.Kept != "" {
		t.Errorf("left alone after the fire: %+v", r)
	}
	s.await("the board is told", func() bool { return len(s.turnstile.Switches()) > switched })
	for _, w := range s.turnstile.Switches()[switched:] {
		if w.On {
			t.Errorf("relay %d was switched on", w.Channel)
		}
	}
}
