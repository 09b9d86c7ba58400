package qr

import "math"

// pattern is a place that looks like a finder pattern: a square of 3 modules in
// a ring of 1 in a ring of 1, so that any line through its middle meets runs in
// the ratio 1:1:3:1:1.
type pattern struct {
	point
	module float64 // side of a module, measured along rows and columns
	hits   int     // rows that met it
	dark   bool    // the middle; light in an inverted code
}

// maxPatterns bounds what is remembered of a frame. Text has no more than a few
// look-alikes; noise may have many, but of few hits.
const maxPatterns = 32

// finder looks for finder patterns in a bitmap.
type finder struct {
	buf   []int32
	found []pattern
}

// scan looks at every step-th row.
func (f *finder) scan(b *bitmap, step int) {
	f.found = f.found[:0]
	f.buf = grow(f.buf, b.w+2)
	for y := step / 2; y < b.h; y += step {
		edges, dark := b.edges(y, f.buf)
		for i := 0; i+5 < len(edges); i++ {
			e := edges[i : i+6]
			if looksFinder(e) {
				f.examine(b, int(e[2]+e[3])/2, y, int(e[5]-e[0]), dark)
			}
			dark = !dark
		}
	}
}

// looksFinder is a test of five runs between six edges. It compares distances
// between edges of the same kind first, which dark bleeding into light, or light
// into dark, leaves alone: they are 2, 4, 4 and 2 modules apart. It is generous;
// what it lets through by mistake fails later.
func looksFinder(e []int32) bool {
	total := e[5] - e[0]
	if total < 7 {
		return false
	}
	// In sevenths of a pixel, a module is total. Edges may be off by 0.7 modules,
	// or by 1.7 pixels where modules are small.
	slack := max(total*7/10, 12)
	if !near(7*(e[3]-e[1]), 4*total, slack) || !near(7*(e[4]-e[2]), 4*total, slack) ||
		!near(7*(e[2]-e[0]), 2*total, slack) || !near(7*(e[5]-e[3]), 2*total, slack) {
		return false
	}
	slack = max(total, 12)
	return near(7*(e[3]-e[2]), 3*total, 2*slack) &&
		near(7*(e[1]-e[0]), total, slack) && near(7*(e[2]-e[1]), total, slack) &&
		near(7*(e[4]-e[3]), total, slack) && near(7*(e[5]-e[4]), total, slack)
}

func near(a, b, slack int32) bool { return a-b <= slack && b-a <= slack }

// examine looks at what a row met at x, y from above and along both diagonals.
func (f *finder) examine(b *bitmap, x, y, width int, dark bool) {
	limit := width
	down, ok := b.cross(x, y, 0, 1, limit, dark)
	if !ok || !similar(down.length, width) {
		return
	}
	cy := float64(y) + down.middle
	across, ok := b.cross(x, int(cy), 1, 0, limit, dark)
	if !ok || !similar(across.length, down.length) {
		return
	}
	cx := float64(x) + across.middle
	if diagonal, ok := b.cross(int(cx), int(cy), 1, 1, 2*limit, dark); !ok || diagonal.length < 5 {
		return
	}
	f.add(pattern{
		point:  point{cx, cy},
		module: float64(across.length+down.length) / 14,
		hits:   1, dark: dark,
	})
}

// similar says whether two lengths across a pattern can belong together: one of
// them shrinks when the code is tilted.
func similar(a, b int) bool { return 5*max(a-b, b-a) < 2*max(a, b)+5 }

// add averages a pattern with one that was met before at the same place, or
// remembers it.
func (f *finder) add(p pattern) {
	for i := range f.found {
		q := &f.found[i]
		reach := max(q.module, 1)
		if q.dark != p.dark || math.Abs(q.x-p.x) > reach || math.Abs(q.y-p.y) > reach ||
			math.Abs(q.module-p.module) > max(1, q.module) {
			continue
		}
		n := float64(q.hits)
		q.point = q.times(n).plus(p.point).times(1 / (n + 1))
		q.module = (q.module*n + p.module) / (n + 1)
		q.hits++
		return
	}
	if len(f.found) < maxPatterns {
		f.found = append(f.found, p)
		return
	}
	weakest := 0
	for i := range f.found {
		if f.found[i].hits < f.found[weakest].hits {
			weakest = i
		}
	}
	if f.found[weakest].hits == 1 {
		f.found[weakest] = p
	}
}

// section is what a line through a pattern met.
type section struct {
	length int     // of all five runs, in steps
	middle float64 // of the pattern, in steps from the start, pixel edges being whole
}

// cross walks both ways from a pixel until it has met five runs and checks their
// ratio. No run may be longer than limit.
func (b *bitmap) cross(x, y, dx, dy, limit int, dark bool) (section, bool) {
	var before, after [3]int // runs from the middle outwards
	if !b.walk(x, y, -dx, -dy, limit, dark, &before) || !b.walk(x+dx, y+dy, dx, dy, limit, dark, &after) {
		return section{}, false
	}
	var e [6]int32
	e[2], e[3] = int32(1-before[0]), int32(1+after[0])
	e[1], e[4] = e[2]-int32(before[1]), e[3]+int32(after[1])
	e[0], e[5] = e[1]-int32(before[2]), e[4]+int32(after[2])
	if !looksFinder(e[:]) {
		return section{}, false
	}
	// Each pair of edges has the same middle; together they are finer than a
	// pixel.
	sum := e[0] + e[1] + e[2] + e[3] + e[4] + e[5]
	return section{length: int(e[5] - e[0]), middle: float64(sum) / 6}, true
}

// walk counts the pixels of three runs, the first of which may be empty.
func (b *bitmap) walk(x, y, dx, dy, limit int, dark bool, runs *[3]int) bool {
	for i := range runs {
		n := 0
		for b.is(x, y, dark) {
			x, y = x+dx, y+dy
			if n++; n > limit {
				return false
			}
		}
		runs[i] = n
		dark = !dark
	}
	return runs[1] > 0 && runs[2] > 0
}
