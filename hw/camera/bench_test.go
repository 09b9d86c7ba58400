package camera

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"

	"github.com/venuegate/venuegate/hw/camera/frametest"
	"github.com/venuegate/venuegate/hw/camera/qr"
)

// BenchmarkFrame is what one frame costs from the driver's bytes to the text or
// to knowing that there is none; 16.7 ms would be a quarter of a core at 15
// frames a second.
func BenchmarkFrame(b *testing.B) {
	for _, kind := range []frametest.Kind{frametest.Mixed, frametest.MixedHD, frametest.Negative} {
		img := frametest.Draw(kind, 1).Image
		w, h := img.Rect.Dx(), img.Rect.Dy()
		packed := make([]byte, 2*len(img.Pix))
		for i, v := range img.Pix {
			packed[2*i] = v
		}
		colour := image.NewYCbCr(img.Rect, image.YCbCrSubsampleRatio422)
		copy(colour.Y, img.Pix)
		var compressed bytes.Buffer
		if err := jpeg.Encode(&compressed, colour, nil); err != nil {
			b.Fatal(err)
		}
		for format, data := range map[string][]byte{"GREY": img.Pix, "YUYV": packed, "MJPG": compressed.Bytes()} {
			b.Run(string(kind)+"/"+format, func(b *testing.B) {
				b.ReportAllocs()
				d := qr.NewDecoder()
				var buf []byte
				for b.Loop() {
					p, err := extract(mode{code4(format), w, h}, data, image.Rectangle{}, buf)
					if err != nil {
						b.Fatal(err)
					}
					buf = p.Pix
					_, _ = d.Decode(p) // a frame without a code is one of the cases
				}
			})
		}
	}
}
