package qr

import "math"

// corners are three finder patterns that may belong to one code, seen so that
// right is clockwise of below: top left, top right, bottom left.
type corners struct {
	origin, right, below pattern
	misfit               float64 // 0 for half a square seen straight
}

// maxCorners bounds how many threes of patterns are tried.
const maxCorners = 4

// choose lists the most code-like threes of patterns, best first.
func choose(found []pattern, out []corners) []corners {
	out = out[:0]
	for i := range found {
		for j := range i {
			for k := range j {
				c, ok := arrange(found[i], found[j], found[k])
				if !ok {
					continue
				}
				switch {
				case len(out) < maxCorners:
					out = append(out, c)
				case c.misfit < out[len(out)-1].misfit:
					out[len(out)-1] = c
				default:
					continue
				}
				for n := len(out) - 1; n > 0 && out[n].misfit < out[n-1].misfit; n-- {
					out[n], out[n-1] = out[n-1], out[n]
				}
			}
		}
	}
	return out
}

// arrange finds the corner with the right angle and tells its two neighbours
// apart. It refuses what cannot be a code seen from a sensible angle.
func arrange(a, b, c pattern) (corners, bool) {
	if a.dark != b.dark || b.dark != c.dark {
		return corners{}, false
	}
	least := min(a.module, b.module, c.module)
	most := max(a.module, b.module, c.module)
	if most > 1.6*least+1 {
		return corners{}, false
	}
	// The origin is opposite the longest side.
	ab, bc, ca := a.distance(b.point), b.distance(c.point), c.distance(a.point)
	switch max(ab, bc, ca) {
	case ab:
		a, b, c = c, a, b
	case ca:
		a, b, c = b, c, a
	}
	u, v := b.minus(a.point), c.minus(a.point)
	if u.x*v.y-u.y*v.x < 0 {
		b, c, u, v = c, b, v, u
	}
	p, q := u.length(), v.length()
	// Finder patterns are at least 14 modules apart, and at most 170.
	const fewest, more = 14, 170
	if min(p, q) < 0.6*fewest*least || max(p, q) > 1.4*more*most {
		return corners{}, false
	}
	cosine := math.Abs(u.x*v.x+u.y*v.y) / (p * q)
	uneven := math.Abs(math.Log(p / q))
	if cosine > 0.6 || uneven > 0.7 {
		return corners{}, false
	}
	misfit := cosine + uneven + 2*math.Log((most+0.5)/(least+0.5))
	// What only one row met is more likely an accident.
	for _, f := range [...]int{a.hits, b.hits, c.hits} {
		if f < 2 {
			misfit += 0.4
		}
	}
	return corners{origin: a, right: b, below: c, misfit: misfit}, true
}

// module is the mean side of a module along the sides of the code. Measured
// along rows and columns it comes out too large by the angle that they make.
func (c *corners) module() float64 {
	u := c.right.minus(c.origin.point)
	angle := math.Atan2(u.y, u.x)
	slant := max(math.Abs(math.Cos(angle)), math.Abs(math.Sin(angle)))
	return slant * (c.origin.module + c.right.module + c.below.module) / 3
}

// fourth is where the middle of a finder pattern in the fourth corner would be.
// In homogeneous coordinates corners of a parallelogram add up, distances from
// the camera (w) included; lengths seen at a distance shrink with it to the power
// of 1.5, as the geometric mean of 1 across the line of sight and 2 along it.
func (c *corners) fourth() point {
	far := func(p pattern) float64 {
		w := math.Pow(c.origin.module/p.module, 1/1.5)
		return min(max(w, 0.75), 1.33) // more is a measuring error
	}
	wr, wb := far(c.right), far(c.below)
	w := max(wr+wb-1, 0.5)
	sum := c.right.times(wr).plus(c.below.times(wb)).minus(c.origin.point)
	return sum.times(1 / w)
}

// sizes lists the sizes that the code may have, in modules, most likely first:
// what its timing patterns count, then what the distances suggest.
func (c *corners) sizes(b *bitmap, out []int) []int {
	module := c.module()
	u, v := c.right.minus(c.origin.point), c.below.minus(c.origin.point)
	guess := (u.length()+v.length())/(2*module) + 7
	out = out[:0]
	add := func(n int) {
		if n < minSize || n > maxSize || n%4 != 1 {
			return
		}
		for _, m := range out {
			if m == n {
				return
			}
		}
		out = append(out, n)
	}
	across := c.timing(b, c.origin.point, c.right.point, v, module)
	down := c.timing(b, c.origin.point, c.below.point, u, module)
	if across == down {
		add(across)
	} else {
		for _, n := range [...]int{across, down} {
			if math.Abs(float64(n)-guess) < 0.2*guess {
				add(n)
			}
		}
	}
	nearest := 4*int(math.Round((guess-1)/4)) + 1
	add(nearest)
	for d := 4; d <= 12 && d <= nearest/6+4; d += 4 {
		if guess > float64(nearest) {
			add(nearest + d)
			add(nearest - d)
		} else {
			add(nearest - d)
			add(nearest + d)
		}
	}
	return out
}

// timing counts the modules of a side by its timing pattern: the alternating
// line between two finder patterns that is 3 modules from the line through their
// middles, on the side of inner. Between the inner corners of the two patterns,
// it changes as often as the code has modules less 13.
func (c *corners) timing(b *bitmap, from, to, inner point, module float64) int {
	along := to.minus(from)
	steps := int(2 * along.length())
	if steps == 0 || steps > 4*(b.w+b.h) {
		return 0
	}
	shift := inner.times(3 * module / inner.length())
	margin := along.times(3 * module / along.length())
	start := from.plus(shift).plus(margin)
	step := to.minus(from).minus(margin.times(2)).times(1 / float64(steps))
	dark := c.origin.dark
	changes, since := 0, 0
	shortest := int(0.35 * module * 2) // shorter runs are noise
	for i := range steps {
		at := start.plus(step.times(float64(i)))
		if b.is(int(at.x), int(at.y), dark) {
			since = 0
			continue
		}
		if since++; since > shortest {
			dark = !dark
			changes++
			since = 0
		}
	}
	return changes + 13
}
