package pack

import (
	"encoding/hex"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads one line of JSON, strictly and without allocating: a million
// lines go through it at every installation, and the standard decoder would
// take most of that time. The first thing that does not fit stops it; field
// and why say what that was.
type scanner struct {
	b       []byte
	i       int
	field   string // of the top-level object, the one being read
	why     string
	scratch []byte // of strings with escapes
}

func (s *scanner) fail(why string) {
	if s.why == "" {
		s.why = why
	}
}

func (s *scanner) failed() bool { return s.why != "" }

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

// peek returns the next byte that is not white space, or zero at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) expect(c byte, why string) bool {
	if s.failed() {
		return false
	}
	if s.peek() != c {
		s.fail(why)
		return false
	}
	s.i++
	return true
}

// object calls each with the name of every field; each reads the value.
func (s *scanner) object(each func(name []byte)) {
	if !s.expect('{', "want an object") {
		return
	}
	if s.peek() == '}' {
		s.i++
		return
	}
	for {
		name, ok := s.plain()
		if !ok {
			s.fail("want a field's name")
			return
		}
		if !s.expect(':', "want a colon") {
			return
		}
		each(name)
		if s.failed() {
			return
		}
		if s.peek() == '}' {
			s.i++
			return
		}
		if !s.expect(',', "want a comma or the object's end") {
			return
		}
	}
}

// list calls each for every item, which reads it; at most so many.
func (s *scanner) list(most int, each func()) {
	if !s.expect('[', "want a list") {
		return
	}
	if s.peek() == ']' {
		s.i++
		return
	}
	for n := 0; ; n++ {
		if n == most {
			s.fail("too many")
			return
		}
		each()
		if s.failed() {
			return
		}
		if s.peek() == ']' {
			s.i++
			return
		}
		if !s.expect(',', "want a comma or the list's end") {
			return
		}
	}
}

// end checks that nothing follows.
func (s *scanner) end() {
	if !s.failed() && s.peek() != 0 {
		s.field = ""
		s.fail("more after the object")
	}
	if !s.failed() && s.i < len(s.b) {
		s.fail("a zero byte")
	}
}

// plain reads a string without escapes, as names, ids and tags are. The bytes
// are the line's.
func (s *scanner) plain() ([]byte, bool) {
	if s.failed() || s.peek() != '"' {
		return nil, false
	}
	start := s.i + 1
	for j := start; j < len(s.b); j++ {
		switch c := s.b[j]; {
		case c == '"':
			s.i = j + 1
			return s.b[start:j], true
		case c == '\\' || c < 0x20 || c >= 0x80:
			return nil, false
		}
	}
	return nil, false
}

// text reads a string of at most so many bytes.
func (s *scanner) text(most int) string {
	if raw, ok := s.plain(); ok {
		if len(raw) > most {
			s.fail("too long")
			return ""
		}
		return string(raw)
	}
	if s.failed() || s.peek() != '"' {
		s.fail("want a string")
		return ""
	}
	s.i++
	s.scratch = s.scratch[:0]
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return string(s.scratch)
		case c == '\\':
			s.escape()
		case c < 0x20:
			s.fail("a control character in a string")
		case c < utf8.RuneSelf:
			s.scratch = append(s.scratch, c)
			s.i++
		default:
			r, n := utf8.DecodeRune(s.b[s.i:])
			if r == utf8.RuneError && n == 1 {
				s.fail("not UTF-8")
			}
			s.scratch = append(s.scratch, s.b[s.i:s.i+n]...)
			s.i += n
		}
		if len(s.scratch) > most {
			s.fail("too long")
		}
		if s.failed() {
			return ""
		}
	}
	s.fail("a string without its end")
	return ""
}

// escape reads what follows a backslash.
func (s *scanner) escape() {
	s.i++
	if s.i >= len(s.b) {
		s.fail("a string without its end")
		return
	}
	c := s.b[s.i]
	s.i++
	switch c {
	case '"', '\\', '/':
		s.scratch = append(s.scratch, c)
	case 'b':
		s.scratch = append(s.scratch, '\b')
	case 'f':
		s.scratch = append(s.scratch, '\f')
	case 'n':
		s.scratch = append(s.scratch, '\n')
	case 'r':
		s.scratch = append(s.scratch, '\r')
	case 't':
		s.scratch = append(s.scratch, '\t')
	case 'u':
		r := s.unit()
		if utf16.IsSurrogate(r) {
			if s.i+1 >= len(s.b) || s.b[s.i] != '\\' || s.b[s.i+1] != 'u' {
				s.fail("half a character")
				return
			}
			s.i += 2
			if r = utf16.DecodeRune(r, s.unit()); r == utf8.RuneError {
				s.fail("half a character")
				return
			}
		}
		s.scratch = utf8.AppendRune(s.scratch, r)
	default:
		s.fail("an unknown escape")
	}
}

// unit reads four hex digits.
func (s *scanner) unit() rune {
	var b [2]byte
	if s.i+4 > len(s.b) {
		s.fail("an unknown escape")
		return 0
	}
	if _, err := hex.Decode(b[:], s.b[s.i:s.i+4]); err != nil {
		s.fail("an unknown escape")
		return 0
	}
	s.i += 4
	return rune(b[0])<<8 | rune(b[1])
}

// number reads a whole number of at most so many bits.
func (s *scanner) number(bits int) uint64 {
	s.peek()
	start := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	return s.digits(s.b[start:s.i], bits, "want a whole number")
}

// id reads a decimal number in a string: 64 bits do not fit into a number of
// JavaScript.
func (s *scanner) id() uint64 {
	raw, ok := s.plain()
	if !ok {
		s.fail("want a decimal number in a string")
		return 0
	}
	return s.digits(raw, 64, "want a decimal number in a string")
}

func (s *scanner) digits(d []byte, bits int, why string) uint64 {
	if s.failed() {
		return 0
	}
	if len(d) == 0 || len(d) > 20 || len(d) > 1 && d[0] == '0' {
		s.fail(why)
		return 0
	}
	var v uint64
	for _, c := range d {
		n := uint64(c - '0')
		if n > 9 {
			s.fail(why)
			return 0
		}
		if v > (1<<64-1-n)/10 {
			s.fail("too large")
			return 0
		}
		v = v*10 + n
	}
	if bits < 64 && v>>bits != 0 {
		s.fail("too large")
		return 0
	}
	return v
}

func (s *scanner) boolean() bool {
	s.peek()
	rest := s.b[s.i:]
	switch {
	case len(rest) >= 4 && string(rest[:4]) == "true":
		s.i += 4
		return true
	case len(rest) >= 5 && string(rest[:5]) == "false":
		s.i += 5
	default:
		s.fail("want true or false")
	}
	return false
}

// hex reads exactly len(into) bytes in hex digits.
func (s *scanner) hex(into []byte) {
	raw, ok := s.plain()
	if !ok || len(raw) != hex.EncodedLen(len(into)) {
		s.fail("want hex digits of the right number")
		return
	}
	if _, err := hex.Decode(into, raw); err != nil {
		s.fail("want hex digits")
	}
}
