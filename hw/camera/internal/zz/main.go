package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	"image/png"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/venuegate/venuegate/hw/camera/frametest"
)

type src struct {
	gozxing.LuminanceSourceBase
	p []byte
}

func (l *src) GetRow(y int, row []byte) ([]byte, error) {
	if len(row) < l.Width {
		row = make([]byte, l.Width)
	}
	copy(row, l.p[y*l.Width:])
	return row, nil
}
func (l *src) GetMatrix() []byte               { return l.p }
func (l *src) Invert() gozxing.LuminanceSource { return nil }
func (l *src) String() string                  { return "" }

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	out := os.Args[2]
	_ = os.MkdirAll(out, 0o755)
	fb, _ := os.Create(out + "/frames.bin")
	ft, _ := os.Create(out + "/texts")
	kinds := append(frametest.Kinds(), frametest.Negative)
	for _, k := range kinds {
		fs := make([]frametest.Frame, n)
		var wg sync.WaitGroup
		for w := range 2 {
			wg.Go(func() {
				for i := w; i < n; i += 2 {
					fs[i] = frametest.Draw(k, i)
				}
			})
		}
		wg.Wait()
		hit := 0
		var d time.Duration
		for i, f := range fs {
			b := f.Image.Rect
			_ = binary.Write(fb, binary.LittleEndian, []uint32{uint32(b.Dx()), uint32(b.Dy())})
			_, _ = fb.Write(f.Image.Pix)
			fmt.Fprintf(ft, "%s\t%d\t%s\n", k, i, hex.EncodeToString([]byte(f.Text)))
			if i < 2 {
				o, _ := os.Create(fmt.Sprintf("%s/%s-%d.png", out, k, i))
				_ = png.Encode(o, image.Image(f.Image))
				o.Close()
			}
			t := time.Now()
			bm, _ := gozxing.NewBinaryBitmap(gozxing.NewHybridBinarizer(&src{gozxing.LuminanceSourceBase{Width: b.Dx(), Height: b.Dy()}, f.Image.Pix}))
			r, err := qrcode.NewQRCodeReader().Decode(bm, nil)
			d += time.Since(t)
			if err == nil && r.GetText() == f.Text {
				hit++
			}
		}
		fmt.Printf("%-22s gozxing %d/%d  %v\n", k, hit, n, d/time.Duration(n))
	}
}
