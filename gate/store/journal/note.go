package journal

import (
	"context"
	"fmt"

	"github.com/venuegate/venuegate/gate/ledger"
)

// Note appends a record that nobody waits for, such as a refusal. It copies rec
// and returns at once. While 1 024 such records are waiting it blocks until
// there is room, ctx ends, or the journal is down. A record that Note has taken
// is written, if need be in a later epoch; what could not be written at the end
// is counted in Close's error.
func (j *Journal) Note(ctx context.Context, rec *ledger.Record) error {
	if err := j.check(ctx, rec); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.notes) == noteQueue && !j.closed {
		if j.down != nil && !j.busy {
			return j.down
		}
		if err := j.awaitRoom(ctx); err != nil {
			return err
		}
	}
	if j.closed {
		return ErrClosed
	}
	j.notes = append(j.notes, *rec)
	if !j.busy && j.down == nil {
		j.wakeOwner()
	}
	return nil
}

// awaitRoom waits, with the lock given back meanwhile, until something changed.
func (j *Journal) awaitRoom(ctx context.Context) error {
	j.waiting++
	j.mu.Unlock()
	var err error
	select {
	case <-j.room:
	case <-j.done:
	case <-ctx.Done():
		err = fmt.Errorf("journal: no room for the record: %w", ctx.Err())
	}
	j.mu.Lock()
	j.waiting--
	j.signalRoom() // the next one looks for itself
	return err
}

func (j *Journal) signalRoom() {
	if j.waiting > 0 {
		select {
		case j.room <- struct{}{}:
		default:
		}
	}
}
