package enrol_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/sync/enrol"
	"github.com/venuegate/venuegate/sync/enrol/enroltest"
)

var now = time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)

func newCentral(t *testing.T) (*enroltest.Central, string) {
	t.Helper()
	c, err := enroltest.New()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c)
	t.Cleanup(func() {
		server.Close()
		if _, wrong := c.Calls(); len(wrong) > 0 {
			t.Errorf("central was sent what it should not be: %v", wrong)
		}
	})
	return c, server.URL
}

func TestEnrol(t *testing.T) {
	c, url := newCentral(t)
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := enrol.Load(dir); !errors.Is(err, enrol.ErrNotEnrolled) {
		t.Errorf("before: %v", err)
	}
	got, err := enrol.Enrol(t.Context(), enrol.Options{URL: url, Code: code, DataDir: dir, Name: "box", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	key, err := keyring.LoadGate(filepath.Join(dir, "identity.key"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Gate != 7 || got.Venue != 1 || got.Incarnation != 2 || got.Name != "North 3" || got.Central != url || got.Events != 1 ||
		!slices.Equal(got.Addresses, []string{"10.0.0.17:7946"}) || !got.Public.Equal(key.Public()) || !got.At.Equal(now) {
		t.Errorf("enrolled as %+v", got)
	}
	if want := []string{filepath.Join(dir, "secrets", "1.json"), filepath.Join(dir, "secrets", "network.json")}; !slices.Equal(got.Loose, want) || got.LooseWhy != nil {
		t.Errorf("in plain %v (%v), want %v", got.Loose, got.LooseWhy, want)
	}
	root, err := os.ReadFile(filepath.Join(dir, "trust", "root.json"))
	if err != nil || !bytes.Equal(root, c.Root) {
		t.Errorf("another root: %v", err)
	}
	event, err := os.ReadFile(filepath.Join(dir, "secrets", "1.json"))
	if err != nil || string(event) != `{"document_key":"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf","code_key":"b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"}` {
		t.Errorf("the event's keys are %s, %v", event, err)
	}
	loaded, err := enrol.Load(dir)
	if err != nil || loaded.Gate != 7 || loaded.Central != url || !loaded.Public.Equal(key.Public()) || !loaded.At.Equal(now) {
		t.Errorf("loaded %+v, %v", loaded, err)
	}

	// Once is enough: it stays who it is, and central is not asked.
	before, _ := c.Calls()
	var already *enrol.EnrolledError
	if _, err := enrol.Enrol(t.Context(), enrol.Options{URL: url, Code: code, DataDir: dir, Now: now}); !errors.As(err, &already) || already.Enrolment.Gate != 7 {
		t.Errorf("again: %v", err)
	}
	if after, _ := c.Calls(); after != before {
		t.Error("central was asked again")
	}
	// And nobody else can use the code.
	_, err = enrol.Enrol(t.Context(), enrol.Options{URL: url, Code: code, DataDir: t.TempDir(), Now: now})
	if !errors.Is(err, enrol.ErrCodeUsed) {
		t.Errorf("another box with the same code: %v", err)
	}
}

// hexGuard stands in for the machine's credentials.
type hexGuard struct{ broken error }

func (g hexGuard) Encrypt(_ context.Context, _ string, plain []byte) ([]byte, error) {
	return []byte(hex.EncodeToString(plain)), g.broken
}

func (g hexGuard) Decrypt(_ context.Context, _ string, closed []byte) ([]byte, error) {
	return hex.DecodeString(string(closed))
}

func TestEnrolWithAGuard(t *testing.T) {
	for name, c := range map[string]struct {
		guard hexGuard
		loose int
	}{
		"that works":      {hexGuard{}, 0},
		"that is of none": {hexGuard{errors.New("no TPM")}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			_, url := newCentral(t)
			dir := t.TempDir()
			got, err := enrol.Enrol(t.Context(), enrol.Options{URL: url, Code: code, DataDir: dir, Guard: c.guard, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Loose) != c.loose || (got.LooseWhy != nil) != (c.loose > 0) {
				t.Errorf("in plain: %v, %v", got.Loose, got.LooseWhy)
			}
			store, err := seal.OpenStore(filepath.Join(dir, "secrets"), c.guard)
			if err != nil {
				t.Fatal(err)
			}
			if keys, err := enrol.LoadKeys(t.Context(), store); err != nil || len(keys.Events) != 1 || len(keys.Network) != 1 {
				t.Errorf("keys: %v", err)
			}
		})
	}
}

// Wherever it is cut off, the box is not enrolled, and the same call enrols it
// with the same key.
func TestEnrolCutOff(t *testing.T) {
	steps := []string{"the answer is lost", "secrets", "trust", "enrolment.json"}
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			c, url := newCentral(t)
			dir := t.TempDir()
			o := enrol.Options{URL: url, Code: code, DataDir: dir, Now: now}
			mend := func() {}
			if step == steps[0] {
				c.Fault = func(w http.ResponseWriter, r *http.Request) bool {
					c.Fault = nil
					http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}).ServeHTTP(w, r)
					panic(http.ErrAbortHandler)
				}
			} else { // something that cannot be written over stands in its place
				// A directory cannot be replaced by a file, nor read as one. It comes
				// while central answers, when the box has looked at everything.
				path := filepath.Join(dir, step, map[string]string{"secrets": "network.json", "trust": "root.json"}[step], "x")
				c.Change = func(map[string]any) {
					if err := os.MkdirAll(path, 0o700); err != nil {
						panic(err)
					}
				}
				mend = func() {
					c.Change = nil
					if err := os.RemoveAll(filepath.Join(dir, step)); err != nil {
						t.Fatal(err)
					}
				}
			}
			if _, err := enrol.Enrol(t.Context(), o); err == nil {
				t.Fatal("enrolled, though it was cut off")
			}
			key, err := keyring.LoadGate(filepath.Join(dir, "identity.key"))
			if err != nil {
				t.Fatal(err)
			}
			mend()
			if _, err := enrol.Load(dir); !errors.Is(err, enrol.ErrNotEnrolled) {
				t.Errorf("half enrolled: %v", err)
			}
			got, err := enrol.Enrol(t.Context(), o)
			if err != nil {
				t.Fatalf("the second try: %v", err)
			}
			if !got.Public.Equal(key.Public()) {
				t.Error("the second try made another key")
			}
		})
	}
}

// A root that an attempt at another central left is replaced; one that has
// checked packs is not.
func TestEnrolWithAnotherRoot(t *testing.T) {
	c, url := newCentral(t)
	other, err := enroltest.New()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put := func(name string, data []byte) {
		path := filepath.Join(dir, "trust", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	put("root.json", other.Root)
	put("timestamp.json", []byte("{}"))
	o := enrol.Options{URL: url, Code: code, DataDir: dir, Now: now}
	var used *enrol.TrustError
	if _, err := enrol.Enrol(t.Context(), o); !errors.As(err, &used) {
		t.Errorf("a directory of another venue: %v", err)
	}
	if n, _ := c.Calls(); n != 0 {
		t.Error("the code was used up")
	}
	if err := os.Remove(filepath.Join(dir, "trust", "timestamp.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := enrol.Enrol(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if root, err := os.ReadFile(filepath.Join(dir, "trust", "root.json")); err != nil || !bytes.Equal(root, c.Root) {
		t.Errorf("the old root is still believed: %v", err)
	}
}

func TestEnrolRefused(t *testing.T) {
	reply := func(status int, kind, text string) func(*enroltest.Central) {
		return func(c *enroltest.Central) {
			c.Fault = func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Content-Type", kind)
				w.Header().Set("Location", "http://evil.test/")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, text)
				return true
			}
		}
	}
	answer := func(field string, value any) func(*enroltest.Central) {
		return func(c *enroltest.Central) { c.Change = func(a map[string]any) { a[field] = value } }
	}
	const js, problem = "application/json", "application/problem+json"
	strange := func(err error) bool { return errors.As(err, new(*enrol.AnswerError)) }
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	for name, c := range map[string]struct {
		spoil func(*enroltest.Central)
		want  func(error) bool
		says  string
	}{
		"unknown":                {reply(404, problem, `{"detail":"no such code"}`), is(enrol.ErrCodeUnknown), "it says: no such code"},
		"used":                   {reply(410, problem, `{"title":"gone"}`), is(enrol.ErrCodeUsed), "ask the ticket office for a new one"},
		"too many tries":         {reply(429, problem, `{}`), is(enrol.ErrBusy), "try again"},
		"broken":                 {reply(500, "text/html", "<html>"), is(enrol.ErrBusy), "try again"},
		"another no":             {reply(422, problem, `{"detail":"seal:\u001b[2J no key"}`), func(err error) bool { return errors.As(err, new(*enrol.RefusedError)) }, "(422) (it says: seal: [2J no key)"},
		"not central":            {reply(404, "text/html", "<html>nginx"), strange, "is it the right URL"},
		"a login page":           {reply(200, "text/html", "<html>Wi-Fi"), strange, "login page"},
		"a created page":         {reply(201, "text/html", "<html>Wi-Fi"), strange, "not JSON"},
		"a redirect":             {reply(302, "text/html", ""), strange, "leads elsewhere"},
		"a redirect of the post": {reply(307, "text/html", ""), strange, "leads elsewhere"},
		"nothing":                {reply(201, js, ""), strange, "not the JSON"},
		"another object":         {reply(201, js, `{"ok":true}`), strange, "venue is not a number"},
		"endless":                {reply(201, js, `{"x":"`+strings.Repeat("x", 5<<20)), strange, "longer than"},
		"no gate":                {answer("gate", "0"), strange, "gate is not a number"},
		"a gate as a number":     {answer("gate", 7), strange, "not the JSON"},
		"no incarnation":         {answer("incarnation", ""), strange, "incarnation is not a number"},
		"keys not sealed":        {answer("sealed", []byte(enroltest.Keys)), strange, "not a sealed message"},
		"keys of another gate":   {answer("sealed", sealedToAnother(t)), strange, "sealed to another gate"},
		"no keys":                {answer("sealed", nil), strange, "not a sealed message"},
		"other keys":             {func(c *enroltest.Central) { c.Keys = `{"network":[{"key":"c0ffee","use":true}]}` }, strange, "network key 0"},
		"no root":                {answer("root", nil), strange, "its root"},
		"a root of nothing":      {answer("root", []byte(`{"signed":{},"signatures":[]}`)), strange, "its root"},
	} {
		t.Run(name, func(t *testing.T) {
			central, url := newCentral(t)
			c.spoil(central)
			dir := t.TempDir()
			o := enrol.Options{URL: url, Code: code, DataDir: dir, Now: now}
			_, err := enrol.Enrol(t.Context(), o)
			if err == nil || !c.want(err) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want one that says %q", err, c.says)
			}
			for _, secret := range []string{code, "c0ffee", "Wi-Fi", "nginx", "\x1b"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error holds what it should not: %v", err)
				}
			}
			// Nothing but the box's own key is left, and the code is good still.
			if got := names(t, dir); !slices.Equal(got, []string{"identity.key"}) {
				t.Errorf("left behind: %v", got)
			}
			central.Fault, central.Change, central.Keys = nil, nil, enroltest.Keys
			if _, err := enrol.Enrol(t.Context(), o); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestEnrolWithoutCentral(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	url := server.URL
	server.Close()
	var reach *enrol.ReachError
	if _, err := enrol.Enrol(t.Context(), enrol.Options{URL: url, Code: code, DataDir: t.TempDir(), Now: now}); !errors.As(err, &reach) {
		t.Errorf("nobody there: %v", err)
	}
	for _, o := range []enrol.Options{{URL: "tickets", Code: code}, {URL: url, Code: "?"}, {URL: url, Code: "secret code"}} {
		o.DataDir = filepath.Join(t.TempDir(), "data")
		_, err := enrol.Enrol(t.Context(), o)
		if !errors.Is(err, enrol.ErrURL) && !errors.Is(err, enrol.ErrCode) {
			t.Errorf("%v", err)
		}
		if _, err := os.Stat(o.DataDir); !errors.Is(err, os.ErrNotExist) {
			t.Error("a mistyped command left a directory behind")
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty":      "",
		"cut short":  `{"version":1,"gate":7`,
		"a newer":    `{"version":2,"gate":7}`,
		"no gate":    `{"version":1}`,
		"no key":     `{"version":1,"gate":7,"at":"2026-11-22T18:00:00Z"}`,
		"without at": `{"version":1,"gate":7,"public":"` + strings.Repeat("ab", 32) + `"}`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "enrolment.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := enrol.Load(dir)
		if err == nil || errors.Is(err, enrol.ErrNotEnrolled) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
		// What is damaged is not written over.
		if _, err := enrol.Enrol(t.Context(), enrol.Options{URL: "http://127.0.0.1:1", Code: code, DataDir: dir}); err == nil || strings.Contains(err.Error(), "answer") {
			t.Errorf("%s: enrolled over it: %v", name, err)
		}
	}
}

func sealedToAnother(t *testing.T) []byte {
	t.Helper()
	g, err := keyring.NewGate(strings.NewReader(strings.Repeat("x", 32)))
	if err != nil {
		t.Fatal(err)
	}
	public, err := seal.Public(g)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := seal.Seal(public, enrol.Purpose, []byte(enroltest.Keys))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// names are the files of a directory tree; empty folders do not count.
func names(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, relErr := filepath.Rel(dir, path)
			out, err = append(out, rel), relErr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
