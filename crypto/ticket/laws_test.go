package ticket_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/ticket"
)

// drawBody draws a body that is well formed.
func drawBody(t *rapid.T, holder ed25519.PublicKey) ticket.Body {
	b := ticket.Body{
		Event:      rapid.Uint32().Draw(t, "event"),
		Ticket:     rapid.Uint64().Draw(t, "ticket"),
		Generation: rapid.Uint8Min(1).Draw(t, "generation"),
		Flags:      ticket.Flags(rapid.Uint8Range(0, 7).Draw(t, "flags")),
		ZoneGroup:  rapid.Uint16().Draw(t, "zone group"),
		Proof:      ticket.Proof(rapid.Uint8Range(0, 2).Draw(t, "proof")),
	}
	copy(b.DocumentTag[:], rapid.SliceOfN(rapid.ByteRange(1, 255), 8, 8).Draw(t, "tag"))
	if b.Proof != ticket.ProofStatic {
		b.T0 = rapid.Uint32().Draw(t, "T0")
		b.Steps = rapid.Uint16Range(1, 500).Draw(t, "steps")
		b.Period = rapid.Uint8Min(1).Draw(t, "period")
	}
	if b.Proof == ticket.ProofHolder {
		copy(b.Holder[:], holder)
	}
	return b
}

// shown is a drawn ticket with the texts that its phone can show at a step.
type shown struct {
	signed ticket.Signed
	step   uint32
	texts  []string
	held   *ticket.Held
}

func drawShown(t *rapid.T, w *world) shown {
	issuer := vectorIssuer(w.t, w.v.Secrets, 7)
	signed, err := issuer.Sign(drawBody(t, w.holder.Public().(ed25519.PublicKey)))
	if err != nil {
		t.Fatal(err)
	}
	s := shown{signed: signed, held: &ticket.Held{Body: signed.Body}}
	if n := uint32(signed.Body.Steps); n > 0 {
		s.step = rapid.Uint32Range(0, n-1).Draw(t, "step")
	}
	add := func(text string, err error) {
		if err != nil {
			t.Fatal(err)
		}
		s.texts = append(s.texts, text)
	}
	switch signed.Body.Proof {
	case ticket.ProofStatic:
		add(ticket.StaticText(&signed))
	case ticket.ProofHolder:
		sig, err := ticket.SignShow(w.holder, &signed, s.step)
		if err != nil {
			t.Fatal(err)
		}
		add(ticket.HolderText(&signed, s.step, sig))
	case ticket.ProofChain:
		chain, err := issuer.Chain(signed.Body)
		if err != nil {
			t.Fatal(err)
		}
		lease, err := chain.Lease(rapid.Uint32Range(s.step, uint32(signed.Body.Steps)-1).Draw(t, "lease"))
		if err != nil {
			t.Fatal(err)
		}
		v, err := lease.At(s.step)
		if err != nil {
			t.Fatal(err)
		}
		add(ticket.ShortText(signed.Body.Ticket, signed.Body.Generation, s.step, v))
		add(ticket.LongText(&signed, s.step, v))
	}
	return s
}

// anyKey lets key 7 sign everything, for ever.
func anyKey(t testing.TB, w *world) ticket.Verifier {
	keys, err := keyring.NewIssuers(keyring.IssuerKey{
		ID: 7, Algorithm: keyring.Ed25519,
		Public: vectorIssuer(t, w.v.Secrets, 7).Private.Public().(ed25519.PublicKey),
	})
	if err != nil {
		t.Fatal(err)
	}
	return ticket.Verifier{Keys: keys}
}

func TestTextHoldsTheBody(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		s := drawShown(t, w)
		for _, text := range s.texts {
			code, err := ticket.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if code.Ticket != s.signed.Body.Ticket || code.Generation != s.signed.Body.Generation || code.Step != s.step {
				t.Fatalf("parsed %d/%d/%d", code.Ticket, code.Generation, code.Step)
			}
			if signed, ok := code.Signed(); ok != (code.Form != ticket.FormShort) || ok && signed != s.signed {
				t.Fatal("the text's signed body is not the one that was encoded")
			}
		}
		data := s.signed.Append(nil)
		parsed, err := ticket.ParseSigned(data)
		if err != nil || parsed != s.signed {
			t.Fatalf("signed body changed on the way: %v", err)
		}
		body, err := ticket.ParseBody(data[:len(data)-ticket.SignatureSize])
		if err != nil || body != s.signed.Body {
			t.Fatalf("body changed on the way: %v", err)
		}
	})
}

// TestWindow: a code is good from `ahead` steps before its own step begins to
// `behind` steps after it ends, at every gate, and at no other second.
func TestWindow(t *testing.T) {
	w := newWorld(t)
	verifier := anyKey(t, w)
	rapid.Check(t, func(t *rapid.T) {
		s := drawShown(t, w)
		m := ticket.Margins{Behind: rapid.Uint16Range(0, 40).Draw(t, "behind"), Ahead: rapid.Uint16Range(0, 40).Draw(t, "ahead")}
		b := s.signed.Body
		first := int64(b.T0) + (int64(s.step)-int64(m.Ahead))*int64(b.Period)
		past := int64(b.T0) + (int64(s.step)+int64(m.Behind)+1)*int64(b.Period)
		for second, want := range map[int64]ticket.Reason{
			first - 1: ticket.ReasonCodeEarly, first: ticket.ReasonOK,
			past - 1: ticket.ReasonOK, past: ticket.ReasonCodeStale,
			rapid.Int64Range(first, past).Draw(t, "second"): "",
		} {
			if b.Proof == ticket.ProofStatic {
				want = ticket.ReasonOK
			}
			for _, text := range s.texts {
				code, err := ticket.Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				r := verifier.Verify(&code, s.held, time.Unix(second, 999_999_999), m)
				if want != "" && r.Reason != want {
					t.Fatalf("%s at %d, window %d to %d: %s, want %s", r.Form, second, first, past, r.Reason, want)
				}
				if r.OK != (r.Reason == ticket.ReasonOK) || r.OK && r.Body != b {
					t.Fatalf("ok %v with reason %s", r.OK, r.Reason)
				}
			}
		}
	})
}

// TestTamper: no code with a bit changed is good, in the pack or out of it,
// unless what changed is nothing but the proof of another code.
func TestTamper(t *testing.T) {
	w := newWorld(t)
	verifier := anyKey(t, w)
	rapid.Check(t, func(t *rapid.T) {
		s := drawShown(t, w)
		at := time.Unix(int64(s.signed.Body.T0)+int64(s.step)*int64(s.signed.Body.Period), 0)
		for _, text := range s.texts {
			p := w.payload(text)
			bit := rapid.IntRange(0, 8*len(p)-1).Draw(t, "bit")
			p[bit/8] ^= 1 << (bit % 8)
			code, err := ticket.Parse(encode(p))
			if err != nil {
				continue
			}
			for _, held := range []*ticket.Held{nil, s.held} {
				if r := verifier.Verify(&code, held, at, ticket.DefaultMargins()); r.OK {
					t.Fatalf("%s with bit %d changed is good", r.Form, bit)
				}
			}
		}
	})
}

// TestLease: a lease shows what the chain shows, up to its end and not past
// it, and each of its values is a link of the one after.
func TestLease(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		b := drawBody(t, w.holder.Public().(ed25519.PublicKey))
		b.Proof, b.Steps, b.Period = ticket.ProofChain, rapid.Uint16Range(2, 400).Draw(t, "N"), 10
		chain, err := vectorIssuer(w.t, w.v.Secrets, 7).Chain(b)
		if err != nil {
			t.Fatal(err)
		}
		n := uint32(b.Steps)
		last := rapid.Uint32Range(0, n-1).Draw(t, "last")
		lease, err := chain.Lease(last)
		if err != nil {
			t.Fatal(err)
		}
		step := rapid.Uint32Range(0, last).Draw(t, "step")
		fromLease, err := lease.At(step)
		if err != nil {
			t.Fatal(err)
		}
		fromChain, err := chain.Value(step)
		if err != nil || fromLease != fromChain {
			t.Fatalf("lease and chain differ at step %d: %v", step, err)
		}
		if step > 0 {
			before, err := lease.At(step - 1)
			if err != nil || ticket.Link(b.Ticket, b.Generation, n-step, fromLease) != before {
				t.Fatalf("step %d does not follow from step %d: %v", step-1, step, err)
			}
		} else if ticket.Link(b.Ticket, b.Generation, n, fromLease) != chain.Anchor() {
			t.Fatal("step 0 does not lead to the anchor")
		}
		if _, err := lease.At(last + 1); err == nil {
			t.Fatal("a lease shows the step past its end")
		}
	})
}

// FuzzParse: whatever parses is what it was made of, and parsing never panics
// nor quotes the text.
func FuzzParse(f *testing.F) {
	for _, c := range readVectors(f).Cases {
		f.Add(c.Text)
	}
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, text string) {
		code, err := ticket.Parse(text)
		if err != nil {
			if code != (ticket.Code{}) {
				t.Fatal("an error beside a code")
			}
			return
		}
		if !ticket.IsVG1(text) || len(text) > ticket.MaxTextLen {
			t.Fatal("a code that is not VG1")
		}
		again, err := ticket.Parse(encode(w.payload(string(bytes.ToUpper([]byte(text))))))
		if err != nil || again != code {
			t.Fatalf("encodes to another code: %v", err)
		}
		for _, held := range []*ticket.Held{nil, w.held("chain"), w.held("holder"), w.held("static")} {
			r := w.verifier.Verify(&code, held, w.gate, ticket.DefaultMargins())
			if r.Reason == "" || r.Reason == ticket.ReasonMalformed {
				t.Fatalf("reason %q for a code that parses", r.Reason)
			}
		}
	})
}

// FuzzParseBody: a body that parses encodes to the same bytes.
func FuzzParseBody(f *testing.F) {
	for _, b := range readVectors(f).Bodies {
		f.Add(unhex(f, b.Unsigned))
		f.Add(unhex(f, b.Unsigned+b.Signature))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if b, err := ticket.ParseBody(data); err == nil && !bytes.Equal(b.AppendUnsigned(nil), data) {
			t.Fatal("a body encodes to other bytes")
		}
		if s, err := ticket.ParseSigned(data); err == nil && !bytes.Equal(s.Append(nil), data) {
			t.Fatal("a signed body encodes to other bytes")
		}
	})
}
