package scanner

import (
	"fmt"
	"testing"
	"time"
)

// FuzzFramer feeds noise, whole and in pieces, to a framer of any profile.
func FuzzFramer(f *testing.F) {
	f.Add([]byte("]Q1VG1.AAAA\r\nVG1.BBBB\r\n"), uint8(0), uint8(1))
	f.Add([]byte("\x02]Q2\\000026one\x03\x02two\x02three\x03"), uint8(0x1C), uint8(3))
	f.Add([]byte("no end in sight, no end at all, and more than the profile allows"), uint8(3), uint8(7))
	f.Add([]byte{0xAA, 0xAA, 0xAA, 0x96, 0x69, 0x00, 0x04, 0x0D, 0x0A, 0x7F, 0xFF}, uint8(0x42), uint8(2))
	terminators := []Terminator{TerminatorLine, TerminatorCR, TerminatorLF, TerminatorCRLF, TerminatorETX, TerminatorGap}
	aims := []AIM{AIMAuto, AIMRequire, AIMOff}
	f.Fuzz(func(t *testing.T, in []byte, profile, piece uint8) {
		p := int(profile)
		framing := Framing{
			Terminator: terminators[p%6], STX: p/6%2 == 1, AIM: aims[p/12%3], ECI: p/36%2 == 1,
			Max: 32, Gap: time.Second,
		}
		if p/72%2 == 1 {
			framing.Prefix, framing.Suffix = "<", ">"
		}
		run := func(size int) (frames []string, drops Drops) {
			r, err := NewFramer(framing)
			if err != nil {
				t.Fatal(err)
			}
			emit := func(f Frame) {
				if n := len(f.Text.Reveal()); n == 0 || n > framing.Max {
					t.Fatalf("a frame of %d bytes", n)
				}
				frames = append(frames, show(f))
			}
			for b := in; len(b) > 0; {
				n := min(size, len(b))
				r.Push(epoch, b[:n], emit)
				b = b[n:]
			}
			r.Tick(epoch.Add(time.Hour), emit)
			r.Reset()
			return frames, r.Drops()
		}
		whole, wholeDrops := run(max(len(in), 1))
		pieces, piecesDrops := run(int(piece) + 1)
		if fmt.Sprintf("%q", whole) != fmt.Sprintf("%q", pieces) || wholeDrops != piecesDrops {
			t.Errorf("cutting changes the frames:\n%q %+v\n%q %+v", whole, wholeDrops, pieces, piecesDrops)
		}
	})
}
