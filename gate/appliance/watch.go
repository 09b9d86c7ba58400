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
	installed, err := InstallPacks(ctx, a.packs.store, dir, a.config().Gate.DataDir, a.clock.Now())
	now := a.clock.Now()
	for _, info := range installed {
		a.log.Info().Uint32("event", uint32(info.Event)).Uint64("version", info.Version).Int("tickets", info.Tickets).Msg("pack installed")
	}
	if len(installed) > 0 {
		a.packs.roster()
		a.hub.Changed()
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		a.health.Set(now, health.PackRejected, dir, health.Detail{Cause: err.Error()})
	default:
		a.confirmed.Store(now.Unix())
		a.health.Clear(now, health.PackRejected, dir)
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
	repo, err := pack.Open(ctx, from, filepath.Join(dataDir, "trust"), now)
	if err != nil {
		return nil, err
	}
	var installed []store.Info
	var errs []error
	for _, e := range repo.Events() {
		if had, ok := inUse(into, e.ID); ok && had.Digest == e.Digest {
			continue
		}
		info, err := installEvent(ctx, into, repo, e, repository, now)
		switch {
		case errors.Is(err, store.ErrInstalled):
		case err != nil:
			errs = append(errs, fmt.Errorf("event %d: %w", e.ID, err))
		default:
			installed = append(installed, info)
		}
	}
	if len(errs) == 0 {
		errs = append(errs, repo.Accept())
	}
	return installed, errors.Join(errs...)
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
