package qr

import (
	"math/bits"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// format says how a code's bytes are protected and masked. It stands twice in a
// code, as 5 bits and 10 that protect them.
type format struct {
	level    decoder.ErrorCorrectionLevel
	mask     int
	mirrored bool // read with rows and columns exchanged
}

const (
	formatMask      = 0x5412
	formatGenerator = 0x537
	// farthestFormat is how many bits of one copy may be wrong: any two formats
	// differ by 7.
	farthestFormat = 3
)

// formatWord is a format with its check bits, as it stands in a code.
func formatWord(data uint32) uint32 {
	rest := data << 10
	for i := 14; i >= 10; i-- {
		if rest>>i&1 == 1 {
			rest ^= formatGenerator << (i - 10)
		}
	}
	return (data<<10 | rest) ^ formatMask
}

// readFormat finds the format that fits both copies best, whichever way round
// the code is.
func (g *grid) readFormat() (format, bool) {
	var best format
	least, nearest := 100, 100
	for _, mirrored := range [...]bool{false, true} {
		a, b := g.formatBits(mirrored)
		for data := range uint32(32) {
			word := formatWord(data)
			p, q := bits.OnesCount32(word^a), bits.OnesCount32(word^b)
			if p+q < least {
				least, nearest = p+q, min(p, q)
				best = format{level: levelOf(data >> 3), mask: int(data & 7), mirrored: mirrored}
			}
		}
	}
	return best, nearest <= farthestFormat
}

// formatBits reads the copy around the first finder pattern, and the one beside
// the other two.
func (g *grid) formatBits(mirrored bool) (a, b uint32) {
	put := func(to *uint32, x, y int) {
		*to <<= 1
		if g.is(x, y, mirrored) {
			*to |= 1
		}
	}
	for i := range 6 {
		put(&a, i, 8)
	}
	put(&a, 7, 8)
	put(&a, 8, 8)
	put(&a, 8, 7)
	for i := range 6 {
		put(&a, 8, 5-i)
	}
	for i := range 7 {
		put(&b, 8, g.size-1-i)
	}
	for i := range 8 {
		put(&b, g.size-8+i, 8)
	}
	return a, b
}

func levelOf(two uint32) decoder.ErrorCorrectionLevel {
	switch two {
	case 0:
		return decoder.ErrorCorrectionLevel_M
	case 1:
		return decoder.ErrorCorrectionLevel_L
	case 2:
		return decoder.ErrorCorrectionLevel_H
	default:
		return decoder.ErrorCorrectionLevel_Q
	}
}
