package scanner

import (
	"time"

	"github.com/venuegate/venuegate/gate"
)

const (
	stx = 0x02
	etx = 0x03
	lf  = '\n'
	cr  = '\r'
)

// Frame is one text as the reader read it.
type Frame struct {
	Text      gate.Private
	Symbology gate.Symbology
	At        time.Time // when its last byte arrived
}

// Drops counts what a Framer threw away, by reason.
type Drops struct {
	TooLong    uint64 // frames longer than Framing.Max
	Unfinished uint64 // frames that stopped half-way: silence, a new start, an unplugged reader
	Unframed   uint64 // frames without the configured prefix, suffix or identifier
	Empty      uint64 // frames with an identifier and nothing else
	Control    uint64 // single control bytes inside frames
	Noise      uint64 // single bytes outside STX and the terminator
}

// Framer cuts a stream of bytes into frames. How the stream is cut into calls
// of Push makes no difference. It is not safe for concurrent use.
type Framer struct {
	f      Framing
	buf    []byte
	inside bool // after STX, or always when there is none
	skip   bool // the frame is too long: ignore it to its end
	sawCR  bool // for CRLF
	last   time.Time
	drops  Drops
}

// NewFramer returns a framer. The error is a *port.OptionError.
func NewFramer(f Framing) (*Framer, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	f = f.withDefaults()
	return &Framer{f: f, buf: make([]byte, 0, min(f.Max, 512)), inside: !f.STX}, nil
}

// Drops returns the counters.
func (r *Framer) Drops() Drops { return r.drops }

// Push takes bytes that arrived at now and calls emit for every frame they
// complete. Times must not run backwards.
func (r *Framer) Push(now time.Time, b []byte, emit func(Frame)) {
	if len(b) == 0 {
		return
	}
	r.Tick(now, emit)
	r.last = now
	for _, c := range b {
		r.take(c, now, emit)
	}
}

// Tick tells the framer that it is now and nothing more arrived: a frame that
// ends by silence is emitted, one that was never finished is dropped.
func (r *Framer) Tick(now time.Time, emit func(Frame)) {
	if !r.pending() {
		return
	}
	switch quiet := now.Sub(r.last); {
	case r.f.Gap > 0 && quiet >= r.f.Gap:
		r.finish(r.last, emit)
	case r.f.Gap == 0 && quiet >= r.f.Stale:
		r.Reset()
	}
}

// Reset forgets an unfinished frame, for instance because the reader was
// unplugged in the middle of it.
func (r *Framer) Reset() {
	if r.pending() && !r.skip {
		r.drops.Unfinished++
	}
	r.clear()
}

// abandon drops the frame that is being collected, and what else comes up to
// its end: a part of it was lost.
func (r *Framer) abandon(now time.Time) {
	r.Reset()
	r.skip, r.last = true, now
}

// wait is how long after its last byte an unfinished frame needs a Tick; zero
// when there is none.
func (r *Framer) wait() time.Duration {
	switch {
	case !r.pending():
		return 0
	case r.f.Gap > 0:
		return r.f.Gap
	}
	return max(r.f.Stale, time.Millisecond)
}

func (r *Framer) pending() bool {
	return len(r.buf) > 0 || r.skip || r.sawCR || r.inside && r.f.STX
}

func (r *Framer) clear() {
	clear(r.buf)
	r.buf = r.buf[:0]
	r.skip, r.sawCR = false, false
	r.inside = !r.f.STX
}

func (r *Framer) take(c byte, now time.Time, emit func(Frame)) {
	if c == stx && r.f.STX {
		r.Reset() // a start inside a frame: the end of the last one was lost
		r.inside = true
		return
	}
	if r.ends(c) {
		r.finish(now, emit)
		return
	}
	switch {
	case !r.inside:
		r.drops.Noise++
	case r.skip, r.sawCR: // sawCR: c may be the first half of the terminator
	case isControl(rune(c)):
		r.drops.Control++
	case len(r.buf) == r.f.Max:
		r.drops.TooLong++
		clear(r.buf)
		r.buf = r.buf[:0]
		r.skip = true
	default:
		r.buf = append(r.buf, c)
	}
}

// ends says whether c completes the terminator.
func (r *Framer) ends(c byte) bool {
	switch r.f.Terminator {
	case TerminatorLine:
		return c == cr || c == lf
	case TerminatorCR:
		return c == cr
	case TerminatorLF:
		return c == lf
	case TerminatorETX:
		return c == etx
	case TerminatorCRLF:
		end := c == lf && r.sawCR
		if r.sawCR && !end && r.inside {
			r.drops.Control++ // a CR on its own after all
		}
		r.sawCR = c == cr
		return end
	}
	return false
}

// finish ends the frame that is being collected and emits what is left of it.
func (r *Framer) finish(at time.Time, emit func(Frame)) {
	defer r.clear()
	if r.skip || len(r.buf) == 0 {
		return // an LF after a CR, for instance
	}
	text, symbology, ok := r.f.strip(string(r.buf))
	switch {
	case !ok:
		r.drops.Unframed++
	case text == "":
		r.drops.Empty++
	default:
		emit(Frame{Text: gate.Private(text), Symbology: symbology, At: at})
	}
}
