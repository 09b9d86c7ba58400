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
	Time      time.Time // by the gate's own clock, in whole seconds
	Signature [ed25519.SignatureSize]byte
}

// SignCall returns the Authorization header of a gate's HTTP call to central:
//
//	VenueGate gate="7", time="1732300000", signature="<base64url>"
//
// The signature is Ed25519 over "VG1 call", a zero byte, the gate's number, the
// time, the method and the target (path and raw query), each followed by a zero
// byte, and the SHA-256 of the body. It says which gate calls, and nothing of
// when: a gate's clock may be wrong, so calls must be harmless to repeat.
func SignCall(self *Gate, gate uint32, method, target string, at time.Time, body []byte) string {
	c := Call{Gate: gate, Time: at}
	signature := self.Sign(c.message(method, target, body))
	return fmt.Sprintf(`VenueGate gate="%d", time="%d", signature="%s"`, gate, at.Unix(), base64.RawURLEncoding.EncodeToString(signature))
}

var callForm = regexp.MustCompile(`^VenueGate gate="([0-9]{1,10})", time="(-?[0-9]{1,12})", signature="([A-Za-z0-9_-]{86})"$`)

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
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[3])
	if err != nil || len(signature) != len(c.Signature) {
		return Call{}, &FieldError{Path: "authorization.signature", Why: "not base64url"}
	}
	copy(c.Signature[:], signature)
	return c, nil
}

// Verify returns ErrCallSignature unless key signed this very call.
func (c *Call) Verify(key ed25519.PublicKey, method, target string, body []byte) error {
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, c.message(method, target, body), c.Signature[:]) {
		return ErrCallSignature
	}
	return nil
}

func (c *Call) message(method, target string, body []byte) []byte {
	m := append([]byte("VG1 call"), 0)
	for _, part := range []string{strconv.FormatUint(uint64(c.Gate), 10), strconv.FormatInt(c.Time.Unix(), 10), method, target} {
		m = append(append(m, part...), 0)
	}
	sum := sha256.Sum256(body)
	return append(m, sum[:]...)
}
