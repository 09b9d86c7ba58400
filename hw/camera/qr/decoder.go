package qr

import "errors"

// ErrNoCode is a picture in which no QR code could be read.
var ErrNoCode = errors.New("no QR code could be read")

// Decoder reads codes. It keeps its buffers from one picture to the next; it is
// not safe for concurrent use.
type Decoder struct {
	binarizer binarizer
	bitmap    bitmap
	finder    finder
	corners   []corners
	sizes     []int
	modeller  modeller
	models    []model
	grid      grid
	reader    reader
}

// NewDecoder returns a decoder.
func NewDecoder() *Decoder {
	d := &Decoder{}
	d.reader.field = newField()
	return d
}

// Decode returns the text of a code in p. The only error is ErrNoCode.
func (d *Decoder) Decode(p Plane) (string, error) {
	if !p.valid() {
		return "", ErrNoCode
	}
	d.binarizer.run(&p, &d.bitmap)
	if d.find(&p, 3) {
		return string(d.reader.text), nil
	}
	return "", ErrNoCode
}

func (d *Decoder) find(p *Plane, step int) bool {
	d.finder.scan(&d.bitmap, step)
	d.corners = choose(d.finder.found, d.corners)
	d.modeller.plane = p
	for i := range d.corners {
		if d.try(p, &d.corners[i]) {
			return true
		}
	}
	return false
}

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
		m, ok := d.modeller.fitCorners(c, n, l.centers)
		if !ok {
			continue
		}
		d.models = append(d.models, m)
		if m.timing > 0.93 {
			break
		}
	}
	for range 2 {
		best := -1
		for i, m := range d.models {
			if m.timing >= 0.6 && (best < 0 || m.timing > d.models[best].timing) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		m := d.models[best]
		d.models[best].timing = 0
		l, _ := d.reader.layout(m.size)
		if d.decode(p, l, &m, 0) {
			return true
		}
		m = d.modeller.refine(m, l.centers)
		for mode := range 3 {
			if d.decode(p, l, &m, mode) {
				return true
			}
		}
	}
	return false
}

func (d *Decoder) decode(p *Plane, l *layout, m *model, mode int) bool {
	if !d.grid.sample(p, m, d.modeller.sign, mode == 2) {
		return false
	}
	switch mode {
	case 1:
		d.grid.equalize(.18)
	case 2:
		d.grid.equalize(.12)
	}
	d.grid.threshold()
	return d.reader.read(l, &d.grid)
}
