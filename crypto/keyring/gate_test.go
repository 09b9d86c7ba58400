package keyring_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/crypto/keyring"
)

func newGate(t *testing.T) *keyring.Gate {
	t.Helper()
	g, err := keyring.NewGate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGateSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gate.key")
	g := newGate(t)
	if err := g.Save(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
	loaded, err := keyring.LoadGate(path)
	if err != nil {
		t.Fatal(err)
	}
	if !loaded.Public().Equal(g.Public()) {
		t.Error("another key came back")
	}
	if err := newGate(t).Save(path); !errors.Is(err, keyring.ErrIdentityExists) {
		t.Errorf("saving over an identity: %v", err)
	}
	if again, err := keyring.LoadGate(path); err != nil || !again.Public().Equal(g.Public()) {
		t.Errorf("the identity did not survive: %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("%d files left in the directory, want 1: %v", len(left), err)
	}
}

func TestLoadGateRefusesLooseModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gate.key")
	if err := newGate(t).Save(path); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o644, 0o660, 0o610, 0o601} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := keyring.LoadGate(path)
		var m *keyring.ModeError
		if !errors.As(err, &m) || m.Mode.Perm() != mode {
			t.Errorf("mode %04o: %v", mode, err)
		} else if !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %04o: the error does not say what to do: %v", mode, err)
		}
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.LoadGate(path); err != nil {
		t.Errorf("a stricter mode: %v", err)
	}
}

func TestLoadGateRefusesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	if err := newGate(t).Save(good); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	// An X25519 key in PKCS #8, from RFC 8410's structure.
	x25519 := "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n"
	for name, data := range map[string][]byte{
		"empty":       nil,
		"text":        []byte("not a key"),
		"cut short":   key[:len(key)/2],
		"two keys":    append(bytes.Clone(key), key...),
		"another use": bytes.ReplaceAll(key, []byte("PRIVATE KEY"), []byte("PUBLIC KEY")),
		"X25519":      []byte(x25519),
		"damaged":     bytes.Replace(key, []byte("MC4C"), []byte("MC4D"), 1),
		"too long":    append(bytes.Clone(key), make([]byte, 5000)...),
	} {
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := keyring.LoadGate(path)
		var i *keyring.IdentityError
		if !errors.As(err, &i) || i.Path != path {
			t.Errorf("%s: %v", name, err)
		}
	}
	var i *keyring.IdentityError
	if _, err := keyring.LoadGate(dir); !errors.As(err, &i) {
		t.Errorf("a directory: %v", err)
	}
	if _, err := keyring.LoadGate(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if err := newGate(t).Save(filepath.Join(dir, "none", "gate.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing directory: %v", err)
	}
}

// A gate's signature is plain Ed25519 over the message, which whoever checks a
// journal elsewhere relies on.
func TestGateSigns(t *testing.T) {
	g, other := newGate(t), newGate(t)
	message := []byte("VG1 head\x00epoch 4, record 1200")
	sig := g.Sign(message)
	for name, c := range map[string]struct {
		key     ed25519.PublicKey
		message []byte
		want    bool
	}{
		"the gate's own":  {g.Public(), message, true},
		"another gate":    {other.Public(), message, false},
		"another message": {g.Public(), message[1:], false},
	} {
		if got := ed25519.Verify(c.key, c.message, sig); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestGatePrintsNoKey(t *testing.T) {
	g := newGate(t)
	secret := g.Signer().Seed()
	for _, v := range []any{g, struct{ Gate *keyring.Gate }{g}} {
		for _, verb := range []string{"%v", "%+v", "%s", "%x", "%d"} {
			out := fmt.Sprintf(verb, v)
			decimal := fmt.Sprintf("%d %d %d %d", secret[0], secret[1], secret[2], secret[3])
			if strings.Contains(out, hex.EncodeToString(secret[:4])) || strings.Contains(out, decimal) {
				t.Errorf("%s prints the key", verb)
			}
		}
	}
	if got := fmt.Sprint((*keyring.Gate)(nil)); got != "[no gate identity]" {
		t.Errorf("nil prints %q", got)
	}
}

func TestNewGateWithoutRandomness(t *testing.T) {
	if _, err := keyring.NewGate(bytes.NewReader(make([]byte, 31))); err == nil {
		t.Error("a key of 31 random bytes")
	}
}
