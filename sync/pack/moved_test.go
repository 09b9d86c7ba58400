package pack_test

import (
	"context"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/gate/store/storetest"
	"github.com/venuegate/venuegate/sync/pack"
)

// sizeOf is how much a directory holds, in bytes.
func sizeOf(t testing.TB, dir string) (total int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		total += info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}

// day is what changes of n tickets on a day of sales: 1 000 in all, 700 sold and
// 300 refunded, anywhere in the list.
func day(t testing.TB, n int) []pack.Change {
	t.Helper()
	sold := make([]gate.Ticket, 0, 1000)
	i := 0
	for ticket, err := range storetest.Tickets(n+700, storetest.Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		if i++; i > n {
			sold = append(sold, ticket)
		}
	}
	changes := make([]pack.Change, 0, 1000)
	for i := range sold {
		changes = append(changes, pack.Change{Ticket: &sold[i]})
	}
	for i := range 300 {
		changes = append(changes, pack.Change{ID: storetest.ID(i * (n / 300)), Generation: 1, Status: gate.StatusRefunded})
	}
	return changes
}

// moves syncs a gate after each publication of a pack of n tickets, and returns
// how many bytes came with the first, with a day's overlay, and with new shards
// after 1 000 sales.
func moves(t testing.TB, n int) (first, overlay, shards int64) {
	t.Helper()
	v := newVenue(t)
	v.build(content(tickets(n)))
	v.enrol()
	mirror, err := pack.OpenMirror(filepath.Join(t.TempDir(), pack.DirMirror), v.gate)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mirror.Close() }()
	s := httptest.NewServer(pack.Handler(v.dir()))
	defer s.Close()
	way, err := pack.NewHTTP(pack.HTTPOptions{Base: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = way.Close() }()
	sync := func() int64 {
		repo, report, err := mirror.Sync(context.Background(), []pack.Way{{Name: "central", From: way}}, now)
		if err != nil || !report.Changed {
			t.Fatalf("%+v, %v", report, err)
		}
		if err := repo.Accept(); err != nil {
			t.Fatal(err)
		}
		return report.Ways[0].Bytes
	}
	first = sync()
	if had := sizeOf(t, v.repository); first < had*9/10 || first > had {
		t.Errorf("%d bytes came of a repository of %d", first, had)
	}
	if _, err := pack.PublishOverlay(context.Background(), v.repository, v.keys, demoEvent(), demoVenue(), day(t, n), now); err != nil {
		t.Fatal(err)
	}
	overlay = sync()
	v.build(content(tickets(n + 1000)))
	return first, overlay, sync()
}

// A day of sales moves the day of sales: an overlay, or the shard at the end
// with the list of shards.
func TestWhatAChangeMoves(t *testing.T) {
	const n = 100_000
	first, overlay, shards := moves(t, n)
	t.Logf("%d tickets: %d bytes; 1 000 changes in the overlay %d; 1 000 sales in shards %d", n, first, overlay, shards)
	if overlay*100 >= first {
		t.Errorf("an overlay of 1 000 changes moved %d bytes, 1 %% of %d is too much", overlay, first)
	}
	if two := 2 * first / (n / 4000); shards > two {
		t.Errorf("1 000 sales moved %d bytes, more than two shards of about %d", shards, two/2)
	}
}

// BenchmarkChangeMoves is the same for a large venue's season.
func BenchmarkChangeMoves(b *testing.B) {
	for b.Loop() {
		first, overlay, shards := moves(b, 700_000)
		b.ReportMetric(float64(first), "pack-bytes")
		b.ReportMetric(100*float64(overlay)/float64(first), "overlay-%")
		b.ReportMetric(100*float64(shards)/float64(first), "shards-%")
	}
}

// line is a network that passes so many bytes a second, for all connections
// together.
type line struct {
	net.Listener
	rate int64
	mu   sync.Mutex
	next time.Time
}

func (l *line) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return slowConn{c, l}, err
}

func (l *line) pass(n int) {
	l.mu.Lock()
	if now := time.Now(); l.next.Before(now) {
		l.next = now
	}
	l.next = l.next.Add(time.Duration(n) * time.Second / time.Duration(l.rate))
	at := l.next
	l.mu.Unlock()
	time.Sleep(time.Until(at))
}

type slowConn struct {
	net.Conn
	line *line
}

// Write hides the connection's ReadFrom, which would pass the line by.
func (c slowConn) Write(p []byte) (done int, err error) {
	for len(p) > 0 && err == nil {
		part := p[:min(len(p), 16<<10)]
		c.line.pass(len(part))
		var n int
		n, err = c.Conn.Write(part)
		done, p = done+n, p[n:]
	}
	return done, err
}

// BenchmarkFirstPack measures how long a gate that has nothing takes until it
// can use 700 000 tickets that come over 100 Mbit/s: fetch, verify, mirror,
// install. Its floor is the time that the bytes need on the line.
func BenchmarkFirstPack(b *testing.B) {
	const n, rate = 700_000, 100_000_000 / 8
	v := newVenue(b)
	v.build(content(tickets(n)))
	for b.Loop() {
		top := b.TempDir()
		v.gate = filepath.Join(top, pack.DirTrust)
		v.enrol()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		s := &http.Server{Handler: pack.Handler(v.dir()), ReadHeaderTimeout: time.Minute}
		var serving sync.WaitGroup
		serving.Go(func() { _ = s.Serve(&line{Listener: l, rate: rate}) })
		way, err := pack.NewHTTP(pack.HTTPOptions{Base: "http://" + l.Addr().String()})
		if err != nil {
			b.Fatal(err)
		}
		mirror, err := pack.OpenMirror(filepath.Join(top, pack.DirMirror), v.gate)
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		r, report, err := mirror.Sync(context.Background(), []pack.Way{{Name: "central", From: way, Distance: pack.Away}}, now)
		if err != nil {
			b.Fatal(err)
		}
		fetched := time.Since(start)
		install(b, r, filepath.Join(top, "packs"))
		if err := r.Accept(); err != nil {
			b.Fatal(err)
		}
		moved := report.Ways[0].Bytes
		b.ReportMetric(float64(moved)/rate, "floor-s")
		b.ReportMetric(fetched.Seconds(), "fetched-s")
		b.ReportMetric(time.Since(start).Seconds(), "usable-s")
		b.ReportMetric(float64(moved), "pack-bytes")
		_, _, _ = s.Close(), way.Close(), mirror.Close()
		serving.Wait()
		if err := os.RemoveAll(top); err != nil {
			b.Fatal(err)
		}
	}
	reportPeak(b)
}

// install puts the event of a repository in use.
func install(b *testing.B, r *pack.Repository, dir string) {
	b.Helper()
	e, _ := r.Event(storetest.Event)
	policy, err := e.Event.Policy()
	if err != nil {
		b.Fatal(err)
	}
	packs, err := store.OpenPacks(dir)
	if err != nil {
		b.Fatal(err)
	}
	src := store.Source{
		Event: e.ID, Version: r.Version(), Digest: e.Digest, Venue: r.VenueJSON, Document: e.JSON, Policy: policy,
		Issued: r.Issued(), Expires: r.Expires(), Origin: "central", At: now,
	}
	if _, err := packs.Install(context.Background(), src, r.Tickets(context.Background(), e.ID)); err != nil {
		b.Fatal(err)
	}
	if err := packs.Close(); err != nil {
		b.Fatal(err)
	}
}
