package clustertest_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/journal"
)

// follower reads a gate's journal while the gate writes it. It remembers what it
// has read, so that what a gate forgets is noticed.
type follower struct {
	dir  string
	stop context.CancelFunc
	done chan struct{}
	lost []ledger.Record // of journals that were wiped

	mu      sync.Mutex
	records []ledger.Record
	at      []time.Time
	changed chan struct{} // closed at the next record
}

const followEvery = 2 * time.Millisecond

func follow(t *testing.T, dir string) *follower {
	ctx, stop := context.WithCancel(context.Background())
	f := &follower{dir: dir, stop: stop, done: make(chan struct{}), changed: make(chan struct{})}
	go func() {
		defer close(f.done)
		if err := f.run(ctx); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	}()
	t.Cleanup(f.close)
	return f
}

func (f *follower) close() {
	f.stop()
	<-f.done
}

func (f *follower) run(ctx context.Context) error {
	var tail *journal.Tail
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if tail == nil {
			var err error
			if tail, err = journal.OpenTail(f.dir, ledger.Position{}); errors.Is(err, fs.ErrNotExist) {
				tail = nil
				continue // the gate has not begun it yet
			} else if err != nil {
				return err
			}
		}
		for {
			var r ledger.Record
			more, err := tail.Next(&r)
			if err != nil {
				return err
			}
			if !more {
				break
			}
			f.add(&r)
		}
	}
}

func (f *follower) add(r *ledger.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records, f.at = append(f.records, *r), append(f.at, time.Now())
	close(f.changed)
	f.changed = make(chan struct{})
}

// mark returns how many records there are.
func (f *follower) mark() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.records)
}

// all returns the records that there are.
func (f *follower) all() []ledger.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.records)
}

// await returns the first record from an index on that ok accepts, and when it
// was seen.
func (f *follower) await(ctx context.Context, from int, ok func(*ledger.Record) bool) (ledger.Record, time.Time, error) {
	for {
		f.mu.Lock()
		for ; from < len(f.records); from++ {
			if ok(&f.records[from]) {
				defer f.mu.Unlock()
				return f.records[from], f.at[from], nil
			}
		}
		changed := f.changed
		f.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ledger.Record{}, time.Time{}, ctx.Err()
		}
	}
}
