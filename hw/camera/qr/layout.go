package qr

import (
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// layout is where a version of the code (ISO/IEC 18004) keeps what. Its numbers
// are the library's tables; it is made once a version and kept.
type layout struct {
	version *decoder.Version
	size    int
	centers []int    // columns, and rows, of alignment patterns' middles
	order   []uint16 // module of each bit of the codewords, first bit first
}

func newLayout(size int) (*layout, error) {
	v, err := decoder.Version_GetProvisionalVersionForDimension(size)
	if err != nil {
		return nil, err
	}
	l := &layout{version: v, size: size, centers: v.GetAlignmentPatternCenters()}
	taken := l.functionPatterns()
	l.order = make([]uint16, 0, 8*v.GetTotalCodewords())
	// Bits run in columns of two modules from the right, up and down in turns,
	// and skip the column of the timing pattern.
	up := true
	for right := size - 1; right > 0; right -= 2 {
		if right == 6 {
			right--
		}
		for n := range size {
			y := n
			if up {
				y = size - 1 - n
			}
			for x := right; x > right-2; x-- {
				if at := y*size + x; !taken[at] && len(l.order) < cap(l.order) {
					l.order = append(l.order, uint16(at))
				}
			}
		}
		up = !up
	}
	return l, nil
}

// functionPatterns marks the modules that hold no codewords.
func (l *layout) functionPatterns() []bool {
	n := l.size
	taken := make([]bool, n*n)
	fill := func(x, y, w, h int) {
		for v := y; v < y+h; v++ {
			for u := x; u < x+w; u++ {
				taken[v*n+u] = true
			}
		}
	}
	// Finder patterns with their separators and the format beside them.
	fill(0, 0, 9, 9)
	fill(n-8, 0, 8, 9)
	fill(0, n-8, 9, 8)
	// Timing.
	fill(6, 0, 1, n)
	fill(0, 6, n, 1)
	// Alignment.
	last := len(l.centers) - 1
	for i, y := range l.centers {
		for j, x := range l.centers {
			if i == 0 && (j == 0 || j == last) || i == last && j == 0 {
				continue
			}
			fill(x-2, y-2, 5, 5)
		}
	}
	if l.version.GetVersionNumber() >= 7 {
		fill(n-11, 0, 3, 6)
		fill(0, n-11, 6, 3)
	}
	return taken
}

// masked reports whether a mask turns the module in column x and row y over.
func masked(mask, x, y int) bool {
	switch mask {
	case 0:
		return (x+y)%2 == 0
	case 1:
		return y%2 == 0
	case 2:
		return x%3 == 0
	case 3:
		return (x+y)%3 == 0
	case 4:
		return (y/2+x/3)%2 == 0
	case 5:
		return x*y%2+x*y%3 == 0
	case 6:
		return (x*y%2+x*y%3)%2 == 0
	default:
		return ((x+y)%2+x*y%3)%2 == 0
	}
}

// codewords reads the bytes of a grid in the order in which they stand, turned
// back by the mask.
func (l *layout) codewords(g *grid, f format, out []byte) []byte {
	out = out[:0]
	var word byte
	for i, at := range l.order {
		x, y := int(at)%l.size, int(at)/l.size
		dark := g.is(x, y, f.mirrored)
		word <<= 1
		if dark != masked(f.mask, x, y) {
			word |= 1
		}
		if i%8 == 7 {
			out = append(out, word)
			word = 0
		}
	}
	return out
}

// is reports whether a module is dark, in a mirrored code with rows and columns
// exchanged.
func (g *grid) is(x, y int, mirrored bool) bool {
	if mirrored {
		x, y = y, x
	}
	return g.dark[y*g.size+x]
}
