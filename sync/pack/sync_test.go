package pack_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/store/storetest"
	"github.com/venuegate/venuegate/sync/pack"
)

// box is a gate: what it trusts and its mirror.
type box struct {
	t      *testing.T
	trust  string
	mirror *pack.Mirror
}

func newBox(t *testing.T, v *venue) *box {
	t.Helper()
	top := t.TempDir()
	b := &box{t: t, trust: filepath.Join(top, pack.DirTrust)}
	root, err := os.ReadFile(filepath.Join(v.repository, "metadata", "1.root.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := pack.Enrol(b.trust, root); err != nil {
		t.Fatal(err)
	}
	b.open(filepath.Join(top, pack.DirMirror))
	return b
}

func (b *box) open(dir string) {
	b.t.Helper()
	var err error
	if b.mirror, err = pack.OpenMirror(dir, b.trust); err != nil {
		b.t.Fatal(err)
	}
	mirror := b.mirror
	b.t.Cleanup(func() { _ = mirror.Close() })
}

// sync brings what is newest and puts it in use.
func (b *box) sync(ways ...pack.Way) (*pack.Repository, pack.Report) {
	b.t.Helper()
	repo, report, err := b.mirror.Sync(b.t.Context(), ways, now)
	if err != nil {
		b.t.Fatalf("%v; %+v", err, report)
	}
	if err := repo.Accept(); err != nil {
		b.t.Fatal(err)
	}
	return repo, report
}

// wire is a server and what went over it.
type wire struct {
	*httptest.Server
	calls, bytes atomic.Int64
}

type counted struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p))) // before: who has got it may look at once
	return c.ResponseWriter.Write(p)
}

func serve(t *testing.T, h http.Handler) *wire {
	t.Helper()
	w := &wire{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.calls.Add(1)
		h.ServeHTTP(counted{rw, &w.bytes}, r)
	}))
	t.Cleanup(w.Close)
	return w
}

func (v *venue) dir() *pack.Dir {
	v.t.Helper()
	dir, err := pack.OpenDir(v.repository)
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { _ = dir.Close() })
	return dir
}

func overHTTP(t *testing.T, base string) *pack.HTTP {
	t.Helper()
	h, err := pack.NewHTTP(pack.HTTPOptions{Base: base, Parts: filepath.Join(t.TempDir(), "parts"), Patience: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func central(t *testing.T, v *venue) (pack.Way, *wire) {
	t.Helper()
	w := serve(t, pack.Handler(v.dir()))
	return pack.Way{Name: "central", From: overHTTP(t, w.URL), Distance: pack.Away}, w
}

func peer(t *testing.T, name string, b *box) (pack.Way, *wire) {
	t.Helper()
	w := serve(t, b.mirror.Handler())
	return pack.Way{Name: name, From: overHTTP(t, w.URL+pack.PeerPath), Distance: pack.Nearby}, w
}

func void(t *testing.T, v *venue, i int, at time.Time) {
	t.Helper()
	changes := make([]pack.Change, i)
	for n := range changes {
		changes[n] = pack.Change{ID: storetest.ID(n), Generation: 1, Status: gate.StatusVoid}
	}
	if _, err := pack.PublishOverlay(context.Background(), v.repository, v.keys, demoEvent(), demoVenue(), changes, at); err != nil {
		t.Fatal(err)
	}
}

// From central to one gate, from its mirror to the next, from that one's to a
// third: the pack is the same, and each moves only what is new.
func TestVersionSpreads(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(9000)))
	first, second, third := newBox(t, v), newBox(t, v), newBox(t, v)
	fromCentral, atCentral := central(t, v)
	fromFirst, atFirst := peer(t, "gate 1", first)
	fromSecond, _ := peer(t, "gate 2", second)

	for round := range 3 {
		_, report := first.sync(fromCentral, fromSecond)
		if report.From != "central" || !report.Changed {
			t.Fatalf("round %d: gate 1 %+v", round, report)
		}
		if _, report = second.sync(fromFirst); report.From != "gate 1" || report.Ways[0].State != pack.StateNewer {
			t.Fatalf("round %d: gate 2 %+v", round, report)
		}
		repo, report := third.sync(fromSecond)
		if report.From != "gate 2" || report.Version != uint64(round+1) {
			t.Fatalf("round %d: gate 3 %+v", round, report)
		}
		all, err := read(repo)
		if err != nil || len(all) != 9000 {
			t.Fatalf("round %d: %d tickets, %v", round, len(all), err)
		}
		for i := range round {
			if all[storetest.ID(i)].Status != gate.StatusVoid {
				t.Fatalf("round %d: ticket %d is valid", round, i)
			}
		}
		if round > 0 {
			t.Logf("an overlay: %d bytes, %d calls at central; %d bytes at gate 1", atCentral.bytes.Load(), atCentral.calls.Load(), atFirst.bytes.Load())
			if n := atCentral.bytes.Load(); n > 8<<10 {
				t.Errorf("round %d: an overlay moved %d bytes", round, n)
			}
		}
		atCentral.bytes.Store(0)
		atFirst.bytes.Store(0)
		atCentral.calls.Store(0)
		if _, report := first.sync(fromCentral, fromSecond); report.Changed || report.Ways[0].State != pack.StateCurrent {
			t.Fatalf("round %d: again %+v", round, report)
		}
		if n, calls := atCentral.bytes.Load(), atCentral.calls.Load(); n != 0 || calls != 1 {
			t.Errorf("round %d: nothing new: %d bytes in %d calls", round, n, calls)
		}
		atCentral.calls.Store(0)
		void(t, v, round+1, now.Add(time.Duration(round)*time.Minute))
	}
}

// A gate that starts again has what it had, with all its ways cut.
func TestMirrorAfterARestart(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	b := newBox(t, v)
	way, _ := central(t, v)
	b.sync(way)
	if _, report := b.sync(); report.Changed || report.From != "central" {
		t.Errorf("before: %+v", report)
	}
	dir := b.mirror.Path()
	if err := b.mirror.Close(); err != nil {
		t.Fatal(err)
	}
	b.open(dir)
	repo, report := b.sync()
	if report.Changed || report.From != pack.FromMirror || report.Version != 1 {
		t.Errorf("after: %+v", report)
	}
	if all, err := read(repo); err != nil || len(all) != 10 {
		t.Errorf("%d tickets, %v", len(all), err)
	}
	// What a power cut left half written goes with the next version.
	draft := filepath.Join(dir, "targets", ".draft")
	if err := os.WriteFile(draft, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	void(t, v, 1, now)
	b.sync(way)
	if _, err := os.Stat(draft); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestNothingYet(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(1)))
	b := newBox(t, v)
	_, report, err := b.mirror.Sync(t.Context(), nil, now)
	if !errors.Is(err, pack.ErrNoPack) || report.Version != 0 {
		t.Fatalf("%+v, %v", report, err)
	}
}

// Who lags behind a change of the timestamp's key is behind; who shows a number
// below ours that nobody of this venue ever signed is not.
func TestBehindOrForged(t *testing.T) {
	v, other := newVenue(t), newVenue(t)
	v.build(content(tickets(10)))
	other.build(content(tickets(10)))
	b := newBox(t, v)
	way, _ := central(t, v)
	b.sync(way)
	old := filepath.Join(t.TempDir(), "old")
	copyDir(t, v.repository, old)
	if err := v.keys.Rotate(v.keyDir, "timestamp"); err != nil {
		t.Fatal(err)
	}
	v.build(content(tickets(20)))
	b.sync(way)
	_, report := b.sync(way, pack.Way{Name: "lags", From: open(t, old)}, pack.Way{Name: "foreign", From: other.dir()})
	if s := report.Ways[1].State; s != pack.StateBehind {
		t.Errorf("who lags is %s: %v", s, report.Ways[1].Err)
	}
	if s := report.Ways[2].State; s != pack.StateTampered || !errors.As(report.Ways[2].Err, new(*pack.UntrustedError)) {
		t.Errorf("the other venue is %s: %v", s, report.Ways[2].Err)
	}
}

// A gate that was enrolled under a later root can serve one that knows only
// the first.
func TestEveryRootIsMirrored(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	early := newBox(t, v)
	for range 2 {
		if err := v.keys.Rotate(v.keyDir, "root"); err != nil {
			t.Fatal(err)
		}
		var err error
		if v.keys, err = pack.LoadKeys(v.keyDir); err != nil {
			t.Fatal(err)
		}
		v.build(content(tickets(10)))
	}
	late := newBox(t, v)
	newest, err := os.ReadFile(filepath.Join(v.repository, "metadata", "3.root.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(late.trust, "root.json"), newest, 0o600); err != nil {
		t.Fatal(err)
	}
	fromCentral, _ := central(t, v)
	late.sync(fromCentral)
	fromLate, _ := peer(t, "gate 2", late)
	if repo, report := early.sync(fromLate); repo.Root() != 3 {
		t.Fatalf("root %d, %+v", repo.Root(), report)
	}
}

// Of several ways with the newest version the nearest is used, and an older one
// is not.
func TestNearestOfTheNewest(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	first, lagging := newBox(t, v), newBox(t, v)
	fromCentral, atCentral := central(t, v)
	lagging.sync(fromCentral)
	void(t, v, 1, now)
	first.sync(fromCentral)
	fromFirst, _ := peer(t, "gate 1", first)
	fromLagging, _ := peer(t, "gate 2", lagging)
	atCentral.calls.Store(0)
	_, report := newBox(t, v).sync(fromCentral, fromLagging, fromFirst)
	if report.From != "gate 1" || atCentral.calls.Load() != 1 {
		t.Fatalf("%d calls at central, %+v", atCentral.calls.Load(), report)
	}
	if s := report.Ways[1].State; s != pack.StateBehind {
		t.Errorf("who lags is %s", s)
	}
}

// A gate that hangs keeps nobody from a version that is there.
func TestSlowWayIsNotWaitedFor(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	way, _ := central(t, v)
	stuck := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	_, report := newBox(t, v).sync(way, pack.Way{Name: "gate 9", From: overHTTP(t, stuck.URL), Distance: pack.Nearby})
	if report.From != "central" || report.Ways[1].State != pack.StateSlow || !report.Ways[1].Until.IsZero() {
		t.Fatalf("%+v", report)
	}
}

// On a line that breaks off again and again a pack comes all the same, and
// hardly a byte of it twice.
func TestLineThatBreaksOff(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(9000)))
	sound := pack.Handler(v.dir())
	broken := map[string]bool{}
	var lock sync.Mutex
	w := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lock.Lock()
		first := !broken[r.URL.Path]
		broken[r.URL.Path] = true
		lock.Unlock()
		if !first || !strings.Contains(r.URL.Path, "/tickets/") {
			sound.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		sound.ServeHTTP(rec, r)
		breakOff(60)(rec.Body.Bytes(), withETag{w, rec.Header().Get("ETag")}, r)
	}))
	from, b := overHTTP(t, w.URL), newBox(t, v)
	for try := range 10 {
		// Another name each time: the way need not rest in this test.
		way := pack.Way{Name: strconv.Itoa(try), From: from}
		repo, report, err := b.mirror.Sync(t.Context(), []pack.Way{way}, now)
		if err != nil {
			continue
		}
		all, err := read(repo)
		if err != nil || len(all) != 9000 || try == 0 {
			t.Fatalf("try %d: %d tickets, %v, %+v", try, len(all), err, report)
		}
		targets := sizeOf(t, filepath.Join(b.mirror.Path(), "targets"))
		// And the metadata for each try, and the few bytes of a shard that had just
		// begun as another broke off. Without going on it would be 300 kB more.
		if n := from.Received(); n > targets+150<<10 {
			t.Errorf("%d bytes came for targets of %d", n, targets)
		}
		return
	}
	t.Fatal("it never came")
}

// withETag keeps the ETag that was given first.
type withETag struct {
	http.ResponseWriter
	etag string
}

func (w withETag) Write(p []byte) (int, error) {
	w.Header().Set("ETag", w.etag)
	return w.ResponseWriter.Write(p)
}
