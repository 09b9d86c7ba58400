package frametest

import (
	"image"
	"math"
	"math/rand/v2"
)

// photograph takes the picture: the phone in front of a background, then what
// lens, lamps, sensor and compression do to it, in the order light meets them. It
// returns where the middle of the code is, too.
func photograph(rng *rand.Rand, c conditions, p *phone) (*image.Gray, image.Point) {
	x := float64(c.width)/2 + uniform(rng, -c.offset, c.offset)
	y := float64(c.height)/2 + uniform(rng, -c.offset, c.offset)/2
	scene := background(rng, c.width, c.height)
	cover := place(scene, p, c, x, y)
	if c.moire > 0 {
		scene.stripe(rng, cover, c.moire)
	}
	scene.soften(c.blur)
	if c.motion >= 1 {
		scene.smear(c.motion, uniform(rng, 0, math.Pi))
	}
	if c.glare > 0 {
		scene.shine(rng, c.glare, x, y, float64(c.height)/480)
	}
	return scene.expose(rng, c), image.Pt(int(x), int(y))
}

// background is clouds of several sizes with some boxes in front of them.
func background(rng *rand.Rand, w, h int) *canvas {
	c := newCanvas(w, h, float32(uniform(rng, 60, 140)))
	for _, layer := range [...]struct {
		cells int
		depth float32
	}{{4, 50}, {12, 30}, {40, 18}, {160, 10}} {
		c.cloud(rng, layer.cells+2, h*layer.cells/w+2, layer.depth)
	}
	for range 2 + rng.IntN(6) {
		x, y, bw, bh := rng.IntN(w), rng.IntN(h), 20+rng.IntN(180), 20+rng.IntN(180)
		grey := float32(uniform(rng, 0, 255))
		for v := y; v < min(y+bh, h); v++ {
			for u := x; u < min(x+bw, w); u++ {
				c.pix[v*w+u] = (c.pix[v*w+u] + grey) / 2
			}
		}
	}
	return c
}

// cloud adds a random surface through cols × rows points.
func (c *canvas) cloud(rng *rand.Rand, cols, rows int, depth float32) {
	g := make([]float32, cols*rows)
	for i := range g {
		g[i] = float32(rng.NormFloat64()) * depth
	}
	for y := range c.h {
		fy := float32(y) * float32(rows-1) / float32(c.h)
		j := int(fy)
		fy -= float32(j)
		for x := range c.w {
			fx := float32(x) * float32(cols-1) / float32(c.w)
			i := int(fx)
			fx -= float32(i)
			at := g[j*cols+i:]
			below := g[(j+1)*cols+i:]
			c.pix[y*c.w+x] += (at[0]*(1-fx)+at[1]*fx)*(1-fy) + (below[0]*(1-fx)+below[1]*fx)*fy
		}
	}
}

// place projects the phone onto the scene with the middle of its code at x, y,
// and returns which share of each pixel it covers. The camera is a pinhole that
// is 3000 screen pixels away, which is what makes a tilt look like perspective.
func place(scene *canvas, p *phone, c conditions, x, y float64) []float32 {
	const distance, fine = 3000.0, 3
	back := projection(c, distance).inverse()
	cover := make([]float32, len(scene.pix))
	for py := range scene.h {
		for px := range scene.w {
			var sum, hits float32
			for s := range fine * fine {
				sx := float64(px) + (float64(s%fine)+0.5)/fine - x
				sy := float64(py) + (float64(s/fine)+0.5)/fine - y
				u, v, ok := back.apply(sx, sy)
				i, j := int(math.Floor(u+p.codeX)), int(math.Floor(v+p.codeY))
				if ok && i >= 0 && j >= 0 && i < p.w && j < p.h {
					sum += p.pix[j*p.w+i]
					hits++
				}
			}
			if hits == 0 {
				continue
			}
			at := py*scene.w + px
			share := hits / (fine * fine)
			cover[at] = share
			scene.pix[at] = scene.pix[at]*(1-share) + sum/(fine*fine)
		}
	}
	return cover
}

// matrix is a projective map of the plane.
type matrix [3][3]float64

// projection maps points of the screen, relative to the code's middle, to
// pixels relative to where that middle is seen.
func projection(c conditions, distance float64) matrix {
	sx, cx := math.Sincos(radians(c.tiltX))
	sy, cy := math.Sincos(radians(c.tiltY))
	sz, cz := math.Sincos(radians(c.turn))
	scale := c.module / modulePixels * distance
	return matrix{ // turn × tiltY × tiltX, the third column being the distance
		{scale * cz * cy, scale * (cz*sy*sx - sz*cx), 0},
		{scale * sz * cy, scale * (sz*sy*sx + cz*cx), 0},
		{-sy, cy * sx, distance},
	}
}

func (m matrix) apply(x, y float64) (u, v float64, ok bool) {
	d := m[2][0]*x + m[2][1]*y + m[2][2]
	return (m[0][0]*x + m[0][1]*y + m[0][2]) / d, (m[1][0]*x + m[1][1]*y + m[1][2]) / d, d > 0
}

// inverse is the adjugate over the determinant.
func (m matrix) inverse() matrix {
	var a matrix
	for i := range 3 {
		for j := range 3 {
			p, q, r, s := (j+1)%3, (j+2)%3, (i+1)%3, (i+2)%3
			a[i][j] = m[p][r]*m[q][s] - m[p][s]*m[q][r]
		}
	}
	det := m[0][0]*a[0][0] + m[0][1]*a[1][0] + m[0][2]*a[2][0]
	for i := range a {
		for j := range a[i] {
			a[i][j] /= det
		}
	}
	return a
}
