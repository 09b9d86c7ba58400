package qr

import (
	"bytes"
	"testing"

	"github.com/makiuchi-d/gozxing/common/reedsolomon"
	"pgregory.net/rapid"
)

// protected is data with check bytes that the library computed.
func protected(t *rapid.T, data []byte, checks int) []byte {
	t.Helper()
	words := make([]int, len(data)+checks)
	for i, b := range data {
		words[i] = int(b)
	}
	enc := reedsolomon.NewReedSolomonEncoder(reedsolomon.GenericGF_QR_CODE_FIELD_256)
	if err := enc.Encode(words, checks); err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(words))
	for i, w := range words {
		out[i] = byte(w)
	}
	return out
}

func TestRepairLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "data")
		checks := rapid.IntRange(7, 30).Draw(t, "checks")
		whole := protected(t, data, checks)
		blk := bytes.Clone(whole)
		wrong := rapid.IntRange(0, checks/2).Draw(t, "wrong")
		places := rapid.Permutation(indexes(len(blk))).Draw(t, "places")
		for _, i := range places[:min(wrong, len(places))] {
			blk[i] ^= rapid.ByteRange(1, 255).Draw(t, "error")
		}
		c := corrector{field: newField()}
		if !c.repair(blk, checks, checks/2) {
			t.Fatalf("%d errors with %d check bytes were not repaired", wrong, checks)
		}
		if !bytes.Equal(blk, whole) {
			t.Fatalf("repaired to %x, was %x", blk, whole)
		}
	})
}

// Past the limit a block is refused and left as it was.
func TestRepairRefuses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := protected(t, rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "data"), 10)
		blk := bytes.Clone(whole)
		for i := range 5 {
			blk[4*i] ^= 0x55
		}
		before := bytes.Clone(blk)
		c := corrector{field: newField()}
		if c.repair(blk, 10, 4) || !bytes.Equal(blk, before) {
			t.Fatal("five errors passed a limit of four")
		}
	})
}

func indexes(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
