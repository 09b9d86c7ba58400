package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/rs/zerolog"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/pack"
)

var evening = time.Date(2026, 11, 22, 11, 30, 0, 0, time.UTC) // 19:30 in Shanghai

// fixture is a central with the demo venue, on a socket.
type fixture struct {
	testing.TB
	dir    string
	server *Server
	http   *httptest.Server
	first  *keyring.Gate // gate 1, of the roster that the venue was made with

	mu  sync.Mutex
	now time.Time
	log bytes.Buffer
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{TB: t, dir: filepath.Join(t.TempDir(), "venue"), first: newGate(t), now: evening}
	venue, event, err := central.Demo(evening, f.first.Public())
	f.check(err)
	o, err := central.Create(f.dir, venue, []*pack.Event{event}, rand.Reader)
	f.check(err)
	_, err = o.Publish(t.Context(), evening)
	f.check(err)
	f.start()
	t.Cleanup(func() { f.stop() })
	return f
}

// start opens the venue and serves it.
func (f *fixture) start() {
	f.Helper()
	var err error
	f.server, err = Open(Options{Dirs: []string{f.dir}, Now: f.clock, Random: rand.Reader, Log: zerolog.New(f)})
	f.check(err)
	f.http = httptest.NewServer(f.server)
}

func (f *fixture) stop() {
	f.http.Close()
	if err := f.server.Close(); err != nil {
		f.Error(err)
	}
}

// run publishes in the background until the test ends.
func (f *fixture) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { f.server.Run(ctx) })
	f.Cleanup(func() { cancel(); wg.Wait() })
}

func (f *fixture) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(p)
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) check(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func newGate(t testing.TB) *keyring.Gate {
	t.Helper()
	g, err := keyring.NewGate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// answer is what central said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// problem reads the body as a problem document.
func (a answer) problem(t testing.TB) (p problem) {
	t.Helper()
	if kind := a.header.Get("Content-Type"); kind != "application/problem+json" {
		t.Errorf("status %d, content type %s: %s", a.status, kind, a.body)
	}
	a.into(t, &p)
	return p
}

func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("status %d: %v: %s", a.status, err, a.body)
	}
}

// call makes a call; header is name, value, name, value.
func (f *fixture) call(method, path string, body []byte, header ...string) answer {
	f.Helper()
	r, err := http.NewRequestWithContext(f.Context(), method, f.http.URL+path, bytes.NewReader(body))
	f.check(err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := f.http.Client().Transport.RoundTrip(r)
	f.check(err)
	data, err := io.ReadAll(resp.Body)
	f.check(err)
	f.check(resp.Body.Close())
	return answer{resp.StatusCode, resp.Header, data}
}

// asGate makes a call that a gate signs.
func (f *fixture) asGate(g *keyring.Gate, id uint32, method, path string, body []byte, header ...string) answer {
	f.Helper()
	return f.call(method, path, body, append(header, "Authorization", keyring.SignCall(g, id, method, path, f.clock(), body))...)
}

func jsonBody(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// invite makes an enrolment code.
func (f *fixture) invite(inv central.Invitation) string {
	f.Helper()
	inv.Made, inv.Expires = f.clock(), f.clock().Add(time.Hour)
	v := f.server.venues[0]
	code, err := v.office.Invite(v.store, inv, rand.Reader)
	f.check(err)
	return code
}

func (f *fixture) enrol(code string, g *keyring.Gate) answer {
	f.Helper()
	public, err := seal.Public(g)
	f.check(err)
	return f.call("POST", "/v1/enrolments", jsonBody(f, enrolment{
		Code: code, Public: hex.EncodeToString(g.Public()), Seal: hex.EncodeToString(public), Name: "box",
	}), "Content-Type", "application/json")
}

// lane is a lane of a new gate.
func lane(id uint16) pack.Lane {
	return pack.Lane{ID: id, Name: pack.Names{"en": "Lane"}, Kind: "entry", To: central.DemoStand, Entrance: 1}
}

// journal makes records of one origin.
type journal struct {
	self    *keyring.Gate
	origin  ledger.Origin
	records [][]byte
	heads   []ledger.Head
	prev    ledger.Hash
}

func newJournal(self *keyring.Gate, id gate.GateID, epoch uint32) *journal {
	j := &journal{self: self, origin: ledger.Origin{Gate: id, Epoch: epoch}}
	j.add(ledger.Record{Kind: ledger.KindEpoch, Step: ledger.NoStep})
	return j
}

// add appends a record, which it completes.
func (j *journal) add(r ledger.Record) {
	r.Position = ledger.Position{Origin: j.origin, Sequence: uint64(len(j.records) + 1)}
	if r.Wall.IsZero() {
		r.Wall = evening
	}
	r.Clock, r.Prev = ledger.Clock(r.Wall.UnixMilli())<<16, j.prev
	b, err := r.AppendBinary(nil)
	if err != nil {
		panic(err)
	}
	j.prev = ledger.HashEncoded(b)
	h := ledger.Head{Position: r.Position, Hash: j.prev}
	copy(h.Signature[:], j.self.Sign(h.SigningBytes()))
	j.records, j.heads = append(j.records, b), append(j.heads, h)
}

// grant appends a grant of one entry.
func (j *journal) grant(ticket gate.TicketID, at time.Time) {
	j.add(ledger.Record{
		Kind: ledger.KindGrant, Wall: at, Event: central.DemoEvent, Ticket: ticket, Generation: 1, Session: 1, Entry: 1,
		Step: ledger.NoStep, Count: 1, Lane: central.DemoEntryLane, To: central.DemoStand, Outcome: gate.Admit, Reason: gate.ReasonAdmitted,
	})
}

// batch is the body of an upload of the records from one sequence to another.
func (j *journal) batch(from, to int) []byte {
	plain := bytes.Join(j.records[from-1:to], nil)
	plain, _ = j.heads[to-1].AppendBinary(plain)
	return plain
}

func zipped(t testing.TB, plain []byte) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = enc.Close() }()
	return enc.EncodeAll(plain, nil)
}

// upload hands in records.
func (f *fixture) upload(g *keyring.Gate, id uint32, path string, body []byte) answer {
	f.Helper()
	return f.asGate(g, id, "POST", path, zipped(f, body), "Content-Type", recordsType, "Content-Encoding", "zstd")
}

// kind is the last part of a problem's type.
func (p *problem) kind() string { return strings.TrimPrefix(p.Type, problemPath) }
