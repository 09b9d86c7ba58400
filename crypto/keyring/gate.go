package keyring

import (
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
)

// Domain says what kind of thing a gate's signature is on, so that a signature
// made for one purpose can never pass for another.
type Domain string

// The domains of the house.
const (
	DomainHead  Domain = "journal head"  // the newest record of one of the gate's journals
	DomainClaim Domain = "claim request" // an admission claim put to the keepers
)

// signPrefix begins whatever a gate signs. No VG1 message begins like it.
const signPrefix = "venuegate\x00"

// message is what is signed: the prefix, the domain's length as a big-endian
// u32, the domain, and the message itself. With the length in front, no domain
// and message can be read as another pair.
func (d Domain) message(message []byte) []byte {
	out := make([]byte, 0, len(signPrefix)+4+len(d)+len(message))
	out = append(out, signPrefix...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(d)))
	out = append(out, d...)
	return append(out, message...)
}

// Verify reports whether a signature in this domain is that of the given
// gate's key.
func (d Domain) Verify(gate ed25519.PublicKey, message, signature []byte) bool {
	return len(gate) == ed25519.PublicKeySize && ed25519.Verify(gate, d.message(message), signature)
}

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

// Sign signs a message in a domain.
func (g *Gate) Sign(d Domain, message []byte) []byte {
	return ed25519.Sign(g.private, d.message(message))
}

// Signer returns the private key for TLS between gates. Whatever it signs
// directly must not be a message of a [Domain]; TLS's own never is, since it
// begins with 64 spaces.
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
