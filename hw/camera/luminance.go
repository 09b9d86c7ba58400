package camera

import (
	"errors"
	"image"
	"image/color"

	"github.com/makiuchi-d/gozxing"
)

// luma is a grey picture for the decoder. It shares the brightness plane of grey
// and YCbCr pictures where rows lie back to back, which is how frames come from
// a camera and from a JPEG; the decoder's own conversion goes through an
// interface call and an allocation per pixel.
type luma struct {
	gozxing.LuminanceSourceBase
	pix []byte // width × height
}

var errRow = errors.New("row outside the picture")

func newLuma(img image.Image) *luma {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	l := &luma{LuminanceSourceBase: gozxing.LuminanceSourceBase{Width: w, Height: h}}
	switch m := img.(type) {
	case *image.Gray:
		l.pix = plane(m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, w, h)
	case *image.YCbCr:
		l.pix = plane(m.Y[m.YOffset(b.Min.X, b.Min.Y):], m.YStride, w, h)
	default:
		l.pix = make([]byte, 0, w*h)
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				l.pix = append(l.pix, onWhite(img.At(x, y)))
			}
		}
	}
	return l
}

// plane returns w × h bytes without the padding at the ends of rows.
func plane(pix []byte, stride, w, h int) []byte {
	if stride == w {
		return pix[:w*h]
	}
	out := make([]byte, 0, w*h)
	for y := range h {
		out = append(out, pix[y*stride:y*stride+w]...)
	}
	return out
}

// onWhite is the brightness of a colour in front of white: codes are often saved
// with nothing but transparency between the modules.
func onWhite(c color.Color) byte {
	r, g, b, a := c.RGBA()
	// The weights of the ITU-R BT.601 luma, in 1/65536, as image/color has them.
	y := (19595*r + 38470*g + 7471*b + 1<<15) >> 16
	return byte((y + 0xFFFF - a) >> 8)
}

// GetRow copies one row.
func (l *luma) GetRow(y int, row []byte) ([]byte, error) {
	if y < 0 || y >= l.Height {
		return row, errRow
	}
	if len(row) < l.Width {
		row = make([]byte, l.Width)
	}
	copy(row, l.pix[y*l.Width:(y+1)*l.Width])
	return row, nil
}

// GetMatrix returns all pixels; the decoder does not change them.
func (l *luma) GetMatrix() []byte { return l.pix }

// Invert returns the negative.
func (l *luma) Invert() gozxing.LuminanceSource {
	n := &luma{LuminanceSourceBase: l.LuminanceSourceBase, pix: make([]byte, len(l.pix))}
	for i, p := range l.pix {
		n.pix[i] = ^p
	}
	return n
}

// String says how large the picture is.
func (l *luma) String() string { return image.Pt(l.Width, l.Height).String() }
