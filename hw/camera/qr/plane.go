package qr

import "math"

// Plane is a grey picture: one byte a pixel, 0 black. A part of a larger picture
// is a Plane too, with that picture's stride.
type Plane struct {
	Pix           []byte
	Width, Height int
	Stride        int // bytes from one row to the next
}

// valid reports whether every pixel that the sizes promise is there.
func (p Plane) valid() bool {
	return p.Width > 0 && p.Height > 0 && p.Stride >= p.Width &&
		len(p.Pix) >= (p.Height-1)*p.Stride+p.Width
}

// point is a place in a picture, in pixels. Pixel 0, 0 covers the square from
// 0, 0 to 1, 1; its middle is at 0.5, 0.5.
type point struct{ x, y float64 }

func (p point) plus(q point) point       { return point{p.x + q.x, p.y + q.y} }
func (p point) minus(q point) point      { return point{p.x - q.x, p.y - q.y} }
func (p point) times(f float64) point    { return point{p.x * f, p.y * f} }
func (p point) length() float64          { return math.Hypot(p.x, p.y) }
func (p point) distance(q point) float64 { return p.minus(q).length() }

// outside is what sample returns for a point that is not in the picture.
const outside = -1

// sample is the brightness at a point, interpolated between the four pixels
// whose middles are around it.
func (p *Plane) sample(x, y float64) float64 {
	x -= 0.5
	y -= 0.5
	// Comparing as floats also sends NaN and what no int can hold outside.
	if !(x >= 0 && y >= 0 && x < float64(p.Width-1) && y < float64(p.Height-1)) {
		return outside
	}
	i, j := int(x), int(y)
	fx, fy := x-float64(i), y-float64(j)
	at := j*p.Stride + i
	top, bottom := p.Pix[at:at+2], p.Pix[at+p.Stride:at+p.Stride+2]
	a, b := float64(top[0]), float64(top[1])
	c, d := float64(bottom[0]), float64(bottom[1])
	a += (b - a) * fx
	c += (d - c) * fx
	return a + (c-a)*fy
}
