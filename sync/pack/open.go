package pack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	"github.com/venuegate/venuegate/gate"
)

// The roles that targets delegates to, and what each may sign. They are fixed:
// an overlay's online key cannot make a shard, and neither can make a policy.
const (
	roleShards  = "shards"
	roleOverlay = "overlay"
	pathShards  = "event/*/tickets/*"
	pathOverlay = "event/*/overlay"
)

const maxMetadata = 5_000_000 // bytes of any one metadata file

// Open verifies the metadata, the venue and the events of a repository. trust
// is the gate's directory of what it trusted last, made by Enrol; the newest
// root that verifies is kept there at once, the rest with [Repository.Accept].
// now decides what is expired, which is a warning and never stops a gate.
//
// Errors: [*UntrustedError], [*TamperedError], [*BehindError], [*MissingError],
// [*DocumentError], or whatever the way itself returns.
func Open(ctx context.Context, from Fetcher, trust string, now time.Time) (repo *Repository, err error) {
	rec := &recorder{ctx: ctx, from: from, got: map[string][]byte{}}
	defer func() {
		// go-tuf trusts the shape of what was signed. A missing part there must
		// not take the gate down.
		if r := recover(); r != nil {
			repo, err = nil, &TamperedError{File: rec.last, Why: fmt.Sprintf("malformed metadata: %v", r)}
		}
	}()
	root, err := os.ReadFile(filepath.Join(trust, fileRoot))
	if err != nil {
		return nil, fmt.Errorf("pack: no trusted root, enrol first: %w", err)
	}
	cfg, err := config.New("metadata", root)
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	cfg.Fetcher = rec
	cfg.LocalMetadataDir = trust // read from, for what was accepted last
	cfg.DisableLocalCache = true // written to by us, atomically and synced
	cfg.RemoteTargetsURL = "targets"
	cfg.SnapshotMaxLength, cfg.TargetsMaxLength = maxMetadata, maxMetadata
	up, err := updater.New(cfg)
	if err != nil {
		return nil, &UntrustedError{File: filepath.Join(filepath.Base(trust), fileRoot), Why: err.Error()}
	}
	// Nothing is expired at the beginning of time: expiry is looked at below.
	up.UnsafeSetRefTime(time.Unix(0, 0))
	refreshed := refresh(up)
	set := up.GetTrustedMetadataSet()
	if err := keepRoot(trust, root, &set, rec); err != nil {
		return nil, err
	}
	if refreshed != nil {
		return nil, rec.explain(refreshed)
	}
	repo = &Repository{from: from, trust: trust, set: &set, fetched: rec.got, now: now}
	if err := repo.load(ctx); err != nil {
		return nil, err
	}
	return repo, nil
}

// refresh runs the client workflow for the top-level roles and the two
// delegations.
func refresh(up *updater.Updater) error {
	if err := up.Refresh(); err != nil {
		return err
	}
	for role, target := range map[string]string{roleShards: "event/0/tickets/0", roleOverlay: "event/0/overlay"} {
		// There is no such target; looking for it loads the role that could
		// have it.
		_, err := up.GetTargetInfo(target)
		set := up.GetTrustedMetadataSet()
		if set.Targets[role] != nil {
			continue
		}
		if err == nil {
			err = &metadata.ErrUnsignedMetadata{Msg: "no delegation to " + role}
		}
		return err
	}
	return nil
}

// keepRoot stores the newest verified root, whatever else was wrong with the
// repository: the next Open starts from it, never from the enrolment root
// again.
func keepRoot(trust string, had []byte, set *trustedmetadata.TrustedMetadata, rec *recorder) error {
	newest, ok := rec.got[strconv.FormatInt(set.Root.Signed.Version, 10)+"."+fileRoot]
	if !ok || string(newest) == string(had) {
		return nil
	}
	if err := writeFile(filepath.Join(trust, fileRoot), newest); err != nil {
		return &LocalError{File: filepath.Join(filepath.Base(trust), fileRoot), Err: err}
	}
	return nil
}

// explain turns an error of go-tuf into one of ours.
func (r *recorder) explain(err error) error {
	file := r.last
	var status *metadata.ErrDownloadHTTP
	var long *tooLongError
	switch {
	case errors.As(err, &status) && status.StatusCode == http.StatusNotFound:
		return &MissingError{File: file}
	case errors.As(err, &long):
		return &TamperedError{File: file, Why: "longer than it may be"}
	case errors.Is(err, &metadata.ErrBadVersionNumber{}), errors.Is(err, &metadata.ErrEqualVersionNumber{}):
		return &BehindError{File: file, Why: plain(err)}
	case errors.Is(err, &metadata.ErrUnsignedMetadata{}):
		return &UntrustedError{File: file, Why: plain(err)}
	case errors.Is(err, &metadata.ErrLengthOrHashMismatch{}):
		return &TamperedError{File: file, Why: plain(err)}
	case errors.Is(err, &metadata.ErrRepository{}), errors.Is(err, &metadata.ErrValue{}), errors.Is(err, &metadata.ErrType{}):
		return &UntrustedError{File: file, Why: plain(err)}
	case r.ctx.Err() != nil:
		return r.ctx.Err()
	case r.got[filepath.Base(file)] != nil:
		return &TamperedError{File: file, Why: "no metadata: " + plain(err)}
	}
	return fmt.Errorf("pack: fetch %s: %w", file, err)
}

// plain is an error's text in one short line; parts of metadata may be in it,
// which hold nothing of a person.
func plain(err error) string {
	s := err.Error()
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		s = s[:i]
	}
	return s[:min(len(s), 200)]
}

// load reads venue and events.
func (r *Repository) load(ctx context.Context) error {
	targets := r.set.Targets[metadata.TARGETS].Signed.Targets
	var err error
	if r.VenueJSON, err = r.fetch(ctx, targets, "venue.json", maxDocument); err != nil {
		return err
	}
	if r.Venue, err = DecodeVenue(r.VenueJSON); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		id, ok := eventOf(name)
		if !ok {
			continue
		}
		e, err := r.loadEvent(ctx, id, name)
		if err != nil {
			return err
		}
		r.events = append(r.events, e)
	}
	slices.SortFunc(r.events, func(a, b *EventPack) int { return int(int64(a.ID) - int64(b.ID)) })
	return nil
}

// eventOf returns the event whose event.json a target is.
func eventOf(name string) (uint32, bool) {
	rest, ok := strings.CutPrefix(name, "event/")
	number, isEvent := strings.CutSuffix(rest, "/event.json")
	id, err := strconv.ParseUint(number, 10, 32)
	return uint32(id), ok && isEvent && err == nil && name == eventFile(uint32(id))
}

func (r *Repository) loadEvent(ctx context.Context, id uint32, name string) (*EventPack, error) {
	data, err := r.fetch(ctx, r.set.Targets[metadata.TARGETS].Signed.Targets, name, maxDocument)
	if err != nil {
		return nil, err
	}
	e, err := DecodeEvent(data)
	if err != nil {
		var d *DocumentError
		if errors.As(err, &d) {
			d.Document = name
		}
		return nil, err
	}
	if e.ID != id {
		return nil, &DocumentError{name, []Problem{{"id", "is of another event"}}}
	}
	if err := e.ValidateIn(r.Venue); err != nil {
		return nil, err
	}
	p := &EventPack{ID: gate.EventID(id), Event: e, JSON: data}
	if p.shards, err = r.shardsOf(id); err != nil {
		return nil, err
	}
	for i := range p.shards {
		p.Tickets += p.shards[i].tickets
	}
	p.Digest, p.Base = r.digest(p, true), r.digest(p, false)
	return p, nil
}

// custom is what shard metadata says of a shard besides length and hash.
type custom struct {
	Tickets int    `json:"tickets"`
	Raw     string `json:"raw"` // SHA-256 of the lines, before compression
}

// shardsOf lists an event's shards in the order of their ranges.
func (r *Repository) shardsOf(event uint32) ([]shard, error) {
	targets := r.set.Targets[roleShards].Signed.Targets
	prefix := fmt.Sprintf("event/%d/tickets/", event)
	var shards []shard
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		first, ok := parseShardName(rest)
		if !ok {
			return nil, &TamperedError{File: "shards.json", Why: "a shard's name is not 20 digits"}
		}
		var c custom
		if raw := targets[name].Custom; raw == nil || json.Unmarshal(*raw, &c) != nil || c.Tickets < 0 || c.Tickets > 2*splitShard {
			return nil, &TamperedError{File: "shards.json", Why: name + ": no number of tickets, or too many"}
		}
		if n := len(shards); n > 0 {
			shards[n-1].next = first
		}
		shards = append(shards, shard{target: name, first: first, tickets: c.Tickets})
	}
	if len(shards) > maxShards {
		return nil, &TamperedError{File: "shards.json", Why: fmt.Sprintf("%d shards of event %d, at most %d", len(shards), event, maxShards)}
	}
	return shards, nil
}

// digest is over the hashes of everything that makes the event's pack, or of all
// that but the overlay.
func (r *Repository) digest(p *EventPack, overlay bool) string {
	h := sha256.New()
	add := func(role, name string) {
		if f := r.set.Targets[role].Signed.Targets[name]; f != nil {
			_, _ = fmt.Fprintf(h, "%s %d %s\n", name, f.Length, f.Hashes["sha256"])
		}
	}
	add(metadata.TARGETS, "venue.json")
	add(metadata.TARGETS, eventFile(uint32(p.ID)))
	for i := range p.shards {
		add(roleShards, p.shards[i].target)
	}
	if overlay {
		add(roleOverlay, overlayName(uint32(p.ID)))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// fetch returns a target once its length and hash are those that were signed.
func (r *Repository) fetch(ctx context.Context, in map[string]*metadata.TargetFiles, name string, limit int64) ([]byte, error) {
	f := in[name]
	if f == nil {
		return nil, &MissingError{File: name}
	}
	sum, ok := f.Hashes["sha256"]
	if !ok {
		return nil, &TamperedError{File: name, Why: "no SHA-256 in its metadata"}
	}
	if f.Length > limit {
		return nil, &TamperedError{File: name, Why: fmt.Sprintf("%d bytes, at most %d", f.Length, limit)}
	}
	file := targetFile(name, sum)
	data, err := r.from.Fetch(ctx, file, f.Length)
	var long *tooLongError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &MissingError{File: file}
	case errors.As(err, &long):
		return nil, &TamperedError{File: name, Why: "longer than what was signed"}
	case err != nil:
		return nil, fmt.Errorf("pack: fetch %s: %w", name, err)
	case int64(len(data)) != f.Length:
		return nil, &TamperedError{File: name, Why: fmt.Sprintf("%d bytes, %d were signed", len(data), f.Length)}
	}
	if err := f.VerifyLengthHashes(data); err != nil {
		return nil, &TamperedError{File: name, Why: "not what was signed"}
	}
	return data, nil
}

// targetFile returns where a target lies in a repository with consistent
// snapshots: its hash stands before the last part of its name.
func targetFile(name string, sum metadata.HexBytes) string {
	dir, base := "", name
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		dir, base = name[:i+1], name[i+1:]
	}
	return "targets/" + dir + sum.String() + "." + base
}
