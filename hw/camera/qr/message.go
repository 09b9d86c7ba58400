package qr

import (
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"golang.org/x/text/encoding"
)

// message is what a code holds, as segments of different alphabets.
type message struct {
	bytes []byte
	at    int // bits read
	text  []byte
}

// take reads n bits, at most 16; what lies behind the end is 0.
func (m *message) take(n int) int {
	v := 0
	for ; n > 0; n-- {
		v <<= 1
		if i := m.at >> 3; i < len(m.bytes) {
			v |= int(m.bytes[i]>>(7-m.at&7)) & 1
		}
		m.at++
	}
	return v
}

func (m *message) left() int { return 8*len(m.bytes) - m.at }

// Modes of segments.
const (
	modeEnd          = 0
	modeNumeric      = 1
	modeAlphanumeric = 2
	modeAppend       = 3
	modeByte         = 4
	modeECI          = 7
)

// Character sets whose bytes are the text.
const (
	eciUTF8  = 26
	eciASCII = 27
)

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// parse reads all segments. Bytes without a mark are taken as they are, without
// guessing a character set, as a scanner on a serial line delivers them. What
// tickets never hold (other character sets, Chinese and Japanese characters in
// modes of their own, FNC1) is left to the library.
func (m *message) parse(l *layout, level decoder.ErrorCorrectionLevel) bool {
	m.at, m.text = 0, m.text[:0]
	class := (l.version.GetVersionNumber() + 7) / 17 // 0, 1, 2: to 9, to 26, to 40
	for m.left() >= 4 {
		ok := true
		switch m.take(4) {
		case modeEnd:
			return len(m.text) > 0
		case modeNumeric:
			ok = m.numeric(m.take(10 + 2*class))
		case modeAlphanumeric:
			ok = m.alphanumeric(m.take(9 + 2*class))
		case modeByte:
			ok = m.byteSegment(m.take(8 + 8*min(class, 1)))
		case modeAppend:
			m.take(16)
		case modeECI:
			if n := m.eci(); n != eciASCII && n != eciUTF8 {
				return m.foreign(l, level)
			}
		default:
			return m.foreign(l, level)
		}
		if !ok {
			return false
		}
	}
	return len(m.text) > 0
}

func (m *message) numeric(n int) bool {
	for n > 0 {
		digits := min(n, 3)
		bits := 3*digits + 1
		if m.left() < bits {
			return false
		}
		v := m.take(bits)
		scale := [...]int{1, 10, 100, 1000}
		if v >= scale[digits] {
			return false
		}
		for i := digits - 1; i >= 0; i-- {
			m.text = append(m.text, byte('0'+v/scale[i]%10))
		}
		n -= digits
	}
	return true
}

func (m *message) alphanumeric(n int) bool {
	const base = len(alphanumeric)
	for ; n >= 2; n -= 2 {
		if m.left() < 11 {
			return false
		}
		v := m.take(11)
		if v >= base*base {
			return false
		}
		m.text = append(m.text, alphanumeric[v/base], alphanumeric[v%base])
	}
	if n == 0 {
		return true
	}
	if m.left() < 6 {
		return false
	}
	v := m.take(6)
	if v >= base {
		return false
	}
	m.text = append(m.text, alphanumeric[v])
	return true
}

func (m *message) byteSegment(n int) bool {
	if m.left() < 8*n {
		return false
	}
	for range n {
		m.text = append(m.text, byte(m.take(8)))
	}
	return true
}

// eci reads the number of a character set, of 1 to 3 bytes.
func (m *message) eci() int {
	switch first := m.take(8); {
	case first&0xc0 == 0x80:
		return first&0x3f<<8 | m.take(8)
	case first&0xe0 == 0xc0:
		return first&0x1f<<16 | m.take(16)
	default:
		return first
	}
}

// foreign has the library read the whole message. It is third-party code on
// arbitrary bytes, and panics on some: a panic is a message that cannot be read.
func (m *message) foreign(l *layout, level decoder.ErrorCorrectionLevel) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	res, err := decoder.DecodedBitStreamParser_Decode(m.bytes, l.version, level, map[gozxing.DecodeHintType]any{
		gozxing.DecodeHintType_CHARACTER_SET: encoding.Nop,
	})
	if err != nil {
		return false
	}
	m.text = append(m.text[:0], res.GetText()...)
	return len(m.text) > 0
}
