package document

import "errors"

// Decoder finds answer frames in a stream of bytes, whatever noise or torn
// frames stand between them. Bytes are read straight into its buffer, so that a
// photograph lies in one place only and Wipe is all it takes to forget it.
type Decoder struct {
	buf   []byte
	start int
}

// NewDecoder returns a decoder with room for one frame of the largest size.
func NewDecoder() *Decoder { return &Decoder{buf: make([]byte, 0, MaxAnswer)} }

// Space returns where to read the next bytes to; it is never empty once Next
// has returned FrameShort. Say with Filled how many there were.
func (d *Decoder) Space() []byte {
	if d.start > 0 {
		n := copy(d.buf, d.buf[d.start:])
		clear(d.buf[n:])
		d.buf, d.start = d.buf[:n], 0
	}
	return d.buf[len(d.buf):cap(d.buf)]
}

// Filled adds the first n bytes of what Space returned.
func (d *Decoder) Filled(n int) { d.buf = d.buf[:len(d.buf)+n] }

// Next returns the next answer, which is valid until the next call of Space or
// Wipe. The error is a *FrameError: FrameShort asks for more bytes, after
// FrameChecksum and FrameLength the search goes on behind the bad preamble.
func (d *Decoder) Next() (Answer, error) {
	d.start += frameStart(d.buf[d.start:])
	a, n, err := DecodeAnswer(d.buf[d.start:])
	var fe *FrameError
	if errors.As(err, &fe) && fe.Problem != FrameShort {
		d.start += preambleLen
	}
	d.start += n
	return a, err
}

// Wipe overwrites all bytes held and starts anew.
func (d *Decoder) Wipe() {
	clear(d.buf[:cap(d.buf)])
	d.buf, d.start = d.buf[:0], 0
}
