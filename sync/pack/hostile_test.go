package pack_test

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/sync/pack"
)

// hostile answers some calls by itself and leaves the others to a sound
// server.
type hostile func(sound http.Handler, w http.ResponseWriter, r *http.Request) bool

// on is hostile for the files whose names hold a text.
func on(part string, answer func(sound []byte, w http.ResponseWriter, r *http.Request)) hostile {
	return func(sound http.Handler, w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, part) {
			return false
		}
		rec := httptest.NewRecorder()
		bare := r.Clone(r.Context())
		bare.Header = http.Header{}
		sound.ServeHTTP(rec, bare)
		answer(rec.Body.Bytes(), w, r)
		return true
	}
}

func status(code int) func([]byte, http.ResponseWriter, *http.Request) {
	return func(_ []byte, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func instead(change func([]byte) []byte) func([]byte, http.ResponseWriter, *http.Request) {
	return func(sound []byte, w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(change(sound)) }
}

// breakOff promises all of a file and sends a part of it.
func breakOff(share int) func([]byte, http.ResponseWriter, *http.Request) {
	return func(sound []byte, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(sound)))
		w.Header().Set("ETag", `"whole"`)
		_, _ = w.Write(sound[:len(sound)*share/100])
	}
}

// serveTo is how a way is reached: in the clear or between gates.
type serveTo func(t *testing.T, h http.Handler) pack.Fetcher

func inTheClear(t *testing.T, h http.Handler) pack.Fetcher {
	t.Helper()
	s := httptest.NewServer(http.StripPrefix("/repository", h))
	t.Cleanup(s.Close)
	f, err := pack.NewHTTP(pack.HTTPOptions{Base: s.URL + "/repository", Parts: t.TempDir(), Patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// patience is long enough for a busy machine; only the cases that never
// answer use it up.
const patience = 5 * time.Second

func newGateKey(t *testing.T) *keyring.Gate {
	t.Helper()
	key, err := keyring.NewGate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// betweenGates serves on a peer port, with both keys proved.
func betweenGates(t *testing.T, h http.Handler) pack.Fetcher {
	t.Helper()
	server, client := newGateKey(t), newGateKey(t)
	answering, err := keyring.ServerTLS(server, func(k ed25519.PublicKey) bool { return k.Equal(client.Public()) }, "http/1.1")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.StripPrefix(strings.TrimSuffix(pack.PeerPath, "/"), h))
	s.TLS = answering
	s.Config.ErrorLog = quiet()
	s.StartTLS()
	t.Cleanup(s.Close)
	calling, err := keyring.ClientTLS(client, server.Public(), "http/1.1")
	if err != nil {
		t.Fatal(err)
	}
	f, err := pack.NewPeer(s.Listener.Addr().String(), calling, pack.HTTPOptions{Parts: t.TempDir(), Patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// A bad way changes nothing, is named for what it is, and does not keep the
// gate from the good one beside it.
func TestHostileWays(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(9000)))
	old := filepath.Join(t.TempDir(), "old")
	copyDir(t, v.repository, old)
	foreign := newVenue(t)
	for range 3 { // the newest of all
		foreign.build(content(tickets(9001)))
	}
	c := content(tickets(9500))
	c.Sealed = map[uint32][]byte{1: []byte("sealed")}
	c.Venue.Gates[1].Name, c.Events[0].Event.Name = "east 2, new", names("Concert, moved")
	v.build(c)
	newest := filepath.Join(t.TempDir(), "newest")
	copyDir(t, v.repository, newest)

	sound, past, strange := pack.Handler(open(t, newest)), pack.Handler(open(t, old)), pack.Handler(open(t, foreign.repository))
	after := func(h http.Handler, names ...string) hostile {
		return func(_ http.Handler, w http.ResponseWriter, r *http.Request) bool {
			for _, n := range names {
				if strings.Contains(r.URL.Path, n) {
					h.ServeHTTP(w, r)
					return true
				}
			}
			return false
		}
	}
	elsewhere := httptest.NewServer(sound)
	t.Cleanup(elsewhere.Close)

	cases := []struct {
		name  string
		do    hostile
		state pack.State
	}{
		{"a shard is not there", on("/tickets/", status(404)), pack.StateIncomplete},
		{"the snapshot is not there", on("snapshot.json", status(404)), pack.StateIncomplete},
		{"the timestamp is not there", on("timestamp.json", status(404)), pack.StateIncomplete},
		{"a shard breaks off", on("/tickets/", breakOff(50)), pack.StateUnreachable},
		{"the list of shards breaks off", on("shards.json", breakOff(90)), pack.StateUnreachable},
		{"a shard is cut short", on("/tickets/", instead(cut)), pack.StateTampered},
		{"a shard is longer", on("/tickets/", instead(func(b []byte) []byte { return append(b, 0) })), pack.StateTampered},
		{"a bit of a shard", on("/tickets/", instead(flip(1000))), pack.StateTampered},
		{"a bit of the venue", on("venue.json", instead(flip(70))), pack.StateTampered},
		{"a bit of sealed keys", on("venue/keys/", instead(flip(1))), pack.StateTampered},
		{"the policy is changed", on("event.json", instead(func(b []byte) []byte { return bytes.Replace(b, []byte("refer"), []byte("admit"), 1) })), pack.StateTampered},
		{"a shard without end", on("/tickets/", endless), pack.StateTampered},
		{"a timestamp without end", on("timestamp.json", endless), pack.StateTampered},
		{"a timestamp that is empty", on("timestamp.json", instead(func([]byte) []byte { return nil })), pack.StateTampered},
		{"a timestamp that promises more", on("timestamp.json", instead(func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"version": 2`), []byte(`"version": 999999`), 2)
		})), pack.StateTampered},
		{"a timestamp of odd shape", on("timestamp.json", instead(func([]byte) []byte { return []byte(`{"signed":{"_type":"timestamp"},"signatures":null}`) })), pack.StateTampered},
		{"another venue's", after(strange, "/"), pack.StateTampered},
		{"another venue's below our timestamp", after(strange, "snapshot.json", "targets.json"), pack.StateIncomplete},
		{"signed again by another venue", after(strange, "timestamp.json", "snapshot.json"), pack.StateTampered},
		{"old lists below a new timestamp", func(_ http.Handler, w http.ResponseWriter, r *http.Request) bool {
			r.URL.Path = strings.Replace(r.URL.Path, "2.snapshot.json", "1.snapshot.json", 1)
			return false
		}, pack.StateTampered},
		{"an old shard in the place of a new one", func(_ http.Handler, w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/tickets/") {
				return false
			}
			files, err := filepath.Glob(filepath.Join(old, "targets/event/2026/tickets/*"))
			if err == nil {
				http.ServeFile(w, r, files[0])
			}
			return err == nil
		}, pack.StateTampered},
		{"an older one", after(past, "/"), pack.StateCurrent}, // which is what this gate has
		{"a log-in page", on("", func(_ []byte, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<html>Welcome to the stadium. Please log in</html>")
		}), pack.StateNonsense},
		{"a log-in page that says it is JSON", on("", func(_ []byte, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "\n <!DOCTYPE html>")
		}), pack.StateNonsense},
		{"leads to a log-in page", func(_ http.Handler, w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusFound)
			return true
		}, pack.StateNonsense},
		{"leads in circles", func(_ http.Handler, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Location", "?again="+strconv.Itoa(len(r.URL.RawQuery)))
			w.WriteHeader(http.StatusFound)
			return true
		}, pack.StateNonsense},
		{"compressed unasked", on("", func(b []byte, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(b)
			_ = z.Close()
		}), pack.StateNonsense},
		{"not modified unasked", on("snapshot.json", status(304)), pack.StateNonsense},
		{"a part unasked", on("/tickets/", func(b []byte, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-9/%d", len(b)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(b[:10])
		}), pack.StateNonsense},
		{"not on the roster", on("", status(403)), pack.StateRefused},
		{"who are you", on("", status(401)), pack.StateRefused},
		{"broken inside", on("", status(500)), pack.StateUnreachable},
		{"busy", on("", status(503)), pack.StateUnreachable},
		{"an answer that is no HTTP", func(_ http.Handler, w http.ResponseWriter, _ *http.Request) bool {
			return raw(w, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH\r\n\r\n") })
		}, pack.StateUnreachable},
		{"hangs up", func(_ http.Handler, w http.ResponseWriter, _ *http.Request) bool { return raw(w, func(net.Conn) {}) }, pack.StateUnreachable},
		{"never answers", func(_ http.Handler, _ http.ResponseWriter, r *http.Request) bool {
			<-r.Context().Done()
			return true
		}, pack.StateUnreachable},
	}
	for transport, to := range map[string]serveTo{"http": inTheClear, "peer": betweenGates} {
		for _, c := range cases {
			t.Run(transport+"/"+c.name, func(t *testing.T) {
				b := newBox(t, v)
				b.sync(pack.Way{Name: "before", From: open(t, old)})
				bad := pack.Way{Name: "bad", From: to(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !c.do(sound, w, r) {
						sound.ServeHTTP(w, r)
					}
				}))}
				trust := contents(t, b.trust)
				repo, report, err := b.mirror.Sync(t.Context(), []pack.Way{bad}, now)
				if err != nil || report.Version != 1 || report.Changed {
					t.Fatalf("%+v, %v", report, err)
				}
				got := report.Ways[0]
				t.Log(got.State, got.Err)
				if got.State != c.state {
					t.Errorf("state %s, want %s: %v", got.State, c.state, got.Err)
				}
				if all, err := read(repo); err != nil || len(all) != 9000 {
					t.Errorf("what was there: %d tickets, %v", len(all), err)
				}
				if now := contents(t, b.trust); now != trust {
					t.Error("what the gate trusts changed")
				}
				good := pack.Way{Name: "good", From: open(t, newest)}
				repo, report = b.sync(bad, good)
				if report.From != "good" || report.Version != 2 {
					t.Fatalf("with a good way: %+v", report)
				}
				if time.Now().Before(got.Until) && report.Ways[0].State != pack.StateResting {
					t.Errorf("the bad way was asked again at once: %+v", report.Ways[0])
				}
				if got.Until.IsZero() != (c.state == pack.StateCurrent) {
					t.Errorf("it rests until %s", got.Until)
				}
				if all, err := read(repo); err != nil || len(all) != 9500 {
					t.Errorf("%d tickets, %v", len(all), err)
				}
			})
		}
	}
}

func endless(_ []byte, w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}

func raw(w http.ResponseWriter, say func(net.Conn)) bool {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	say(c)
	_ = c.Close()
	return true
}

func open(t *testing.T, dir string) *pack.Dir {
	t.Helper()
	d, err := pack.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// contents is all there is in a directory.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %x\n", path, data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A disk that fills up in the middle leaves what was there; with room again
// only the rest is fetched.
func TestFullDiskInTheMiddle(t *testing.T) {
	// The limit below is the whole process's, also for the notes that the test
	// binary takes for the go command: another process has none.
	const alone = "VENUEGATE_TEST_ALONE"
	if os.Getenv(alone) == "" {
		self := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		self.Env = append(os.Environ(), alone+"=1")
		out, err := self.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS")) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	v := newVenue(t)
	v.build(content(tickets(10)))
	b := newBox(t, v)
	way, served := central(t, v)
	b.sync(way)
	v.build(content(tickets(9000)))

	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(unix.SIGXFSZ)
	defer signal.Reset(unix.SIGXFSZ)
	full := before
	full.Cur = 100 << 10 // the small last shard fits, the others do not
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	_, report, err := b.mirror.Sync(t.Context(), []pack.Way{way}, now)
	if back := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); back != nil {
		t.Fatal(back)
	}
	if !errors.As(err, new(*pack.LocalError)) || report.Version != 1 || report.Ways[0].State != pack.StateOffered {
		t.Fatalf("%+v, %v", report, err)
	}
	repo, report, err := b.mirror.Sync(t.Context(), nil, now)
	if err != nil || repo.Version() != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	served.bytes.Store(0)
	if repo, _ := b.sync(way); repo.Version() != 2 {
		t.Fatalf("version %d", repo.Version())
	}
	all, err := os.ReadDir(filepath.Join(b.mirror.Path(), "targets/event/2026/tickets"))
	if err != nil || len(all) != 3+1 { // and the one of the version before
		t.Errorf("%d shards, %v", len(all), err)
	}
	if leftovers, err := filepath.Glob(filepath.Join(b.mirror.Path(), "targets/event/2026/tickets/.*")); err != nil || len(leftovers) > 0 {
		t.Errorf("left behind: %v, %v", leftovers, err)
	}
}

// What rots on the gate's own disk is noticed when it is read, and comes again.
func TestDamageInTheMirrorHeals(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(9000)))
	b := newBox(t, v)
	way, _ := central(t, v)
	repo, _ := b.sync(way)
	files, err := filepath.Glob(filepath.Join(b.mirror.Path(), "targets/event/2026/tickets/*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v", files, err)
	}
	edit(t, files[1], flip(77))
	if _, err := read(repo); !errors.As(err, new(*pack.TamperedError)) {
		t.Fatalf("error %v", err)
	}
	if _, report, err := b.mirror.Sync(t.Context(), nil, now); !errors.Is(err, pack.ErrNoPack) {
		t.Fatalf("with no way: %+v, %v", report, err)
	}
	repo, report := b.sync(way)
	if all, err := read(repo); err != nil || len(all) != 9000 || !report.Changed {
		t.Fatalf("%d tickets, %v, %+v", len(all), err, report)
	}
	if sent := report.Ways[0].Bytes; sent == 0 || sent > 1<<20 {
		t.Errorf("%d bytes came for one shard", sent)
	}
}

// Signatures past their time are a warning: the only version there is, is
// used.
func TestExpiredOverHTTP(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	b := newBox(t, v)
	way, _ := central(t, v)
	repo, report, err := b.mirror.Sync(t.Context(), []pack.Way{way}, now.AddDate(20, 0, 0))
	if err != nil || len(repo.Warnings()) != 6 || !report.Changed {
		t.Fatalf("%+v, %v", report, err)
	}
}
