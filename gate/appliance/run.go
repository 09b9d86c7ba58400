package appliance

import (
	"context"
	"errors"
	"sync"

	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/lane"
)

// Run serves visitors until ctx ends, then stops within a few seconds: lanes
// first, so that a passage that is under way is on record, then the page. It
// fails where the lanes cannot be started, and with ErrNewIncarnation: whatever
// else breaks is shown, logged and tried again, and never stops a lane.
func (a *Appliance) Run(ctx context.Context) error {
	ctx, a.end = context.WithCancelCause(ctx)
	defer a.end(nil)
	lanesCtx, stopLanes := context.WithCancel(ctx)
	defer stopLanes()
	a.reloading.Lock()
	a.lanesCtx = lanesCtx
	err := a.lanes.apply(lanesCtx, a.packs.roster().number(a.config().Gate.ID, a.config().Lanes))
	a.reloading.Unlock()
	if err != nil {
		return err
	}
	var others sync.WaitGroup
	pageCtx, stopPage := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPage()
	if a.server != nil {
		others.Go(func() { a.servePage(pageCtx) })
		a.log.Info().Str("page", "http://"+a.page.Addr().String()+"/").Msg("page")
	}
	others.Go(func() {
		if err := a.serveControl(ctx); err != nil {
			a.log.Error().Err(err).Msg("control")
		}
	})
	others.Go(func() { a.lookAfter(ctx) })
	others.Go(func() { a.runOrders(ctx) })
	others.Go(func() { _ = a.plugs.Run(ctx) })
	others.Go(func() { a.watchRepository(ctx) })
	others.Go(func() {
		if err := a.claims.Run(ctx); err != nil && ctx.Err() == nil {
			a.log.Error().Err(err).Msg("claims")
		}
	})
	if a.cluster != nil {
		others.Go(func() { a.cluster.run(ctx) })
	}
	if a.uplink != nil {
		others.Go(func() { a.uplink.Run(ctx) })
	}
	a.notify("READY=1")
	a.log.Info().Str("gate", a.config().Gate.Name).Int("lanes", len(a.config().Lanes)).Msg("gate is open for business")

	<-ctx.Done()
	anew := errors.Is(context.Cause(ctx), ErrNewIncarnation)
	if anew {
		a.notify("RELOADING=1")
	} else {
		a.notify("STOPPING=1")
	}
	a.reloading.Lock() // nothing is started any more
	stopLanes()
	a.reloading.Unlock()
	a.lanes.stop()
	stopPage()
	others.Wait()
	if anew {
		return ErrNewIncarnation
	}
	return nil
}

// Reload puts a new configuration in force. Lanes whose part of it is the same
// go on undisturbed. When anything is wrong with it, nothing changes and the
// last good configuration stays.
func (a *Appliance) Reload(c *config.Config) error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	err := a.reload(c)
	if err != nil {
		a.health.Set(a.clock.Now(), health.ConfigReloadFailed, "", health.Detail{Cause: err.Error()})
		return err
	}
	a.health.Clear(a.clock.Now(), health.ConfigReloadFailed, "")
	return nil
}

func (a *Appliance) reload(c *config.Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	now := a.config()
	var fixed config.Errors
	for _, f := range []struct {
		path    string
		changed bool
	}{
		{"gate.id", c.Gate.ID != now.Gate.ID},
		{"gate.data_dir", c.Gate.DataDir != now.Gate.DataDir},
		{"cluster", c.Cluster != now.Cluster},
		{"central", c.Central != now.Central},
		{"web.listen", c.Web.Listen != now.Web.Listen},
		{"clock.trust", c.Clock.Trust != now.Clock.Trust},
	} {
		if f.changed {
			fixed = append(fixed, config.Error{Path: f.path, Problem: "cannot change while the gate is running; restart it"})
		}
	}
	if len(fixed) > 0 {
		return fixed
	}
	if a.lanesCtx == nil {
		return errors.New("the gate is not running yet")
	}
	if err := a.lanes.apply(a.lanesCtx, a.packs.roster().number(c.Gate.ID, c.Lanes)); err != nil {
		return err
	}
	a.cfg.Store(c)
	a.hub.Changed()
	a.log.Info().Int("lanes", len(c.Lanes)).Msg("configuration reloaded")
	return nil
}

// ReloadFailed notes that a new configuration could not even be read.
func (a *Appliance) ReloadFailed(err error) {
	a.health.Set(a.clock.Now(), health.ConfigReloadFailed, "", health.Detail{Cause: err.Error()})
}

func (a *Appliance) buildLane(c *config.Lane, d *devices) *lane.Lane {
	o := laneOptions(c, d)
	o.Packs, o.Ledger, o.Claims, o.Journal, o.Clock, o.Display = a.packs, a.ledger, a.claimer, a.journal, a.clock, a
	return lane.New(o)
}
