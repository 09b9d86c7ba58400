package appliance

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/sync/pack"
)

// watchRepository looks for a newer pack until ctx ends, and puts it in use
// between two scans.
func (a *Appliance) watchRepository(ctx context.Context) {
	for {
		if dir := a.config().Pack.Repository; dir != "" {
			a.lookForPack(ctx, dir)
		}
		select {
		case <-time.After(time.Duration(a.config().Pack.Poll)):
		case <-ctx.Done():
			return
		}
	}
}

// lookForPack installs what is new in a repository. What is wrong with it
// changes nothing but a warning.
func (a *Appliance) lookForPack(ctx context.Context, dir string) {
	found, err := lookIn(ctx, a.packs.store, dir, a.config().Gate.DataDir, a.clock.Now())
	now := a.clock.Now()
	for _, info := range found.installed {
		a.log.Info().Uint32("event", uint32(info.Event)).Uint64("version", info.Version).Int("tickets", info.Tickets).Msg("pack installed")
	}
	if len(found.renewed) > 0 {
		a.packs.renewed.Store(&found.renewed)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		a.health.Set(now, health.PackRejected, dir, health.Detail{Cause: err.Error()})
	default:
		a.confirmed.Store(now.Unix())
		a.health.Clear(now, health.PackRejected, dir)
		a.health.Clear(now, health.PackUnusable, packsOnDisk)
		a.dropEvents(now, found.dropped)
	}
	if len(found.installed) > 0 {
		a.packs.roster()
		a.hub.Changed()
	}
}

// InstallPacks verifies the signed repository in a directory against what the
// gate trusts, and installs the events that have changed. It returns what it
// installed; an event that fails does not keep the others out.
func InstallPacks(ctx context.Context, into *store.Packs, repository, dataDir string, now time.Time) ([]store.Info, error) {
	found, err := lookIn(ctx, into, repository, dataDir, now)
	return found.installed, err
}

// foundPacks is what a look into a repository came to.
type foundPacks struct {
	installed []store.Info
	renewed   renewals
	dropped   []*gate.Policy // of events in use that a sound repository does not have
}

func lookIn(ctx context.Context, into *store.Packs, repository, dataDir string, now time.Time) (found foundPacks, err error) {
	from, err := pack.OpenDir(repository)
	if err != nil {
		return found, err
	}
	defer func() { _ = from.Close() }()
	repo, err := pack.Open(ctx, from, filepath.Join(dataDir, "trust"), now)
	if err != nil {
		return found, err
	}
	found.renewed = renewals{}
	var errs []error
	for _, e := range repo.Events() {
		if had, ok := inUse(into, e.ID); !ok || had.Digest != e.Digest {
			info, err := installEvent(ctx, into, repo, e, repository, now)
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

func installEvent(ctx context.Context, into *store.Packs, repo *pack.Repository, e *pack.EventPack, origin string, now time.Time) (store.Info, error) {
	policy, err := e.Event.Policy()
	if err != nil {
		return store.Info{}, err
	}
	return into.Install(ctx, store.Source{
		Event: e.ID, Version: repo.Version(), Digest: e.Digest,
		Venue: repo.VenueJSON, Document: e.JSON, Policy: policy,
		Issued: repo.Issued(), Expires: repo.Expires(), Origin: "directory " + origin, Verified: fmt.Sprintf("root %d", repo.Root()),
		At: now,
	}, repo.Tickets(ctx, e.ID))
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
