package document

import (
	"bytes"
	"fmt"
)

// The SDT frame of SAM modules on a UART, from public reader manuals:
//
//	AA AA AA 96 69 | length BE16 | body | checksum
//
// The length counts the body and the checksum; the checksum is the XOR of the
// two length bytes and the body. A request's body is a command, a parameter and
// data; an answer's body is three status bytes and data.
const (
	preambleLen = 5
	headerLen   = preambleLen + 2
	statusLen   = 3
	// MaxAnswer bounds an answer frame. The longest in use carries text, photo
	// and fingerprints: 256 + 1024 + 1024 bytes and their lengths.
	MaxAnswer = 4096
)

func preamble() []byte { return []byte{0xAA, 0xAA, 0xAA, 0x96, 0x69} }

// Command is the two bytes that say what a request wants.
type Command [2]byte

// The commands of reading a card, and what their answers carry.
func cmdFind() Command   { return Command{0x20, 0x01} } // 4 bytes with StatusFound
func cmdSelect() Command { return Command{0x20, 0x02} } // 8 bytes
func cmdRead() Command   { return Command{0x30, 0x01} } // text and photo

// String names the command.
func (c Command) String() string {
	switch c {
	case cmdFind():
		return "find card"
	case cmdSelect():
		return "select card"
	case cmdRead():
		return "read card"
	}
	return fmt.Sprintf("command %02X %02X", c[0], c[1])
}

// AppendRequest appends the frame of a request to dst.
func AppendRequest(dst []byte, c Command, data ...byte) []byte {
	n := len(c) + len(data) + 1
	start := len(dst) + preambleLen
	dst = append(dst, preamble()...)
	dst = append(dst, byte(n>>8), byte(n), c[0], c[1])
	dst = append(dst, data...)
	return append(dst, xor(dst[start:]))
}

// FrameProblem is what is wrong with a frame.
type FrameProblem uint8

// The problems of frames.
const (
	FrameShort    FrameProblem = iota + 1 // more bytes are needed
	FramePreamble                         // no frame starts here
	FrameLength                           // a length that no answer has
	FrameChecksum
)

// FrameError says why bytes are not an answer frame.
type FrameError struct {
	Problem FrameProblem
	Offset  int // where in the bytes
}

// Error implements error.
func (e *FrameError) Error() string {
	what := "wrong checksum"
	switch e.Problem {
	case FrameShort:
		what = "frame is cut short"
	case FramePreamble:
		what = "no preamble"
	case FrameLength:
		what = "impossible length"
	}
	return fmt.Sprintf("card reader answer: %s at byte %d", what, e.Offset)
}

// Answer is a decoded answer frame. Data points into the bytes it was decoded
// from.
type Answer struct {
	Status Status
	Data   []byte
}

// DecodeAnswer decodes the answer frame at the start of b and returns how many
// bytes it took. The error is a *FrameError; with FrameShort, b is the start of
// what may become a frame.
func DecodeAnswer(b []byte) (Answer, int, error) {
	for i, want := range preamble() {
		if i == len(b) {
			return Answer{}, 0, &FrameError{FrameShort, i}
		}
		if b[i] != want {
			return Answer{}, 0, &FrameError{FramePreamble, i}
		}
	}
	if len(b) < headerLen {
		return Answer{}, 0, &FrameError{FrameShort, len(b)}
	}
	n := int(b[preambleLen])<<8 | int(b[preambleLen+1])
	if n < statusLen+1 || headerLen+n > MaxAnswer {
		return Answer{}, 0, &FrameError{FrameLength, preambleLen}
	}
	if len(b) < headerLen+n {
		return Answer{}, 0, &FrameError{FrameShort, len(b)}
	}
	end := headerLen + n - 1
	if xor(b[preambleLen:end]) != b[end] {
		return Answer{}, 0, &FrameError{FrameChecksum, end}
	}
	return Answer{
		Status: Status{b[headerLen], b[headerLen+1], b[headerLen+2]},
		Data:   b[headerLen+statusLen : end],
	}, end + 1, nil
}

// frameStart returns where in b the first frame may start, len(b) for nowhere:
// a full preamble, or the start of one at the very end.
func frameStart(b []byte) int {
	p := preamble()
	if i := bytes.Index(b, p); i >= 0 {
		return i
	}
	for i := max(0, len(b)-len(p)+1); i < len(b); i++ {
		if bytes.HasPrefix(p, b[i:]) {
			return i
		}
	}
	return len(b)
}

func xor(b []byte) (x byte) {
	for _, c := range b {
		x ^= c
	}
	return x
}
