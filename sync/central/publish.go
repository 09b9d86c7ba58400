package central

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/venuegate/venuegate/sync/pack"
)

// Publish signs the venue's documents and tickets as they are now and puts them
// in its repository. Gates see the new version when all of it is there.
func (o *Office) Publish(ctx context.Context, now time.Time) (pack.Result, error) {
	unlock, err := lock(o.dir)
	if err != nil {
		return pack.Result{}, err
	}
	defer unlock()
	keys, err := pack.LoadKeys(Keys(o.dir))
	if err != nil {
		return pack.Result{}, err
	}
	content := pack.Content{Venue: o.venue}
	for _, e := range o.events {
		content.Events = append(content.Events, pack.EventContent{Event: e.Event, Tickets: o.storage.Tickets(e.id())})
	}
	return pack.Build(ctx, Repository(o.dir), keys, content, now)
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
