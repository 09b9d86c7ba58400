package pack

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/venuegate/venuegate/gate"
)

// Content is what the issuer publishes.
type Content struct {
	Venue  *Venue
	Events []EventContent // one that was there before and is not here is dropped
	// Sealed are keys for single gates, by gate id: what only that gate can
	// open. The package does not look inside. A gate that is not here has none.
	Sealed map[uint32][]byte
}

// EventContent is one event of it.
type EventContent struct {
	Event *Event
	// Tickets are the event's, in ascending order of their ids. When it is nil,
	// the shards stay as they are.
	Tickets iter.Seq2[gate.Ticket, error]
	// Changes are the whole overlay: what happened since the tickets above.
	Changes []Change
}

// Result is what a build did.
type Result struct {
	Version uint64 // of the signed snapshot
	Root    uint64
	Tickets int // in the shards that were looked at
	Written int // shards that are new or changed
	Kept    int // shards that stayed as they were
}

// How long signatures hold. Past half of it a build renews them, past all of it
// gates warn and keep working.
const (
	lifeRoot      = 2 * 365 * 24 * time.Hour
	lifeTargets   = 365 * 24 * time.Hour
	lifeShards    = 90 * 24 * time.Hour
	lifeOverlay   = 30 * 24 * time.Hour
	lifeSnapshot  = 30 * 24 * time.Hour
	lifeTimestamp = 14 * 24 * time.Hour
)

// Build publishes content in a directory, which may hold an earlier version.
// Only what changed is written: a shard whose tickets are the same stays the
// same file. Everything is written beside what is there and becomes visible
// with the timestamp, the last file; a build that fails changes nothing for
// those who read the directory. One build at a time.
func Build(ctx context.Context, dir string, keys *KeySet, content Content, now time.Time) (Result, error) {
	b, err := newBuild(ctx, dir, keys, now)
	if err != nil {
		return Result{}, err
	}
	defer b.codec.close()
	if err := b.content(content); err != nil {
		return Result{}, fmt.Errorf("pack: build: %w", err)
	}
	if err := b.sign(true); err != nil {
		return Result{}, fmt.Errorf("pack: build: %w", err)
	}
	return b.result, nil
}

// PublishOverlay replaces the overlay of one event. It needs the private keys
// of overlay, snapshot and timestamp only, and signs nothing else anew.
func PublishOverlay(ctx context.Context, dir string, keys *KeySet, event *Event, venue *Venue, changes []Change, now time.Time) (Result, error) {
	b, err := newBuild(ctx, dir, keys, now)
	if err != nil {
		return Result{}, err
	}
	defer b.codec.close()
	if b.had == nil {
		return Result{}, fmt.Errorf("pack: publish overlay: %w", &MissingError{File: "metadata/timestamp.json"})
	}
	if err := b.overlay(newEventRules(event, venue), changes); err != nil {
		return Result{}, fmt.Errorf("pack: publish overlay: %w", err)
	}
	if err := b.sign(false); err != nil {
		return Result{}, fmt.Errorf("pack: publish overlay: %w", err)
	}
	return b.result, nil
}

// build is one run.
type build struct {
	ctx    context.Context
	dir    string
	keys   *KeySet
	now    time.Time
	codec  *codec
	had    *issued // what the directory holds; nil: nothing
	lists  map[string]targetList
	result Result
}

// targetList is the targets of one role.
type targetList map[string]*metadata.TargetFiles

func newBuild(ctx context.Context, dir string, keys *KeySet, now time.Time) (*build, error) {
	for _, d := range []string{"metadata", "targets"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, fmt.Errorf("pack: build: %w", err)
		}
	}
	had, err := readIssued(dir, keys)
	if err != nil {
		return nil, err
	}
	c, err := newCodec()
	if err != nil {
		return nil, fmt.Errorf("pack: build: %w", err)
	}
	b := &build{ctx: ctx, dir: dir, keys: keys, now: now.UTC().Truncate(time.Second), codec: c, had: had}
	b.lists = map[string]targetList{metadata.TARGETS: {}, roleShards: {}, roleOverlay: {}}
	if had != nil {
		for role := range b.lists {
			for name, f := range had.targets[role].Signed.Targets {
				b.lists[role][name] = f
			}
		}
	}
	return b, nil
}

// before returns what an earlier version says of a target.
func (b *build) before(role, name string) *metadata.TargetFiles {
	if b.had == nil {
		return nil
	}
	return b.had.targets[role].Signed.Targets[name]
}

func (b *build) content(c Content) error {
	if err := c.Venue.Validate(); err != nil {
		return err
	}
	b.lists = map[string]targetList{metadata.TARGETS: {}, roleShards: {}, roleOverlay: {}}
	if err := b.document("venue.json", c.Venue); err != nil {
		return err
	}
	if err := b.sealed(c.Venue, c.Sealed); err != nil {
		return err
	}
	for i := range c.Events {
		e := &c.Events[i]
		if err := e.Event.ValidateIn(c.Venue); err != nil {
			return err
		}
		name := eventFile(e.Event.ID)
		if b.lists[metadata.TARGETS][name] != nil {
			return &DocumentError{name, []Problem{{"id", "event is there twice"}}}
		}
		if err := b.document(name, e.Event); err != nil {
			return err
		}
		rules := newEventRules(e.Event, c.Venue)
		if err := b.shards(rules, e.Tickets); err != nil {
			return err
		}
		if err := b.overlay(rules, e.Changes); err != nil {
			return err
		}
	}
	return nil
}

func (b *build) document(name string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return b.target(metadata.TARGETS, name, append(raw, '\n'), nil)
}

// target writes a target's file and lists it.
func (b *build) target(role, name string, data []byte, about *custom) error {
	f, err := metadata.TargetFile().FromBytes(name, data, "sha256")
	if err != nil {
		return err
	}
	if about != nil {
		raw, err := json.Marshal(about)
		if err != nil {
			return err
		}
		f.Custom = (*json.RawMessage)(&raw)
	}
	b.lists[role][name] = f
	path := filepath.Join(b.dir, filepath.FromSlash(targetFile(name, f.Hashes["sha256"])))
	if info, err := os.Stat(path); err == nil && info.Size() == f.Length {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return writeFile(path, data)
}

// overlay writes an event's overlay, which is there even when it is empty.
func (b *build) overlay(rules *eventRules, changes []Change) error {
	name := overlayName(uint32(rules.event))
	if len(changes) > maxOverlayLines {
		return &LineError{Target: name, Why: fmt.Sprintf("%d changes, at most %d; make new shards", len(changes), maxOverlayLines)}
	}
	var raw []byte
	for i := range changes {
		var err error
		if t := changes[i].Ticket; t != nil {
			err = rules.check(t)
		}
		if err == nil {
			raw, err = AppendChange(raw, &changes[i])
		}
		if err != nil {
			return placed(err, name, i+1)
		}
		raw = append(raw, '\n')
	}
	return b.target(roleOverlay, name, b.codec.enc.EncodeAll(raw, nil), nil)
}
