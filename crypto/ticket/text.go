package ticket

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
)

const (
	showDomain = "VG1 show\x00"

	showSize = len(showDomain) + sha256.Size + stepSize
)

// maxStep is the largest step that a code can carry.
const maxStep = 1<<24 - 1

// ShortText is the short form: 54 characters, for a ticket with a chain that
// the gates' packs hold. v is the value at the step.
func ShortText(ticket uint64, generation uint8, step uint32, v Value) (string, error) {
	if step > maxStep {
		return "", &StepError{Step: step, Last: maxStep}
	}
	var buf [lenShort]byte
	p := append(buf[:0], firstShort)
	p = binary.BigEndian.AppendUint64(p, ticket)
	p = append(p, generation)
	p = appendUint24(p, step)
	return text(append(p, v[:]...)), nil
}

// LongText is the long form of a ticket with a chain: 219 characters. v is the
// value at the step.
func LongText(s *Signed, step uint32, v Value) (string, error) {
	if s.Body.Proof != ProofChain {
		return "", ErrProof
	}
	if step > maxStep {
		return "", &StepError{Step: step, Last: maxStep}
	}
	var buf [lenLongChain]byte
	return text(append(appendUint24(s.Append(buf[:0]), step), v[:]...)), nil
}

// HolderText is the long form of a ticket with a holder key: 303 characters.
// The signature is that of [SignShow].
func HolderText(s *Signed, step uint32, signature [SignatureSize]byte) (string, error) {
	if s.Body.Proof != ProofHolder {
		return "", ErrProof
	}
	if step > maxStep {
		return "", &StepError{Step: step, Last: maxStep}
	}
	var buf [lenLongHolder]byte
	return text(append(appendUint24(s.Append(buf[:0]), step), signature[:]...)), nil
}

// StaticText is the text of a static ticket: 156 characters.
func StaticText(s *Signed) (string, error) {
	if s.Body.Proof != ProofStatic {
		return "", ErrProof
	}
	var buf [lenStatic]byte
	return text(s.Append(buf[:0])), nil
}

// SignShow is the holder's proof for a step, made on the phone.
func SignShow(private ed25519.PrivateKey, s *Signed, step uint32) ([SignatureSize]byte, error) {
	var out [SignatureSize]byte
	if s.Body.Proof != ProofHolder {
		return out, ErrProof
	}
	if len(private) != ed25519.PrivateKeySize {
		return out, ErrProof
	}
	var buf [lenLongHolder]byte
	message := showMessage(s.Append(buf[:0]), step)
	copy(out[:], ed25519.Sign(private, message[:]))
	return out, nil
}

// showMessage is what a holder's key signs.
func showMessage(signedBody []byte, step uint32) [showSize]byte {
	var m [showSize]byte
	n := copy(m[:], showDomain)
	sum := sha256.Sum256(signedBody)
	n += copy(m[n:], sum[:])
	m[n], m[n+1], m[n+2] = byte(step>>16), byte(step>>8), byte(step)
	return m
}

func text(payload []byte) string {
	var buf [MaxTextLen]byte
	return string(AppendBase45(append(buf[:0], Prefix...), payload))
}
