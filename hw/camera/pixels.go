package camera

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"sync"

	"github.com/venuegate/venuegate/hw/camera/qr"
)

var (
	// errFrame is a frame that is not what the camera said it would be.
	errFrame = errors.New("a frame of the wrong size or shape")
	errCrop  = errors.New("the configured crop is outside the frame")
)

// extract copies the brightness of a frame, or of the crop in it, into buf, and
// returns it as a plane. data is valid only during the call: it is the driver's.
func extract(m mode, data []byte, crop image.Rectangle, buf []byte) (qr.Plane, error) {
	l, ok := layoutOf(m.format)
	if !ok {
		return qr.Plane{}, errFrame
	}
	if l == compressed {
		return extractJPEG(data, crop, buf)
	}
	crop, err := cropOf(m.width, m.height, crop)
	if err != nil {
		return qr.Plane{}, err
	}
	size, first, each := len(data), 0, 1
	switch l {
	case planarWithColour:
		size = size * 2 / 3
	case packedFirst:
		each = 2
	case packedSecond:
		first, each = 1, 2
	}
	stride := rowLength(size, m.width*each, m.height)
	if stride*m.height > size {
		return qr.Plane{}, fmt.Errorf("%w: %d bytes for %v", errFrame, len(data), m)
	}
	p := planeIn(buf, crop.Dx(), crop.Dy())
	for y := range p.Height {
		from := data[(crop.Min.Y+y)*stride+crop.Min.X*each:]
		to := p.Pix[y*p.Stride:][:p.Width]
		if each == 1 {
			copy(to, from)
			continue
		}
		from = from[first : first+each*(p.Width-1)+1]
		for x := range to {
			to[x] = from[2*x]
		}
	}
	return p, nil
}

// rowLength is how far apart rows begin, when they hold so many bytes. The
// library does not say, but the length of the frame does: drivers that pad rows
// pad them to a round number, and others pad the frame to a page.
func rowLength(size, row, height int) int {
	if s := size / height; size%height == 0 && s > row && s%16 == 0 {
		return s
	}
	return row
}

// extractJPEG decompresses a frame. What the camera said of its size is not
// needed: the image has its own.
func extractJPEG(data []byte, crop image.Rectangle, buf []byte) (qr.Plane, error) {
	data = withTables(data)
	cfg, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return qr.Plane{}, fmt.Errorf("%w: %w", errFrame, err)
	}
	if cfg.Width < 1 || cfg.Height < 1 || cfg.Width > MaxSide || cfg.Height > MaxSide {
		return qr.Plane{}, fmt.Errorf("%w: %d × %d", errFrame, cfg.Width, cfg.Height)
	}
	if crop, err = cropOf(cfg.Width, cfg.Height, crop); err != nil {
		return qr.Plane{}, err
	}
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return qr.Plane{}, fmt.Errorf("%w: %w", errFrame, err)
	}
	var pix []byte
	var stride int
	switch img := img.(type) {
	case *image.YCbCr:
		pix, stride = img.Y, img.YStride
	case *image.Gray:
		pix, stride = img.Pix, img.Stride
	default:
		return qr.Plane{}, fmt.Errorf("%w: a JPEG image without brightness", errFrame)
	}
	p := planeIn(buf, crop.Dx(), crop.Dy())
	for y := range p.Height {
		copy(p.Pix[y*p.Stride:][:p.Width], pix[(crop.Min.Y+y)*stride+crop.Min.X:])
	}
	return p, nil
}

func cropOf(w, h int, crop image.Rectangle) (image.Rectangle, error) {
	whole := image.Rect(0, 0, w, h)
	if crop.Empty() {
		return whole, nil
	}
	if !crop.In(whole) {
		return crop, fmt.Errorf("%w of %d × %d pixels", errCrop, w, h)
	}
	return crop, nil
}

func planeIn(buf []byte, w, h int) qr.Plane {
	if cap(buf) < w*h {
		buf = make([]byte, w*h)
	}
	return qr.Plane{Pix: buf[:w*h], Width: w, Height: h, Stride: w}
}

// withTables returns a JPEG image with Huffman tables. Cameras leave them out of
// every frame, since the ones of the standard (ITU-T T.81, annex K) are meant.
func withTables(data []byte) []byte {
	scan := bytes.Index(data, []byte{0xff, 0xda})
	if scan < 0 || bytes.Contains(data[:scan], []byte{0xff, 0xc4}) {
		return data
	}
	tables := standardTables()
	out := make([]byte, 0, len(data)+len(tables))
	out = append(out, data[:scan]...)
	out = append(out, tables...)
	return append(out, data[scan:]...)
}

// standardTables is the segment that defines those tables, as the standard
// library writes it into every image.
var standardTables = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewRGBA(image.Rect(0, 0, 8, 8)), nil); err != nil {
		return nil // it writes to memory
	}
	all := b.Bytes()
	from := bytes.Index(all, []byte{0xff, 0xc4})
	to := bytes.Index(all, []byte{0xff, 0xda})
	if from < 0 || to < from {
		return nil
	}
	return all[from:to]
})
