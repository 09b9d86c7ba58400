package qr

import "math/bits"

// bitmap is a picture of dark (1) and light (0) pixels, 64 to a word, the
// leftmost in the lowest bit.
type bitmap struct {
	w, h  int
	words int // a row
	bits  []uint64
}

// resize makes the bitmap w × h, all light.
func (b *bitmap) resize(w, h int) {
	b.w, b.h, b.words = w, h, (w+63)/64
	b.bits = grow(b.bits, b.words*h)
	clear(b.bits)
}

// is reports whether the pixel is there and dark, or there and light.
func (b *bitmap) is(x, y int, dark bool) bool {
	if uint(x) >= uint(b.w) || uint(y) >= uint(b.h) {
		return false
	}
	return b.bits[y*b.words+x>>6]>>(x&63)&1 == 1 == dark
}

// edges fills buf with the places in a row where its colour changes, 0 and the
// width included. Runs lie between them, the first being dark as reported. buf
// must have room for width + 1 places.
func (b *bitmap) edges(y int, buf []int32) (edges []int32, dark bool) {
	row := b.bits[y*b.words : (y+1)*b.words]
	last := row[0] & 1 // the pixel left of the word; the first has no edge before it
	dark = last == 1
	buf[0] = 0
	n := 1
	for i, word := range row {
		// Bit x of change is set when pixel x differs from pixel x-1.
		change := word ^ (word<<1 | last)
		last = word >> 63
		for ; change != 0; change &= change - 1 {
			x := i<<6 + bits.TrailingZeros64(change)
			if x >= b.w {
				break // the padding after the last pixel
			}
			buf[n] = int32(x)
			n++
		}
	}
	buf[n] = int32(b.w)
	return buf[:n+1], dark
}

// grow returns a slice of n elements, reusing s when it is large enough; what
// is in it is undefined.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
