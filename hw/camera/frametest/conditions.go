package frametest

import (
	"math"
	"math/rand/v2"
)

// conditions say how a frame is taken. Lengths are in pixels of the frame,
// angles in degrees, brightness in grey levels.
type conditions struct {
	width, height int
	module        float64 // side of a module
	turn          float64 // in the image plane
	tiltX, tiltY  float64 // out of it
	offset        float64 // how far off the middle the code may be
	blur          float64 // standard deviation
	motion        float64 // length of the smear
	noise         float64 // standard deviation
	glare         float64 // strength of the reflection, 1 saturates
	moire         float64 // strength of the stripes
	gain, black   float64 // exposure
	jpeg          int     // quality, 0 for none
}

func conditionsOf(rng *rand.Rand, kind Kind) conditions {
	c := conditions{
		width: 640, height: 480,
		module: uniform(rng, 4, 5), turn: uniform(rng, -6, 6),
		tiltX: uniform(rng, -4, 4), tiltY: uniform(rng, -4, 4), offset: 25,
		blur: 0.5, noise: 2.5, gain: 1, black: 8, jpeg: 85,
	}
	switch kind {
	case Clean, Inverted:
		c.noise, c.blur, c.jpeg = 1.5, 0.4, 0
	case Rotated:
		c.turn = uniform(rng, -180, 180)
	case Tilted:
		c.turn = uniform(rng, -20, 20)
		c.tiltX, c.tiltY = sign(rng)*uniform(rng, 15, 38), sign(rng)*uniform(rng, 15, 38)
	case Blurred:
		c.blur = uniform(rng, 1, 2)
	case Moving:
		c.motion = uniform(rng, 3, 7)
	case Glare:
		c.glare = uniform(rng, 0.7, 1.3)
	case Moire:
		c.moire, c.noise = uniform(rng, 0.12, 0.3), 6
	case LowLight:
		c.gain, c.black = uniform(rng, 0.15, 0.35), uniform(rng, 15, 40)
		c.noise, c.jpeg = uniform(rng, 5, 9), 70
	case Small:
		c.module, c.offset = uniform(rng, 2.3, 3.2), 90
	case Mixed, MixedHD, Negative:
		c = c.mixed(rng)
	case ShortArm:
		// A 56 mm wide card with 37 modules at 0.35 to 0.5 m from a lens of 45°
		// on 640 pixels: 2.3 to 3.3 pixels a module.
		c = c.mixed(rng)
		c.module, c.offset, c.motion = uniform(rng, 2.3, 3.3), 120, uniform(rng, 0, 1.5)
		c.blur = uniform(rng, 0.4, 0.9)
	case ShortNear:
		c = c.mixed(rng)
		c.module = uniform(rng, 8, 11.5)
	case ShortFar:
		// The same card at 2 m from a lens of 25° on 1280 pixels, as gates that
		// read from afar have: 2.2 pixels a module, give or take.
		c = c.mixed(rng)
		c.width, c.height = 1280, 720
		c.module, c.offset, c.motion = uniform(rng, 1.9, 2.5), 300, 0
		c.blur, c.moire = uniform(rng, 0.4, 0.7), uniform(rng, 0, 0.08)
		c.turn, c.glare = uniform(rng, -15, 15), 0
		c.tiltX, c.tiltY = uniform(rng, -15, 15), uniform(rng, -15, 15)
	}
	if kind == MixedHD {
		c = c.scaled(1.5)
	}
	return c
}

// mixed adds a little of everything.
func (c conditions) mixed(rng *rand.Rand) conditions {
	c.module, c.offset = uniform(rng, 3.2, 4.8), 45
	c.turn = uniform(rng, -45, 45)
	c.tiltX, c.tiltY = uniform(rng, -22, 22), uniform(rng, -22, 22)
	c.blur, c.motion = uniform(rng, 0.6, 1.3), uniform(rng, 0, 3)
	if rng.IntN(3) == 0 {
		c.glare = uniform(rng, 0.4, 1)
	}
	c.moire, c.gain = uniform(rng, 0, 0.15), uniform(rng, 0.5, 1.1)
	c.noise, c.jpeg = uniform(rng, 3, 7), 75
	return c
}

// scaled is the same view on a finer sensor.
func (c conditions) scaled(by float64) conditions {
	c.width, c.height = 1280, 720
	c.module *= by
	c.blur *= by
	c.motion *= by
	c.offset *= by
	return c
}

func sign(rng *rand.Rand) float64 {
	if rng.IntN(2) == 0 {
		return -1
	}
	return 1
}

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }
