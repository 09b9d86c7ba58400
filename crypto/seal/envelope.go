package seal

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"errors"
	"fmt"

	"github.com/venuegate/venuegate/crypto/keyring"
)

const (
	magic         = "VGS"
	version       = 1
	recipientSize = 8
	headerSize    = len(magic) + 1 + recipientSize // 12
	encSize       = 32                             // the sender's ephemeral X25519 key
	tagSize       = 16

	// Overhead is how much longer an envelope is than what it holds, in bytes.
	Overhead = headerSize + encSize + tagSize
	// MaxPlain is the longest message, in bytes.
	MaxPlain = 1 << 20
	// MaxPurpose is the longest purpose, in bytes.
	MaxPurpose = 64
)

// Why an envelope cannot be opened. Errors of [Open] wrap one of these and never
// hold anything of the message.
var (
	ErrFormat  = errors.New("seal: not a sealed message")
	ErrVersion = errors.New("seal: sealed in a version that this gate does not know; update it")
	ErrForeign = errors.New("seal: sealed to another gate, or to this one before it was enrolled anew")
	ErrOpen    = errors.New("seal: damaged, changed, or sealed for another purpose")
)

// What cannot be sealed.
var (
	ErrPurpose = fmt.Errorf("seal: a purpose is 1 to %d bytes of printable ASCII", MaxPurpose)
	ErrTooLong = fmt.Errorf("seal: a message is at most %d bytes long", MaxPlain)
)

// Seal closes a message to the holder of a public key, see [Public]. Opening
// takes the same purpose, so that what was sealed for one use cannot be passed
// off for another. The errors are [ErrPublicKey], [ErrPurpose] and [ErrTooLong].
func Seal(public []byte, purpose string, plain []byte) ([]byte, error) {
	if err := checkPurpose(purpose); err != nil {
		return nil, err
	}
	if len(plain) > MaxPlain {
		return nil, fmt.Errorf("%w; this one is %d", ErrTooLong, len(plain))
	}
	key, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("%w: %d bytes, want %d", ErrPublicKey, len(public), PublicSize)
	}
	to, err := hpke.NewDHKEMPublicKey(key)
	if err != nil {
		return nil, ErrPublicKey
	}
	kdf, aead := suite()
	enc, sender, err := hpke.NewSender(to, kdf, aead, []byte(purpose))
	if err != nil { // the key is a point of small order
		return nil, ErrPublicKey
	}
	out := make([]byte, 0, Overhead+len(plain))
	out = append(out, magic...)
	out = append(out, version)
	recipient := recipientOf(public)
	out = append(out, recipient[:]...)
	sealed, err := sender.Seal(out[:headerSize:headerSize], plain)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	out = append(out, enc...)
	return append(out, sealed...), nil
}

// Open returns what was sealed to this gate for a purpose. The errors are
// [ErrFormat], [ErrVersion], [ErrForeign] and [ErrOpen], and for the caller's
// own mistakes [ErrPurpose].
func Open(g *keyring.Gate, purpose string, sealed []byte) ([]byte, error) {
	if err := checkPurpose(purpose); err != nil {
		return nil, err
	}
	private, err := privateOf(g)
	if err != nil {
		return nil, err
	}
	switch {
	case len(sealed) <= len(magic) || string(sealed[:len(magic)]) != magic:
		return nil, ErrFormat
	case sealed[len(magic)] != version:
		return nil, fmt.Errorf("%w (version %d)", ErrVersion, sealed[len(magic)])
	case len(sealed) < Overhead:
		return nil, fmt.Errorf("%w: cut short at %d bytes", ErrFormat, len(sealed))
	case len(sealed) > Overhead+MaxPlain:
		return nil, fmt.Errorf("%w: longer than any", ErrFormat)
	}
	header, body := sealed[:headerSize], sealed[headerSize:]
	recipient := recipientOf(private.PublicKey().Bytes())
	if !bytes.Equal(header[len(magic)+1:], recipient[:]) {
		return nil, ErrForeign
	}
	key, err := hpke.NewDHKEMPrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	kdf, aead := suite()
	recipientContext, err := hpke.NewRecipient(body[:encSize], key, kdf, aead, []byte(purpose))
	if err != nil {
		return nil, ErrOpen
	}
	plain, err := recipientContext.Open(header, body[encSize:])
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

func checkPurpose(purpose string) error {
	if len(purpose) == 0 || len(purpose) > MaxPurpose {
		return ErrPurpose
	}
	for i := range len(purpose) {
		if purpose[i] < ' ' || purpose[i] > '~' {
			return ErrPurpose
		}
	}
	return nil
}
