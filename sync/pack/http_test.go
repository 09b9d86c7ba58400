package pack_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/sync/pack"
)

// bigFile is a repository with one target, and the target's name.
func bigFile(t *testing.T, data []byte) (dir, name string) {
	t.Helper()
	dir = t.TempDir()
	sum := sha256.Sum256(data)
	name = "targets/event/1/tickets/" + hex.EncodeToString(sum[:]) + ".00000000000000000000"
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, name
}

// A transfer that breaks off goes on where it stopped, unless the server has
// something else by then, cannot, or hands out what does not fit.
func TestResume(t *testing.T) {
	whole := bytes.Repeat([]byte("0123456789abcdef"), 16<<10) // 256 KiB
	const half = 128 << 10
	for name, c := range map[string]struct {
		second func(sound http.Handler, w http.ResponseWriter, r *http.Request)
		least  int64 // that comes after the break, in bytes
		most   int64
		err    bool // then the third call gets all of it
	}{
		"goes on": {func(sound http.Handler, w http.ResponseWriter, r *http.Request) { sound.ServeHTTP(w, r) }, half, half, false},
		"knows no ranges": {func(sound http.Handler, w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Range")
			sound.ServeHTTP(w, r)
		}, 2 * half, 2 * half, false},
		"has another version": {func(sound http.Handler, w http.ResponseWriter, r *http.Request) {
			r.Header.Set("If-Range", `"another"`)
			sound.ServeHTTP(w, r)
		}, 2 * half, 2 * half, false},
		"goes on with other bytes": {func(sound http.Handler, w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				sound.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Range", "bytes 131072-262143/262144")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(make([]byte, half))
		}, 3 * half, 3 * half, false},
		"cannot go on from there": {func(sound http.Handler, w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				sound.ServeHTTP(w, r)
				return
			}
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		}, 2 * half, 2*half + 100, false},
		"goes on elsewhere": {func(_ http.Handler, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 131073-262143/262144")
			w.WriteHeader(http.StatusPartialContent)
		}, 0, 0, true},
		"goes on with another version": {func(_ http.Handler, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 131072-262143/262144")
			w.Header().Set("ETag", `"another"`)
			w.WriteHeader(http.StatusPartialContent)
		}, 0, 0, true},
		"goes on past the end": {func(_ http.Handler, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 131072-999999/1000000")
			w.WriteHeader(http.StatusPartialContent)
		}, 0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir, file := bigFile(t, whole)
			sound := pack.Handler(open(t, dir))
			calls := 0
			w := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				switch calls {
				case 1:
					etag := httptest.NewRecorder()
					sound.ServeHTTP(etag, httptest.NewRequest(http.MethodHead, r.URL.Path, nil))
					w.Header().Set("ETag", etag.Header().Get("ETag"))
					w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
					_, _ = w.Write(whole[:half])
				case 2, 3:
					c.second(sound, w, r)
				default:
					sound.ServeHTTP(w, r)
				}
			}))
			way := overHTTP(t, w.URL)
			if data, err := way.Fetch(t.Context(), file, int64(len(whole))); err == nil {
				t.Fatalf("%d bytes without an error", len(data))
			}
			had := way.Received()
			data, err := way.Fetch(t.Context(), file, int64(len(whole)))
			if c.err {
				if err == nil {
					t.Fatal("no error")
				}
				calls = 3
				data, err = way.Fetch(t.Context(), file, int64(len(whole)))
			} else if n := way.Received() - had; n < c.least || n > c.most {
				t.Errorf("%d bytes came", n)
			}
			if err != nil || !bytes.Equal(data, whole) {
				t.Fatalf("%d bytes, %v", len(data), err)
			}
			if left, err := filepath.Glob(filepath.Join(t.TempDir(), "..", "*", "parts", "*")); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// Every call says who calls, also after the server led it to another path.
func TestCallsAreSigned(t *testing.T) {
	data := []byte("a shard")
	dir, name := bigFile(t, data)
	key := newGateKey(t)
	sound := pack.Handler(open(t, dir))
	var targets []string
	w := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call, err := keyring.ParseCall(r.Header.Get("Authorization"))
		if err == nil {
			err = call.Verify(key.Public(), r.Method, r.URL.RequestURI(), nil)
		}
		if err != nil || call.Gate != 7 {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		targets = append(targets, r.URL.RequestURI())
		if rest, moved := strings.CutPrefix(r.URL.Path, "/moved/"); moved {
			http.Redirect(w, r, "/here/"+rest+"?a=b", http.StatusTemporaryRedirect)
			return
		}
		http.StripPrefix("/here", sound).ServeHTTP(w, r)
	}))
	way, err := pack.NewHTTP(pack.HTTPOptions{Base: w.URL + "/moved/", Authorize: func(method, target string) string {
		return keyring.SignCall(key, 7, method, target, now, nil)
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := way.Fetch(t.Context(), name, 100)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%q, %v", got, err)
	}
	if len(targets) != 2 || targets[1] != "/here/"+name+"?a=b" {
		t.Errorf("called %q", targets)
	}
	if way.Received() != int64(len(data)) {
		t.Errorf("%d bytes received", way.Received())
	}
	stranger := overHTTP(t, w.URL+"/moved/")
	var refused *pack.HTTPError
	if _, err := stranger.Fetch(t.Context(), name, 100); !errors.As(err, &refused) || refused.Status != http.StatusForbidden {
		t.Errorf("unsigned: %v", err)
	}
}

// A server with a certificate of the organiser's own is believed by its CA
// file, and by nothing else.
func TestOwnCA(t *testing.T) {
	data := []byte("a shard")
	dir, name := bigFile(t, data)
	s := httptest.NewUnstartedServer(pack.Handler(open(t, dir)))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = quiet()
	s.StartTLS()
	t.Cleanup(s.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	own, err := pack.NewHTTP(pack.HTTPOptions{Base: s.URL, CAFile: ca})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.Close() }()
	if got, err := own.Fetch(t.Context(), name, 100); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%q, %v", got, err)
	}
	system := overHTTP(t, s.URL)
	if got, err := system.Fetch(t.Context(), name, 100); err == nil {
		t.Errorf("by the system's roots: %q", got)
	}
	for name, file := range map[string]string{"no such file": ca + "x", "no certificate": name} {
		if name == "no certificate" {
			file = filepath.Join(dir, file)
		}
		if _, err := pack.NewHTTP(pack.HTTPOptions{Base: s.URL, CAFile: file}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAddresses(t *testing.T) {
	for base, ok := range map[string]bool{
		"https://central.example/v1/repository/": true,
		"http://192.0.2.1:8080":                  true,
		"":                                       false,
		"central.example":                        false,
		"ftp://central.example/":                 false,
		"https:///repository":                    false,
		"https://user:secret@central.example/":   false,
		"https://central.example/?token=secret":  false,
		"https://central.example/#x":             false,
		"https://user:secret@central%zz/":        false,
	} {
		_, err := pack.NewHTTP(pack.HTTPOptions{Base: base})
		if (err == nil) != ok {
			t.Errorf("%q: %v", base, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the secret is in the error: %v", err)
		}
	}
}

func TestHTTPErrorSaysWhen(t *testing.T) {
	w := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "120")
		code, _ := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
		w.WriteHeader(code)
	}))
	way := overHTTP(t, w.URL)
	for code, missing := range map[int]bool{404: true, 410: true, 429: false, 503: false} {
		_, err := way.Fetch(t.Context(), strconv.Itoa(code), 100)
		var status *pack.HTTPError
		if !errors.As(err, &status) || status.Status != code || status.RetryAfter != 2*time.Minute || errors.Is(err, fs.ErrNotExist) != missing {
			t.Errorf("%d: %+v", code, err)
		}
	}
	for text, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"soon":                          0,
		"4000000000":                    pack.MaxRetryAfter,
		"Fri, 20 Nov 2026 08:01:00 GMT": time.Minute,
		"Fri, 20 Nov 2026 07:00:00 GMT": 0,
		"Fri, 20 Nov 2099 08:01:00 GMT": pack.MaxRetryAfter,
	} {
		if got := pack.ParseRetryAfter(text, now); got != want {
			t.Errorf("Retry-After: %q is %s, want %s", text, got, want)
		}
	}
}

// What a mirror gives out: the repository's files, and nothing else of the
// disk.
func TestHandlerServesRepositoriesOnly(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	for name, text := range map[string]string{"secret": "x", "metadata/.draft.json": "x", "metadata/01.root.json": "x"} {
		if err := os.WriteFile(filepath.Join(v.repository, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(v.keyDir, "roles.json"), filepath.Join(v.repository, "metadata", "7.targets.json")); err != nil {
		t.Fatal(err)
	}
	w := serve(t, pack.Handler(v.dir()))
	shard, err := filepath.Rel(v.repository, v.one(firstShard))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/metadata/timestamp.json", 200},
		{"HEAD", "/metadata/timestamp.json", 200},
		{"GET", "/metadata/1.root.json", 200},
		{"GET", "/" + shard, 200},
		{"GET", "/metadata/2.root.json", 404},
		{"GET", "/metadata/01.root.json", 404},
		{"GET", "/metadata/.draft.json", 404},
		{"GET", "/metadata/", 404},
		{"GET", "/metadata/7.targets.json", 500}, // leads out of the repository
		{"GET", "/secret", 404},
		{"GET", "/", 404},
		{"GET", "/../keys/roles.json", 404},
		{"GET", "/%2e%2e/keys/roles.json", 404},
		{"PUT", "/metadata/timestamp.json", 405},
		{"POST", "/", 405},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, w.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != c.want || c.want == 200 && pack.StrongETag(resp.Header.Get("ETag")) == "" {
			t.Errorf("%s %s: %s, ETag %s", c.method, c.path, resp.Status, resp.Header.Get("ETag"))
		}
	}
}

// A server that stops in the middle is left well before the time that a slow
// one would have; what came is not lost.
func TestServerStopsInTheMiddle(t *testing.T) {
	whole := bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // 1 MiB: two minutes at the slowest
	dir, name := bigFile(t, whole)
	sound := pack.Handler(open(t, dir))
	calls := 0
	w := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls > 1 {
			sound.ServeHTTP(w, r)
			return
		}
		w.Header().Set("ETag", `"`+strings.SplitN(filepath.Base(name), ".", 2)[0]+`"`)
		w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
		_, _ = w.Write(whole[:len(whole)/2])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	way, err := pack.NewHTTP(pack.HTTPOptions{Base: w.URL, Parts: t.TempDir(), Patience: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = way.Close() }()
	if _, err := way.Fetch(t.Context(), name, int64(len(whole))); err == nil || !strings.Contains(err.Error(), "nothing came for too long (1s)") {
		t.Fatalf("error %v", err)
	}
	got, err := way.Fetch(t.Context(), name, int64(len(whole)))
	if err != nil || !bytes.Equal(got, whole) || way.Received() != int64(len(whole)) {
		t.Fatalf("%d bytes, %d of them came, %v", len(got), way.Received(), err)
	}
}
