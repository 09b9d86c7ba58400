package ledger

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"
)

// testKey is a key for tests and for the protocol's page: its seed is 32 times
// the byte 7.
func testKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

func signedHead() Head {
	r := example()
	h := Head{Position: r.Position, Hash: r.Hash()}
	copy(h.Signature[:], ed25519.Sign(testKey(), h.SigningBytes()))
	return h
}

func publicKey(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(key[ed25519.SeedSize:])
}

func TestHeadVerifies(t *testing.T) {
	h := signedHead()
	if err := h.Verify(publicKey(testKey())); err != nil {
		t.Fatal(err)
	}
	changes := map[string]func(h *Head){
		"gate":      func(h *Head) { h.Position.Gate++ },
		"epoch":     func(h *Head) { h.Position.Epoch++ },
		"sequence":  func(h *Head) { h.Position.Sequence++ },
		"hash":      func(h *Head) { h.Hash[31] ^= 1 },
		"signature": func(h *Head) { h.Signature[0] ^= 1 },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			h := signedHead()
			change(&h)
			if err := h.Verify(publicKey(testKey())); !errors.Is(err, ErrHeadSignature) {
				t.Errorf("got %v", err)
			}
		})
	}
	if err := h.Verify(nil); err == nil {
		t.Error("verified by no key")
	}
}

func TestHeadComesBack(t *testing.T) {
	want := signedHead()
	b, err := want.AppendBinary(nil)
	if err != nil || len(b) != HeadSize {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	var got Head
	if err := got.Decode(b); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, wrong := range [][]byte{nil, b[:HeadSize-1], make([]byte, HeadSize)} {
		if err := new(Head).Decode(wrong); err == nil {
			t.Errorf("%d bytes of no head were taken", len(wrong))
		}
	}
}
