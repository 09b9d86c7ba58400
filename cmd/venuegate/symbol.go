package main

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"
)

const (
	quiet = 4 // modules around a QR code, as ISO/IEC 18004 asks

	defaultModule = 8 // pixels
	maxPicture    = 8192
)

// symbol is a drawn QR code.
type symbol struct {
	version int
	side    int // modules
	matrix  *encoder.ByteMatrix
}

// draw makes the smallest QR code of a text at error correction M. A text of
// digits, capital letters and the few signs that Base45 uses is drawn in
// alphanumeric mode.
func draw(text string) (*symbol, error) {
	if text == "" {
		return nil, usagef("the text is empty")
	}
	code, err := encoder.Encoder_encodeWithoutHint(text, decoder.ErrorCorrectionLevel_M)
	if err != nil {
		// The encoder's own message may hold the text.
		return nil, fmt.Errorf("no QR code at error correction M holds a text of %d bytes", len(text))
	}
	m := code.GetMatrix()
	return &symbol{version: code.GetVersion().GetVersionNumber(), side: m.GetWidth(), matrix: m}, nil
}

// dark reports whether the module at column x, row y is dark; outside it is
// light.
func (q *symbol) dark(x, y int) bool {
	return x >= 0 && y >= 0 && x < q.side && y < q.side && q.matrix.Get(x, y) == 1
}

// png writes a picture whose edge is size pixels, quiet zone included; 0 takes
// 8 pixels a module. Modules are whole pixels; what is left over is margin.
func (q *symbol) png(w io.Writer, size int) error {
	full := q.side + 2*quiet
	switch {
	case size == 0:
		size = full * defaultModule
	case size < full:
		return usagef("--size: %d pixels are too few for this code; it needs at least %d", size, full)
	case size > maxPicture:
		return usagef("--size: at most %d pixels", maxPicture)
	}
	module := size / full
	margin := (size - q.side*module) / 2
	img := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{color.White, color.Black})
	for y := range size {
		for x := range size {
			// Negative offsets would round towards the first module.
			if x >= margin && y >= margin && q.dark((x-margin)/module, (y-margin)/module) {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	if err := png.Encode(w, img); err != nil {
		return fmt.Errorf("encode the picture: %w", err)
	}
	return nil
}
