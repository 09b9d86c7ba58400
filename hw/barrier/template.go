package barrier

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxTemplate bounds a frame of a gate board, in bytes.
const maxTemplate = 64

// Template is one frame of a gate board as the configuration writes it: bytes in
// hex and words in braces, apart by spaces.
//
//	{addr}     the board's address
//	{~sum}     complement of the sum of all bytes before
//	{sum}      that sum
//	{xor}      exclusive or of all bytes before
//
// and only in answers
//
//	??         any byte
//	{left:3}   passages to the left, 3 bytes, high byte first; 1 to 4
//	{right:3}  passages to the right
//	{fault}    zero while the turnstile works
//	{fire}     zero while there is no fire signal
//	{done:55}  55 when the last command was carried out
type Template struct {
	parts []part
	size  int
}

type word int

const (
	wordByte word = iota
	wordAny
	wordAddr
	wordNotSum
	wordSum
	wordXor
	wordLeft
	wordRight
	wordFault
	wordFire
	wordDone
)

type part struct {
	word  word
	value byte // of wordByte and wordDone
	size  int
}

// ParseTemplate reads a frame. Answers may say more than questions.
func ParseTemplate(s string, answer bool) (Template, error) {
	var t Template
	for _, field := range strings.Fields(s) {
		p, err := parsePart(field)
		switch {
		case err != nil:
			return Template{}, fmt.Errorf("%q %w", clip(field), err)
		case !answer && (p.word == wordAny || p.word >= wordLeft):
			return Template{}, fmt.Errorf("%q is for answers only", field)
		case p.word >= wordLeft && t.has(p.word):
			return Template{}, fmt.Errorf("%q stands there twice", field)
		}
		t.parts = append(t.parts, p)
		if t.size += p.size; t.size > maxTemplate {
			return Template{}, fmt.Errorf("is longer than %d bytes", maxTemplate)
		}
	}
	switch {
	case len(t.parts) == 0:
		return Template{}, errors.New("is empty")
	case answer && t.parts[0].word != wordByte:
		return Template{}, errors.New("does not begin with a byte by which it is found")
	case answer && !t.has(wordNotSum) && !t.has(wordSum) && !t.has(wordXor):
		return Template{}, errors.New("has no checksum")
	}
	return t, nil
}

func clip(s string) string { return s[:min(len(s), 16)] }

func parsePart(s string) (part, error) {
	plain := map[string]word{
		"??": wordAny, "{addr}": wordAddr, "{~sum}": wordNotSum, "{sum}": wordSum, "{xor}": wordXor,
		"{fault}": wordFault, "{fire}": wordFire,
	}
	if w, ok := plain[s]; ok {
		return part{word: w, size: 1}, nil
	}
	inner, braced := strings.CutPrefix(s, "{")
	if !braced {
		b, err := hexByte(s)
		return part{word: wordByte, value: b, size: 1}, err
	}
	inner, closed := strings.CutSuffix(inner, "}")
	name, value, _ := strings.Cut(inner, ":")
	if !closed {
		return part{}, errors.New("has no closing brace")
	}
	switch name {
	case "left", "right":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > 4 {
			return part{}, errors.New("does not say how many bytes, 1 to 4")
		}
		w := wordLeft
		if name == "right" {
			w = wordRight
		}
		return part{word: w, size: n}, nil
	case "done":
		b, err := hexByte(value)
		return part{word: wordDone, value: b, size: 1}, err
	}
	return part{}, errors.New("is not a word of a frame")
}

func hexByte(s string) (byte, error) {
	v, err := strconv.ParseUint(s, 16, 8)
	if err != nil || len(s) != 2 {
		return 0, errors.New("is not a byte of two hex digits")
	}
	return byte(v), nil
}

func (t Template) has(w word) bool { return t.find(w) != nil }

func (t Template) find(w word) *part {
	for i := range t.parts {
		if t.parts[i].word == w {
			return &t.parts[i]
		}
	}
	return nil
}

// build makes a frame for the board at addr.
func (t Template) build(addr byte) []byte {
	b := make([]byte, 0, t.size)
	for _, p := range t.parts {
		c := p.value
		if p.word == wordAddr {
			c = addr
		} else if sum, ok := checksum(p.word, b); ok {
			c = sum
		}
		b = append(b, c)
	}
	return b
}

func checksum(w word, before []byte) (c byte, ok bool) {
	for _, b := range before {
		if w == wordXor {
			c ^= b
		} else {
			c += b
		}
	}
	if w == wordNotSum {
		c = ^c
	}
	return c, w == wordNotSum || w == wordSum || w == wordXor
}

// boardStatus is what an answer says.
type boardStatus struct {
	left, right         uint32
	fault, fire         byte
	done                bool // the last command was carried out; true where nothing is said
	leftBits, rightBits int  // width of the counters; zero without
}

// match reads an answer off the beginning of b. ok is false where b cannot be
// one; short asks for more bytes; a wrong checksum is ErrChecksum.
func (t Template) match(b []byte, addr byte) (s boardStatus, ok, short bool, err error) {
	s.done = true
	at := 0
	for _, p := range t.parts {
		if at+p.size > len(b) {
			return s, true, true, nil
		}
		v := uint32(0)
		for _, c := range b[at : at+p.size] {
			v = v<<8 | uint32(c)
		}
		want, sums := checksum(p.word, b[:at])
		switch {
		case p.word == wordByte && byte(v) != p.value, p.word == wordAddr && byte(v) != addr:
			return s, false, false, nil
		case sums && byte(v) != want:
			return s, false, false, ErrChecksum
		}
		s.take(p, v)
		at += p.size
	}
	return s, true, false, nil
}

func (s *boardStatus) take(p part, v uint32) {
	switch p.word {
	case wordLeft:
		s.left, s.leftBits = v, 8*p.size
	case wordRight:
		s.right, s.rightBits = v, 8*p.size
	case wordFault:
		s.fault = byte(v)
	case wordFire:
		s.fire = byte(v)
	case wordDone:
		s.done = byte(v) == p.value
	}
}

// answers returns a parser that finds an answer of the board at addr. The answer
// it returns is the whole frame.
func (t Template) answers(addr byte) answerParser {
	return func(in []byte) (answer, rest []byte, dropped error) {
		for ; len(in) > 0; in = in[1:] {
			_, ok, short, err := t.match(in, addr)
			switch {
			case err != nil:
				dropped = err
			case ok && short:
				return nil, in, dropped
			case ok:
				return in[:t.size], in[t.size:], dropped
			}
		}
		return nil, nil, dropped
	}
}
