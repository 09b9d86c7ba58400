package qr

import (
	"errors"
	"fmt"
)

// ErrNoCode is a picture in which no QR code could be read.
var ErrNoCode = errors.New("no QR code could be read")

// Decoder reads codes. It keeps its buffers from one picture to the next, so
// that a frame costs an allocation or two, for the text; it is not safe for
// concurrent use.
type Decoder struct {
	prepared  prepared
	binarizer binarizer
	bitmap    bitmap
	finder    finder
	corners   []corners
	sizes     []int
	modeller  modeller
	models    []model
	grid      grid
	reader    reader
	attempts  int // that are left for this picture
}

const (
	// rowStep is how many rows apart finder patterns are looked for: their
	// middles are 6 rows high with the smallest modules that can be read.
	rowStep = 3
	// maxAttempts bounds the work on one picture: how many squares of modules
	// may be sampled. A code takes one, or a few; pictures made to look like
	// many codes would take thousands.
	maxAttempts = 40
)

// NewDecoder returns a decoder.
func NewDecoder() *Decoder {
	d := &Decoder{}
	d.reader.field = newField()
	return d
}

// Decode returns the text of a code in p. The only error is ErrNoCode.
func (d *Decoder) Decode(p Plane) (text string, err error) {
	// A gate must outlive a mistake in the code below: a panic is a picture that
	// cannot be read. The fuzz test goes without this.
	defer func() {
		if r := recover(); r != nil {
			text, err = "", fmt.Errorf("%w: the decoder failed", ErrNoCode)
		}
	}()
	if !d.search(p) {
		return "", ErrNoCode
	}
	return string(d.reader.text), nil
}

// search goes over a picture up to four times: as it is; with thresholds from
// nearer by, for finder patterns that blur has closed; with edges sharpened, for
// smaller ones; and at half the size, for noise and very large modules. It
// leaves the text in d.reader.text.
func (d *Decoder) search(p Plane) bool {
	if !p.valid() || min(p.Width, p.Height) < minSize {
		return false
	}
	d.attempts = maxAttempts
	d.binarizer.run(&p, 2, &d.bitmap)
	if d.find(&p) {
		return true
	}
	d.binarizer.run(&p, 1, &d.bitmap)
	if d.find(&p) {
		return true
	}
	// Sharpening is for finding; modules are read from the picture as it was.
	sharp := d.prepared.sharpen(&p)
	d.binarizer.run(&sharp, 1, &d.bitmap)
	if d.find(&p) {
		return true
	}
	if min(p.Width, p.Height) < 2*minSize {
		return false
	}
	half := d.prepared.halve(&p)
	d.binarizer.run(&half, 2, &d.bitmap)
	return d.find(&half)
}

// find tries the threes of finder patterns in d.bitmap, reading modules from p.
func (d *Decoder) find(p *Plane) bool {
	d.finder.scan(&d.bitmap, rowStep)
	d.corners = choose(d.finder.found, d.corners)
	d.modeller.plane = p
	for i := range d.corners {
		if d.attempts > 0 && d.try(p, &d.corners[i]) {
			return true
		}
	}
	return false
}

const (
	// sureTiming ends the search for the size of a code: a wrong size sees its
	// timing patterns right about half the time.
	sureTiming = 0.93
	// leastTiming is what a size must reach to be worth an attempt.
	leastTiming = 0.6
)

// try reads the code that has the given corners, in the two sizes that fit its
// timing patterns best.
func (d *Decoder) try(p *Plane, c *corners) bool {
	d.modeller.sign = 1
	if !c.origin.dark {
		d.modeller.sign = -1
	}
	d.sizes = c.sizes(&d.bitmap, d.sizes)
	d.models = d.models[:0]
	for _, n := range d.sizes {
		l, err := d.reader.layout(n)
		if err != nil {
			continue
		}
		if m, ok := d.modeller.fitCorners(c, n, l.centers); ok {
			d.models = append(d.models, m)
			if m.timing > sureTiming {
				break
			}
		}
	}
	for range 2 {
		best := -1
		for i, m := range d.models {
			if m.timing >= leastTiming && (best < 0 || m.timing > d.models[best].timing) {
				best = i
			}
		}
		if best < 0 {
			return false
		}
		if d.readModel(p, d.models[best]) {
			return true
		}
		d.models[best].timing = 0
	}
	return false
}

// readModel reads a code where a model says it is: straight away, as most can
// be; then after fitting it to all alignment patterns, and with more or less
// blur taken back.
func (d *Decoder) readModel(p *Plane, m model) bool {
	l, err := d.reader.layout(m.size)
	if err != nil {
		return false
	}
	if d.attempt(p, l, &m, false, 0) {
		return true
	}
	m = d.modeller.refine(m, l.centers)
	return d.attempt(p, l, &m, false, 0) || d.attempt(p, l, &m, false, 0.18) || d.attempt(p, l, &m, true, 0.12)
}

// attempt samples the modules and reads them. See grid for single and blur.
func (d *Decoder) attempt(p *Plane, l *layout, m *model, single bool, blur float32) bool {
	if d.attempts--; d.attempts < 0 {
		return false
	}
	if !d.grid.sample(p, m, d.modeller.sign, single) {
		return false
	}
	if blur > 0 {
		d.grid.equalise(blur)
	}
	d.grid.threshold()
	return d.reader.read(l, &d.grid)
}
