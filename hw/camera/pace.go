package camera

import (
	"time"

	"github.com/venuegate/venuegate/hw/camera/qr"
)

const (
	// share is the part of a core that looking for codes may take: one in this
	// many.
	share = 4
	// idleAfter is how long nothing must move before the pace slows.
	idleAfter = 5 * time.Second
	// settle is how often a picture is compared with what it was.
	settle = 200 * time.Millisecond
)

// pace decides which frames are worth the work.
type pace struct {
	busy, idle time.Duration // from one decoding to the next
	next       time.Time     // no frame is looked at before
	decoded    time.Time     // when a code was last looked for
	moved      time.Time     // when something last moved, or was read
	compared   time.Time
	glance     glance
}

func newPace(rate, idleRate float64) pace {
	every := func(r float64) time.Duration { return time.Duration(float64(time.Second) / r) }
	return pace{busy: every(rate), idle: every(idleRate)}
}

// due says whether to take a frame that arrives now from the driver at all.
func (p *pace) due(now time.Time) bool { return !now.Before(p.next) }

// worth says whether to look for a code in a frame: at once while things move,
// and every now and then while nothing does, should a glance have missed it.
func (p *pace) worth(now time.Time, f *qr.Plane) bool {
	if now.Sub(p.compared) >= settle {
		p.compared = now
		if p.glance.changed(f) {
			p.moved = now
		}
	}
	return now.Sub(p.moved) < idleAfter || now.Sub(p.decoded) >= p.idle
}

// done notes that a frame that arrived at begin took so long, and whether a code
// was looked for and read.
func (p *pace) done(begin time.Time, took time.Duration, decoded, read bool) {
	if decoded {
		p.decoded = begin
	}
	if read {
		p.moved = begin
		p.next = begin.Add(p.busy)
		return
	}
	p.next = begin.Add(max(p.busy, share*took))
}

// glance is a few pixels of a frame, to notice movement by.
type glance struct {
	set    bool
	pixels [cells * cells]byte
}

const (
	cells = 16 // columns and rows of pixels that are kept
	// A picture has changed when this many of the pixels did by this much:
	// more than noise, less than a hand.
	fewest = cells * cells / 40
	least  = 24
)

// changed compares a frame with the one of the last call, and keeps it.
func (g *glance) changed(f *qr.Plane) bool {
	n := 0
	for i := range g.pixels {
		x, y := (2*(i%cells)+1)*f.Width/(2*cells), (2*(i/cells)+1)*f.Height/(2*cells)
		v := f.Pix[y*f.Stride+x]
		if d := int(v) - int(g.pixels[i]); max(d, -d) >= least {
			n++
		}
		g.pixels[i] = v
	}
	first := !g.set
	g.set = true
	return first || n >= fewest
}
