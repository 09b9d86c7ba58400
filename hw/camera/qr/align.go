package qr

import "math"

// An alignment pattern is a module in a ring of the other colour in a ring of
// its own. All but the smallest codes have one near the fourth corner, large
// ones a whole lattice of them, and each found pins down the homography.

// aligner looks for alignment patterns.
type aligner struct {
	plane *Plane
	sign  float64 // 1 where the code is dark on light, -1 where inverted
}

// minRing is by how many grey levels the light ring must differ from the dark
// modules for a pattern to be believed.
const minRing = 10

// search finds the alignment pattern around a place in the picture, where e1 and
// e2 are the steps of a module, at most radius modules away. It compares whole
// pixels first and then refines the best of them.
func (a *aligner) search(c, e1, e2 point, radius float64) (at point, ok bool) {
	module := math.Sqrt(math.Abs(e1.x*e2.y - e1.y*e2.x))
	if !(module > 0.5 && module < 100) {
		return c, false
	}
	offsets, reach := template(e1, e2, a.plane.Stride)
	x0, y0 := int(c.x), int(c.y)
	r := int(math.Ceil(radius * module))
	step := max(1, int(0.4*module))
	left, right := max(x0-r, reach), min(x0+r, a.plane.Width-1-reach)
	top, bottom := max(y0-r, reach), min(y0+r, a.plane.Height-1-reach)
	best := math.Inf(-1)
	for y := top; y <= bottom; y += step {
		for x := left; x <= right; x += step {
			far := math.Hypot(float64(x)+0.5-c.x, float64(y)+0.5-c.y) / module
			score := a.sign*ring(a.plane.Pix, y*a.plane.Stride+x, &offsets) - farCost*far
			if score > best {
				best, at = score, point{float64(x) + 0.5, float64(y) + 0.5}
			}
		}
	}
	if math.IsInf(best, -1) {
		return c, false
	}
	at, _ = a.refine(at, e1, e2, 0.25)
	at, _ = a.refine(at, e1, e2, 0.25)
	at, contrast := a.refine(at, e1, e2, 0.1)
	return at, contrast > minRing
}

// farCost is how many grey levels of contrast a module's distance from the
// expected place costs a candidate.
const farCost = 1.0

// refine looks around a place in steps of a fraction of a module and returns the
// middle of the places that are about as good as the best: where edges are sharp,
// half a module any way makes no difference.
func (a *aligner) refine(c, e1, e2 point, step float64) (at point, contrast float64) {
	const n, side = 2, 5
	const asGood = 0.03
	var scores [side * side]float64
	contrast = math.Inf(-1)
	for i := range scores {
		du, dv := step*float64(i%side-n), step*float64(i/side-n)
		scores[i] = a.contrast(c.plus(e1.times(du)).plus(e2.times(dv)), e1, e2)
		contrast = max(contrast, scores[i])
	}
	if !(contrast > 0) {
		return c, contrast
	}
	var u, v, count float64
	for i, s := range scores {
		if s >= contrast*(1-asGood) {
			u += float64(i%side - n)
			v += float64(i/side - n)
			count++
		}
	}
	return c.plus(e1.times(step * u / count)).plus(e2.times(step * v / count)), contrast
}

// contrast is how much brighter the ring around a place is than the module and
// the outer ring.
func (a *aligner) contrast(c, e1, e2 point) float64 {
	var light, dark float64
	for j := -2; j <= 2; j++ {
		for i := -2; i <= 2; i++ {
			v := a.plane.sample(c.x+float64(i)*e1.x+float64(j)*e2.x, c.y+float64(i)*e1.y+float64(j)*e2.y)
			if v == outside {
				return math.Inf(-1)
			}
			if max(i, -i, j, -j) == 1 {
				light += v
			} else {
				dark += v
			}
		}
	}
	return a.sign * (light/8 - dark/17)
}

// template lists where the 25 modules of a pattern are, as offsets in the
// picture's bytes: the 8 light ones first. reach is the furthest along an axis.
func template(e1, e2 point, stride int) (offsets [25]int, reach int) {
	light, dark := 0, 8
	for j := -2; j <= 2; j++ {
		for i := -2; i <= 2; i++ {
			x := int(math.Round(float64(i)*e1.x + float64(j)*e2.x))
			y := int(math.Round(float64(i)*e1.y + float64(j)*e2.y))
			reach = max(reach, x, -x, y, -y)
			n := &dark
			if max(i, -i, j, -j) == 1 {
				n = &light
			}
			offsets[*n] = y*stride + x
			*n++
		}
	}
	return offsets, reach
}

// ring is contrast with the nearest pixels.
func ring(pix []byte, at int, offsets *[25]int) float64 {
	light, dark := 0, 0
	for _, o := range offsets[:8] {
		light += int(pix[at+o])
	}
	for _, o := range offsets[8:] {
		dark += int(pix[at+o])
	}
	return float64(light)/8 - float64(dark)/17
}
