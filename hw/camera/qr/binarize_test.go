package qr

import (
	"testing"

	"pgregory.net/rapid"
)

// Eight pixels at a time must give what one at a time does.
func TestLanes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b")
		low, high := lesser(a&evenBytes, b&evenBytes), greater(a&evenBytes, b&evenBytes)
		threshold := rapid.Byte().Draw(t, "threshold")
		dark := darker(a, uint64(threshold)*eachLane|laneTop)
		for i := range 8 {
			x, y := byte(a>>(8*i)), byte(b>>(8*i))
			if i%2 == 0 && (byte(low>>(8*i)) != min(x, y) || byte(high>>(8*i)) != max(x, y)) {
				t.Fatalf("lane %d of %d and %d: %d, %d", i/2, x, y, byte(low>>(8*i)), byte(high>>(8*i)))
			}
			if dark>>i&1 == 1 != (x <= threshold) {
				t.Fatalf("pixel %d is %d, threshold %d, dark %v", i, x, threshold, dark>>i&1 == 1)
			}
		}
		if dark > 0xff {
			t.Fatalf("more than eight pixels: %x", dark)
		}
	})
}

func TestStats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stride := rapid.IntRange(block, 20).Draw(t, "stride")
		pix := rapid.SliceOfN(rapid.Byte(), 7*stride+block, 7*stride+block).Draw(t, "pix")
		sum, least, most := 0, byte(255), byte(0)
		for y := range block {
			for x := range block {
				v := pix[y*stride+x]
				sum += int(v)
				if y%2 == 1 && x%2 == 1 {
					least, most = min(least, v), max(most, v)
				}
			}
		}
		mean, low, high := stats(pix, stride)
		if int(mean) != sum/64 || low != int32(least) || high != int32(most) {
			t.Fatalf("got %d, %d, %d; want %d, %d, %d", mean, low, high, sum/64, least, most)
		}
	})
}

// A picture of any size is dark where it should be, to its last column and row.
func TestBinarizeSizes(t *testing.T) {
	var z binarizer
	var b bitmap
	for _, size := range [...][2]int{{40, 40}, {41, 47}, {63, 64}, {64, 65}, {65, 100}, {129, 41}, {640, 43}} {
		w, h := size[0], size[1]
		p := Plane{Pix: make([]byte, (w+3)*h), Width: w, Height: h, Stride: w + 3}
		for i := range p.Pix {
			if x, y := i%p.Stride, i/p.Stride; x%4 < 2 != (y%4 < 2) {
				p.Pix[i] = 200
			}
		}
		z.run(&p, 2, &b)
		for y := range h {
			for x := range w {
				if dark := p.Pix[y*p.Stride+x] == 0; !b.is(x, y, dark) {
					t.Fatalf("%d × %d: pixel %d, %d is wrong", w, h, x, y)
				}
			}
		}
	}
}

func TestEdges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.IntRange(1, 200).Draw(t, "width")
		var b bitmap
		b.resize(w, 1)
		var want []int32
		row := rapid.SliceOfN(rapid.Bool(), w, w).Draw(t, "row")
		for x, dark := range row {
			if dark {
				b.bits[x/64] |= 1 << (x % 64)
			}
			if x == 0 || dark != row[x-1] {
				want = append(want, int32(x))
			}
		}
		want = append(want, int32(w))
		got, dark := b.edges(0, make([]int32, w+1))
		if dark != row[0] || len(got) != len(want) {
			t.Fatalf("got %v, %v; want %v, %v", got, dark, want, row[0])
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
	})
}
