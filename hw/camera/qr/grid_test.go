package qr

import (
	"math/bits"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"
)

// drawn is a grid of the given version that the library drew, perhaps mirrored.
func drawn(t *testing.T, text string, version int, level decoder.ErrorCorrectionLevel, mirrored bool) *grid {
	t.Helper()
	code, err := encoder.Encoder_encode(text, level, map[gozxing.EncodeHintType]any{
		gozxing.EncodeHintType_QR_VERSION: version,
	})
	if err != nil {
		t.Fatal(err)
	}
	m := code.GetMatrix()
	g := &grid{size: m.GetWidth()}
	for i := range g.size * g.size {
		x, y := i%g.size, i/g.size
		if mirrored {
			x, y = y, x
		}
		g.dark = append(g.dark, m.Get(x, y) == 1)
	}
	return g
}

// Every version and level that the library can draw can be read.
func TestVersions(t *testing.T) {
	r := &reader{corrector: corrector{field: newField()}}
	levels := []decoder.ErrorCorrectionLevel{
		decoder.ErrorCorrectionLevel_L, decoder.ErrorCorrectionLevel_M,
		decoder.ErrorCorrectionLevel_Q, decoder.ErrorCorrectionLevel_H,
	}
	for version := 1; version <= 40; version++ {
		for i, level := range levels {
			text := strings.Repeat("VG1:", version+1)[:3*version+i]
			g := drawn(t, text, version, level, version%2 == 0)
			l, err := r.layout(g.size)
			if err != nil {
				t.Fatal(err)
			}
			if !r.read(l, g) {
				t.Errorf("version %d, level %v: not read", version, level)
			} else if string(r.text) != text {
				t.Errorf("version %d, level %v: got %q", version, level, r.text)
			}
		}
	}
}

func TestAlphabets(t *testing.T) {
	r := &reader{corrector: corrector{field: newField()}}
	for name, text := range map[string]string{
		"digits":             "31415926535897932384626433832795028841971693993",
		"one digit":          "7",
		"two digits":         "42",
		"capitals":           "VG1:%69 VD3EX$U+*.-/",
		"an odd number":      "ABC",
		"bytes":              "https://example.test/t?id=1",
		"control characters": "a\x00b\x1d\n",
	} {
		t.Run(name, func(t *testing.T) {
			g := drawn(t, text, 5, decoder.ErrorCorrectionLevel_M, false)
			l, err := r.layout(g.size)
			if err != nil {
				t.Fatal(err)
			}
			if !r.read(l, g) || string(r.text) != text {
				t.Errorf("got %q", r.text)
			}
		})
	}
}

func TestBrokenMessages(t *testing.T) {
	r := &reader{}
	l, err := r.layout(21)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string][]byte{
		"nothing":                       {},
		"the end at once":               {0x00, 0xec},
		"three digits above 999":        {0x10, 0x0f, 0xff, 0xff},
		"more digits than bits":         {0x1f, 0xff},
		"a pair above 44·45+44":         {0x20, 0x17, 0xff, 0xf0},
		"more letters than bits":        {0x2f, 0xf0},
		"more bytes than there are":     {0x4f, 0xf4, 0x10},
		"an unknown character set":      {0x70 | 0x0e, 0x00, 0x00, 0x00},
		"kanji without characters":      {0x8f, 0xff},
		"a mode that does not exist":    {0xb0, 0x00},
		"half of a structured append":   {0x31},
		"an ECI mark and nothing after": {0x71, 0xa0},
	} {
		t.Run(name, func(t *testing.T) {
			r.bytes = in
			if r.parse(l, decoder.ErrorCorrectionLevel_L) {
				t.Errorf("read as %q", r.text)
			}
		})
	}
}

// Any two formats differ in at least 7 bits, which is what makes 3 wrong ones
// harmless.
func TestFormatWords(t *testing.T) {
	if got := formatWord(0b00101); got != 0b100000011001110 {
		t.Errorf("level M, mask 5 is %015b; ISO/IEC 18004, annex C, has 100000011001110", got)
	}
	for a := range uint32(32) {
		for b := range a {
			if d := bits.OnesCount32(formatWord(a) ^ formatWord(b)); d < 7 {
				t.Errorf("%05b and %05b differ by %d", a, b, d)
			}
		}
	}
}
