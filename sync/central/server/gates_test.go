package server

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/pack"
)

// A gate with a code gets a place on the roster, a root that verifies the
// repository, and keys that only it can open; and its code is used up.
func TestEnrolment(t *testing.T) {
	f := newFixture(t)
	g := newGate(t)
	code := f.invite(central.Invitation{Gate: 7, Name: "East", Addresses: []string{"10.0.0.7:7946"}, Lanes: []pack.Lane{lane(70)}})
	if len(code) != 26 {
		t.Errorf("a code of %d characters", len(code))
	}
	a := f.enrol(strings.ToLower(code), g)
	if a.status != http.StatusCreated {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	var e enrolled
	a.into(t, &e)
	if e.Venue != "1" || e.Gate != "7" || e.Incarnation != "1" || e.Name != "East" || len(e.Addresses) != 1 {
		t.Errorf("enrolled as %+v", e)
	}
	root, err := base64.StdEncoding.DecodeString(e.Root)
	f.check(err)
	f.check(pack.Enrol(filepath.Join(t.TempDir(), "trust"), root))
	sealed, err := base64.StdEncoding.DecodeString(e.Sealed)
	f.check(err)
	plain, err := seal.Open(g, central.PurposeKeys, sealed)
	f.check(err)
	var keys struct {
		Network []struct {
			Key string
			Use bool
		}
		Events map[string]struct {
			DocumentKey string `json:"document_key"`
			CodeKey     string `json:"code_key"`
		}
	}
	f.check(json.Unmarshal(plain, &keys))
	if len(keys.Network) != 1 || !keys.Network[0].Use || len(keys.Network[0].Key) != 64 || len(keys.Events["1"].DocumentKey) != 64 {
		t.Error("the keys are not as they should be")
	}
	if _, err := seal.Open(newGate(t), central.PurposeKeys, sealed); err == nil {
		t.Error("another gate opens the keys")
	}
	var alike enrolled
	if a := f.enrol(code, g); a.status != http.StatusCreated {
		t.Errorf("a gate that did not hear the answer: %d", a.status)
	} else if a.into(t, &alike); alike.Gate != "7" || alike.Incarnation != "1" {
		t.Errorf("answered %+v the second time", alike)
	}
	again := f.enrol(code, newGate(t))
	if p := again.problem(t); again.status != http.StatusGone || p.kind() != "gone" {
		t.Errorf("the code a second time: %d %s", again.status, p.kind())
	}
	if a := f.asGate(g, 7, "GET", "/v1/journals", nil); a.status != http.StatusOK {
		t.Errorf("the new gate may not call: %d %s", a.status, a.body)
	}
}

// A spare takes over a dead gate's place: the same number, name and lanes, the
// next incarnation; the dead gate's key opens nothing more, its journal can
// still be handed in.
func TestSpareTakesOver(t *testing.T) {
	f := newFixture(t)
	dead := newJournal(f.first, 1, 3)
	dead.grant(1, evening)
	spare := newGate(t)
	a := f.enrol(f.invite(central.Invitation{Gate: 1}), spare)
	var e enrolled
	a.into(t, &e)
	if a.status != http.StatusCreated || e.Incarnation != "2" || e.Name != "North" {
		t.Fatalf("%d: %s", a.status, a.body)
	}
	g := f.server.venues[0].office.Venue().Gates[0]
	if len(g.Lanes) != 2 || len(g.Former) != 1 || !bytes.Equal(g.Former[0], f.first.Public()) {
		t.Errorf("on the roster with %d lanes and %d former keys", len(g.Lanes), len(g.Former))
	}
	if a := f.asGate(f.first, 1, "GET", "/v1/journals", nil); a.status != http.StatusUnauthorized {
		t.Errorf("the dead gate's key: %d", a.status)
	}
	if a := f.upload(spare, 1, "/v1/journals/1/3?from=1", dead.batch(1, 2)); a.status != http.StatusOK {
		t.Errorf("the dead gate's journal: %d %s", a.status, a.body)
	}
}

func TestBadEnrolments(t *testing.T) {
	f := newFixture(t)
	code := f.invite(central.Invitation{Gate: 7, Name: "East"})
	late := f.invite(central.Invitation{Gate: 8, Name: "West"})
	g := newGate(t)
	public, err := seal.Public(g)
	f.check(err)
	key, sealKey := hex.EncodeToString(g.Public()), hex.EncodeToString(public)
	json := "application/json"
	for _, c := range []struct {
		name, body, kind string
		status           int
		contentType      string
	}{
		{"no JSON", "hello", "bad-request", 400, json},
		{"of another type", "x=1", "media-type", 415, "application/x-www-form-urlencoded"},
		{"an unknown field", `{"code":"x","admin":true}`, "bad-request", 400, json},
		{"two values", `{} {}`, "bad-request", 400, json},
		{"an unknown code", fmt.Sprintf(`{"code":"AAAAAAAAAAAAAAAAAAAAAAAAAA","public":%q,"seal":%q}`, key, sealKey), "not-found", 404, json},
		{"a code of no shape", fmt.Sprintf(`{"code":"'; drop table","public":%q,"seal":%q}`, key, sealKey), "not-found", 404, json},
		{"a short key", fmt.Sprintf(`{"code":%q,"public":"abcd","seal":%q}`, code, sealKey), "invalid", 422, json},
		{"no sealing key", fmt.Sprintf(`{"code":%q,"public":%q}`, code, key), "invalid", 422, json},
		{"a sealing key of no use", fmt.Sprintf(`{"code":%q,"public":%q,"seal":%q}`, code, key, strings.Repeat("0", 64)), "invalid", 422, json},
		{"another gate's key", fmt.Sprintf(`{"code":%q,"public":%q,"seal":%q}`, code, hex.EncodeToString(f.first.Public()), sealKey), "invalid", 422, json},
		{"too long", `{"code":"` + strings.Repeat("A", maxJSON) + `"}`, "too-large", 413, json},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := f.call("POST", "/v1/enrolments", []byte(c.body), "Content-Type", c.contentType)
			if p := a.problem(t); a.status != c.status || p.kind() != c.kind {
				t.Errorf("%d %s: %s; want %d %s", a.status, p.kind(), p.Detail, c.status, c.kind)
			}
		})
	}
	// None of them used the code up.
	if a := f.enrol(code, g); a.status != http.StatusCreated {
		t.Errorf("the code afterwards: %d %s", a.status, a.body)
	}
	f.mu.Lock()
	f.now = f.now.Add(2 * time.Hour)
	f.mu.Unlock()
	if a := f.enrol(late, newGate(t)); a.status != http.StatusGone {
		t.Errorf("a code that has expired: %d", a.status)
	}
}

// Files of the repository have strong tags and can be had in part; only gates
// on the roster get them.
func TestRepository(t *testing.T) {
	f := newFixture(t)
	const stamp = "/v1/repository/metadata/timestamp.json"
	whole := f.asGate(f.first, 1, "GET", stamp, nil)
	tag := whole.header.Get("ETag")
	if whole.status != http.StatusOK || !strings.HasPrefix(tag, `"`) || len(whole.body) == 0 {
		t.Fatalf("%d, tag %s: %s", whole.status, tag, whole.body)
	}
	for _, c := range []struct {
		name   string
		header []string
		status int
		body   []byte
	}{
		{"not modified", []string{"If-None-Match", tag}, 304, nil},
		{"another tag", []string{"If-None-Match", `"other"`}, 200, whole.body},
		{"a range", []string{"Range", "bytes=10-19"}, 206, whole.body[10:20]},
		{"a range if it is the same", []string{"Range", "bytes=10-", "If-Range", tag}, 206, whole.body[10:]},
		{"a range if it is another", []string{"Range", "bytes=10-", "If-Range", `"other"`}, 200, whole.body},
		{"a range past the end", []string{"Range", "bytes=9999999-"}, 416, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := f.asGate(f.first, 1, "GET", stamp, nil, c.header...)
			if a.status != c.status || c.body != nil && !bytes.Equal(a.body, c.body) {
				t.Errorf("%d with %d bytes, want %d with %d", a.status, len(a.body), c.status, len(c.body))
			}
		})
	}
	t.Run("changes with the content", func(t *testing.T) {
		if _, err := f.server.venues[0].office.Publish(t.Context(), evening.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if a := f.asGate(f.first, 1, "GET", stamp, nil, "If-None-Match", tag); a.status != 200 || a.header.Get("ETag") == tag {
			t.Errorf("after a publication: %d", a.status)
		}
	})
	for _, c := range []struct {
		name, path string
		as         *keyring.Gate
		id         uint32
		status     int
	}{
		{"not there", "/v1/repository/metadata/nothing.json", f.first, 1, 404},
		{"a directory", "/v1/repository/metadata", f.first, 1, 404},
		{"the top", "/v1/repository/", f.first, 1, 404},
		{"out of it", "/v1/repository/metadata/..%2f..%2fvenue.json", f.first, 1, 404},
		{"out of it, twice hidden", "/v1/repository/metadata/%2e%2e/%2e%2e/issuer/1.json", f.first, 1, 404},
		{"not on the roster", stamp, newGate(t), 99, 403},
		{"another's number", stamp, newGate(t), 1, 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := f.asGate(c.as, c.id, "GET", c.path, nil)
			if a.status/100 == 3 { // cleaned by the router
				a = f.asGate(c.as, c.id, "GET", a.header.Get("Location"), nil)
			}
			if a.status != c.status {
				t.Errorf("%d: %s; want %d", a.status, a.body, c.status)
			}
		})
	}
	if a := f.call("GET", stamp, nil); a.status != 401 || a.header.Get("WWW-Authenticate") == "" {
		t.Errorf("without a signature: %d", a.status)
	}
}

// Any gate on the roster hands in any gate's records, as often as it likes.
func TestJournals(t *testing.T) {
	f := newFixture(t)
	other := newGate(t)
	if a := f.enrol(f.invite(central.Invitation{Gate: 7, Name: "East"}), other); a.status != http.StatusCreated {
		t.Fatal(a.status)
	}
	j := newJournal(other, 7, 12)
	for i := range 9 {
		j.grant(1, evening.Add(time.Duration(i)*time.Second))
	}
	const path = "/v1/journals/7/12?from="
	for _, c := range []struct {
		name     string
		from, to int
		next     string
	}{
		{"the first", 1, 4, "5"},
		{"again", 1, 4, "5"},
		{"part of it again", 2, 3, "5"},
		{"some that are held and some that are not", 3, 7, "8"},
		{"the rest", 8, 10, "11"},
		{"all", 1, 10, "11"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := f.upload(f.first, 1, fmt.Sprint(path, c.from), j.batch(c.from, c.to))
			var got struct{ Next string }
			a.into(t, &got)
			if a.status != 200 || got.Next != c.next {
				t.Errorf("%d: %s; want next %s", a.status, a.body, c.next)
			}
		})
	}
	a := f.asGate(other, 7, "GET", "/v1/journals", nil)
	if want := `{"logs":[{"gate":"7","epoch":"12","next":"11"}]}` + "\n"; string(a.body) != want {
		t.Errorf("vector %s", a.body)
	}
	plain := f.asGate(other, 7, "POST", path+"1", j.batch(1, 10), "Content-Type", recordsType)
	if plain.status != 200 {
		t.Errorf("not compressed: %d %s", plain.status, plain.body)
	}
	// A restart forgets nothing.
	f.stop()
	f.start()
	if a := f.asGate(other, 7, "GET", "/v1/journals", nil); !bytes.Contains(a.body, []byte(`"next":"11"`)) {
		t.Errorf("after a restart: %s", a.body)
	}
}

func TestBadUploads(t *testing.T) {
	f := newFixture(t)
	j := newJournal(f.first, 1, 2)
	for range 9 {
		j.grant(1, evening)
	}
	if a := f.upload(f.first, 1, "/v1/journals/1/2?from=1", j.batch(1, 4)); a.status != 200 {
		t.Fatal(a.status)
	}
	foreign := newJournal(newGate(t), 1, 2)
	foreign.grant(5, evening)
	broken := bytes.Clone(j.batch(5, 10))
	broken[2*ledger.Size+60]++
	unknownKind := bytes.Clone(j.batch(5, 10))
	unknownKind[3*ledger.Size+1] = 99
	headless := j.batch(5, 10)[:6*ledger.Size]
	wrongHead := append(bytes.Clone(headless), j.batch(5, 9)[5*ledger.Size:]...)
	badSignature := bytes.Clone(j.batch(5, 10))
	badSignature[len(badSignature)-1]++
	bomb := zipped(t, make([]byte, 512<<20))
	good := zipped(t, j.batch(5, 10))
	record := func(n int) *int { return &n }
	for _, c := range []struct {
		name, path, encoding string
		body                 []byte
		status               int
		kind, next           string
		record               *int
	}{
		{"a gap", "/v1/journals/1/2?from=6", "zstd", zipped(t, j.batch(6, 10)), 409, "gap", "5", nil},
		{"the middle of an unknown log", "/v1/journals/1/9?from=6", "zstd", zipped(t, newJournalAt(j, 9).batch(2, 3)), 422, "invalid", "", record(0)},
		{"of another place", "/v1/journals/1/2?from=5", "zstd", zipped(t, j.batch(6, 10)), 422, "invalid", "", record(0)},
		{"another gate's signature", "/v1/journals/1/2?from=1", "zstd", zipped(t, foreign.batch(1, 2)), 422, "signature", "", nil},
		{"a changed record", "/v1/journals/1/2?from=5", "zstd", zipped(t, broken), 422, "invalid", "", record(3)},
		{"an unknown kind", "/v1/journals/1/2?from=5", "zstd", zipped(t, unknownKind), 422, "invalid", "", record(3)},
		{"without a head", "/v1/journals/1/2?from=5", "zstd", zipped(t, headless), 422, "invalid", "", nil},
		{"the head of another record", "/v1/journals/1/2?from=5", "zstd", zipped(t, wrongHead), 422, "invalid", "", nil},
		{"a wrong signature", "/v1/journals/1/2?from=5", "zstd", zipped(t, badSignature), 422, "signature", "", nil},
		{"cut short", "/v1/journals/1/2?from=5", "zstd", good[:len(good)/2], 422, "invalid", "", nil},
		{"not zstd", "/v1/journals/1/2?from=5", "zstd", []byte("hello"), 422, "invalid", "", nil},
		{"empty", "/v1/journals/1/2?from=5", "identity", nil, 422, "invalid", "", nil},
		{"a bomb", "/v1/journals/1/2?from=5", "zstd", bomb, 422, "invalid", "", nil},
		{"too long", "/v1/journals/1/2?from=5", "identity", make([]byte, 4<<20), 413, "too-large", "", nil},
		{"of another encoding", "/v1/journals/1/2?from=5", "gzip", good, 415, "media-type", "", nil},
		{"from nowhere", "/v1/journals/1/2", "zstd", good, 400, "bad-request", "", nil},
		{"of gate 0", "/v1/journals/0/2?from=1", "zstd", good, 400, "bad-request", "", nil},
		{"of a gate that never was", "/v1/journals/9/1?from=1", "zstd", zipped(t, newJournal(f.first, 9, 1).batch(1, 1)), 422, "invalid", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := f.asGate(f.first, 1, "POST", c.path, c.body, "Content-Type", recordsType, "Content-Encoding", c.encoding)
			p := a.problem(t)
			if a.status != c.status || p.kind() != c.kind || p.Next != c.next {
				t.Errorf("%d %s next %q: %s; want %d %s next %q", a.status, p.kind(), p.Next, p.Detail, c.status, c.kind, c.next)
			}
			if c.record != nil && (p.Record == nil || *p.Record != *c.record) {
				t.Errorf("record %v, want %d", p.Record, *c.record)
			}
		})
	}
	a := f.asGate(newGate(t), 1, "POST", "/v1/journals/1/2?from=5", good, "Content-Type", recordsType, "Content-Encoding", "zstd")
	if a.status != 401 {
		t.Errorf("a call signed by another: %d", a.status)
	}
	if a := f.upload(f.first, 1, "/v1/journals/1/2?from=5", j.batch(5, 10)); a.status != 200 {
		t.Errorf("the right one, after all that: %d %s", a.status, a.body)
	}
}

// newJournalAt is a journal of the same gate in another epoch.
func newJournalAt(j *journal, epoch uint32) *journal {
	n := newJournal(j.self, j.origin.Gate, epoch)
	n.grant(1, evening)
	n.grant(1, evening)
	return n
}

// Two records in one place close the log, which is shown; other logs move on.
func TestFork(t *testing.T) {
	f := newFixture(t)
	a, b := newJournal(f.first, 1, 2), newJournal(f.first, 1, 2)
	for i := range 5 {
		a.grant(1, evening)
		b.grant(1, evening.Add(time.Duration(i/3)*time.Second)) // the same up to 4
	}
	const path = "/v1/journals/1/2?from=1"
	if got := f.upload(f.first, 1, path, a.batch(1, 6)); got.status != 200 {
		t.Fatal(got.status)
	}
	for _, name := range []string{"the other branch", "the first branch again"} {
		batch := b.batch(1, 6)
		if name != "the other branch" {
			batch = a.batch(1, 6)
		}
		got := f.upload(f.first, 1, path, batch)
		if p := got.problem(t); got.status != 409 || p.kind() != "fork" || p.Next != "7" {
			t.Errorf("%s: %d %s next %s", name, got.status, p.kind(), p.Next)
		}
	}
	if v := f.asGate(f.first, 1, "GET", "/v1/journals", nil); !bytes.Contains(v.body, []byte(`"closed":"fork"`)) {
		t.Errorf("vector %s", v.body)
	}
	// Both branches are the gate's word: two grants more, now and after a restart.
	came := func() int { return f.server.venues[0].attendance.Came(central.DemoEvent, 0, 1) }
	now := came()
	f.stop()
	f.start()
	if now != 7 || came() != 7 {
		t.Errorf("%d people came, %d after a restart; want 7", now, came())
	}
	c := newJournal(f.first, 1, 3)
	if got := f.upload(f.first, 1, "/v1/journals/1/3?from=1", c.batch(1, 1)); got.status != 200 {
		t.Errorf("the next epoch: %d", got.status)
	}
}

// After a fork the grants of both branches count, and neither's exits and voids,
// whichever came first: central says what every gate's ledger says.
func TestForkUndoesExits(t *testing.T) {
	exit := func(j *journal) {
		j.add(ledger.Record{
			Kind: ledger.KindExit, Wall: evening.Add(time.Minute), Event: central.DemoEvent, Ticket: 1, Generation: 1, Session: 1, Step: ledger.NoStep,
			Count: 1, Lane: central.DemoEntryLane, From: central.DemoStand, Outcome: gate.Exit, Reason: gate.ReasonExited,
			Ref: ledger.Position{Origin: j.origin, Sequence: uint64(len(j.records))},
		})
	}
	f := newFixture(t)
	branches := func(epoch uint32) [2]*journal {
		both := [2]*journal{newJournal(f.first, 1, epoch), newJournal(f.first, 1, epoch)}
		for i, j := range both {
			j.grant(1, evening)
			exit(j) // in both
			j.grant(1, evening.Add(time.Duration(1+i)*time.Minute))
			exit(j) // in neither
		}
		return both
	}
	for i, order := range [][2]int{{0, 1}, {1, 0}} {
		epoch := uint32(2 + i)
		both := branches(epoch)
		path := fmt.Sprintf("/v1/journals/1/%d?from=1", epoch)
		first := f.upload(f.first, 1, path, both[order[0]].batch(1, 5))
		second := f.upload(f.first, 1, path, both[order[1]].batch(1, 5))
		if first.status != 200 || second.status != 409 {
			t.Fatalf("epoch %d: %d, then %d", epoch, first.status, second.status)
		}
		for _, when := range []string{"at once", "after a restart"} {
			if when != "at once" {
				f.stop()
				f.start()
			}
			v := f.server.venues[0]
			a, err := f.server.report(v, v.office.Events()[0], 0, "en")
			f.check(err)
			if times := i + 1; a.Admitted != 3*times || a.Exited != times || a.Inside != 2*times {
				t.Errorf("epoch %d, %s: %+v; want %d times 3 admitted, 1 left", epoch, when, a.Count, times)
			}
			found, err := v.conflicts(v.office.Events()[0], 0)
			f.check(err)
			if len(found) != 1 || found[0].Inside != 2*(i+1) || len(found[0].Grants) != 3*(i+1) {
				t.Errorf("epoch %d, %s: conflicts %+v", epoch, when, found)
			}
		}
	}
}

// Who is not on the roster is told so before the body is there: else a few slow
// strangers would take all the room that uploads have.
func TestStrangerSendsNoBody(t *testing.T) {
	f := newFixture(t)
	const path = "/v1/journals/1/2?from=1"
	for _, c := range []struct {
		name   string
		header string
		status int
	}{
		{"another key", keyring.SignCall(newGate(t), 1, "POST", path, evening, []byte("x")), 401},
		{"no such gate", keyring.SignCall(newGate(t), 9, "POST", path, evening, []byte("x")), 403},
		{"signed, and silent of its body", keyring.SignCall(f.first, 1, "GET", path, evening, nil), 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			var dialer net.Dialer
			conn, err := dialer.DialContext(t.Context(), "tcp", f.http.Listener.Addr().String())
			f.check(err)
			defer func() { _ = conn.Close() }()
			f.check(conn.SetDeadline(time.Now().Add(30 * time.Second))) // of a central that waits for the body
			_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: central\r\nAuthorization: %s\r\nContent-Type: %s\r\nContent-Length: 1000\r\n\r\n", path, c.header, recordsType)
			f.check(err)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			f.check(err)
			defer func() { _ = resp.Body.Close() }()
			if resp.StatusCode != c.status {
				t.Errorf("status %d, want %d", resp.StatusCode, c.status)
			}
		})
	}
	j := newJournal(f.first, 1, 2)
	sent, signed := j.batch(1, 1), []byte("another body")
	got := f.call("POST", path, sent, "Content-Type", recordsType, "Authorization", keyring.SignCall(f.first, 1, "POST", path, evening, signed))
	if got.status != 401 {
		t.Errorf("another body than the one that was signed: status %d", got.status)
	}
}

// Whoever is on the network may try to enrol: that costs central little.
func TestEnrolmentIsShort(t *testing.T) {
	f := newFixture(t)
	got := f.call("POST", "/v1/enrolments", jsonBody(t, enrolment{Name: strings.Repeat("x", 20<<10)}), "Content-Type", "application/json")
	if got.status != 413 {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}
