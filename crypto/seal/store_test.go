package seal_test

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/crypto/seal"
)

const secret = `{"document_key":"00112233445566778899aabbccddeeff"}`

// hexGuard is a guard that can be told to fail. It binds a secret to its name,
// as the real one does.
type hexGuard struct {
	encrypt, decrypt error
	garble           bool
}

func (g *hexGuard) Encrypt(_ context.Context, name string, plain []byte) ([]byte, error) {
	if g.encrypt != nil {
		return nil, g.encrypt
	}
	return []byte(name + ":" + hex.EncodeToString(plain)), nil
}

func (g *hexGuard) Decrypt(_ context.Context, name string, closed []byte) ([]byte, error) {
	if g.decrypt != nil {
		return nil, g.decrypt
	}
	text, ok := strings.CutPrefix(string(closed), name+":")
	if !ok || g.garble {
		return nil, errors.New("another machine's")
	}
	return hex.DecodeString(text)
}

func storeIn(t *testing.T, dir string, g seal.Guard) *seal.Store {
	t.Helper()
	s, err := seal.OpenStore(dir, g)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *seal.Store, name, plain string) (loose bool) {
	t.Helper()
	loose, err := s.Put(t.Context(), name, []byte(plain))
	if err != nil && !loose {
		t.Fatal(err)
	}
	return loose
}

func get(t *testing.T, s *seal.Store, name string) string {
	t.Helper()
	b, err := s.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestStoreWithAGuard(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	s := storeIn(t, dir, &hexGuard{})
	if put(t, s, "1", secret) {
		t.Error("loose, though guarded")
	}
	if got := filesIn(t, dir); !slices.Equal(got, []string{"1.cred"}) {
		t.Errorf("files %v", got)
	}
	data, err := os.ReadFile(filepath.Join(dir, "1.cred"))
	if err != nil || strings.Contains(string(data), "document_key") {
		t.Errorf("the secret stands in plain: %v", err)
	}
	if got := get(t, storeIn(t, dir, &hexGuard{}), "1"); got != secret {
		t.Errorf("came back as %q", got)
	}
	if loose, err := s.Loose(); err != nil || loose != nil {
		t.Errorf("loose files %v, %v", loose, err)
	}
}

func TestStoreWithoutAGuard(t *testing.T) {
	dir := t.TempDir()
	s := storeIn(t, dir, nil)
	if !put(t, s, "network", secret) {
		t.Error("not loose, though nothing guards it")
	}
	path := filepath.Join(dir, "network.json")
	if loose, err := s.Loose(); err != nil || !slices.Equal(loose, []string{path}) {
		t.Errorf("loose files %v, %v", loose, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got := get(t, s, "network"); got != secret {
		t.Errorf("came back as %q", got)
	}
}

// A guard that fails costs the guarding, never the secret.
func TestStoreWithAFailingGuard(t *testing.T) {
	broken := errors.New("no TPM")
	for name, g := range map[string]*hexGuard{
		"does not encrypt":        {encrypt: broken},
		"does not decrypt":        {decrypt: broken},
		"opens as something else": {garble: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, storeIn(t, dir, &hexGuard{}), "1", "old")
			s := storeIn(t, dir, g)
			loose, err := s.Put(t.Context(), "1", []byte(secret))
			if !loose || err == nil {
				t.Errorf("loose %v, %v", loose, err)
			}
			if got := get(t, s, "1"); got != secret {
				t.Errorf("came back as %q", got)
			}
			if got := filesIn(t, dir); !slices.Equal(got, []string{"1.json"}) {
				t.Errorf("files %v", got)
			}
			// A guard that works again takes it back.
			if put(t, storeIn(t, dir, &hexGuard{}), "1", "new") {
				t.Error("still loose")
			}
			if got := filesIn(t, dir); !slices.Equal(got, []string{"1.cred"}) {
				t.Errorf("files %v", got)
			}
		})
	}
}

// What a power cut leaves between two steps of Put reads as the old or the new.
func TestStoreAfterAPowerCut(t *testing.T) {
	closed := func(plain string) string { return "1:" + hex.EncodeToString([]byte(plain)) }
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"sealed, plain not yet wiped":      {map[string]string{"1.cred": closed("new"), "1.json": "old"}, "new"},
		"sealed put aside":                 {map[string]string{"1.cred.old": closed("old")}, "old"},
		"in plain, sealed not yet wiped":   {map[string]string{"1.json": "new", "1.cred.old": closed("old")}, "new"},
		"a file that was not yet in place": {map[string]string{"1.cred": closed("old"), ".new-123": "new"}, "old"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, data := range c.files {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(data), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s := storeIn(t, dir, &hexGuard{})
			if got := get(t, s, "1"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if names, err := s.Names(); err != nil || !slices.Equal(names, []string{"1"}) {
				t.Errorf("names %v, %v", names, err)
			}
			put(t, s, "1", "newest")
			if got := filesIn(t, dir); !slices.Equal(got, []string{"1.cred"}) {
				t.Errorf("left behind: %v", got)
			}
		})
	}
}

func TestWipe(t *testing.T) {
	dir := t.TempDir()
	put(t, storeIn(t, dir, nil), "1", secret)
	// A second name for the same bytes shows what overwriting did to them.
	witness := filepath.Join(t.TempDir(), "witness")
	if err := os.Link(filepath.Join(dir, "1.json"), witness); err != nil {
		t.Fatal(err)
	}
	s := storeIn(t, dir, &hexGuard{})
	put(t, s, "2", secret)
	if err := s.Wipe("1"); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(witness); err != nil || strings.Trim(string(data), "\x00") != "" || len(data) != len(secret) {
		t.Errorf("the bytes are still there: %q, %v", data, err)
	}
	if _, err := s.Get(t.Context(), "1"); !errors.Is(err, seal.ErrNoSecret) {
		t.Errorf("after wiping: %v", err)
	}
	if err := s.Wipe("1"); err != nil {
		t.Errorf("wiping twice: %v", err)
	}
	if names, err := s.Names(); err != nil || !slices.Equal(names, []string{"2"}) {
		t.Errorf("names %v, %v", names, err)
	}
}

func TestStoreRefuses(t *testing.T) {
	dir := t.TempDir()
	s := storeIn(t, dir, nil)
	for _, name := range []string{"", "..", "../1", "a/b", ".new", "Ä", "A", strings.Repeat("a", 65)} {
		if _, err := s.Put(t.Context(), name, nil); !errors.Is(err, seal.ErrSecretName) {
			t.Errorf("put %q: %v", name, err)
		}
		if _, err := s.Get(t.Context(), name); !errors.Is(err, seal.ErrSecretName) {
			t.Errorf("get %q: %v", name, err)
		}
		if err := s.Wipe(name); !errors.Is(err, seal.ErrSecretName) {
			t.Errorf("wipe %q: %v", name, err)
		}
	}
	if loose, err := s.Put(t.Context(), "1", make([]byte, 1<<20)); err == nil || loose {
		t.Error("a secret of a megabyte was kept")
	}

	put(t, s, "1", secret)
	path := filepath.Join(dir, "1.json")
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	var e *seal.SecretError
	var mode *seal.ModeError
	if _, err := s.Get(t.Context(), "1"); !errors.As(err, &e) || e.Path != path || !errors.As(err, &mode) {
		t.Errorf("a file that others may read: %v", err)
	}

	put(t, storeIn(t, dir, &hexGuard{}), "1", secret)
	if _, err := s.Get(t.Context(), "1"); !errors.As(err, &e) {
		t.Errorf("a sealed secret without its guard: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "2.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "2"); !errors.As(err, &e) {
		t.Errorf("a directory: %v", err)
	}
	if _, err := s.Put(t.Context(), "2", []byte(secret)); err == nil {
		t.Error("a directory was replaced")
	}
}
