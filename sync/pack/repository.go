package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"github.com/venuegate/venuegate/gate"
)

// Repository is a verified repository at one version. Tickets are fetched and
// verified as they are read.
type Repository struct {
	Venue     *Venue
	VenueJSON []byte // as it was signed

	from    Fetcher
	trust   string
	set     *trustedmetadata.TrustedMetadata
	fetched map[string][]byte // metadata that came on the way, by base name
	now     time.Time
	events  []*EventPack
}

// EventPack is one event of a repository.
type EventPack struct {
	ID      gate.EventID
	Event   *Event
	JSON    []byte // event.json as it was signed
	Tickets int    // in the shards; late sales in the overlay come on top
	Digest  string // of everything that makes the pack: equal digests, equal packs
	Base    string // of the same but for the overlay: equal bases differ by Changes only
	shards  []shard
}

// Warning says that a signature should have been renewed by now. The gate
// keeps working, and says so.
type Warning struct {
	Role    string // root, timestamp, snapshot, targets, shards or overlay
	Expired time.Time
}

// Version returns the version of the signed snapshot. It only grows.
func (r *Repository) Version() uint64 { return uint64(r.set.Snapshot.Signed.Version) }

// Root returns the version of the root that everything was verified by.
func (r *Repository) Root() uint64 { return uint64(r.set.Root.Signed.Version) }

// Issued returns when the snapshot was signed; zero when it does not say.
func (r *Repository) Issued() time.Time {
	text, _ := r.set.Snapshot.Signed.UnrecognizedFields[issuedField].(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}

// Events returns the events by ascending id.
func (r *Repository) Events() []*EventPack { return r.events }

// Event returns one event.
func (r *Repository) Event(id gate.EventID) (*EventPack, bool) {
	for _, e := range r.events {
		if e.ID == id {
			return e, true
		}
	}
	return nil, false
}

// Expires returns when the first signature should be renewed.
func (r *Repository) Expires() time.Time {
	var first time.Time
	r.eachExpiry(func(_ string, at time.Time) {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	})
	return first
}

// Warnings returns what is expired at the time that Open was given.
func (r *Repository) Warnings() []Warning {
	var found []Warning
	r.eachExpiry(func(role string, at time.Time) {
		if r.now.After(at) {
			found = append(found, Warning{Role: role, Expired: at})
		}
	})
	return found
}

func (r *Repository) eachExpiry(each func(role string, at time.Time)) {
	each(metadata.ROOT, r.set.Root.Signed.Expires)
	each(metadata.TIMESTAMP, r.set.Timestamp.Signed.Expires)
	each(metadata.SNAPSHOT, r.set.Snapshot.Signed.Expires)
	for _, role := range []string{metadata.TARGETS, roleShards, roleOverlay} {
		each(role, r.set.Targets[role].Signed.Expires)
	}
}

// Accept makes this version the one that no older may follow. Call it once
// what the repository holds is in use: a repository whose shards turn out to
// be damaged then does not shut out the sound one before it.
func (r *Repository) Accept() error {
	for _, f := range []struct {
		file    string
		version int64 // zero: unversioned
	}{
		{fileShards, r.set.Targets[roleShards].Signed.Version},
		{fileOverlay, r.set.Targets[roleOverlay].Signed.Version},
		{fileTargets, r.set.Targets[metadata.TARGETS].Signed.Version},
		{fileSnapshot, r.set.Snapshot.Signed.Version},
		{fileTimestamp, 0},
	} {
		name := f.file
		if f.version != 0 {
			name = strconv.FormatInt(f.version, 10) + "." + f.file
		}
		data, ok := r.fetched[name]
		if !ok || f.version == 0 && !r.timestampIsOurs(data) {
			continue // what is in the directory already is what was used
		}
		into := filepath.Join(r.trust, f.file)
		if had, err := os.ReadFile(into); err == nil && bytes.Equal(had, data) {
			continue // asked every few seconds, a card would wear out
		}
		if err := writeFile(into, data); err != nil {
			return fmt.Errorf("pack: accept version %d: %w", r.Version(), err)
		}
	}
	return nil
}

// timestampIsOurs reports whether fetched bytes are the timestamp that was
// verified: one of the version accepted before is never looked at.
func (r *Repository) timestampIsOurs(data []byte) bool {
	t, err := metadata.Timestamp().FromBytes(data)
	return err == nil && t.Signed.Version == r.set.Timestamp.Signed.Version && r.set.Root.VerifyDelegate(metadata.TIMESTAMP, t) == nil
}

// Tickets returns the tickets of an event, in ascending order of their ids and
// with the overlay's changes made. Each shard is fetched, compared with what
// was signed and decoded on the way, a few of them at a time. The stream ends
// with the first error: a [*LineError], [*TamperedError] or [*MissingError].
func (r *Repository) Tickets(ctx context.Context, id gate.EventID) iter.Seq2[gate.Ticket, error] {
	return func(yield func(gate.Ticket, error) bool) {
		if err := r.stream(ctx, id, func(t gate.Ticket) bool { return yield(t, nil) }); err != nil {
			yield(gate.Ticket{}, err)
		}
	}
}

// stream calls yield with every ticket until it returns false.
func (r *Repository) stream(ctx context.Context, id gate.EventID, yield func(gate.Ticket) bool) error {
	e, ok := r.Event(id)
	if !ok {
		return &MissingError{File: eventFile(uint32(id))}
	}
	c, err := newCodec()
	if err != nil {
		return err
	}
	defer c.close()
	rules := newEventRules(e.Event, r.Venue)
	changes, err := r.overlayOf(ctx, c, id, rules)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	m := merger{overlay: changes, yield: yield}
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	for slot := range r.readAhead(ctx, &readers, c, e, rules) {
		got := <-slot
		if got.err != nil {
			return got.err
		}
		for i := range got.tickets {
			if more, err := m.next(&got.tickets[i]); err != nil || !more {
				return err
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return m.finish()
}

type decoded struct {
	tickets []gate.Ticket
	err     error
}

// readAhead decodes shards on all cores and hands them over in their order, as
// slots that are filled later. No more shards are in memory than there are
// cores and slots.
func (r *Repository) readAhead(ctx context.Context, wg *sync.WaitGroup, c *codec, e *EventPack, rules *eventRules) <-chan chan decoded {
	cores := runtime.GOMAXPROCS(0)
	slots := make(chan chan decoded, cores)
	working := make(chan struct{}, cores)
	targets := r.set.Targets[roleShards].Signed.Targets
	wg.Go(func() {
		defer close(slots)
		for i := range e.shards {
			slot := make(chan decoded, 1)
			select {
			case working <- struct{}{}:
			case <-ctx.Done():
				return
			}
			wg.Go(func() {
				defer func() { <-working }()
				data, err := r.fetch(ctx, targets, e.shards[i].target, maxShardFile)
				var d decoded
				if d.err = err; err == nil {
					d.tickets, d.err = e.shards[i].decode(c, data, rules)
				}
				slot <- d
			})
			select {
			case slots <- slot:
			case <-ctx.Done():
				return
			}
		}
	})
	return slots
}

func (r *Repository) overlayOf(ctx context.Context, c *codec, id gate.EventID, rules *eventRules) (*overlay, error) {
	targets := r.set.Targets[roleOverlay].Signed.Targets
	name := overlayName(uint32(id))
	if targets[name] == nil {
		return &overlay{target: name}, nil
	}
	data, err := r.fetch(ctx, targets, name, maxOverlayFile)
	if err != nil {
		return nil, err
	}
	return readOverlay(c, name, data, rules)
}

// errStop says that the reader of the stream wants no more.
var errStop = errors.New("stopped")

// merger brings tickets up to date and puts late ones between them.
type merger struct {
	overlay *overlay
	yield   func(gate.Ticket) bool
	applied int // tickets that the overlay changed
}

// next hands on the late tickets before t, then t. It reports whether more are
// wanted.
func (m *merger) next(t *gate.Ticket) (bool, error) {
	if err := m.late(t.ID, false); err != nil {
		if errors.Is(err, errStop) {
			err = nil
		}
		return false, err
	}
	if len(m.overlay.changes) > 0 && m.overlay.changes[t.ID] != nil {
		m.applied++
		if err := m.overlay.apply(t, t.ID, true); err != nil {
			return false, err
		}
	}
	return m.yield(*t), nil
}

// late hands on the late tickets below an id, or all that are left, and skips
// that id itself.
func (m *merger) late(before gate.TicketID, all bool) error {
	o := m.overlay
	for len(o.whole) > 0 && (all || o.whole[0] < before) {
		var t gate.Ticket
		m.applied++
		if err := o.apply(&t, o.whole[0], false); err != nil {
			return err
		}
		o.whole = o.whole[1:]
		if !m.yield(t) {
			return errStop
		}
	}
	if len(o.whole) > 0 && o.whole[0] == before {
		o.whole = o.whole[1:]
	}
	return nil
}

// finish hands on what is late at the end, and refuses an overlay that speaks
// of tickets that do not exist.
func (m *merger) finish() error {
	if err := m.late(0, true); err != nil {
		if errors.Is(err, errStop) {
			return nil
		}
		return err
	}
	if m.applied < len(m.overlay.changes) {
		return &LineError{
			Target: m.overlay.target, Field: "id",
			Why: fmt.Sprintf("%d changes are of tickets that do not exist", len(m.overlay.changes)-m.applied),
		}
	}
	return nil
}
