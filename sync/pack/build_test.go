package pack_test

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/store/storetest"
	"github.com/venuegate/venuegate/sync/pack"
)

func changed(n int, change func(i int, t *gate.Ticket)) iter.Seq2[gate.Ticket, error] {
	return storetest.Tickets(n, storetest.Options{Each: change})
}

// shifted is tickets less one, and plus one more after another.
func shifted(n, less, more int) iter.Seq2[gate.Ticket, error] {
	return func(yield func(gate.Ticket, error) bool) {
		i := 0
		for t, err := range tickets(n) {
			if i != less && !yield(t, err) {
				return
			}
			if i == more {
				t.ID, t.Foreign = t.ID+1, nil
				if !yield(t, nil) {
					return
				}
			}
			i++
		}
	}
}

func TestRebuildWritesWhatChanged(t *testing.T) {
	const n = 18_000 // five shards
	v := newVenue(t)
	if r := v.build(content(tickets(n))); r.Written != 5 || r.Kept != 0 {
		t.Fatalf("first: %+v", r)
	}
	v.enrol()
	for _, c := range []struct {
		name          string
		tickets       iter.Seq2[gate.Ticket, error]
		written, kept int
		version       uint64
	}{
		{"the same", tickets(n), 0, 5, 1},
		{"one voided", changed(n, func(i int, t *gate.Ticket) {
			if i == 9000 {
				t.Status = gate.StatusVoid
			}
		}), 1, 4, 2},
		{"one more, one less", shifted(n, 500, 17_499), 3, 2, 3}, // back to valid in the third as well
		{"a thousand at the end", tickets(n + 1000), 2, 3, 4},
		{"no tickets given", nil, 0, 5, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := v.build(content(c.tickets))
			if r.Written != c.written || r.Kept != c.kept || r.Version != c.version {
				t.Fatalf("result %+v", r)
			}
			if err := v.openAndRead(); err != nil {
				t.Fatal(err)
			}
		})
	}
	if all, err := read(v.open()); err != nil || len(all) != n+1000 {
		t.Fatalf("%d tickets, %v", len(all), err)
	}
}

// A range that outgrows twice a shard is cut in two; its neighbours stay.
func TestOutgrownShardIsCut(t *testing.T) {
	v := newVenue(t)
	dense := func(every int) iter.Seq2[gate.Ticket, error] {
		return changed(30_000/every, func(i int, t *gate.Ticket) { t.ID = gate.TicketID(1 + i*every) })
	}
	v.build(content(dense(3))) // 10 000: three shards
	v.enrol()
	if r := v.build(content(dense(1))); r.Written != 6 || r.Kept != 0 {
		t.Fatalf("result %+v", r)
	}
	if all, err := read(v.open()); err != nil || len(all) != 30_000 {
		t.Fatalf("%d tickets, %v", len(all), err)
	}
	if r := v.build(content(dense(1))); r.Written != 0 || r.Kept != 6 {
		t.Fatalf("again: %+v", r)
	}
}

func TestFailedBuildChangesNothing(t *testing.T) {
	gone := errors.New("the database went away")
	for name, c := range map[string]pack.Content{
		"tickets that end early": content(func(yield func(gate.Ticket, error) bool) {
			for t, err := range tickets(6000) {
				if !yield(t, err) {
					return
				}
			}
			yield(gate.Ticket{}, gone)
		}),
		"tickets out of order": content(changed(10, func(i int, t *gate.Ticket) { t.ID = gate.TicketID(20 - i) })),
		"a name unmasked":      content(changed(10, func(_ int, t *gate.Ticket) { t.Masked = "张三" })),
		"another event's":      content(changed(10, func(_ int, t *gate.Ticket) { t.Event++ })),
		"an unknown class":     content(changed(10, func(_ int, t *gate.Ticket) { t.Class = 99 })),
		"an unknown zone":      content(changed(10, func(_ int, t *gate.Ticket) { t.ZoneGroup = 99 })),
		"an unknown session":   content(changed(10, func(_ int, t *gate.Ticket) { t.Sessions = []gate.SessionID{99} })),
		"an unknown channel":   content(changed(10, func(_ int, t *gate.Ticket) { t.Channel = 99 })),
		"an unknown entrance":  content(changed(10, func(_ int, t *gate.Ticket) { t.Entrance = 99 })),
		"a change of nothing":  content(tickets(10), pack.Change{}),
		"a bad venue":          {Venue: &pack.Venue{}},
		"a bad event":          {Venue: demoVenue(), Events: []pack.EventContent{{Event: &pack.Event{}}}},
		"an event twice": {Venue: demoVenue(), Events: []pack.EventContent{
			{Event: demoEvent()}, {Event: demoEvent()},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVenue(t)
			v.build(content(tickets(5000)))
			v.enrol()
			_, err := pack.Build(context.Background(), v.repository, v.keys, c, now)
			if err == nil {
				t.Fatal("built")
			}
			if strings.Contains(err.Error(), "张三") {
				t.Fatalf("%v names a person", err)
			}
			r := v.open()
			if all, err := read(r); err != nil || len(all) != 5000 || r.Version() != 1 {
				t.Fatalf("version %d, %d tickets, %v", r.Version(), len(all), err)
			}
			if r := v.build(content(tickets(5001))); r.Version != 2 {
				t.Fatalf("the next build: %+v", r)
			}
		})
	}
}

// Signatures are renewed before they expire, and only then.
func TestRenewal(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	v.enrol()
	later := func(days int) pack.Result {
		t.Helper()
		r, err := pack.Build(t.Context(), v.repository, v.keys, content(tickets(10)), now.AddDate(0, 0, days))
		if err != nil {
			t.Fatal(err)
		}
		if repo, err := v.openAt(now.AddDate(0, 0, days)); err != nil || len(repo.Warnings()) != 0 {
			t.Fatalf("after %d days: %v, %v", days, repo.Warnings(), err)
		}
		return r
	}
	if r := later(5); r.Version != 1 {
		t.Fatalf("after 5 days: %+v", r)
	}
	if r := later(16); r.Version != 2 || r.Root != 1 {
		t.Fatalf("after 16 days: %+v", r)
	}
	if r := later(500); r.Root != 2 {
		t.Fatalf("after 500 days: %+v", r)
	}
	// What was written a moment ago stays for whoever is slow; then it goes.
	if n := v.metadataFiles(); n != 13 {
		t.Fatalf("%d metadata files at once, want every one that was made", n)
	}
	v.age()
	if r := later(516); r.Version != 4 {
		t.Fatalf("after 516 days: %+v", r)
	}
	if n := v.metadataFiles(); n > 12 {
		t.Fatalf("%d metadata files are left", n)
	}
}

func (v *venue) metadataFiles() int {
	v.t.Helper()
	dir, err := os.ReadDir(filepath.Join(v.repository, "metadata"))
	if err != nil {
		v.t.Fatal(err)
	}
	return len(dir)
}

// age makes every file of the repository one that was written long ago.
func (v *venue) age() {
	v.t.Helper()
	long := time.Now().Add(-time.Hour)
	err := filepath.WalkDir(v.repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chtimes(path, long, long)
	})
	if err != nil {
		v.t.Fatal(err)
	}
}

func TestKeysOnDisk(t *testing.T) {
	v := newVenue(t)
	if _, err := pack.CreateKeys(v.keyDir); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("over a set that is there: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(v.keyDir, "*.pem"))
	if err != nil || len(files) != 10 {
		t.Fatalf("%d keys, %v", len(files), err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v, %v", f, info.Mode(), err)
		}
	}
	if err := os.Chmod(files[0], 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := pack.LoadKeys(v.keyDir); !errors.As(err, new(*pack.KeyError)) {
		t.Fatalf("a key that others may read: %v", err)
	}
	if err := os.Chmod(files[0], 0o600); err != nil {
		t.Fatal(err)
	}
	edit(t, files[0], func([]byte) []byte { return nil })
	if _, err := pack.LoadKeys(v.keyDir); !errors.As(err, new(*pack.KeyError)) {
		t.Fatalf("an empty key: %v", err)
	}
}

// The machine that publishes overlays has no key that could make a shard, a
// policy or a root.
func TestOnlineMachineHasOverlayKeysOnly(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(100)))
	v.enrol()
	for _, role := range []string{"root", "targets", "shards"} {
		files, err := filepath.Glob(filepath.Join(v.keyDir, role+"-*.pem"))
		if err != nil || len(files) == 0 {
			t.Fatal(err)
		}
		for _, f := range files {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	keys, err := pack.LoadKeys(v.keyDir)
	if err != nil {
		t.Fatal(err)
	}
	void := pack.Change{ID: storetest.ID(3), Generation: 1, Status: gate.StatusRefunded}
	if _, err := pack.PublishOverlay(t.Context(), v.repository, keys, demoEvent(), demoVenue(), []pack.Change{void}, now); err != nil {
		t.Fatal(err)
	}
	if all, err := read(v.open()); err != nil || all[storetest.ID(3)].Status != gate.StatusRefunded {
		t.Fatalf("status %d, %v", all[storetest.ID(3)].Status, err)
	}
	var missing *pack.KeyError
	if _, err := pack.Build(t.Context(), v.repository, keys, content(tickets(101)), now); !errors.As(err, &missing) || missing.Role != "shards" {
		t.Fatalf("shards without their key: %v", err)
	}
	// A key that targets does not name cannot publish, and nothing changes.
	if err := keys.Rotate(v.keyDir, "overlay"); err != nil {
		t.Fatal(err)
	}
	if _, err := pack.PublishOverlay(t.Context(), v.repository, keys, demoEvent(), demoVenue(), nil, now); !errors.As(err, &missing) || missing.Role != "overlay" {
		t.Fatalf("an overlay by a key that is not delegated to: %v", err)
	}
	if r := v.open(); r.Version() != 2 {
		t.Fatalf("version %d", r.Version())
	}
}

func TestBuildIntoAnothersRepository(t *testing.T) {
	v, other := newVenue(t), newVenue(t)
	v.build(content(tickets(10)))
	_, err := pack.Build(t.Context(), v.repository, other.keys, content(tickets(10)), now)
	if !errors.As(err, new(*pack.UntrustedError)) {
		t.Fatalf("error %v", err)
	}
	if _, err := pack.PublishOverlay(t.Context(), t.TempDir(), v.keys, demoEvent(), demoVenue(), nil, now); !errors.As(err, new(*pack.MissingError)) {
		t.Fatalf("an overlay of nothing: %v", err)
	}
}

func TestSeveralEvents(t *testing.T) {
	v := newVenue(t)
	second := demoEvent()
	second.ID = 3000
	c := content(tickets(10))
	c.Events = append(c.Events, pack.EventContent{Event: second, Tickets: changed(5, func(_ int, t *gate.Ticket) { t.Event = 3000 })})
	v.build(c)
	v.enrol()
	r := v.open()
	if e := r.Events(); len(e) != 2 || e[0].ID != storetest.Event || e[1].ID != 3000 || e[1].Tickets != 5 {
		t.Fatalf("events %+v", e)
	}
	before := r.Events()[0].Digest
	c.Events[1].Tickets = changed(6, func(_ int, t *gate.Ticket) { t.Event = 3000 })
	c.Events[0].Tickets = tickets(10)
	v.build(c)
	r = v.open()
	if r.Events()[0].Digest != before || r.Events()[1].Tickets != 6 {
		t.Fatal("an event that did not change has another digest")
	}
	for _, err := range r.Tickets(t.Context(), 99) {
		if !errors.As(err, new(*pack.MissingError)) {
			t.Fatalf("an unknown event: %v", err)
		}
	}
	v.build(content(tickets(10)))
	if e := v.open().Events(); len(e) != 1 {
		t.Fatalf("%d events", len(e))
	}
}

func TestOverlay(t *testing.T) {
	late := func(id gate.TicketID, generation uint8) pack.Change {
		for x, err := range tickets(1) {
			if err != nil {
				t.Fatal(err)
			}
			x.ID, x.Generation, x.Order = id, generation, 77
			return pack.Change{Ticket: &x}
		}
		return pack.Change{}
	}
	status := func(i int, generation uint8, s gate.Status) pack.Change {
		return pack.Change{ID: storetest.ID(i), Generation: generation, Status: s}
	}
	v := newVenue(t)
	v.build(content(tickets(9000),
		status(0, 1, gate.StatusVoid),
		status(1, 1, gate.StatusVoid), status(1, 1, gate.StatusValid), // the later line counts
		status(2, 2, gate.StatusRefunded), // a generation that was issued since
		late(storetest.ID(3), 2),          // transferred
		late(storetest.ID(4), 2), status(4, 2, gate.StatusVoid),
		status(199, 1, gate.StatusValid), // older than the shards, which know generation 2
		late(1, 1), late(storetest.ID(499)+5, 1), late(1<<64-1, 1),
		pack.Change{ID: 1, Generation: 1, Status: gate.StatusUsedUp},
	))
	v.enrol()
	all, err := read(v.open())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 9003 {
		t.Fatalf("%d tickets", len(all))
	}
	for id, want := range map[gate.TicketID]struct {
		generation uint8
		status     gate.Status
		late       bool
	}{
		storetest.ID(0):       {1, gate.StatusVoid, false},
		storetest.ID(1):       {1, gate.StatusValid, false},
		storetest.ID(2):       {2, gate.StatusRefunded, false},
		storetest.ID(3):       {2, gate.StatusValid, true},
		storetest.ID(4):       {2, gate.StatusVoid, true},
		storetest.ID(199):     {2, gate.StatusVoid, false},
		1:                     {1, gate.StatusUsedUp, true},
		storetest.ID(499) + 5: {1, gate.StatusValid, true},
		1<<64 - 1:             {1, gate.StatusValid, true},
	} {
		got := all[id]
		if got.Generation != want.generation || got.Status != want.status || (got.Order == 77) != want.late {
			t.Errorf("ticket %s: generation %d, status %d, order %d", id, got.Generation, got.Status, got.Order)
		}
	}
	last := gate.TicketID(0)
	for x, err := range v.open().Tickets(t.Context(), storetest.Event) {
		if err != nil || x.ID <= last {
			t.Fatalf("ticket %s after %s, %v", x.ID, last, err)
		}
		last = x.ID
	}
}

func TestOverlayRefused(t *testing.T) {
	for name, c := range map[string]pack.Change{
		"of an unknown ticket":           {ID: 3, Generation: 1, Status: gate.StatusVoid},
		"a valid generation without all": {ID: storetest.ID(0), Generation: 2, Status: gate.StatusValid},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVenue(t)
			v.build(content(tickets(10), c))
			v.enrol()
			var line *pack.LineError
			if _, err := read(v.open()); !errors.As(err, &line) || line.Target != "event/2026/overlay" {
				t.Fatalf("error %v", err)
			}
		})
	}
}

// Who stops reading early, or is told to stop, leaves nothing running.
func TestStreamStops(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(17_000)))
	v.enrol()
	r := v.open()
	n := 0
	for _, err := range r.Tickets(t.Context(), storetest.Event) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 4001 {
			break
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	n = 0
	var last error
	for _, err := range r.Tickets(ctx, storetest.Event) {
		if n++; n == 10 {
			cancel()
		}
		last = err
	}
	cancel()
	if !errors.Is(last, context.Canceled) || n > 17_000 {
		t.Fatalf("%d tickets, %v", n, last)
	}
}

// A directory does not lead out of itself.
func TestDirStaysInside(t *testing.T) {
	top := t.TempDir()
	if err := os.WriteFile(filepath.Join(top, "secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(top, "repository")
	if err := os.Mkdir(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../secret", filepath.Join(inside, "link")); err != nil {
		t.Fatal(err)
	}
	dir, err := pack.OpenDir(inside)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	for _, name := range []string{"../secret", "link", "/etc/hostname", "."} {
		if data, err := dir.Fetch(t.Context(), name, 100); err == nil {
			t.Errorf("%s: %q", name, data)
		}
	}
	if _, err := dir.Fetch(t.Context(), "nothing", 100); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}
