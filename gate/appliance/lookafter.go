package appliance

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/web"
)

// lowDisk is what a gate needs to have left: some 400 000 records.
const lowDisk = 64 << 20

// lookAfter checks, every few seconds, what nobody else would notice: the
// clock, the disk, the age of the packs, lanes that cannot work. It also tells
// the service manager that the gate is alive.
func (a *Appliance) lookAfter(ctx context.Context) {
	ticker := time.NewTicker(a.tick)
	defer ticker.Stop()
	for {
		a.checkUp(a.clock.Now())
		if len(a.open) > 0 && !a.broken.Load() {
			if err := a.settleOpen(ctx); err != nil && ctx.Err() == nil {
				a.log.Debug().Err(err).Msg("what the last run left open is still open")
			}
		}
		a.notify("WATCHDOG=1")
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// checkUp makes the warnings those of now.
func (a *Appliance) checkUp(now time.Time) {
	set := func(on bool, code health.Code, subject string, detail health.Detail) {
		if on {
			a.health.Set(now, code, subject, detail)
		} else {
			a.health.Clear(now, code, subject)
		}
	}
	a.clock.check()
	set(!a.clock.Trusted(), health.ClockUntrusted, "", health.Detail{})
	a.status.power.check(now, a.health)

	dir := a.config().Gate.DataDir
	left, err := freeBytes(dir)
	set(err == nil && left < lowDisk, health.DiskLow, dir, health.Detail{Bytes: left / (1 << 20) * (1 << 20)})

	r := a.packs.roster()
	set(len(r.packs) == 0, health.PackMissing, "", health.Detail{})
	if sum := r.summary(a.packs.renewals()); sum != nil {
		age := now.Sub(later(sum.Made, time.Unix(a.confirmed.Load(), 0)))
		set(age > time.Duration(a.config().Pack.OldAfter), health.PackOld, "", health.Detail{Age: age.Truncate(time.Hour)})
		expired := !sum.Expires.IsZero() && now.After(sum.Expires)
		set(expired, health.PackExpired, "", health.Detail{At: sum.Expires})
	}
	a.checkRoster(now, r, a.config())
	a.checkUplink(now)
	a.checkIncarnation()
	a.checkClaims(now)
	a.checkCluster(now)
	a.checkPhones(now)
	a.trustRoster()
	a.showFires()
	for _, path := range append(a.vault.loose(), r.loose...) {
		a.health.Set(now, health.KeyFileLoose, path, health.Detail{})
	}
	for _, run := range a.lanes.all() {
		v := a.laneView(run, r)
		_, known := r.lanes[run.config.ID]
		set(known && !v.Ready && !v.Closed, health.LaneDown, v.Name, health.Detail{})
		set(v.Barrier == web.BarrierUnknown, health.BarrierUnknown, v.Name, health.Detail{})
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// freeBytes returns what an ordinary user may still write under dir.
func freeBytes(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert // 32 bits wide on arm
}

// logHealth writes down how a warning changed. What it was about is over once it
// is cleared, so its cause is left out.
func (a *Appliance) logHealth(c health.Change) {
	line := a.log.Info()
	if c.Event != health.Cleared && c.Active.Severity() != health.Info {
		line = a.log.Warn()
	}
	line.Str("code", string(c.Active.Code)).Str("about", c.Active.Subject)
	if c.Event != health.Cleared {
		line.Str("cause", c.Active.Detail.Cause)
	}
	line.Stringer("change", c.Event).Msg("health")
	a.hub.Changed()
}
