package qr

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// view is a code seen from a sensible angle.
func view(t *rapid.T, size int) homography {
	f := func(name string, low, high float64) float64 { return rapid.Float64Range(low, high).Draw(t, name) }
	sin, cos := math.Sincos(f("angle", -math.Pi, math.Pi))
	m, skew := f("module", 2, 8), f("skew", -0.3, 0.3)
	n := float64(size)
	x, y := f("x", 0, 600), f("y", 0, 400)
	px, py := f("px", -0.15, 0.15)/n, f("py", -0.15, 0.15)/n
	// First the perspective, then the place in the frame: where the code lies
	// must not turn it over.
	return homography{
		m*cos + x*px, m*(skew*cos-sin) + x*py, x,
		m*sin + y*px, m*(skew*sin+cos) + y*py, y,
		px, py,
	}
}

func TestFitLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := 17 + 4*rapid.IntRange(1, 40).Draw(t, "version")
		n := float64(size)
		h := view(t, size)
		var pairs []pair
		for _, u := range [...]float64{3.5, n / 2, n - 3.5} {
			for _, v := range [...]float64{3.5, n - 6.5} {
				pairs = append(pairs, pair{point{u, v}, h.at(u, v)})
			}
		}
		got, ok := fit(pairs, n)
		if !ok {
			t.Fatalf("no fit for %v", h)
		}
		for _, at := range [...]point{{0, 0}, {n, 0}, {0, n}, {n, n}, {n / 3, n / 2}} {
			if d := got.at(at.x, at.y).distance(h.at(at.x, at.y)); d > 0.01 {
				t.Fatalf("%v is off by %v pixels", at, d)
			}
		}
	})
}

func TestFitRefuses(t *testing.T) {
	line := []pair{{point{0, 0}, point{0, 0}}, {point{1, 0}, point{1, 1}}, {point{0, 1}, point{2, 2}}, {point{1, 1}, point{3, 3}}}
	if h, ok := fit(line, 1); ok {
		for _, at := range [...]point{{0, 0}, {1, 1}} {
			if p := h.at(at.x, at.y); math.IsNaN(p.x) {
				t.Errorf("points in line were fitted: %v", h)
			}
		}
	}
	if _, ok := fit(nil, 21); ok {
		t.Error("no points were fitted")
	}
}

// However the code lies, its corners are told apart, and the fourth is near
// where the three others and their sizes say.
func TestArrangeLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := 17 + 4*rapid.IntRange(2, 20).Draw(t, "version")
		n := float64(size)
		h := view(t, size)
		at := func(u, v float64) pattern {
			e1, e2 := h.steps(u, v)
			return pattern{point: h.at(u, v), module: math.Sqrt(math.Abs(e1.x*e2.y - e1.y*e2.x)), hits: 3, dark: true}
		}
		three := []pattern{at(3.5, 3.5), at(n-3.5, 3.5), at(3.5, n-3.5)}
		p := rapid.Permutation([]int{0, 1, 2}).Draw(t, "order")
		c, ok := arrange(three[p[0]], three[p[1]], three[p[2]])
		if !ok {
			t.Skip("seen at too sharp an angle")
		}
		if c.origin != three[0] {
			t.Skip("the tilt makes another corner look like the right angle")
		}
		if c.right != three[1] || c.below != three[2] {
			t.Fatal("the corners are in the wrong order")
		}
		fourth := h.at(n-3.5, n-3.5)
		if d := c.fourth().distance(fourth); d > 0.15*c.right.distance(c.below.point) {
			t.Fatalf("the fourth corner is off by %v pixels", d)
		}
	})
}
