package seal

import (
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/venuegate/venuegate/crypto/keyring"
)

// PublicSize is the length of a sealing key, X25519, in bytes.
const PublicSize = 32

// derivation keeps the sealing key apart from every other use of the identity.
const derivation = "VG1 seal"

// ErrPublicKey is a public key that nothing can be sealed to: of another length
// than [PublicSize], or a point of small order.
var ErrPublicKey = errors.New("seal: not an X25519 public key that can be sealed to")

// errNoGate is a nil identity.
var errNoGate = errors.New("seal: no gate identity")

// Public returns the key that others seal to for this gate: the X25519 public
// key of 32 bytes whose private half is HKDF-SHA256 of the identity's seed, with
// no salt and the info "VG1 seal".
func Public(g *keyring.Gate) ([]byte, error) {
	private, err := privateOf(g)
	if err != nil {
		return nil, err
	}
	return private.PublicKey().Bytes(), nil
}

func privateOf(g *keyring.Gate) (*ecdh.PrivateKey, error) {
	if g == nil {
		return nil, errNoGate
	}
	seed := g.Signer().Seed()
	defer clear(seed)
	scalar, err := hkdf.Key(sha256.New, seed, nil, derivation, PublicSize)
	if err != nil {
		return nil, fmt.Errorf("seal: derive the gate's sealing key: %w", err)
	}
	defer clear(scalar)
	private, err := ecdh.X25519().NewPrivateKey(scalar)
	if err != nil {
		return nil, fmt.Errorf("seal: derive the gate's sealing key: %w", err)
	}
	return private, nil
}

// recipientOf names a public key in an envelope's header.
func recipientOf(public []byte) [recipientSize]byte {
	sum := sha256.Sum256(public)
	return [recipientSize]byte(sum[:recipientSize])
}

// The suite is fixed by the version, so that nothing is negotiated:
// DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305.
func suite() (hpke.KDF, hpke.AEAD) { return hpke.HKDFSHA256(), hpke.ChaCha20Poly1305() }
