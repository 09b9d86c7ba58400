package keyring

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"
)

// Gate is a gate's identity: an Ed25519 key made on the box, which never
// leaves it. It is safe for several goroutines.
type Gate struct {
	private ed25519.PrivateKey
}

// NewGate makes an identity from a source of randomness, crypto/rand.Reader
// outside tests.
func NewGate(random io.Reader) (*Gate, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("keyring: make a gate identity: %w", err)
	}
	return &Gate{private: ed25519.NewKeyFromSeed(seed)}, nil
}

// Public returns the gate's public key.
func (g *Gate) Public() ed25519.PublicKey {
	return g.private.Public().(ed25519.PublicKey)
}

// Sign signs a message as it stands. So that a signature made for one purpose
// can never pass for another, every message that a gate signs begins with a
// domain of its own, as the bytes of a journal's head do ("VG1 head", zero; see
// docs/protocol/journal.md); putting it there is up to whoever defines the
// message. What TLS signs begins with 64 spaces.
func (g *Gate) Sign(message []byte) []byte { return ed25519.Sign(g.private, message) }

// Signer returns the private key for TLS between gates.
func (g *Gate) Signer() ed25519.PrivateKey { return g.private }

// Format keeps the key out of logs, whatever the verb: it prints the first
// eight hex digits of the public half.
func (g *Gate) Format(s fmt.State, _ rune) {
	if g == nil || len(g.private) != ed25519.PrivateKeySize {
		_, _ = io.WriteString(s, "[no gate identity]")
		return
	}
	_, _ = fmt.Fprintf(s, "[gate identity %s]", hex.EncodeToString(g.Public()[:4]))
}
