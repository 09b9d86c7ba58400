package frametest

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
)

// stripe darkens what the phone covers in two sets of waves.
func (c *canvas) stripe(rng *rand.Rand, cover []float32, depth float64) {
	type wave struct{ fx, fy, phase float64 }
	var waves [2]wave
	for i := range waves {
		period := uniform(rng, 3.5, 24)
		sin, cos := math.Sincos(uniform(rng, 0, math.Pi))
		waves[i] = wave{2 * math.Pi * cos / period, 2 * math.Pi * sin / period, uniform(rng, 0, 6)}
	}
	for i := range c.pix {
		if cover[i] <= 0.5 {
			continue
		}
		x, y := float64(i%c.w), float64(i/c.w)
		sum := 0.0
		for _, w := range waves {
			sum += math.Sin(w.fx*x + w.fy*y + w.phase)
		}
		c.pix[i] *= float32(1 - depth*(sum+2)/2)
	}
}

// soften is a Gaussian blur, along rows and then along columns.
func (c *canvas) soften(sigma float64) {
	radius := int(math.Ceil(3 * sigma))
	kernel := make([]float32, 2*radius+1)
	var sum float32
	for i := range kernel {
		d := float64(i - radius)
		kernel[i] = float32(math.Exp(-d * d / (2 * sigma * sigma)))
		sum += kernel[i]
	}
	for i := range kernel {
		kernel[i] /= sum
	}
	out := make([]float32, len(c.pix))
	for i := range c.pix {
		row, x := i/c.w*c.w, i%c.w
		for k, f := range kernel {
			out[i] += f * c.pix[row+min(max(x+k-radius, 0), c.w-1)]
		}
	}
	clear(c.pix)
	for y := range c.h {
		for k, f := range kernel {
			from := min(max(y+k-radius, 0), c.h-1) * c.w
			for x := range c.w {
				c.pix[y*c.w+x] += f * out[from+x]
			}
		}
	}
}

// smear is the average along a line of the given length and direction.
func (c *canvas) smear(length, direction float64) {
	sin, cos := math.Sincos(direction)
	steps := max(3, 2*int(math.Ceil(length))+1)
	out := make([]float32, len(c.pix))
	for s := range steps {
		t := (float64(s)/float64(steps-1) - 0.5) * length
		dx, dy := t*cos, t*sin
		for i := range out {
			out[i] += c.sample(float64(i%c.w)+dx, float64(i/c.w)+dy)
		}
	}
	for i := range out {
		c.pix[i] = out[i] / float32(steps)
	}
}

// sample interpolates between pixels, of which the outermost go on for ever.
func (c *canvas) sample(x, y float64) float32 {
	x, y = min(max(x, 0), float64(c.w-1)), min(max(y, 0), float64(c.h-1))
	i, j := min(int(x), c.w-2), min(int(y), c.h-2)
	fx, fy := float32(x-float64(i)), float32(y-float64(j))
	at, below := c.pix[j*c.w+i:], c.pix[(j+1)*c.w+i:]
	return (at[0]*(1-fx)+at[1]*fx)*(1-fy) + (below[0]*(1-fx)+below[1]*fx)*fy
}

// shine adds the reflection of a lamp near x, y, and of a bright side.
func (c *canvas) shine(rng *rand.Rand, strength, x, y, scale float64) {
	x += uniform(rng, -110, 110) * scale
	y += uniform(rng, -110, 110) * scale
	a, b := uniform(rng, 15, 45)*scale, uniform(rng, 15, 80)*scale
	sin, cos := math.Sincos(uniform(rng, 0, math.Pi))
	for i := range c.pix {
		dx, dy := float64(i%c.w)-x, float64(i/c.w)-y
		u, v := (dx*cos+dy*sin)/a, (dy*cos-dx*sin)/b
		c.pix[i] += float32(strength * (220*math.Exp(-(u*u+v*v)/2) + 60*float64(i%c.w)/float64(c.w)))
	}
}

// expose turns light into grey levels and compresses the result.
func (c *canvas) expose(rng *rand.Rand, cond conditions) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, c.w, c.h))
	for i, v := range c.pix {
		level := float64(v)*cond.gain + cond.black + rng.NormFloat64()*cond.noise
		out.Pix[i] = byte(min(max(level, 0), 255))
	}
	if cond.jpeg == 0 {
		return out
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, out, &jpeg.Options{Quality: cond.jpeg}); err != nil {
		panic(fmt.Sprintf("frametest: %v", err)) // into memory, of a valid image
	}
	img, err := jpeg.Decode(&b)
	if err != nil {
		panic(fmt.Sprintf("frametest: %v", err))
	}
	grey, ok := img.(*image.Gray)
	if !ok {
		panic("frametest: a grey picture came back in colour")
	}
	return grey
}
