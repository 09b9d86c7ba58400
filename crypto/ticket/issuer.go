package ticket

import (
	"crypto/ed25519"
	"errors"
	"fmt"
)

// Issuer is what central holds to make tickets: one issuer key and the issue
// key from which every chain's seed is derived. No gate, pack or journal ever
// holds one.
type Issuer struct {
	KeyID    uint16
	Private  ed25519.PrivateKey `json:"-"` // signs VG1 bodies and nothing else
	IssueKey []byte             `json:"-"` // at least 16 bytes, random
}

// Signed is a body with its issuer's signature. That of a static ticket is the
// ticket itself.
type Signed struct {
	Body      Body
	Signature [SignatureSize]byte
}

// Errors of the issuer's side.
var (
	// ErrIssuerKey is an issuer whose private key or issue key is unusable.
	ErrIssuerKey = errors.New("ticket: issuer without a usable key")
	// ErrNotChain is a chain or lease asked of a body that has none.
	ErrNotChain = errors.New("ticket: the body has no chain")
	// ErrProof is a text of one proof asked of a body with another.
	ErrProof = errors.New("ticket: the body has another proof")
	// ErrWeakHolderKey is a holder key under which one signature fits every
	// message, so that a copied code would never go stale.
	ErrWeakHolderKey = errors.New("ticket: the holder's public key is of small order")
)

const minIssueKey = 16

// Sign completes a body and signs it: it sets version, algorithm and key id,
// and computes the anchor of a chain (N hashes). The error is a
// [*MalformedError] when the body would be malformed.
func (is Issuer) Sign(b Body) (Signed, error) {
	if len(is.Private) != ed25519.PrivateKeySize {
		return Signed{}, fmt.Errorf("%w: the private key has %d bytes", ErrIssuerKey, len(is.Private))
	}
	b.Version, b.Algorithm, b.KeyID = Version, AlgorithmEd25519, is.KeyID
	if err := b.Check(); err != nil {
		return Signed{}, err
	}
	b.Anchor = Value{}
	if b.Proof != ProofHolder {
		b.Holder = [HolderKeySize]byte{}
	} else if smallOrder(b.Holder) {
		return Signed{}, ErrWeakHolderKey
	}
	if b.Proof == ProofChain {
		c, err := is.Chain(b)
		if err != nil {
			return Signed{}, err
		}
		b.Anchor = c.Anchor()
	}
	var buf [len(issuerDomain) + maxUnsigned]byte
	s := Signed{Body: b}
	copy(s.Signature[:], ed25519.Sign(is.Private, b.AppendUnsigned(append(buf[:0], issuerDomain...))))
	return s, nil
}

// Chain derives the chain of a body that this issuer signed or is about to.
func (is Issuer) Chain(b Body) (Chain, error) {
	if b.Proof != ProofChain {
		return Chain{}, ErrNotChain
	}
	if len(is.IssueKey) < minIssueKey {
		return Chain{}, fmt.Errorf("%w: the issue key has %d bytes, want at least %d", ErrIssuerKey, len(is.IssueKey), minIssueKey)
	}
	return newChain(is.IssueKey, &b), nil
}

// Format keeps the keys out of logs, whatever the verb.
func (is Issuer) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "[issuer key %d]", is.KeyID) }

// ParseSigned reads body+signature: 101, 120 or 132 bytes. The signature is
// not verified.
func ParseSigned(data []byte) (Signed, error) {
	b, n, err := parseBody(data)
	if err != nil {
		return Signed{}, err
	}
	if len(data) != n+SignatureSize {
		return Signed{}, malformed(fieldLength, min(len(data), n+SignatureSize),
			fmt.Sprintf("%d bytes, want %d for this proof", len(data), n+SignatureSize))
	}
	s := Signed{Body: b}
	copy(s.Signature[:], data[n:])
	return s, nil
}

// Append appends body+signature to dst.
func (s *Signed) Append(dst []byte) []byte {
	return append(s.Body.AppendUnsigned(dst), s.Signature[:]...)
}

// VerifySignature reports whether the signature is that of the given key.
func (s *Signed) VerifySignature(key ed25519.PublicKey) bool {
	if len(key) != ed25519.PublicKeySize {
		return false
	}
	var buf [len(issuerDomain) + maxUnsigned]byte
	return ed25519.Verify(key, s.Body.AppendUnsigned(append(buf[:0], issuerDomain...)), s.Signature[:])
}

// Format keeps the signature, which for a static ticket is the ticket, out of
// logs, whatever the verb.
func (s Signed) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "[signed body of ticket %d generation %d]", s.Body.Ticket, s.Body.Generation)
}
