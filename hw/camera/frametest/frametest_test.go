package frametest

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// A frame is the same whenever it is drawn, and unlike its neighbours.
func TestFramesAreTheirNumbers(t *testing.T) {
	for _, kind := range append(Kinds(), Negative) {
		a, b, next := Draw(kind, 7), Draw(kind, 7), Draw(kind, 8)
		if !bytes.Equal(a.Image.Pix, b.Image.Pix) || a.Text != b.Text {
			t.Errorf("%s: two drawings of a frame differ", kind)
		}
		if bytes.Equal(a.Image.Pix, next.Image.Pix) {
			t.Errorf("%s: two frames are the same", kind)
		}
		if (a.Text == "") != (kind == Negative) {
			t.Errorf("%s: text %q", kind, a.Text)
		}
		if !a.Code.In(a.Image.Rect) {
			t.Errorf("%s: the code is at %v, outside %v", kind, a.Code, a.Image.Rect)
		}
	}
}

func TestInverseLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		angle := rapid.Float64Range(-40, 40)
		m := projection(conditions{
			module: rapid.Float64Range(2, 12).Draw(t, "module"), turn: rapid.Float64Range(-180, 180).Draw(t, "turn"),
			tiltX: angle.Draw(t, "tiltX"), tiltY: angle.Draw(t, "tiltY"),
		}, 3000)
		x, y := rapid.Float64Range(-500, 500).Draw(t, "x"), rapid.Float64Range(-500, 500).Draw(t, "y")
		u, v, ok := m.apply(x, y)
		if !ok {
			t.Fatalf("%v, %v is behind the camera", x, y)
		}
		if p, q, _ := m.inverse().apply(u, v); math.Abs(p-x) > 1e-6 || math.Abs(q-y) > 1e-6 {
			t.Fatalf("%v, %v came back as %v, %v", x, y, p, q)
		}
	})
}
