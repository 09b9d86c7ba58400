package keyring

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"
	"time"
)

func TestCallIsOfItsGateAlone(t *testing.T) {
	self, other := newGate(t), newGate(t)
	at := time.Unix(1_732_300_000, 0)
	body := []byte("records")
	header := SignCall(self, 7, "POST", "/v1/journals/7/12?from=346", at, body)
	c, err := ParseCall(header)
	if err != nil {
		t.Fatal(err)
	}
	if c.Gate != 7 || !c.Time.Equal(at) {
		t.Errorf("gate %d at %v", c.Gate, c.Time)
	}
	for _, v := range []struct {
		name           string
		key            *Gate
		method, target string
		body           []byte
		want           error
	}{
		{"as signed", self, "POST", "/v1/journals/7/12?from=346", body, nil},
		{"another gate's key", other, "POST", "/v1/journals/7/12?from=346", body, ErrCallSignature},
		{"another method", self, "GET", "/v1/journals/7/12?from=346", body, ErrCallSignature},
		{"another target", self, "POST", "/v1/journals/7/12?from=347", body, ErrCallSignature},
		{"another body", self, "POST", "/v1/journals/7/12?from=346", []byte("Records"), ErrCallSignature},
	} {
		t.Run(v.name, func(t *testing.T) {
			if err := c.Verify(v.key.Public(), v.method, v.target, v.body); !errors.Is(err, v.want) {
				t.Errorf("got %v, want %v", err, v.want)
			}
		})
	}
	if c.Body != sha256.Sum256(body) {
		t.Errorf("it says that its body is %x", c.Body)
	}
	c.Gate = 8
	if err := c.Verify(self.Public(), "POST", "/v1/journals/7/12?from=346", body); !errors.Is(err, ErrCallSignature) {
		t.Errorf("in another gate's name: %v", err)
	}
	if err := c.Verify(nil, "POST", "/", nil); !errors.Is(err, ErrCallSignature) {
		t.Errorf("without a key: %v", err)
	}
}

// Who calls is known before there is a body.
func TestCallHeader(t *testing.T) {
	self, other := newGate(t), newGate(t)
	at := time.Unix(1_732_300_000, 0)
	for _, body := range []string{"", "records"} {
		c, err := ParseCall(SignCall(self, 7, "POST", "/v1/x", at, []byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.VerifyHeader(self.Public(), "POST", "/v1/x"); err != nil {
			t.Errorf("body %q: %v", body, err)
		}
		if err := c.VerifyHeader(other.Public(), "POST", "/v1/x"); !errors.Is(err, ErrCallSignature) {
			t.Errorf("body %q, another gate: %v", body, err)
		}
		c.Body[0]++
		if err := c.VerifyHeader(self.Public(), "POST", "/v1/x"); !errors.Is(err, ErrCallSignature) {
			t.Errorf("body %q, another sum: %v", body, err)
		}
	}
}

func FuzzParseCall(f *testing.F) {
	g, err := NewGate(bytes.NewReader(make([]byte, 64)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(SignCall(g, 7, "GET", "/v1/journals", time.Unix(1_732_300_000, 0), nil))
	f.Add(SignCall(g, 7, "POST", "/v1/journals/7/1?from=1", time.Unix(1_732_300_000, 0), []byte("records")))
	f.Add(`VenueGate gate="7"`)
	f.Add(`VenueGate gate="99999999999", time="1", signature=""`)
	f.Add("Bearer x")
	f.Fuzz(func(t *testing.T, header string) {
		c, err := ParseCall(header)
		var wrong *FieldError
		if err != nil {
			if !errors.As(err, &wrong) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		_ = c.Verify(g.Public(), "GET", "/v1/journals", nil)
	})
}
