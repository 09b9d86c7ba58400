package camera

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"pgregory.net/rapid"
)

const sample = "VG1.AAECAwQFBgcICQoLDA0ODw"

// code draws a QR code of text, size pixels wide at least.
func code(t testing.TB, text string, size int, hints map[gozxing.EncodeHintType]any) *image.Gray {
	t.Helper()
	m, err := qrcode.NewQRCodeWriter().Encode(text, gozxing.BarcodeFormat_QR_CODE, size, size, hints)
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewGray(image.Rect(0, 0, m.GetWidth(), m.GetHeight()))
	for y := range m.GetHeight() {
		for x := range m.GetWidth() {
			if !m.Get(x, y) {
				img.SetGray(x, y, color.Gray{Y: 0xFF})
			}
		}
	}
	return img
}

// drawn returns a picture with the colours of img passed through f.
func drawn[I interface {
	image.Image
	Set(x, y int, c color.Color)
}](dst I, img *image.Gray, f func(dark bool) color.Color) I {
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			dst.Set(x, y, f(img.GrayAt(x, y).Y == 0))
		}
	}
	return dst
}

func turned(img *image.Gray, quarters int) *image.Gray {
	for range quarters {
		n := img.Rect.Dx()
		out := image.NewGray(image.Rect(0, 0, img.Rect.Dy(), n))
		for y := range img.Rect.Dy() {
			for x := range n {
				out.SetGray(y, n-1-x, img.GrayAt(x, y))
			}
		}
		img = out
	}
	return img
}

func TestDecode(t *testing.T) {
	img := code(t, sample, 200, nil)
	wide := image.NewGray(image.Rect(-10, -20, 400, 300))
	for i := range wide.Pix {
		wide.Pix[i] = 0xC0
	}
	for y := range 200 {
		for x := range 200 {
			wide.SetGray(x+50, y+40, img.GrayAt(x, y))
		}
	}
	ycc := image.NewYCbCr(img.Rect, image.YCbCrSubsampleRatio420)
	copy(ycc.Y, img.Pix)
	pick := func(dark, light color.Color) func(bool) color.Color {
		return func(d bool) color.Color {
			if d {
				return dark
			}
			return light
		}
	}
	tests := []struct {
		name string
		img  image.Image
	}{
		{"grey", img},
		{"YCbCr", ycc},
		{"part of a larger picture", wide},
		{"a part that shares its rows", wide.SubImage(image.Rect(40, 30, 260, 250))},
		{"black on nothing", drawn(image.NewNRGBA(img.Rect), img, pick(color.Black, color.Transparent))},
		{"blue on yellow", drawn(image.NewRGBA(img.Rect), img, pick(color.RGBA{B: 0x80, A: 0xFF}, color.RGBA{R: 0xFF, G: 0xFF, A: 0xFF}))},
		{"light on dark", drawn(image.NewGray(img.Rect), img, pick(color.White, color.Black))},
		{"on its side", turned(img, 1)},
		{"upside down", turned(img, 2)},
		{"on its other side", turned(img, 3)},
		{"one pixel a module, no margin", code(t, sample, 1, map[gozxing.EncodeHintType]any{gozxing.EncodeHintType_MARGIN: 0})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Decode(tt.img)
			if err != nil || got != sample {
				t.Errorf("got %q, error %v", got, err)
			}
		})
	}
}

func TestBytesStayBytes(t *testing.T) {
	utf8 := map[gozxing.EncodeHintType]any{gozxing.EncodeHintType_CHARACTER_SET: "UTF-8"}
	tests := []struct {
		name, in, want string
		hints          map[gozxing.EncodeHintType]any
	}{
		{"digits", "0123456789012345", "0123456789012345", nil},
		{"capitals", "TICKET $%*+-./:", "TICKET $%*+-./:", nil},
		{"UTF-8 with an ECI mark", "票号一二三", "票号一二三", utf8},
		{"UTF-8 without", "café 一", "café 一", nil},
		{"Latin-1 with an ECI mark", "caf\u00e9 \u00ff", "caf\u00e9 \u00ff", map[gozxing.EncodeHintType]any{gozxing.EncodeHintType_CHARACTER_SET: "ISO-8859-1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Decode(code(t, tt.in, 200, tt.hints))
			if err != nil || got != tt.want {
				t.Errorf("got %q, error %v; want %q", got, err, tt.want)
			}
		})
	}
	t.Run("GB 18030 without an ECI mark", func(t *testing.T) {
		const want = "\xc6\xb1\xba\xc5"                      // the writer cannot make one, so this is its bit stream
		stream := []byte{0x40, 0x4C, 0x6B, 0x1B, 0xAC, 0x50} // byte mode, four of them, the end
		version, err := decoder.Version_GetVersionForNumber(1)
		if err != nil {
			t.Fatal(err)
		}
		res, err := decoder.DecodedBitStreamParser_Decode(stream, version, decoder.ErrorCorrectionLevel_L, attempts()[0].hints())
		if err != nil || res.GetText() != want {
			t.Errorf("got %q, error %v", res.GetText(), err)
		}
	})
}

func TestDecodeLaw(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom(nil, unicode.Latin, unicode.Han, unicode.Digit, unicode.Punct), 1, -1, 300).Draw(rt, "text")
		got, err := Decode(code(t, text, 300, nil))
		if err != nil || got != text {
			rt.Fatalf("%q came back as %q, error %v", text, got, err)
		}
	})
}

func TestNoCode(t *testing.T) {
	for name, img := range map[string]image.Image{
		"blank":      image.NewGray(image.Rect(0, 0, 320, 240)),
		"one pixel":  image.NewGray(image.Rect(0, 0, 1, 1)),
		"no pixels":  image.NewGray(image.Rect(0, 0, 0, 10)),
		"half a one": code(t, sample, 200, nil).SubImage(image.Rect(0, 0, 200, 90)),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := Decode(img); !errors.Is(err, ErrNoCode) {
				t.Errorf("got %q, error %v", got, err)
			}
		})
	}
}

func TestLoadFile(t *testing.T) {
	img := code(t, sample, 200, nil)
	encode := func(f func(*bytes.Buffer) error) []byte {
		var b bytes.Buffer
		if err := f(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var plain strings.Builder
	fmt.Fprintf(&plain, "P2 # plain\n# a comment\n%d\t%d\n1\n", img.Rect.Dx(), img.Rect.Dy())
	deep := []byte(fmt.Sprintf("P5\n%d %d\n65535\n", img.Rect.Dx(), img.Rect.Dy()))
	for _, p := range img.Pix {
		fmt.Fprintf(&plain, "%d ", p/255)
		deep = append(deep, p, p)
	}
	for name, file := range map[string][]byte{
		"code.png":  encode(func(b *bytes.Buffer) error { return png.Encode(b, img) }),
		"code.jpg":  encode(func(b *bytes.Buffer) error { return jpeg.Encode(b, img, nil) }),
		"code.pgm":  append([]byte(fmt.Sprintf("P5\n%d %d\n255\n", img.Rect.Dx(), img.Rect.Dy())), img.Pix...),
		"deep.pgm":  deep,
		"plain.pgm": []byte(plain.String()),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := LoadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := Decode(got); err != nil || text != sample {
				t.Errorf("got %q, error %v", text, err)
			}
		})
	}
	if _, err := LoadFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// hugePNG is the header of a PNG of 10 000 × 10 000 pixels and nothing more.
func hugePNG() string {
	ihdr := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 10_000), 10_000)...)
	ihdr = append(ihdr, 8, 0, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), ihdr...)
	return string(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(ihdr)))
}

func TestLoadRefuses(t *testing.T) {
	tests := []struct {
		name, in string
		want     error // nil for a decoder's own
	}{
		{"nothing", "", ErrFormat},
		{"text", "no picture at all", ErrFormat},
		{"too many pixels", hugePNG(), ErrTooLarge},
		{"too many pixels, PGM", "P5 100000 100000 255\n", ErrTooLarge},
		{"no pixels", "P5 0 10 255\n", ErrFormat},
		{"PGM cut off", "P5 2 2 255\nabc", ErrPGM},
		{"PGM without a size", "P5 x", ErrPGM},
		{"PGM of an endless number", "P5 " + strings.Repeat("9", 1000), ErrPGM},
		{"PGM of no depth", "P5 1 1 0\na", ErrPGM},
		{"PNG cut off", "\x89PNG\r\n\x1a\n", nil},
		{"JPEG cut off", "\xff\xd8\xff", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(strings.NewReader(tt.in))
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := Decode(image.NewUniform(color.White)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("an endless picture: %v", err)
	}
}

// FuzzLoad decodes any file that says it is a small picture.
func FuzzLoad(f *testing.F) {
	img := code(f, sample, 60, nil)
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(append([]byte("P5 60 60 255\n"), img.Pix...))
	f.Add([]byte("P2\n# c\n2 2 1 0 1 1 0"))
	f.Fuzz(func(t *testing.T, in []byte) {
		img, err := Load(bytes.NewReader(in))
		if err != nil {
			return
		}
		if b := img.Bounds(); b.Dx()*b.Dy() > 1<<16 {
			t.Skip("takes too long to be of use here")
		}
		if text, err := Decode(img); err != nil && (text != "" || !errors.Is(err, ErrNoCode)) {
			t.Errorf("text %q with error %v", text, err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	frame := image.NewYCbCr(image.Rect(0, 0, 640, 480), image.YCbCrSubsampleRatio420)
	for i := range frame.Y {
		frame.Y[i] = 0xB0
	}
	img := code(b, sample, 300, nil)
	for y := range img.Rect.Dy() {
		copy(frame.Y[frame.YOffset(170, 90+y):], img.Pix[y*img.Stride:y*img.Stride+img.Rect.Dx()])
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(frame); err != nil {
			b.Fatal(err)
		}
	}
}
