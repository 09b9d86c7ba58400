package blueprint

import (
	"bytes"

	"github.com/venuegate/venuegate/gate"
)

// The frame, as the table in the package's comment has it.
const (
	start    = 0x52
	overhead = 3 // start, length and checksum
)

// Drops counts what a Decoder threw away, by reason.
type Drops struct {
	Noise      uint64 // single bytes outside frames
	Checksum   uint64 // frames with a wrong checksum
	Unfinished uint64 // frames that stopped half-way
	Empty      uint64 // frames without text
}

// Decoder finds frames in a stream of bytes. How the stream is cut into calls of
// Push makes no difference. What it keeps is less than one frame, and a length
// of one byte bounds that. The zero value is ready.
type Decoder struct {
	buf   []byte
	drops Drops
}

// Drops returns the counters.
func (d *Decoder) Drops() Drops { return d.drops }

// Push takes bytes and calls emit for every frame that they complete.
func (d *Decoder) Push(b []byte, emit func(gate.Private)) {
	d.buf = append(d.buf, b...)
	for {
		skip := bytes.IndexByte(d.buf, start)
		if skip < 0 {
			skip = len(d.buf)
		}
		d.drops.Noise += uint64(skip)
		d.drop(skip)
		if len(d.buf) < 2 || len(d.buf) < int(d.buf[1])+overhead {
			return
		}
		end := int(d.buf[1]) + overhead - 1
		switch {
		case xor(d.buf[1:end]) != d.buf[end]:
			// Only the start is dropped: a good frame may begin inside a bad one.
			d.drops.Checksum++
			d.drop(1)
			continue
		case end == overhead-1:
			d.drops.Empty++
		default:
			emit(gate.Private(d.buf[2:end]))
		}
		d.drop(end + 1)
	}
}

// Quiet tells the decoder that nothing came for a while.
func (d *Decoder) Quiet() {
	if len(d.buf) > 0 {
		d.drops.Unfinished++
	}
	d.drop(len(d.buf))
}

// drop forgets the first n bytes, and overwrites where they were.
func (d *Decoder) drop(n int) {
	rest := copy(d.buf, d.buf[n:])
	clear(d.buf[rest:])
	d.buf = d.buf[:rest]
}

func xor(b []byte) (x byte) {
	for _, c := range b {
		x ^= c
	}
	return x
}
