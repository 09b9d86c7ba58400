package main

import (
	"image"
	"runtime"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/venuegate/venuegate/hw/camera/qr"
)

// repeats is how often each frame is read; the least time counts.
const repeats = 3

// result is what a reader made of a frame.
type result struct {
	text   string // empty when it found none
	took   time.Duration
	allocs uint64 // of in-process readers
}

// reader is a decoder to compare.
type reader interface {
	name() string
	read(img *image.Gray) (result, error)
	close() error
}

// inProcess is a decoder in Go.
type inProcess struct {
	title  string
	decode func(img *image.Gray) string
}

func (r *inProcess) name() string { return r.title }

func (r *inProcess) close() error { return nil }

func (r *inProcess) read(img *image.Gray) (result, error) {
	var best result
	for i := range repeats {
		var before, after runtime.MemStats
		if i == repeats-1 {
			runtime.ReadMemStats(&before)
		}
		begin := time.Now()
		text := r.decode(img)
		took := time.Since(begin)
		if i == repeats-1 {
			runtime.ReadMemStats(&after)
			best.allocs = after.Mallocs - before.Mallocs
		}
		if best.text = text; i == 0 || took < best.took {
			best.took = took
		}
	}
	return best, nil
}

// newOurs is the decoder of hw/camera, as its Reader uses it.
func newOurs() reader {
	d := qr.NewDecoder()
	return &inProcess{"ours", func(img *image.Gray) string {
		text, err := d.Decode(qr.Plane{
			Pix: img.Pix, Width: img.Rect.Dx(), Height: img.Rect.Dy(), Stride: img.Stride,
		})
		if err != nil {
			return ""
		}
		return text
	}}
}

// newGozxing is the library alone, given the pixels without copying them.
func newGozxing() reader {
	r := qrcode.NewQRCodeReader()
	return &inProcess{"gozxing", func(img *image.Gray) string {
		bitmap, err := gozxing.NewBinaryBitmap(gozxing.NewHybridBinarizer(&luminance{
			LuminanceSourceBase: gozxing.LuminanceSourceBase{Width: img.Rect.Dx(), Height: img.Rect.Dy()},
			img:                 img,
		}))
		if err != nil {
			return ""
		}
		res, err := r.Decode(bitmap, nil)
		if err != nil {
			return ""
		}
		return res.GetText()
	}}
}

// luminance hands pixels to the library as they are.
type luminance struct {
	gozxing.LuminanceSourceBase
	img *image.Gray
}

func (l *luminance) GetRow(y int, row []byte) ([]byte, error) {
	return append(row[:0], l.img.Pix[y*l.img.Stride:][:l.Width]...), nil
}

func (l *luminance) GetMatrix() []byte { return l.img.Pix }

func (l *luminance) Invert() gozxing.LuminanceSource {
	return gozxing.LuminanceSourceInvert(l)
}

func (l *luminance) String() string { return l.img.Rect.String() }
