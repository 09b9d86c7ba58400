package scanner

import (
	"crypto/ed25519"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/ticket"
)

// aDay is how long the line is noisy, in a time that runs as fast as it can be
// computed; an hour with -short.
func aDay() time.Duration {
	if testing.Short() {
		return time.Hour
	}
	return 24 * time.Hour
}

// The line: 9600 baud, read ten times a second.
const (
	readEvery = 100 * time.Millisecond
	readBytes = 96
)

// gatekeeper verifies texts as a lane does.
type gatekeeper struct {
	verifier ticket.Verifier
	good     string // a static ticket's text
}

func newGatekeeper(t *testing.T) *gatekeeper {
	t.Helper()
	issuer := ticket.Issuer{KeyID: 7, Private: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), IssueKey: make([]byte, 32)}
	signed, err := issuer.Sign(ticket.Body{Event: 1, Ticket: 4711, Generation: 1})
	if err != nil {
		t.Fatal(err)
	}
	text, err := ticket.StaticText(&signed)
	if err != nil {
		t.Fatal(err)
	}
	issuers, err := keyring.NewIssuers(keyring.IssuerKey{
		ID: issuer.KeyID, Algorithm: keyring.Ed25519, Public: issuer.Private.Public().(ed25519.PublicKey),
	})
	if err != nil {
		t.Fatal(err)
	}
	g := &gatekeeper{ticket.Verifier{Keys: issuers}, text}
	if !g.admits(text) {
		t.Fatal("the good ticket is refused")
	}
	return g
}

func (g *gatekeeper) admits(text string) bool {
	code, err := ticket.Parse(text)
	return err == nil && g.verifier.Verify(&code, nil, epoch, ticket.DefaultMargins()).OK
}

// A day of noise on a scanner's line admits nobody.
//
// What this does not say: lines have no checksum, so a framer cannot know noise
// from text, and delivers what has an end as texts, which the lane then refuses
// as no ticket. What is claimed is about texts that pass verification, and it
// rests on the signature: a plain barcode of another platform has none, and
// noise that happened to be one would be admitted.
func TestADayOfNoise(t *testing.T) {
	const printable = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:\r"
	tests := []struct {
		name  string
		noise func(r *rand.Rand, b []byte)
	}{
		{"any bytes, a wrong baud rate", func(r *rand.Rand, b []byte) {
			for i := range b {
				b[i] = byte(r.Uint32())
			}
		}},
		{"the characters that tickets are made of", func(r *rand.Rand, b []byte) {
			for i := range b {
				b[i] = printable[r.IntN(len(printable))]
			}
			if r.IntN(50) == 0 {
				copy(b, ticket.Prefix)
			}
		}},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newGatekeeper(t)
			r := rand.New(rand.NewPCG(20261122, uint64(i)))
			f, err := NewFramer(Framing{})
			if err != nil {
				t.Fatal(err)
			}
			texts, begun, b := 0, 0, make([]byte, readBytes)
			emit := func(fr Frame) {
				texts++
				text := fr.Text.Reveal()
				if strings.HasPrefix(text, ticket.Prefix) {
					begun++
				}
				if g.admits(text) {
					t.Errorf("noise admits a visitor at %v", fr.At.Sub(epoch))
				}
			}
			for now, end := epoch, epoch.Add(aDay()); now.Before(end); now = now.Add(readEvery) {
				if r.IntN(100) == 0 {
					now = now.Add(DefaultStale) // a moment of silence
					f.Tick(now, emit)
				}
				tt.noise(r, b)
				f.Push(now, b, emit)
			}
			f.Reset()
			admitted := false
			f.Push(epoch.Add(48*time.Hour), []byte(g.good+"\r"), func(fr Frame) { admitted = g.admits(fr.Text.Reveal()) })
			if !admitted {
				t.Error("the good ticket is refused behind the noise")
			}
			t.Logf("%d texts, %d of them begin like a ticket; drops %+v", texts, begun, f.Drops())
		})
	}
}

// A day of good tickets on a line that turns one bit in a thousand: what arrives
// is that ticket or none.
func TestADayOfBitErrors(t *testing.T) {
	const every = 5 * time.Second
	g := newGatekeeper(t)
	r := rand.New(rand.NewPCG(20261122, 99))
	f, err := NewFramer(Framing{})
	if err != nil {
		t.Fatal(err)
	}
	good, bad, b := 0, 0, make([]byte, len(g.good)+2)
	for now, end := epoch, epoch.Add(aDay()); now.Before(end); now = now.Add(every) {
		copy(b, g.good+"\r\n")
		turnBits(r, b)
		f.Push(now, b, func(fr Frame) {
			switch text := fr.Text.Reveal(); {
			case strings.EqualFold(text, g.good): // the ticket's alphabet has one case
				good++
			case g.admits(text):
				t.Errorf("another text admits a visitor at %v", now.Sub(epoch))
			default:
				bad++
			}
		})
	}
	if good == 0 || bad == 0 {
		t.Errorf("%d good texts, %d bad ones: not what is to be tried", good, bad)
	}
	t.Logf("%d good texts, %d bad ones", good, bad)
}

// turnBits turns one bit in a thousand.
func turnBits(r *rand.Rand, b []byte) {
	for i := range b {
		for bit := range 8 {
			if r.IntN(1000) == 0 {
				b[i] ^= 1 << bit
			}
		}
	}
}
