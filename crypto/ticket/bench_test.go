package ticket_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/ticket"
)

// world is a maker with its keys parsed, for tests that vary the vectors.
type world struct {
	*maker
	verifier ticket.Verifier
	gate     time.Time // step 100
}

func newWorld(t testing.TB) *world {
	t.Helper()
	m := &maker{t: t, signed: make(map[string]ticket.Signed)}
	m.v.Secrets = makeSecrets()
	m.holder = ed25519.NewKeyFromSeed(unhex(t, m.v.Secrets.Holder))
	m.issuers()
	m.bodies()
	keys, err := keyring.ParseIssuers(m.v.Issuers)
	if err != nil {
		t.Fatal(err)
	}
	return &world{maker: m, verifier: ticket.Verifier{Keys: keys}, gate: time.Unix(vectorT0+1000, 0)}
}

func (w *world) held(name string) *ticket.Held { return &ticket.Held{Body: w.get(name).Body} }

// Each benchmark of a form stands beside one of the bare primitives it cannot
// do without: compare ns/op of the pair.

func BenchmarkVerifyShort(b *testing.B) {
	w := newWorld(b)
	benchmarkVerify(b, w, w.short("chain", 100), w.held("chain"))
}

func BenchmarkBareShort(b *testing.B) {
	in := make([]byte, 41)
	for b.Loop() {
		for i := range uint32(101) {
			binary.BigEndian.PutUint32(in[17:], i)
			sum := sha256.Sum256(in)
			copy(in[21:], sum[:20])
		}
	}
}

func BenchmarkVerifyLong(b *testing.B) {
	w := newWorld(b)
	benchmarkVerify(b, w, w.long("chain", 0), nil)
}

func BenchmarkVerifyStatic(b *testing.B) {
	w := newWorld(b)
	benchmarkVerify(b, w, w.static("static"), nil)
}

func BenchmarkBareOneSignature(b *testing.B) {
	w := newWorld(b)
	public, message, signature := w.bare()
	for b.Loop() {
		if !ed25519.Verify(public, message, signature) {
			b.Fatal("refused")
		}
	}
}

func BenchmarkVerifyHolder(b *testing.B) {
	w := newWorld(b)
	benchmarkVerify(b, w, w.long("holder", 100), w.held("holder"))
}

func BenchmarkBareTwoSignatures(b *testing.B) {
	w := newWorld(b)
	public, message, signature := w.bare()
	s := w.get("holder")
	code, err := ticket.SignShow(w.holder, &s, 100)
	if err != nil {
		b.Fatal(err)
	}
	body := sha256.Sum256(s.Append(nil))
	show := append(append([]byte("VG1 show\x00"), body[:]...), 0, 0, 100)
	holder := w.holder.Public().(ed25519.PublicKey)
	for b.Loop() {
		if !ed25519.Verify(public, message, signature) || !ed25519.Verify(holder, show, code[:]) {
			b.Fatal("refused")
		}
	}
}

// bare is an issuer's signature of a body.
func (w *world) bare() (public ed25519.PublicKey, message, signature []byte) {
	s := w.get("holder")
	key := vectorIssuer(w.t, w.v.Secrets, 7).Private
	return key.Public().(ed25519.PublicKey), s.Body.AppendUnsigned([]byte("VG1 ticket\x00")), s.Signature[:]
}

func BenchmarkParse(b *testing.B) {
	w := newWorld(b)
	text := w.long("chain", 100)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ticket.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkVerify(b *testing.B, w *world, text string, held *ticket.Held) {
	b.Helper()
	at := w.gate
	if code, err := ticket.Parse(text); err != nil {
		b.Fatal(err)
	} else if code.Step == 0 {
		at = time.Unix(vectorT0, 0) // one link only: the signature is what is measured
	}
	margins := ticket.DefaultMargins()
	b.ReportAllocs()
	for b.Loop() {
		code, err := ticket.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		if r := w.verifier.Verify(&code, held, at, margins); !r.OK {
			b.Fatal(r.Reason)
		}
	}
}
