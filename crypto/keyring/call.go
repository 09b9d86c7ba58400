package keyring

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// ErrCallSignature is a call that its gate did not sign.
var ErrCallSignature = errors.New("keyring: the call's signature does not verify")

// Call is who makes an HTTP call, as its Authorization header says. Nothing of
// it is believed before Verify.
type Call struct {
	Gate      uint32
	Time      time.Time         // by the gate's own clock, in whole seconds
	Body      [sha256.Size]byte // SHA-256 of the body that it says it has
	Signature [ed25519.SignatureSize]byte
}

// SignCall returns the Authorization header of a gate's HTTP call to central:
//
//	VenueGate gate="7", time="1732300000", body="<base64url>", signature="<base64url>"
//
// where body is the SHA-256 of a body, and absent where there is none: so central
// knows who calls before it reads one. The signature is Ed25519 over "VG1 call", a zero byte, the gate's number, the
// time, the method and the target (path and raw query), each followed by a zero
// byte, and the SHA-256 of the body. It says which gate calls, and nothing of
// when: a gate's clock may be wrong, so calls must be harmless to repeat.
func SignCall(self *Gate, gate uint32, method, target string, at time.Time, body []byte) string {
	c := Call{Gate: gate, Time: at}
	signature := self.Sign(c.message(method, target, sha256.Sum256(body)))
	text := base64.RawURLEncoding.EncodeToString
	said := ""
	if len(body) > 0 {
		sum := sha256.Sum256(body)
		said = fmt.Sprintf(`body="%s", `, text(sum[:]))
	}
	return fmt.Sprintf(`VenueGate gate="%d", time="%d", %ssignature="%s"`, gate, at.Unix(), said, text(signature))
}

var callForm = regexp.MustCompile(`^VenueGate gate="([0-9]{1,10})", time="(-?[0-9]{1,12})", (?:body="([A-Za-z0-9_-]{43})", )?signature="([A-Za-z0-9_-]{86})"$`)

// ParseCall reads an Authorization header that SignCall made. The error is a
// *FieldError.
func ParseCall(header string) (Call, error) {
	parts := callForm.FindStringSubmatch(header)
	if parts == nil {
		return Call{}, &FieldError{Path: "authorization", Why: `want: VenueGate gate="…", time="…", signature="…"`}
	}
	gate, err := strconv.ParseUint(parts[1], 10, 32)
	if err != nil {
		return Call{}, &FieldError{Path: "authorization.gate", Why: "not a gate's number"}
	}
	at, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return Call{}, &FieldError{Path: "authorization.time", Why: "not Unix seconds"}
	}
	c := Call{Gate: uint32(gate), Time: time.Unix(at, 0).UTC()}
	c.Body = sha256.Sum256(nil)
	if parts[3] != "" {
		sum, err := base64.RawURLEncoding.Strict().DecodeString(parts[3])
		if err != nil || len(sum) != len(c.Body) {
			return Call{}, &FieldError{Path: "authorization.body", Why: "not base64url"}
		}
		copy(c.Body[:], sum)
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[4])
	if err != nil || len(signature) != len(c.Signature) {
		return Call{}, &FieldError{Path: "authorization.signature", Why: "not base64url"}
	}
	copy(c.Signature[:], signature)
	return c, nil
}

// Verify returns ErrCallSignature unless key signed this very call.
func (c *Call) Verify(key ed25519.PublicKey, method, target string, body []byte) error {
	return c.verify(key, method, target, sha256.Sum256(body))
}

// VerifyHeader is Verify before the body is there: the key signed a call with the
// body whose SHA-256 is c.Body. The caller compares that.
func (c *Call) VerifyHeader(key ed25519.PublicKey, method, target string) error {
	return c.verify(key, method, target, c.Body)
}

func (c *Call) verify(key ed25519.PublicKey, method, target string, body [sha256.Size]byte) error {
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, c.message(method, target, body), c.Signature[:]) {
		return ErrCallSignature
	}
	return nil
}

func (c *Call) message(method, target string, body [sha256.Size]byte) []byte {
	m := append([]byte("VG1 call"), 0)
	for _, part := range []string{strconv.FormatUint(uint64(c.Gate), 10), strconv.FormatInt(c.Time.Unix(), 10), method, target} {
		m = append(append(m, part...), 0)
	}
	return append(m, body[:]...)
}
