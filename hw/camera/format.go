package camera

import (
	"errors"
	"fmt"
	"math"
)

// fourCC names a pixel format as V4L2 does: four letters, the first in the
// lowest byte.
type fourCC uint32

func code4(s string) fourCC {
	return fourCC(s[0]) | fourCC(s[1])<<8 | fourCC(s[2])<<16 | fourCC(s[3])<<24
}

// String returns the four letters, or the number where they are no letters.
func (f fourCC) String() string {
	b := []byte{byte(f), byte(f >> 8), byte(f >> 16), byte(f >> 24)}
	for _, c := range b {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("%#08x", uint32(f))
		}
	}
	return string(b)
}

// layoutOf says how a format keeps brightness.
func layoutOf(f fourCC) (layout, bool) {
	switch f {
	case code4("GREY"):
		return planar, true
	case code4("NV12"), code4("NV21"), code4("YU12"), code4("YV12"):
		return planarWithColour, true
	case code4("YUYV"), code4("YVYU"):
		return packedFirst, true
	case code4("UYVY"), code4("VYUY"):
		return packedSecond, true
	case code4("MJPG"), code4("JPEG"):
		return compressed, true
	}
	return 0, false
}

// layout is where in a frame brightness is. Lower ones cost less to get at.
type layout int

const (
	planar           layout = iota + 1 // a byte a pixel and nothing else
	planarWithColour                   // the same, half as much colour behind it
	packedFirst                        // every other byte, from the first
	packedSecond                       // every other byte, from the second
	compressed                         // a JPEG image
)

// mode is a way in which a camera can deliver frames.
type mode struct {
	format        fourCC
	width, height int
}

func (m mode) String() string { return fmt.Sprintf("%s %d × %d", m.format, m.width, m.height) }

// sizes are frame sizes that a camera offers in a format: from least to most in
// steps. A step of 0 is a single size; a most of 0 is any size.
type sizes struct {
	format            fourCC
	minW, maxW, stepW int
	minH, maxH, stepH int
}

var errNoFormat = errors.New("the camera offers no format that holds brightness (GREY, NV12, YUYV, MJPG and the like)")

// chooseMode picks the size nearest to w × h, and of several formats in that size
// the one that costs least.
func chooseMode(offers []sizes, w, h int) (mode, error) {
	var best mode
	least, cheapest := math.Inf(1), compressed+1
	for _, o := range offers {
		l, ok := layoutOf(o.format)
		if !ok {
			continue
		}
		m := mode{o.format, nearest(w, o.minW, o.maxW, o.stepW), nearest(h, o.minH, o.maxH, o.stepH)}
		if m.width < MinCrop || m.height < MinCrop || m.width > MaxSide || m.height > MaxSide {
			continue
		}
		off := math.Abs(math.Log(float64(m.width)/float64(w))) + math.Abs(math.Log(float64(m.height)/float64(h)))
		if off < least || off == least && l < cheapest {
			best, least, cheapest = m, off, l
		}
	}
	if math.IsInf(least, 1) {
		return mode{}, errNoFormat
	}
	return best, nil
}

func nearest(want, low, high, step int) int {
	if high <= 0 {
		return want
	}
	n := min(max(want, low), high)
	if step > 1 {
		n = low + (n-low)/step*step
	}
	return n
}
