package qr

import "math"

// homography maps places in a code, in modules from its top left corner, to
// places in a picture: a plane seen by a pinhole camera. The module in column u
// and row v has its middle at u+0.5, v+0.5.
//
//	x = (h0·u + h1·v + h2) / (h6·u + h7·v + 1)
//	y = (h3·u + h4·v + h5) / (h6·u + h7·v + 1)
type homography [8]float64

func (h *homography) at(u, v float64) point {
	d := 1 / (h[6]*u + h[7]*v + 1)
	return point{(h[0]*u + h[1]*v + h[2]) * d, (h[3]*u + h[4]*v + h[5]) * d}
}

// steps are the vectors of one module along a row and along a column at u, v.
func (h *homography) steps(u, v float64) (point, point) {
	return h.at(u+0.5, v).minus(h.at(u-0.5, v)), h.at(u, v+0.5).minus(h.at(u, v-0.5))
}

// pair is a place in the code that was found in the picture.
type pair struct{ code, picture point }

// fit finds the homography that maps the pairs with the least error. Each gives
// two equations that are linear in the eight unknowns; four pairs decide them,
// more are balanced by least squares. Both sides are scaled to about 1 first so
// that the squares stay comparable. It fails when three of four points are in
// line, or when the code would be seen from behind.
func fit(pairs []pair, size float64) (homography, bool) {
	const unit = 512
	var m [8][9]float64
	for _, p := range pairs {
		u, v := p.code.x/size, p.code.y/size
		x, y := p.picture.x/unit, p.picture.y/unit
		accumulate(&m, [9]float64{u, v, 1, 0, 0, 0, -u * x, -v * x, x})
		accumulate(&m, [9]float64{0, 0, 0, u, v, 1, -u * y, -v * y, y})
	}
	h, ok := solve(&m)
	if !ok {
		return h, false
	}
	for i := range 6 {
		h[i] *= unit
	}
	for _, i := range [...]int{0, 1, 3, 4, 6, 7} {
		h[i] /= size
	}
	// The denominator is the distance from the camera: it must be positive at
	// the corners.
	for _, d := range [...]float64{h[6], h[7], h[6] + h[7]} {
		if !(d*size > -0.9) {
			return h, false
		}
	}
	return h, true
}

// accumulate adds an equation to the normal equations.
func accumulate(m *[8][9]float64, row [9]float64) {
	for i := range m {
		if row[i] == 0 {
			continue
		}
		for j := range m[i] {
			m[i][j] += row[i] * row[j]
		}
	}
}

// solve is Gauss–Jordan elimination with pivots.
func solve(m *[8][9]float64) (h homography, ok bool) {
	for i := range m {
		pivot := i
		for r := i + 1; r < len(m); r++ {
			if math.Abs(m[r][i]) > math.Abs(m[pivot][i]) {
				pivot = r
			}
		}
		if !(math.Abs(m[pivot][i]) > 1e-12) {
			return h, false
		}
		m[i], m[pivot] = m[pivot], m[i]
		for r := range m {
			f := m[r][i] / m[i][i]
			if r == i || f == 0 {
				continue
			}
			for c := i; c < len(m[r]); c++ {
				m[r][c] -= f * m[i][c]
			}
		}
	}
	for i := range h {
		h[i] = m[i][8] / m[i][i]
	}
	return h, true
}
