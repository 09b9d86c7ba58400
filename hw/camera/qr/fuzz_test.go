package qr

import (
	"testing"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"

	"github.com/venuegate/venuegate/hw/camera/frametest"
)

// FuzzDecode looks for pictures on which the decoder panics. It calls search,
// which does not contain a panic as Decode does; reading is bounded by
// maxAttempts, so no picture takes for ever either.
func FuzzDecode(f *testing.F) {
	f.Add(uint16(1), []byte{0})
	f.Add(uint16(3), []byte("four by three, or more"))
	// A code of 29 modules, cut from a frame to about 100 pixels a side.
	frame := frametest.Draw(frametest.ShortFar, 1)
	img := frame.Image
	const side = 112
	x := min(max(frame.Code.X-side/2, 0), img.Rect.Dx()-side)
	y := min(max(frame.Code.Y-side/2, 0), img.Rect.Dy()-side)
	var cut []byte
	for v := range side {
		cut = append(cut, img.Pix[(y+v)*img.Stride+x:][:side]...)
	}
	d := NewDecoder()
	if text, err := d.Decode(Plane{Pix: cut, Width: side, Height: side, Stride: side}); err != nil || text != frame.Text {
		f.Fatalf("the seed is no code: %q, %v", text, err)
	}
	f.Add(uint16(side), cut)

	f.Fuzz(func(t *testing.T, width uint16, pix []byte) {
		w := max(int(width)%512, 1)
		p := Plane{Pix: pix, Width: w, Height: len(pix) / w, Stride: w}
		if d.search(p) && len(d.reader.text) == 0 {
			t.Error("an empty text was read")
		}
	})
}

// FuzzMessage reads arbitrary bytes as the segments of a code, and checks that a
// text is never longer than its bits can say.
func FuzzMessage(f *testing.F) {
	f.Add(uint8(1), []byte{0x10, 0x20, 0x0c, 0x56, 0x61, 0x80})       // 01234567
	f.Add(uint8(3), []byte{0x20, 0x29, 0xce, 0xe7, 0x21, 0x00})       // AC-42
	f.Add(uint8(10), []byte{0x40, 0x00, 0x2c, 0x3a, 0x90})            // bytes, 16-bit count
	f.Add(uint8(1), []byte{0x71, 0xa4, 0x03, 0xe7, 0xa5, 0xa8, 0x00}) // UTF-8 mark
	f.Add(uint8(1), []byte{0x70, 0x34, 0x01, 0xe9, 0x00})             // Latin-1 mark
	f.Add(uint8(1), []byte{0x80, 0x1d, 0x9f, 0x00})                   // kanji
	f.Add(uint8(27), []byte{0xd1, 0x00, 0x40, 0x00})                  // hanzi
	f.Add(uint8(1), []byte{0x52, 0x02, 0x9c, 0xee})                   // FNC1
	r := &reader{}
	f.Fuzz(func(t *testing.T, version uint8, in []byte) {
		l, err := r.layout(minSize + 4*(int(version)%40))
		if err != nil {
			t.Fatal(err)
		}
		r.bytes = in
		// Three digits take 10 bits; other alphabets may become three bytes of
		// UTF-8 from 8 bits.
		if r.parse(l, decoder.ErrorCorrectionLevel_M) && len(r.text) > 3*len(in) {
			t.Errorf("%d bytes became %d", len(in), len(r.text))
		}
	})
}

func TestImpossiblePlanes(t *testing.T) {
	d := NewDecoder()
	for name, p := range map[string]Plane{
		"nothing":              {},
		"too few pixels":       {Pix: make([]byte, 99), Width: 10, Height: 10, Stride: 10},
		"rows that overlap":    {Pix: make([]byte, 100), Width: 10, Height: 10, Stride: 9},
		"negative":             {Pix: make([]byte, 100), Width: -10, Height: -10, Stride: 10},
		"a pixel":              {Pix: make([]byte, 1), Width: 1, Height: 1, Stride: 1},
		"thinner than a block": {Pix: make([]byte, 7*900), Width: 7, Height: 900, Stride: 7},
	} {
		if text, err := d.Decode(p); err == nil {
			t.Errorf("%s: read %q", name, text)
		}
	}
}
