package frametest

import (
	"image"
	"math/rand/v2"
)

// Kind is one way in which frames are hard.
type Kind string

// The kinds of frame. Those of Core fill most of a 640 × 480 frame with codes of
// 45 to 69 modules; a Short one is VG1's short form of 29 modules.
const (
	Clean    Kind = "clean"   // sharp, nearly upright, hardly any noise
	Rotated  Kind = "rotated" // turned by any angle
	Tilted   Kind = "tilted"  // up to 38° out of the image plane
	Blurred  Kind = "blurred" // out of focus
	Moving   Kind = "moving"  // 3 to 7 pixels of motion during the exposure
	Glare    Kind = "glare"   // the reflection of a lamp
	Moire    Kind = "moire"   // the phone's pixels beating with the camera's
	LowLight Kind = "low light"
	Small    Kind = "small" // 2.3 to 3.2 pixels a module
	Mixed    Kind = "mixed" // a little of everything

	MixedHD   Kind = "mixed 720p" // the same at 1280 × 720
	Inverted  Kind = "inverted"   // light modules on dark
	ShortArm  Kind = "short, arm's length"
	ShortFar  Kind = "short, 2 m"
	ShortNear Kind = "short, held close"

	Negative Kind = "no code" // what could be taken for one
)

// Core are the kinds that figures about phone-screen frames are over.
func Core() []Kind {
	return []Kind{Clean, Rotated, Tilted, Blurred, Moving, Glare, Moire, LowLight, Small, Mixed}
}

// Kinds are all kinds with a code in them.
func Kinds() []Kind {
	return append(Core(), MixedHD, Inverted, ShortArm, ShortFar, ShortNear)
}

// Frame is a drawn frame.
type Frame struct {
	Kind  Kind
	N     int
	Text  string // what its code says; empty for Negative
	Image *image.Gray
	Code  image.Point // where the middle of its code is
}

// Draw draws frame n of a kind. It takes some 50 ms at 640 × 480.
func Draw(kind Kind, n int) Frame {
	return draw(kind, n, false)
}

// DrawShort draws frame n of a kind with a short VG1 code in it, whatever the
// kind would hold otherwise.
func DrawShort(kind Kind, n int) Frame {
	return draw(kind, n, true)
}

func draw(kind Kind, n int, short bool) Frame {
	var seed uint64
	for _, c := range []byte(kind) {
		seed = seed*131 + uint64(c)
	}
	rng := rand.New(rand.NewPCG(seed, uint64(n)))
	f := Frame{Kind: kind, N: n}
	var s *symbol
	switch {
	case kind == Negative:
		s = decoy(rng)
	case short || kind == ShortArm || kind == ShortFar || kind == ShortNear:
		f.Text, s = shortCode(rng)
	default:
		f.Text, s = longCode(rng, n)
	}
	f.Image, f.Code = photograph(rng, conditionsOf(rng, kind), screen(rng, s, kind == Inverted))
	return f
}
