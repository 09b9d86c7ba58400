package document

import (
	"bytes"
	"testing"
)

// FuzzDecoder feeds a stream whole and in pieces: the same answers come out,
// every one of them frames again to what it was decoded from.
func FuzzDecoder(f *testing.F) {
	head := []byte{0xAA, 0xAA, 0xAA, 0x96, 0x69}
	f.Add(append(bytes.Clone(head), 0, 4, 0, 0, 0x90, 0x94), uint8(1))
	f.Add(append(bytes.Clone(head), 0, 8, 0, 0, 0x9F, 0, 0, 0, 0, 0x97), uint8(3))
	f.Add(append(append([]byte{0, 0xAA, 0xAA}, head...), 0, 4, 0, 0, 0x80, 0x84, 0xAA), uint8(2))
	f.Add(append(bytes.Clone(head), 0xFF, 0xFF, 0xAA, 0xAA), uint8(0))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		if a, n, err := DecodeAnswer(in); err == nil {
			if n > len(in) || n > MaxAnswer || len(a.Data) != n-headerLen-statusLen-1 {
				t.Fatalf("%d bytes with %d of data out of %d", n, len(a.Data), len(in))
			}
			again := AppendRequest(nil, Command{a.Status[0], a.Status[1]}, append([]byte{a.Status[2]}, a.Data...)...)
			if !bytes.Equal(again, in[:n]) {
				t.Fatal("frames differently")
			}
		}
		whole := decodeAll(NewDecoder(), in, MaxAnswer)
		pieces := decodeAll(NewDecoder(), in, int(piece)+1)
		if len(whole) != len(pieces) {
			t.Errorf("cutting changes the answers: %q, %q", whole, pieces)
		}
	})
}
