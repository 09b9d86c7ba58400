package seal_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/seal"
)

const purpose = "gate keys"

// gateOf makes the gate of a repeated seed byte.
func gateOf(t testing.TB, b byte) *keyring.Gate {
	t.Helper()
	g, err := keyring.NewGate(bytes.NewReader(bytes.Repeat([]byte{b}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func publicOf(t testing.TB, g *keyring.Gate) []byte {
	t.Helper()
	public, err := seal.Public(g)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func sealTo(t testing.TB, g *keyring.Gate, plain string) []byte {
	t.Helper()
	sealed, err := seal.Seal(publicOf(t, g), purpose, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// vector is one of testdata/vectors.json, which docs/protocol/seal.md points to.
type vector struct {
	Name, Seed, Recipient, Purpose, Plain, Sealed string

	SealPrivate string `json:"seal_private"`
	SealPublic  string `json:"seal_public"`
}

func vectors(t testing.TB) []vector {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatal("no vectors")
	}
	return list
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Envelopes that were sealed once stay readable for ever.
func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			g, err := keyring.NewGate(bytes.NewReader(unhex(t, v.Seed)))
			if err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(publicOf(t, g)); got != v.SealPublic {
				t.Errorf("sealing key %s, want %s", got, v.SealPublic)
			}
			private, err := ecdh.X25519().NewPrivateKey(unhex(t, v.SealPrivate))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(private.PublicKey().Bytes(), unhex(t, v.SealPublic)) {
				t.Error("the halves of the sealing key do not belong together")
			}
			if want := "56475301" + v.Recipient; v.Sealed[:len(want)] != want {
				t.Errorf("header %s, want %s", v.Sealed[:len(want)], want)
			}
			plain, err := seal.Open(g, v.Purpose, unhex(t, v.Sealed))
			if err != nil {
				t.Fatal(err)
			}
			if string(plain) != v.Plain {
				t.Errorf("opened %q, want %q", plain, v.Plain)
			}
		})
	}
}

func TestSealAndOpen(t *testing.T) {
	g := gateOf(t, 1)
	public := publicOf(t, g)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "plain")
		what := rapid.StringMatching(`[ -~]{1,64}`).Draw(t, "purpose")
		sealed, err := seal.Seal(public, what, plain)
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed) != len(plain)+seal.Overhead {
			t.Fatalf("%d bytes became %d", len(plain), len(sealed))
		}
		got, err := seal.Open(g, what, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("came back as %x: %v", got, err)
		}
	})
}

func TestSealedTwiceDiffers(t *testing.T) {
	g := gateOf(t, 1)
	if bytes.Equal(sealTo(t, g, "same"), sealTo(t, g, "same")) {
		t.Error("the same message sealed twice gives the same bytes")
	}
}

func TestOpenRefuses(t *testing.T) {
	g, other := gateOf(t, 1), gateOf(t, 2)
	good := sealTo(t, g, "the network key")
	readdressed := bytes.Clone(sealTo(t, other, "the network key"))
	copy(readdressed, good[:12])
	changed := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 1
		return b
	}
	for name, c := range map[string]struct {
		sealed  []byte
		purpose string
		want    error
	}{
		"empty":                {nil, purpose, seal.ErrFormat},
		"text":                 {[]byte("<html>not found</html>"), purpose, seal.ErrFormat},
		"magic alone":          {[]byte("VGS"), purpose, seal.ErrFormat},
		"a later version":      {append([]byte("VGS\x02"), good[4:]...), purpose, seal.ErrVersion},
		"version alone":        {[]byte("VGS\x01"), purpose, seal.ErrFormat},
		"cut short":            {good[:seal.Overhead-1], purpose, seal.ErrFormat},
		"without its end":      {good[:len(good)-1], purpose, seal.ErrOpen},
		"something follows":    {append(bytes.Clone(good), 0), purpose, seal.ErrOpen},
		"too long":             {append(bytes.Clone(good), make([]byte, seal.MaxPlain)...), purpose, seal.ErrFormat},
		"another gate's":       {sealTo(t, other, "x"), purpose, seal.ErrForeign},
		"re-addressed":         {readdressed, purpose, seal.ErrOpen},
		"another purpose":      {good, "gate", seal.ErrOpen},
		"ephemeral key":        {changed(12), purpose, seal.ErrOpen},
		"ephemeral key zero":   {append(append(bytes.Clone(good[:12]), make([]byte, 32)...), good[44:]...), purpose, seal.ErrOpen},
		"first byte of cipher": {changed(44), purpose, seal.ErrOpen},
		"last byte of the tag": {changed(len(good) - 1), purpose, seal.ErrOpen},
		"no purpose":           {good, "", seal.ErrPurpose},
		"a purpose of bytes":   {good, "gate\x00keys", seal.ErrPurpose},
	} {
		t.Run(name, func(t *testing.T) {
			plain, err := seal.Open(g, c.purpose, c.sealed)
			if !errors.Is(err, c.want) || plain != nil {
				t.Errorf("got %q, %v; want %v", plain, err, c.want)
			}
		})
	}
	if _, err := seal.Open(nil, purpose, good); err == nil {
		t.Error("opened without an identity")
	}
}

func TestSealRefuses(t *testing.T) {
	public := publicOf(t, gateOf(t, 1))
	for name, c := range map[string]struct {
		public  []byte
		purpose string
		plain   []byte
		want    error
	}{
		"no key":           {nil, purpose, nil, seal.ErrPublicKey},
		"a short key":      {public[:31], purpose, nil, seal.ErrPublicKey},
		"a key of zeros":   {make([]byte, 32), purpose, nil, seal.ErrPublicKey},
		"no purpose":       {public, "", nil, seal.ErrPurpose},
		"a long purpose":   {public, strings.Repeat("x", 65), nil, seal.ErrPurpose},
		"too long a plain": {public, purpose, make([]byte, seal.MaxPlain+1), seal.ErrTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			sealed, err := seal.Seal(c.public, c.purpose, c.plain)
			if !errors.Is(err, c.want) || sealed != nil {
				t.Errorf("got %d bytes, %v; want %v", len(sealed), err, c.want)
			}
		})
	}
	sealed, err := seal.Seal(public, purpose, make([]byte, seal.MaxPlain))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Open(gateOf(t, 1), purpose, sealed); err != nil {
		t.Errorf("the longest message: %v", err)
	}
}

func TestPublicOfNobody(t *testing.T) {
	if _, err := seal.Public(nil); err == nil {
		t.Error("a sealing key without an identity")
	}
}

// Nothing but what was sealed opens, whatever is thrown at it.
func FuzzOpen(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(unhex(f, v.Sealed))
	}
	g, err := keyring.NewGate(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	whole := sealTo(f, g, "secret")
	f.Add(whole)
	f.Add(whole[:12])
	f.Add([]byte("VGS\x02"))
	f.Fuzz(func(t *testing.T, b []byte) {
		plain, err := seal.Open(g, purpose, b)
		if bytes.Equal(b, whole) {
			if err != nil || string(plain) != "secret" {
				t.Fatalf("%q, %v", plain, err)
			}
			return
		}
		if err == nil {
			t.Fatalf("opened %d bytes that nobody sealed", len(b))
		}
	})
}
