package qr

// model is a code of a given size in a picture: where its modules are and how
// well its timing patterns fit.
type model struct {
	homography
	size   int
	timing float64 // share of alternations seen, 0.5 for none at all
}

// Sizes of a code in modules: versions 1 to 40.
const (
	minSize = 21
	maxSize = 177
)

// modeller makes models from three corners.
type modeller struct {
	aligner
	pairs []pair
}

// fitCorners places a code of the given size on three finder patterns, whose
// middles are 3.5 modules from two sides, and the alignment pattern nearest the
// fourth corner. Where there is none, or it cannot be seen, the sizes of the
// finder patterns say where that corner should be.
func (m *modeller) fitCorners(c *corners, size int, centers []int) (model, bool) {
	n := float64(size)
	m.pairs = append(m.pairs[:0],
		pair{point{3.5, 3.5}, c.origin.point},
		pair{point{n - 3.5, 3.5}, c.right.point},
		pair{point{3.5, n - 3.5}, c.below.point},
		pair{point{n - 3.5, n - 3.5}, c.fourth()})
	h, ok := fit(m.pairs, n)
	if !ok {
		return model{}, false
	}
	if last := len(centers) - 1; last > 0 {
		u := float64(centers[last]) + 0.5
		e1, e2 := h.steps(u, u)
		if at, ok := m.search(h.at(u, u), e1, e2, 2.5+n/16); ok {
			m.pairs[3] = pair{point{u, u}, at}
			if better, ok := fit(m.pairs, n); ok {
				h = better
			}
		}
	}
	out := model{homography: h, size: size}
	out.timing, ok = m.alternation(&out)
	return out, ok
}

// refine fits a model anew to every alignment pattern that can be found where
// the model expects it. Patterns that stand far from where the rest puts them
// would be mistakes; a narrow second search leaves them out.
func (m *modeller) refine(old model, centers []int) model {
	last := len(centers) - 1
	if last < 1 {
		return old
	}
	out := old
	for _, radius := range [...]float64{1.6, 0.8} {
		m.pairs = m.pairs[:3]
		for i, row := range centers {
			for j, col := range centers {
				if i == 0 && (j == 0 || j == last) || i == last && j == 0 {
					continue // a finder pattern is there
				}
				u, v := float64(col)+0.5, float64(row)+0.5
				e1, e2 := out.steps(u, v)
				if at, ok := m.search(out.at(u, v), e1, e2, radius); ok {
					m.pairs = append(m.pairs, pair{point{u, v}, at})
				}
			}
		}
		if len(m.pairs) < 4 {
			return out
		}
		h, ok := fit(m.pairs, float64(out.size))
		if !ok {
			return out
		}
		out.homography = h
	}
	out.timing, _ = m.alternation(&out)
	return out
}

// alternation is the share of neighbours on the two timing patterns, row and
// column 6, that differ the right way round.
func (m *modeller) alternation(c *model) (share float64, ok bool) {
	right, all := 0, 0
	for axis := range 2 {
		last := 0.0
		for k := 8; k < c.size-7; k++ {
			u, v := float64(k)+0.5, 6.5
			if axis == 1 {
				u, v = v, u
			}
			at := c.at(u, v)
			level := m.plane.sample(at.x, at.y)
			if level == outside {
				return 0, false
			}
			level *= m.sign
			if k > 8 {
				all++
				// Even modules are dark.
				if (level < last) == (k%2 == 0) {
					right++
				}
			}
			last = level
		}
	}
	return float64(right) / float64(all), true
}
