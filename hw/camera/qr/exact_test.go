package qr

import (
	"testing"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// A code that is drawn exactly, from 2 to 20 pixels a module, is read, turned by
// any quarter and in either colour. Exact edges are a case of their own: half a
// module any way looks the same.
func TestExactCodes(t *testing.T) {
	d := NewDecoder()
	for _, version := range []int{1, 2, 3, 7, 8, 10} {
		const text = "VG1:6B"
		g := drawn(t, text, version, decoder.ErrorCorrectionLevel_M, false)
		for module := 2; module <= 20; module++ {
			for quarter := range 4 {
				for _, inverted := range []bool{false, true} {
					p := g.picture(module, quarter, inverted)
					if got, err := d.Decode(p); err != nil || got != text {
						t.Errorf("version %d, %d pixels a module, quarter %d, inverted %v: %q, %v",
							version, module, quarter, inverted, got, err)
					}
				}
			}
		}
	}
}

// picture draws a grid with its quiet zone, turned by quarters.
func (g *grid) picture(module, quarter int, inverted bool) Plane {
	const quiet = 4
	side := (g.size + 2*quiet) * module
	p := Plane{Pix: make([]byte, side*side), Width: side, Height: side, Stride: side}
	for i := range p.Pix {
		x, y := i%side/module-quiet, i/side/module-quiet
		for range quarter {
			x, y = y, g.size-1-x
		}
		dark := x >= 0 && y >= 0 && x < g.size && y < g.size && g.dark[y*g.size+x]
		if dark == inverted {
			p.Pix[i] = 255
		}
	}
	return p
}
