package appliance

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/sync/pack"
)

// watchRepository looks for a newer pack until ctx ends, on every way that there
// is, and puts it in use between two scans.
func (a *Appliance) watchRepository(ctx context.Context) {
	defer a.ways.close()
	for {
		if due := a.ways.now(a.config(), a.clock.Now()); len(due) > 0 {
			a.lookForPack(ctx, due)
		}
		select {
		case <-time.After(a.ways.next(a.clock.Now())):
		case <-ctx.Done():
			return
		}
	}
}

// lookForPack installs what is new on some ways. What is wrong with one changes
// nothing but a warning.
func (a *Appliance) lookForPack(ctx context.Context, due []pack.Way) {
	repo, report, err := a.mirror.Sync(ctx, due, a.clock.Now())
	if ctx.Err() != nil {
		return
	}
	now := a.clock.Now()
	a.reportWays(now, &report)
	if err != nil {
		if !errors.Is(err, pack.ErrNoPack) {
			a.health.Set(now, health.PackRejected, mirrorName, health.Detail{Cause: err.Error()})
		}
		return
	}
	found, err := install(ctx, a.packs.store, repo, report.From, now)
	for _, info := range found.installed {
		a.log.Info().Uint32("event", uint32(info.Event)).Uint64("version", info.Version).Int("tickets", info.Tickets).Str("from", report.From).Msg("pack installed")
	}
	if len(found.renewed) > 0 {
		a.packs.renewed.Store(&found.renewed)
	}
	a.renewKeys(ctx, repo)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		a.health.Set(now, health.PackRejected, mirrorName, health.Detail{Cause: err.Error()})
	default:
		a.health.Clear(now, health.PackRejected, mirrorName)
		a.health.Clear(now, health.PackUnusable, packsOnDisk)
		a.dropEvents(now, found.dropped)
	}
	if err == nil {
		a.ways.brought(&report)
	}
	if len(found.installed) > 0 {
		a.numberLanes()
		a.trustRoster()
		a.hub.Changed()
	}
}

// mirrorName is what warnings about this gate's own part in it are about.
const mirrorName = "this gate"

// reportWays makes the warnings about ways those of now.
func (a *Appliance) reportWays(now time.Time, report *pack.Report) {
	for i := range report.Ways {
		w := &report.Ways[i]
		switch {
		case rejected(w):
			a.health.Set(now, health.PackRejected, w.Name, health.Detail{Cause: causeOf(w.Err)})
		case w.State == pack.StateResting, w.State == pack.StateSlow:
			continue // nothing new is known of it
		case w.State != pack.StateUnreachable:
			a.health.Clear(now, health.PackRejected, w.Name)
			a.confirmed.Store(now.Unix())
		}
		if w.Name == centralName {
			if w.State == pack.StateUnreachable {
				a.health.Set(now, health.CentralDown, "", health.Detail{Cause: causeOf(w.Err)})
			} else {
				a.health.Clear(now, health.CentralDown, "")
			}
		}
	}
}

// renewKeys takes what the repository has sealed to this gate.
func (a *Appliance) renewKeys(ctx context.Context, repo *pack.Repository) {
	changed, err := a.vault.renew(ctx, repo, a.config().Gate.ID)
	now := a.clock.Now()
	if err != nil {
		a.health.Set(now, health.KeysUnusable, "", health.Detail{Cause: err.Error()})
	} else {
		a.health.Clear(now, health.KeysUnusable, "")
	}
	if !changed {
		return
	}
	a.log.Info().Msg("new keys for this gate")
	a.packs.remake()
	if a.cluster != nil {
		a.cluster.setKeys(a.vault.network())
	}
}

// InstallPacks verifies the signed repository in a directory against what the
// gate trusts, and installs the events that have changed. It returns what it
// installed; an event that fails does not keep the others out.
func InstallPacks(ctx context.Context, into *store.Packs, repository, dataDir string, now time.Time) ([]store.Info, error) {
	from, err := pack.OpenDir(repository)
	if err != nil {
		return nil, err
	}
	defer func() { _ = from.Close() }()
	repo, err := pack.Open(ctx, from, filepath.Join(dataDir, pack.DirTrust), now)
	if err != nil {
		return nil, err
	}
	found, err := install(ctx, into, repo, "directory "+repository, now)
	return found.installed, err
}

// foundPacks is what a look into a repository came to.
type foundPacks struct {
	installed []store.Info
	renewed   renewals
	dropped   []*gate.Policy // of events in use that a sound repository does not have
}

// install puts the events of a verified repository that have changed in use.
func install(ctx context.Context, into *store.Packs, repo *pack.Repository, origin string, now time.Time) (found foundPacks, err error) {
	found.renewed = renewals{}
	var errs []error
	for _, e := range repo.Events() {
		if had, ok := inUse(into, e.ID); !ok || had.Digest != e.Digest {
			info, err := installEvent(ctx, into, repo, e, origin, now)
			switch {
			case errors.Is(err, store.ErrInstalled):
				continue
			case err != nil:
				errs = append(errs, fmt.Errorf("event %d: %w", e.ID, err))
				continue
			}
			found.installed = append(found.installed, info)
		}
		found.renewed[e.ID] = renewal{e.Digest, repo.Issued(), repo.Expires()}
	}
	if len(errs) == 0 {
		errs = append(errs, repo.Accept())
	}
	held := into.Acquire()
	defer func() { _ = held.Release() }()
	for _, p := range held.Packs() {
		if _, there := repo.Event(p.Info().Event); !there {
			found.dropped = append(found.dropped, p.Policy())
		}
	}
	return found, errors.Join(errs...)
}

// installEvent puts one event in use: as a patch of what is installed where only
// the overlay is another, or else whole.
func installEvent(ctx context.Context, into *store.Packs, repo *pack.Repository, e *pack.EventPack, origin string, now time.Time) (store.Info, error) {
	policy, err := e.Event.Policy()
	if err != nil {
		return store.Info{}, err
	}
	src := store.Source{
		Event: e.ID, Version: repo.Version(), Digest: e.Digest, Base: e.Base,
		Venue: repo.VenueJSON, Document: e.JSON, Policy: policy,
		Issued: repo.Issued(), Expires: repo.Expires(), Origin: origin, Verified: fmt.Sprintf("root %d", repo.Root()),
		At: now,
	}
	info, err := into.Patch(ctx, src, func(base store.Lookup) iter.Seq2[gate.Ticket, error] {
		return repo.Changes(ctx, e.ID, base)
	})
	// A file that is damaged under the gate is built anew.
	if errors.Is(err, store.ErrNotOnBase) || errors.As(err, new(*store.DamagedError)) {
		info, err = into.Install(ctx, src, repo.Tickets(ctx, e.ID))
	}
	return info, err
}

func inUse(packs *store.Packs, event gate.EventID) (store.Info, bool) {
	held := packs.Acquire()
	defer func() { _ = held.Release() }()
	p, ok := held.Event(event)
	if !ok {
		return store.Info{}, false
	}
	return p.Info(), true
}
