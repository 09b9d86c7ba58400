package central

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/pack"
)

// mostChanges is how long an overlay may grow before new shards are made of it.
// Gates read the whole overlay every few seconds.
const mostChanges = 20_000

// Publish signs the venue's documents and tickets as they are now and puts them
// in its repository. Gates see the new version when all of it is there.
func (o *Office) Publish(ctx context.Context, now time.Time) (pack.Result, error) {
	return o.publish(ctx, now, true)
}

// PublishDocuments is Publish for a change of the venue, an event or the gates:
// it reads no ticket but those that changed. Where nothing was published yet, or
// too much changed, it is Publish.
func (o *Office) PublishDocuments(ctx context.Context, now time.Time) (pack.Result, error) {
	if _, err := o.Root(); errors.Is(err, ErrNotPublished) {
		return o.publish(ctx, now, true)
	}
	result, err := o.publish(ctx, now, false)
	if errors.Is(err, ErrManyChanges) {
		return o.publish(ctx, now, true)
	}
	return result, err
}

func (o *Office) publish(ctx context.Context, now time.Time, shards bool) (pack.Result, error) {
	unlock, err := lock(o.dir)
	if err != nil {
		return pack.Result{}, err
	}
	defer unlock()
	keys, err := pack.LoadKeys(Keys(o.dir))
	if err != nil {
		return pack.Result{}, err
	}
	content := pack.Content{Venue: o.Venue()}
	if book, ok := o.storage.(Book); ok {
		if content.Sealed, err = o.sealed(book, now); err != nil {
			return pack.Result{}, err
		}
	}
	log, hasLog := o.storage.(ChangeLog)
	marks := map[gate.EventID]uint64{}
	for _, e := range o.all() {
		c := pack.EventContent{Event: e.Event}
		switch {
		case !hasLog:
			c.Tickets = o.storage.Tickets(e.id())
		case shards:
			// Taken before the tickets are read: what changes meanwhile stays noted.
			if marks[e.id()], err = log.Mark(e.id()); err != nil {
				return pack.Result{}, err
			}
			c.Tickets = o.storage.Tickets(e.id())
		default:
			if c.Changes, marks[e.id()], err = log.Changes(e.id(), mostChanges); err != nil {
				return pack.Result{}, err
			}
		}
		content.Events = append(content.Events, c)
	}
	result, err := pack.Build(ctx, Repository(o.dir), keys, content, now)
	if err != nil || !hasLog {
		return result, err
	}
	for event, mark := range marks {
		if shards {
			err = errors.Join(err, log.Settle(event, mark))
		}
		o.setOverlay(event, mark)
	}
	return result, err
}

// PublishChanges tells gates of the tickets that changed, and of nothing else:
// it takes some milliseconds, whatever the number of tickets. Result.Version is
// zero when there was nothing to tell. When there is more to tell than an
// overlay should hold, it is Publish.
func (o *Office) PublishChanges(ctx context.Context, now time.Time) (pack.Result, error) {
	log, hasLog := o.storage.(ChangeLog)
	if _, err := o.Root(); !hasLog || errors.Is(err, ErrNotPublished) {
		return o.Publish(ctx, now)
	}
	result, err := o.publishOverlays(ctx, log, now)
	if errors.Is(err, ErrManyChanges) {
		return o.Publish(ctx, now)
	}
	return result, err
}

func (o *Office) publishOverlays(ctx context.Context, log ChangeLog, now time.Time) (result pack.Result, err error) {
	unlock, err := lock(o.dir)
	if err != nil {
		return result, err
	}
	defer unlock()
	keys, err := pack.LoadKeys(Keys(o.dir))
	if err != nil {
		return result, err
	}
	venue := o.Venue()
	for _, e := range o.all() {
		changes, mark, err := log.Changes(e.id(), mostChanges)
		if err != nil {
			return result, err
		}
		if o.overlayAt(e.id(), mark) {
			continue
		}
		if result, err = pack.PublishOverlay(ctx, Repository(o.dir), keys, e.Event, venue, changes, now); err != nil {
			return result, err
		}
		o.setOverlay(e.id(), mark)
	}
	return result, nil
}

// overlayAt reports whether the published overlay is of this mark.
func (o *Office) overlayAt(event gate.EventID, mark uint64) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	had, ok := o.overlay[event]
	return ok && had == mark
}

func (o *Office) setOverlay(event gate.EventID, mark uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.overlay[event] = mark
}

// Root returns the first root of the venue's repository, with which gates are
// enrolled. ErrNotPublished comes before the first Publish.
func (o *Office) Root() ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(Repository(o.dir), "metadata", "1.root.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotPublished
	}
	if err != nil {
		return nil, fmt.Errorf("read the root: %w", err)
	}
	return data, nil
}

// ErrNotPublished is a venue whose repository was never signed.
var ErrNotPublished = errors.New("the repository was never published")
