package ticket

import (
	"crypto/ed25519"
	"crypto/subtle"
	"encoding/json"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
)

// KeyFinder finds an issuer's public key by its id. *keyring.Issuers is one.
type KeyFinder interface {
	IssuerKey(id uint16) (*keyring.IssuerKey, bool)
}

// Held is what a pack holds of a ticket.
type Held struct {
	Body Body

	// Highest is the highest generation that the pack knows to be issued,
	// where an overlay names a newer one than Body's. Zero means Body's.
	Highest uint8

	// Lacks names the fields of Body that the pack does not hold, which are
	// then not compared with a code's. The proof and what belongs to it (T0,
	// steps, period, anchor) must be held for short forms to work.
	Lacks Fields
}

// Verifier checks codes. It holds public keys only, is never changed by
// checking, and may be used by several lanes at once.
type Verifier struct {
	Keys   KeyFinder               // the issuers' public keys
	Events func(event uint32) bool // whether an event is on at this gate; nil for every event
}

// Result is what is known of a code after a verification.
type Result struct {
	OK          bool
	Reason      Reason
	Form        Form // zero when malformed
	Proof       Proof
	Ticket      uint64
	Generation  uint8
	Step        uint32 // 0 when static
	SkewSeconds int64  // positive when the phone is ahead; unproven unless OK

	// Body is the body that stands, the pack's or the code's own. It is zero,
	// with generation 0, until one has been found authentic.
	Body Body
	// StandsIn says that Body is the code's own because the pack holds none
	// or an older generation.
	StandsIn bool
	// Mismatch names the fields that made a ReasonBodyMismatch.
	Mismatch Fields
}

// MarshalJSON returns the first eight fields as the vectors have them: form
// and proof as words, empty when malformed, and the ticket id as a decimal
// string.
func (r Result) MarshalJSON() ([]byte, error) {
	out := struct {
		OK          bool   `json:"ok"`
		Reason      Reason `json:"reason"`
		Form        string `json:"form"`
		Proof       string `json:"proof"`
		Ticket      uint64 `json:"ticket,string"`
		Generation  uint8  `json:"generation"`
		Step        uint32 `json:"step"`
		SkewSeconds int64  `json:"skew_seconds"`
	}{r.OK, r.Reason, r.Form.String(), "", r.Ticket, r.Generation, r.Step, r.SkewSeconds}
	if r.Form != 0 {
		out.Proof = r.Proof.String()
	}
	return json.Marshal(out)
}

// Malformed is the result for a text that [Parse] refused.
func Malformed() Result { return Result{Reason: ReasonMalformed} }

// Verify checks a parsed code at a time against what the pack holds of its
// ticket, nil for nothing. The checks and their order are those of the
// specification: ticket and generation, issuer's signature and event (long and
// static forms), time window, proof. Whether the ticket is void, used or for
// this door is decided elsewhere.
func (v *Verifier) Verify(code *Code, held *Held, at time.Time, m Margins) Result {
	r := Result{
		Form: code.Form, Proof: code.Proof, Ticket: code.Ticket, Generation: code.Generation, Step: code.Step,
	}
	if code.Form == 0 {
		r.Reason = ReasonMalformed
		return r
	}
	if held != nil && held.Body.Ticket != code.Ticket {
		held = nil // the pack's answer for another ticket: this one is unknown
	}
	body, reason := find(code, held, &r)
	if reason == ReasonOK && code.Form != FormShort {
		reason = v.issued(code, at)
	}
	if reason == ReasonOK {
		r.Body = *body
		reason = window(code, body, at, m, &r.SkewSeconds)
	}
	if reason == ReasonOK {
		reason = proven(code, body)
	}
	r.Reason, r.OK = reason, reason == ReasonOK
	return r
}

// find settles which body counts: the pack's or the code's own.
func find(code *Code, held *Held, r *Result) (*Body, Reason) {
	if held != nil {
		g := held.Body.Generation
		switch {
		case code.Generation < max(g, held.Highest):
			return nil, ReasonSuperseded
		case code.Generation == g && code.Form == FormShort:
			if held.Body.Proof != ProofChain || held.Body.Steps == 0 || held.Body.Period == 0 {
				r.Mismatch = FieldProof
				return nil, ReasonBodyMismatch
			}
			return &held.Body, ReasonOK
		case code.Generation == g:
			if d := differences(&code.Body, &held.Body) &^ held.Lacks; d != 0 {
				r.Mismatch = d
				return nil, ReasonBodyMismatch
			}
			return &code.Body, ReasonOK
		}
	}
	if code.Form == FormShort {
		return nil, ReasonNewerThanPack
	}
	r.StandsIn = true
	return &code.Body, ReasonOK
}

// issued checks the issuer's signature and what the key may sign.
func (v *Verifier) issued(code *Code, at time.Time) Reason {
	key, reason := v.key(&code.Body)
	if reason != ReasonOK {
		return reason
	}
	if !ed25519.Verify(key.Public, code.issuerMessage(), code.issuerSignature()) {
		return ReasonSignatureInvalid
	}
	return v.allowed(key, &code.Body, at)
}

// CheckSigned checks a body's signature, its key and its event as Verify does
// for a long form, without a code: for whoever builds a pack from bodies.
func (v *Verifier) CheckSigned(s *Signed, at time.Time) Reason {
	key, reason := v.key(&s.Body)
	if reason != ReasonOK {
		return reason
	}
	if !s.VerifySignature(key.Public) {
		return ReasonSignatureInvalid
	}
	return v.allowed(key, &s.Body, at)
}

func (v *Verifier) key(b *Body) (*keyring.IssuerKey, Reason) {
	if v.Keys == nil {
		return nil, ReasonUnknownKey
	}
	key, ok := v.Keys.IssuerKey(b.KeyID)
	if !ok || len(key.Public) != ed25519.PublicKeySize {
		return nil, ReasonUnknownKey
	}
	if uint8(key.Algorithm) != b.Algorithm {
		return nil, ReasonKeyNotAllowed
	}
	return key, ReasonOK
}

func (v *Verifier) allowed(key *keyring.IssuerKey, b *Body, at time.Time) Reason {
	switch {
	case !key.MaySign(b.Event, b.Ticket):
		return ReasonKeyNotAllowed
	case key.Expired(at):
		return ReasonKeyExpired
	case v.Events != nil && !v.Events(b.Event):
		return ReasonWrongEvent
	}
	return ReasonOK
}

// window checks the step against the gate's own before anything is hashed.
func window(code *Code, b *Body, at time.Time, m Margins, skew *int64) Reason {
	if code.Form == FormStatic {
		return ReasonOK
	}
	j, g := int64(code.Step), b.StepAt(at)
	*skew = (j - g) * int64(b.Period)
	switch {
	case j >= int64(b.Steps):
		return ReasonCodeInvalid
	case j < g-int64(m.Behind):
		return ReasonCodeStale
	case j > g+int64(m.Ahead):
		return ReasonCodeEarly
	}
	return ReasonOK
}

// proven checks the chain value or the holder's signature.
func proven(code *Code, b *Body) Reason {
	switch code.Proof {
	case ProofChain:
		end := b.anchorFrom(code.Step, code.Value)
		if subtle.ConstantTimeCompare(end[:], b.Anchor[:]) != 1 {
			return ReasonCodeInvalid
		}
	case ProofHolder:
		m := showMessage(code.signedBody(), code.Step)
		if !ed25519.Verify(b.Holder[:], m[:], code.holderSignature()) {
			return ReasonCodeInvalid
		}
	}
	return ReasonOK
}
