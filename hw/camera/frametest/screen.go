package frametest

import "math/rand/v2"

// modulePixels is how finely a screen is drawn; cameras see it much smaller.
const modulePixels = 12

// canvas is a grey picture, 0 black to 255 white.
type canvas struct {
	w, h int
	pix  []float32
}

func newCanvas(w, h int, grey float32) *canvas {
	c := &canvas{w: w, h: h, pix: make([]float32, w*h)}
	for i := range c.pix {
		c.pix[i] = grey
	}
	return c
}

// fill paints a rectangle; what lies outside the canvas is left out.
func (c *canvas) fill(x, y, w, h int, grey float32) {
	for v := max(y, 0); v < min(y+h, c.h); v++ {
		row := c.pix[v*c.w : (v+1)*c.w]
		for u := max(x, 0); u < min(x+w, c.w); u++ {
			row[u] = grey
		}
	}
}

// phone is a drawn screen in its frame, and where the code's middle is.
type phone struct {
	*canvas
	codeX, codeY float64
}

// screen draws a ticket page in a light or dark theme: lines of text above and
// below a white card that holds the code, all in the black frame of the phone.
func screen(rng *rand.Rand, s *symbol, inverted bool) *phone {
	quiet := 4
	if rng.IntN(4) == 0 {
		quiet = 2 // less than the standard asks for, as pages often have it
	}
	card := (s.size + 2*quiet) * modulePixels
	w := int(float64(card) / 0.86)
	h := int(float64(w) * uniform(rng, 1.7, 2.1))
	const border = 60
	page, ink := float32(uniform(rng, 200, 250)), float32(30)
	if rng.Float64() < 0.3 {
		page, ink = 40, 230
	}
	light, dark := float32(255), float32(0)
	if inverted {
		light, dark = dark, light
	}

	p := &phone{canvas: newCanvas(w+2*border, h+2*border, 15)}
	p.fill(border, border, w, h, page)
	top, left := border+h/5, border+(w-card)/2
	p.writeLines(rng, border+40, w-80, border+30, border+h*4/25, ink)
	p.writeLines(rng, border+40, w-80, top+card+40, border+h-60, ink)
	p.fill(left, top, card, card, light)
	x0, y0 := left+quiet*modulePixels, top+quiet*modulePixels
	for y := range s.size {
		for x := range s.size {
			if s.at(x, y) {
				p.fill(x0+x*modulePixels, y0+y*modulePixels, modulePixels, modulePixels, dark)
			}
		}
	}
	p.codeX = float64(x0) + float64(s.size*modulePixels)/2
	p.codeY = float64(y0) + float64(s.size*modulePixels)/2
	return p
}

// writeLines draws lines of words as bars between the heights top and bottom.
func (c *canvas) writeLines(rng *rand.Rand, x, w, top, bottom int, ink float32) {
	for y := top; y < bottom; y += 42 {
		for at := x; at < x+w-40; {
			word := min(30+rng.IntN(150), x+w-at)
			grey := ink
			if rng.IntN(3) == 0 {
				grey = 130
			}
			c.fill(at, y, word, 23, grey)
			at += word + 19
		}
	}
}

func uniform(rng *rand.Rand, low, high float64) float64 {
	return low + (high-low)*rng.Float64()
}
