package ticket_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/ticket"
)

func TestSignRefuses(t *testing.T) {
	w := newWorld(t)
	issuer := vectorIssuer(t, w.v.Secrets, 7)
	good := w.get("chain").Body
	holder := w.get("holder").Body
	for _, c := range []struct {
		name   string
		issuer ticket.Issuer
		body   ticket.Body
		change func(*ticket.Issuer, *ticket.Body)
		want   error
	}{
		{"no private key", issuer, good, func(i *ticket.Issuer, _ *ticket.Body) { i.Private = nil }, ticket.ErrIssuerKey},
		{"short issue key", issuer, good, func(i *ticket.Issuer, _ *ticket.Body) { i.IssueKey = i.IssueKey[:15] }, ticket.ErrIssuerKey},
		{"holder key of small order", issuer, holder, func(_ *ticket.Issuer, b *ticket.Body) { b.Holder = [32]byte{1} }, ticket.ErrWeakHolderKey},
		{"no holder key", issuer, holder, func(_ *ticket.Issuer, b *ticket.Body) { b.Holder = [32]byte{} }, ticket.ErrWeakHolderKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.change(&c.issuer, &c.body)
			if _, err := c.issuer.Sign(c.body); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
	good.Generation = 0
	var m *ticket.MalformedError
	if _, err := issuer.Sign(good); !errors.As(err, &m) || m.Field != "generation" {
		t.Errorf("generation 0: %v", err)
	}
}

// TestWeakHolderKeys: every key that Sign refuses as weak really lets one
// signature, of nobody's making, fit messages at random.
func TestWeakHolderKeys(t *testing.T) {
	w := newWorld(t)
	issuer := vectorIssuer(t, w.v.Secrets, 7)
	for _, y := range []string{
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	} {
		b := w.get("holder").Body
		copy(b.Holder[:], unhex(t, y))
		if _, err := issuer.Sign(b); !errors.Is(err, ticket.ErrWeakHolderKey) {
			t.Errorf("%s: %v", y, err)
		}
		nobodys := make([]byte, ed25519.SignatureSize)
		nobodys[0] = 1 // R the neutral point, S zero
		fits := 0
		for i := range 256 {
			if ed25519.Verify(b.Holder[:], fmt.Append(nil, "message ", i), nobodys) {
				fits++
			}
		}
		if fits < 8 {
			t.Errorf("%s: one signature fits %d of 256 messages; is the key weak?", y, fits)
		}
	}
}

func TestTextsAskForTheirProof(t *testing.T) {
	w := newWorld(t)
	chain, holder, static := w.get("chain"), w.get("holder"), w.get("static")
	for name, try := range map[string]func() error{
		"long of a holder body":  func() error { _, err := ticket.LongText(&holder, 1, ticket.Value{}); return err },
		"holder of a chain body": func() error { _, err := ticket.HolderText(&chain, 1, [64]byte{}); return err },
		"static of a chain body": func() error { _, err := ticket.StaticText(&chain); return err },
		"show of a static body":  func() error { _, err := ticket.SignShow(w.holder, &static, 1); return err },
	} {
		if err := try(); !errors.Is(err, ticket.ErrProof) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := vectorIssuer(t, w.v.Secrets, 7).Chain(static.Body); !errors.Is(err, ticket.ErrNotChain) {
		t.Errorf("chain of a static body: %v", err)
	}
	var s *ticket.StepError
	if _, err := ticket.ShortText(1, 1, 1<<24, ticket.Value{}); !errors.As(err, &s) {
		t.Errorf("step past 24 bits: %v", err)
	}
	if _, err := ticket.LongText(&chain, 1<<24, ticket.Value{}); !errors.As(err, &s) {
		t.Errorf("step past 24 bits: %v", err)
	}
}

// TestNothingPrintsASecret: whatever a stray log line prints of these values,
// it is neither a key nor something that opens a gate.
func TestNothingPrintsASecret(t *testing.T) {
	w := newWorld(t)
	issuer := vectorIssuer(t, w.v.Secrets, 7)
	signed := w.get("static")
	chain, err := issuer.Chain(w.get("chain").Body)
	if err != nil {
		t.Fatal(err)
	}
	lease, err := chain.Lease(500)
	if err != nil {
		t.Fatal(err)
	}
	code, err := ticket.Parse(w.static("static"))
	if err != nil {
		t.Fatal(err)
	}
	seed, err := chain.At(0)
	if err != nil {
		t.Fatal(err)
	}
	secrets := [][]byte{issuer.Private, issuer.IssueKey, signed.Signature[:], lease.Value[:], seed[:]}
	for _, v := range []any{issuer, &issuer, signed, &signed, chain, lease, code, &code} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			out := fmt.Sprintf(verb, v)
			for _, s := range secrets {
				for _, form := range printed(s[:6]) {
					if strings.Contains(out, form) {
						t.Errorf("%T with %s prints a secret", v, verb)
					}
				}
			}
		}
	}
}

// printed is how fmt would show some bytes, without its brackets.
func printed(b []byte) []string {
	var decimal, hexed []string
	for _, c := range b {
		decimal = append(decimal, strconv.Itoa(int(c)))
		hexed = append(hexed, fmt.Sprintf("%#x", c))
	}
	return []string{string(b), hex.EncodeToString(b), strings.Join(decimal, " "), strings.Join(hexed, ", ")}
}

func TestMalformedErrorsQuoteNothing(t *testing.T) {
	for _, c := range readVectors(t).Cases {
		_, err := ticket.Parse(c.Text)
		if err == nil || len(c.Text) < 20 {
			continue
		}
		for i := 4; i+6 <= len(c.Text); i++ {
			if strings.Contains(err.Error(), c.Text[i:i+6]) {
				t.Errorf("%s: the error quotes the text", c.Name)
			}
		}
	}
}

func TestLeaseTimes(t *testing.T) {
	w := newWorld(t)
	b := w.get("chain").Body
	for _, c := range []struct {
		name   string
		now    int64
		length time.Duration
		want   uint32
		ok     bool
	}{
		{"from step 100, an hour", vectorT0 + 1000, time.Hour, 460, true},
		{"ends at the last step", vectorT0 + 1000, 24 * time.Hour, 2159, true},
		{"a day before", vectorT0 - 86400, 6 * time.Hour, 0, false},
		{"six hours before", vectorT0 - 6*3600, 6 * time.Hour, 0, true},
		{"after the end", vectorT0 + 90000, 6 * time.Hour, 2159, true},
	} {
		if got, ok := b.LeaseTo(time.Unix(c.now, 0), c.length); got != c.want || ok != c.ok {
			t.Errorf("%s: %d, %v, want %d, %v", c.name, got, ok, c.want, c.ok)
		}
	}
	holder := w.get("holder").Body
	if _, ok := holder.LeaseTo(w.gate, time.Hour); ok {
		t.Error("a lease of a ticket without a chain")
	}
	// The last code of a lease is refused from DarkAt on and not before.
	const last = 460
	dark := b.DarkAt(last, ticket.DefaultMargins())
	code, err := ticket.Parse(w.short("chain", last))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]ticket.Reason{
		dark.Add(-time.Second): ticket.ReasonOK, dark: ticket.ReasonCodeStale,
	} {
		if r := w.verifier.Verify(&code, w.held("chain"), at, ticket.DefaultMargins()); r.Reason != want {
			t.Errorf("%s from dark: %s, want %s", at.Sub(dark), r.Reason, want)
		}
	}
}

func TestHeldLacksFields(t *testing.T) {
	w := newWorld(t)
	code, err := ticket.Parse(w.long("chain", 100))
	if err != nil {
		t.Fatal(err)
	}
	held := w.held("chain")
	held.Body.ZoneGroup, held.Body.KeyID = 5, 0
	r := w.verifier.Verify(&code, held, w.gate, ticket.DefaultMargins())
	if r.Reason != ticket.ReasonBodyMismatch || r.Mismatch != ticket.FieldZoneGroup|ticket.FieldKeyID {
		t.Errorf("%s in %s", r.Reason, r.Mismatch)
	}
	if got := r.Mismatch.String(); got != "issuer key, zone group" {
		t.Errorf("mismatch reads %q", got)
	}
	held.Lacks = ticket.FieldZoneGroup | ticket.FieldKeyID
	if r := w.verifier.Verify(&code, held, w.gate, ticket.DefaultMargins()); !r.OK || r.StandsIn {
		t.Errorf("fields the pack does not hold were compared: %s", r.Reason)
	}
	if r := w.verifier.Verify(&code, w.held("static"), w.gate, ticket.DefaultMargins()); !r.OK || !r.StandsIn {
		t.Errorf("another ticket's entry counted as this one's: %s", r.Reason)
	}
}

func TestCheckSigned(t *testing.T) {
	w := newWorld(t)
	w.verifier.Events = func(e uint32) bool { return e == 2026 }
	for name, want := range map[string]ticket.Reason{
		"chain":             ticket.ReasonOK,
		"static":            ticket.ReasonOK,
		"chain key 12":      ticket.ReasonUnknownKey,
		"chain key 9":       ticket.ReasonKeyExpired,
		"chain event 2027":  ticket.ReasonWrongEvent,
		"chain event 2028":  ticket.ReasonKeyNotAllowed,
		"static past range": ticket.ReasonKeyNotAllowed,
	} {
		s := w.get(name)
		if got := w.verifier.CheckSigned(&s, w.gate); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	s := w.get("chain")
	s.Body.ZoneGroup++
	if got := w.verifier.CheckSigned(&s, w.gate); got != ticket.ReasonSignatureInvalid {
		t.Errorf("changed body: %s", got)
	}
	none := ticket.Verifier{Keys: (*keyring.Issuers)(nil)}
	s = w.get("chain")
	if got := none.CheckSigned(&s, w.gate); got != ticket.ReasonUnknownKey {
		t.Errorf("no keys: %s", got)
	}
}

func TestResultJSON(t *testing.T) {
	got, err := json.Marshal(ticket.Malformed())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"ok":false,"reason":"malformed","form":"","proof":"","ticket":"0","generation":0,"step":0,"skew_seconds":0}`
	if string(got) != want {
		t.Errorf("got %s", got)
	}
}

// TestVerifyDoesNotAllocate keeps garbage collection out of a scan.
func TestVerifyDoesNotAllocate(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		text string
		held *ticket.Held
	}{
		"short":  {w.short("chain", 100), w.held("chain")},
		"long":   {w.long("chain", 100), nil},
		"holder": {w.long("holder", 100), w.held("holder")},
		"static": {w.static("static"), w.held("static")},
	} {
		n := testing.AllocsPerRun(20, func() {
			code, err := ticket.Parse(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if r := w.verifier.Verify(&code, c.held, w.gate, ticket.DefaultMargins()); !r.OK {
				t.Fatal(r.Reason)
			}
		})
		if n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestIsVG1(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		{"VG1:", true},
		{"vg1:ABC", true},
		{"Vg1:", true},
		{"", false},
		{"VG1", false},
		{"VG2:", false},
		{" VG1:", false},
		{"https://example.org/VG1:", false},
	} {
		if got := ticket.IsVG1(c.text); got != c.want {
			t.Errorf("%q: %v", c.text, got)
		}
	}
}
