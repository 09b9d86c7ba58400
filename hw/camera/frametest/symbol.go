package frametest

import (
	"fmt"
	"math/rand/v2"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"
)

const (
	alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	urlSafe      = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

// symbol is a square of modules without its quiet zone.
type symbol struct {
	size int
	dark []bool // row by row
}

func (s *symbol) at(x, y int) bool { return s.dark[y*s.size+x] }

// shortCode is VG1's short form: 33 bytes in Base45, version 3, level M.
func shortCode(rng *rand.Rand) (string, *symbol) {
	text := "VG1:" + letters(rng, alphanumeric, 50)
	return text, encode(text, decoder.ErrorCorrectionLevel_M, 3)
}

// longCode takes turns between VG1's long form with a holder's key and what
// other platforms' tickets look like: signed tokens of 250 to 350 characters.
func longCode(rng *rand.Rand, n int) (string, *symbol) {
	switch n % 4 {
	case 0:
		text := letters(rng, alphanumeric, 350)
		return text, encode(text, decoder.ErrorCorrectionLevel_M, 11)
	case 1:
		text := "VG1:" + letters(rng, alphanumeric, 299)
		return text, encode(text, decoder.ErrorCorrectionLevel_M, 10)
	case 2:
		text := letters(rng, alphanumeric, 350)
		return text, encode(text, decoder.ErrorCorrectionLevel_Q, 13)
	default:
		text := letters(rng, urlSafe, 250)
		return text, encode(text, decoder.ErrorCorrectionLevel_M, 11)
	}
}

// letters never ends in a space, which a reader may trim.
func letters(rng *rand.Rand, from string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = from[rng.IntN(len(from))]
	}
	if b[n-1] == ' ' {
		b[n-1] = 'X'
	}
	return string(b)
}

func encode(text string, level decoder.ErrorCorrectionLevel, version int) *symbol {
	code, err := encoder.Encoder_encode(text, level, map[gozxing.EncodeHintType]any{
		gozxing.EncodeHintType_QR_VERSION: version,
	})
	if err != nil {
		// The lengths above fit their versions; nothing else can fail.
		panic(fmt.Sprintf("frametest: version %d: %v", version, err))
	}
	m := code.GetMatrix()
	s := &symbol{size: m.GetWidth(), dark: make([]bool, m.GetWidth()*m.GetHeight())}
	for i := range s.dark {
		s.dark[i] = m.Get(i%s.size, i/s.size) == 1
	}
	return s
}

// decoy is a square that is not a QR code: nothing, modules at random, or
// modules at random with the three finder patterns and the timing of a real one.
func decoy(rng *rand.Rand) *symbol {
	size := 17 + 4*(1+rng.IntN(12))
	s := &symbol{size: size, dark: make([]bool, size*size)}
	p := rng.Float64()
	if p < 0.5 {
		return s
	}
	for i := range s.dark {
		s.dark[i] = rng.IntN(2) == 0
	}
	if p < 0.75 {
		return s
	}
	for i := 8; i < size-8; i++ {
		s.dark[6*size+i], s.dark[i*size+6] = i%2 == 0, i%2 == 0
	}
	for _, at := range [...][2]int{{0, 0}, {size - 7, 0}, {0, size - 7}} {
		s.finder(at[0], at[1])
	}
	return s
}

// finder draws a finder pattern and its separator with its corner at x, y.
func (s *symbol) finder(x, y int) {
	for v := -1; v <= 7; v++ {
		for u := -1; u <= 7; u++ {
			if x+u < 0 || y+v < 0 || x+u >= s.size || y+v >= s.size {
				continue
			}
			ring := max(abs(u-3), abs(v-3)) // distance from the middle
			s.dark[(y+v)*s.size+x+u] = ring != 2 && ring != 4
		}
	}
}

func abs(n int) int { return max(n, -n) }
