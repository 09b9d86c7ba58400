package barrier

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
)

// maxPattern bounds a pattern of the feedback line, in bytes.
const maxPattern = 64

// ParsePattern turns a pattern as it stands in the configuration into bytes: hex
// digits after "hex:", spaces allowed, or else the text itself.
func ParsePattern(s string) ([]byte, error) {
	b := []byte(s)
	if digits, ok := strings.CutPrefix(s, "hex:"); ok {
		var err error
		if b, err = hex.DecodeString(strings.ReplaceAll(digits, " ", "")); err != nil {
			return nil, errors.New("is not an even number of hex digits")
		}
	}
	switch {
	case len(b) == 0:
		return nil, errors.New("is empty")
	case len(b) > maxPattern:
		return nil, errors.New("is longer than 64 bytes")
	}
	return b, nil
}

// matcher finds patterns in a stream of bytes, however the stream is cut. Where
// two end at the same byte the longer wins, so READY is not found in NOTREADY.
type matcher struct {
	patterns [][]byte // nil entries never match
	tail     []byte
}

func newMatcher(patterns ...[]byte) *matcher { return &matcher{patterns: patterns} }

// push takes bytes and calls found with the index of each pattern they complete.
func (m *matcher) push(b []byte, found func(int)) {
	for _, c := range b {
		if len(m.tail) == maxPattern {
			m.tail = append(m.tail[:0], m.tail[1:]...)
		}
		m.tail = append(m.tail, c)
		best := -1
		for i, p := range m.patterns {
			if len(p) > 0 && bytes.HasSuffix(m.tail, p) && (best < 0 || len(p) > len(m.patterns[best])) {
				best = i
			}
		}
		if best >= 0 {
			m.reset()
			found(best)
		}
	}
}

func (m *matcher) reset() { m.tail = m.tail[:0] }
