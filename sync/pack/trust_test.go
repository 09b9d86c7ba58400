package pack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/store/storetest"
	"github.com/venuegate/venuegate/sync/pack"
)

// one returns the one file that a pattern finds in the repository.
func (v *venue) one(pattern string) string {
	v.t.Helper()
	files, err := filepath.Glob(filepath.Join(v.repository, pattern))
	if err != nil || len(files) != 1 {
		v.t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	return files[0]
}

func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// openAndRead opens the repository and reads all tickets; it returns the first
// error of either.
func (v *venue) openAndRead() error {
	r, err := v.openAt(now)
	if err != nil {
		return err
	}
	_, err = read(r)
	return err
}

const firstShard = "targets/event/2026/tickets/*.00000000000000000000"

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte { b[(at+len(b))%len(b)] ^= 1; return b }
}

func cut(b []byte) []byte { return b[:len(b)-1] }

func TestTamperedRepository(t *testing.T) {
	tampered := func(err error) bool { return errors.As(err, new(*pack.TamperedError)) }
	missing := func(err error) bool { return errors.As(err, new(*pack.MissingError)) }
	untrusted := func(err error) bool {
		return errors.As(err, new(*pack.UntrustedError)) || tampered(err)
	}
	for name, c := range map[string]struct {
		file   string
		change func([]byte) []byte // nil: the file is removed
		is     func(error) bool
	}{
		"a bit in a shard":         {firstShard, flip(100), tampered},
		"a shard cut short":        {firstShard, cut, tampered},
		"a shard longer":           {firstShard, func(b []byte) []byte { return append(b, 0) }, tampered},
		"a shard missing":          {firstShard, nil, missing},
		"a bit in the overlay":     {"targets/event/2026/*.overlay", flip(5), tampered},
		"a bit in the venue":       {"targets/*.venue.json", flip(50), tampered},
		"the venue missing":        {"targets/*.venue.json", nil, missing},
		"the policy changed":       {"targets/event/2026/*.event.json", func(b []byte) []byte { return bytes.Replace(b, []byte("refer"), []byte("admit"), 1) }, tampered},
		"the timestamp missing":    {"metadata/timestamp.json", nil, missing},
		"the timestamp no JSON":    {"metadata/timestamp.json", func([]byte) []byte { return []byte("{") }, tampered},
		"the timestamp empty":      {"metadata/timestamp.json", func([]byte) []byte { return nil }, tampered},
		"the timestamp changed":    {"metadata/timestamp.json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"version": 1`), []byte(`"version": 9`), 1) }, untrusted},
		"the timestamp of a role":  {"metadata/timestamp.json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"timestamp"`), []byte(`"snapshot"`), 1) }, untrusted},
		"the timestamp too long":   {"metadata/timestamp.json", func(b []byte) []byte { return append(b, make([]byte, 20_000)...) }, tampered},
		"the snapshot missing":     {"metadata/1.snapshot.json", nil, missing},
		"a bit in the snapshot":    {"metadata/1.snapshot.json", flip(30), tampered},
		"a bit in targets":         {"metadata/1.targets.json", flip(30), tampered},
		"a bit in shards' list":    {"metadata/1.shards.json", flip(30), tampered},
		"shards' list missing":     {"metadata/1.shards.json", nil, missing},
		"a bit in overlays' list":  {"metadata/1.overlay.json", flip(-30), tampered},
		"overlays' list cut short": {"metadata/1.overlay.json", cut, tampered},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVenue(t)
			v.build(content(tickets(5000)))
			v.enrol()
			file := v.one(c.file)
			if c.change == nil {
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
			} else {
				edit(t, file, c.change)
			}
			if err := v.openAndRead(); !c.is(err) {
				t.Fatalf("error %T %v", err, err)
			}
		})
	}
}

// A sound shard in the place of another is not what was signed for that place.
func TestSwappedShards(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(9000)))
	v.enrol()
	files, err := filepath.Glob(filepath.Join(v.repository, "targets/event/2026/tickets/*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v", files, err)
	}
	other, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	edit(t, files[0], func([]byte) []byte { return other })
	if err := v.openAndRead(); !errors.As(err, new(*pack.TamperedError)) {
		t.Fatalf("error %T %v", err, err)
	}
}

// Tickets up to a damaged shard are handed out; the error ends the stream, and
// whoever installs drops all of it.
func TestStreamEndsWithTheError(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(9000)))
	v.enrol()
	r := v.open()
	files, err := filepath.Glob(filepath.Join(v.repository, "targets/event/2026/tickets/*"))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(filepath.Ext(a), filepath.Ext(b)) })
	edit(t, files[1], flip(9))
	n, errs := 0, 0
	for _, err := range r.Tickets(t.Context(), storetest.Event) {
		if err != nil {
			errs++
			continue
		}
		n++
	}
	if n != 4000 || errs != 1 {
		t.Fatalf("%d tickets, %d errors", n, errs)
	}
}

func TestOlderRepositoryIsBehind(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	v.enrol()
	old := filepath.Join(t.TempDir(), "old")
	copyDir(t, v.repository, old)
	if r := v.build(content(tickets(20))); r.Version != 2 {
		t.Fatalf("result %+v", r)
	}
	if err := v.open().Accept(); err != nil {
		t.Fatal(err)
	}
	copyDir(t, old, v.repository)
	_, err := v.openAt(now)
	var behind *pack.BehindError
	if !errors.As(err, &behind) {
		t.Fatalf("error %T %v", err, err)
	}
	// However late it is: what is expired is still newer than what it replaces.
	if _, err := v.openAt(now.AddDate(20, 0, 0)); !errors.As(err, &behind) {
		t.Fatalf("years later: error %T %v", err, err)
	}
}

// A version that was looked at but never came into use shuts nothing out.
func TestNotAcceptedIsNotHeld(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	v.enrol()
	old := filepath.Join(t.TempDir(), "old")
	copyDir(t, v.repository, old)
	v.build(content(tickets(20)))
	v.open()
	copyDir(t, old, v.repository)
	if r := v.open(); r.Version() != 1 {
		t.Fatalf("version %d", r.Version())
	}
}

// New parts with an old list, or the other way round, are refused.
func TestMixAndMatch(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	v.enrol()
	old := filepath.Join(t.TempDir(), "old")
	copyDir(t, v.repository, old)
	v.build(content(tickets(20)))
	oldSnapshot, err := os.ReadFile(filepath.Join(old, "metadata", "1.snapshot.json"))
	if err != nil {
		t.Fatal(err)
	}
	edit(t, v.one("metadata/2.snapshot.json"), func([]byte) []byte { return oldSnapshot })
	if _, err := v.openAt(now); !errors.As(err, new(*pack.TamperedError)) {
		t.Fatalf("error %T %v", err, err)
	}
}

func TestForeignRepository(t *testing.T) {
	v, other := newVenue(t), newVenue(t)
	v.build(content(tickets(10)))
	other.build(content(tickets(10)))
	v.enrol()
	other.enrol()
	v.gate = other.gate
	if _, err := v.openAt(now); !errors.As(err, new(*pack.UntrustedError)) {
		t.Fatalf("error %T %v", err, err)
	}
	// A root of another venue in the way of the next one is refused as well.
	root, err := os.ReadFile(filepath.Join(v.repository, "metadata", "1.root.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other.repository, "metadata", "2.root.json"), root, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := other.openAt(now); !errors.As(err, new(*pack.UntrustedError)) {
		t.Fatalf("error %T %v", err, err)
	}
}

func TestEnrol(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	if _, err := v.openAt(now); err == nil || errors.As(err, new(*pack.UntrustedError)) {
		t.Fatalf("before enrolment: %v", err)
	}
	if err := pack.Enrol(v.gate, []byte("{}")); !errors.As(err, new(*pack.UntrustedError)) {
		t.Fatalf("no root: %v", err)
	}
	v.enrol()
	other := newVenue(t)
	other.build(content(tickets(10)))
	other.gate = v.gate
	other.enrol() // a gate keeps the root that it has
	if r := v.open(); r.Root() != 1 {
		t.Fatalf("root %d", r.Root())
	}
}

func TestExpiryIsAWarning(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	v.enrol()
	r, err := v.openAt(now.AddDate(0, 0, 20))
	if err != nil {
		t.Fatal(err)
	}
	if w := r.Warnings(); len(w) != 1 || w[0].Role != "timestamp" || !w[0].Expired.Equal(r.Expires()) {
		t.Fatalf("after 20 days %+v", w)
	}
	r, err = v.openAt(now.AddDate(20, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if w := r.Warnings(); len(w) != 6 {
		t.Fatalf("after 20 years %+v", w)
	}
	if all, err := read(r); err != nil || len(all) != 10 {
		t.Fatalf("%d tickets, %v", len(all), err)
	}
}

// A gate that missed rotations follows them one by one, keeps the newest root
// that verified, and never starts from the enrolment root again.
func TestRootRotation(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	v.enrol()
	first, err := os.ReadFile(filepath.Join(v.gate, "root.json"))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := v.keys.Rotate(v.keyDir, "root"); err != nil {
			t.Fatal(err)
		}
		if v.keys, err = pack.LoadKeys(v.keyDir); err != nil {
			t.Fatal(err)
		}
		v.build(content(tickets(10)))
	}
	if r := v.open(); r.Root() != 4 {
		t.Fatalf("root %d", r.Root())
	}
	kept, err := os.ReadFile(filepath.Join(v.gate, "root.json"))
	if err != nil || bytes.Equal(kept, first) {
		t.Fatalf("the gate still has its first root, %v", err)
	}
	// Without the roots in between only who kept the newest one can go on.
	for _, n := range []string{"1", "2", "3"} {
		if err := os.Remove(filepath.Join(v.repository, "metadata", n+".root.json")); err != nil {
			t.Fatal(err)
		}
	}
	v.open()
}

// The newest root is kept even if nothing after it verifies.
func TestRootIsKeptWhenTheRestFails(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	v.enrol()
	if err := v.keys.Rotate(v.keyDir, "timestamp"); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(filepath.Join(v.repository, "metadata", "timestamp.json"))
	if err != nil {
		t.Fatal(err)
	}
	v.build(content(tickets(10)))
	edit(t, v.one("metadata/timestamp.json"), func([]byte) []byte { return old })
	if _, err := v.openAt(now); !errors.As(err, new(*pack.UntrustedError)) {
		t.Fatalf("a timestamp by a key that was replaced: %v", err)
	}
	var kept struct {
		Signed struct {
			Version int `json:"version"`
		} `json:"signed"`
	}
	raw, err := os.ReadFile(filepath.Join(v.gate, "root.json"))
	if err != nil || json.Unmarshal(raw, &kept) != nil || kept.Signed.Version != 2 {
		t.Fatalf("root %d is kept, %v", kept.Signed.Version, err)
	}
}

// Every role's key can be replaced, and gates follow.
func TestRotateEveryRole(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	v.enrol()
	for _, role := range []string{"targets", "shards", "overlay", "snapshot", "timestamp", "root"} {
		if err := v.keys.Rotate(v.keyDir, role); err != nil {
			t.Fatal(err)
		}
		v.build(content(tickets(10)))
		if err := v.openAndRead(); err != nil {
			t.Fatalf("after a new key of %s: %v", role, err)
		}
	}
	if err := v.keys.Rotate(v.keyDir, "ticket"); !errors.As(err, new(*pack.KeyError)) {
		t.Fatalf("error %v", err)
	}
}

// What is accepted stays accepted when only the overlay moves on.
func TestAcceptStepByStep(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	v.enrol()
	for i := range 3 {
		c := pack.Change{ID: storetest.ID(i), Generation: 1, Status: gate.StatusVoid}
		r, err := pack.PublishOverlay(context.Background(), v.repository, v.keys, demoEvent(), demoVenue(), []pack.Change{c}, now.Add(time.Duration(i)*time.Minute))
		if err != nil || r.Version != uint64(i+2) {
			t.Fatalf("%+v, %v", r, err)
		}
		repo := v.open()
		all, err := read(repo)
		if err != nil || all[storetest.ID(i)].Status != gate.StatusVoid {
			t.Fatalf("status %d, %v", all[storetest.ID(i)].Status, err)
		}
		if err := repo.Accept(); err != nil {
			t.Fatal(err)
		}
	}
}
