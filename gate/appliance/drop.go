package appliance

import (
	"fmt"
	"strconv"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/health"
)

// dropEvents lets go of events that the repository does not have any more: the
// keys of an event that is over must not lie on gates for ever. One that is not
// over stays in use, with a warning, and so does one that has no sessions and
// thus no end. An untrusted clock ends no event.
func (a *Appliance) dropEvents(now time.Time, dropped []*gate.Policy) {
	kept := map[string]bool{}
	for _, p := range dropped {
		if a.clock.Trusted() && over(p, now) {
			err := a.removeEvent(p.Event)
			if err == nil {
				a.log.Info().Uint32("event", uint32(p.Event)).Msg("the event is over and left the repository: its pack and keys are removed")
				continue
			}
			a.log.Error().Err(err).Uint32("event", uint32(p.Event)).Msg("the event is over, but what is left of it cannot be removed")
		}
		subject := strconv.FormatUint(uint64(p.Event), 10)
		kept[subject] = true
		a.health.Set(now, health.EventDropped, subject, health.Detail{})
	}
	for _, w := range a.health.Current() {
		if w.Code == health.EventDropped && !kept[w.Subject] {
			a.health.Clear(now, health.EventDropped, w.Subject)
		}
	}
}

// over reports whether an event's last session has ended.
func over(p *gate.Policy, now time.Time) bool {
	for _, s := range p.Sessions {
		if !s.End.Before(now) {
			return false
		}
	}
	return len(p.Sessions) > 0
}

// removeEvent deletes the keys first: as long as the pack is there, it is tried
// again.
func (a *Appliance) removeEvent(event gate.EventID) error {
	if err := a.vault.forget(event); err != nil {
		return fmt.Errorf("event keys: %w", err)
	}
	if err := a.packs.store.Remove(event); err != nil {
		return err
	}
	a.health.Clear(a.clock.Now(), health.KeyFileLoose, secretsPath(a.config().Gate.DataDir, event))
	a.packs.roster()
	a.hub.Changed()
	return nil
}
