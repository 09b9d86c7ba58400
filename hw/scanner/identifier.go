package scanner

import (
	"strings"

	"github.com/venuegate/venuegate/gate"
)

// aimLen is the length of an AIM identifier: ], the code letter, the modifier.
const aimLen = 3

// eciLen is the length of an ECI mark as readers send it: \ and six digits.
const eciLen = 7

// strip takes off what the reader added: the literal prefix and suffix, then
// the AIM identifier, then ECI marks. ok is false when something that must be
// there is not.
func (f Framing) strip(s string) (text string, symbology gate.Symbology, ok bool) {
	s, ok = strings.CutPrefix(s, f.Prefix)
	if !ok {
		return "", 0, false
	}
	s, ok = strings.CutSuffix(s, f.Suffix)
	if !ok {
		return "", 0, false
	}
	switch {
	case f.AIM == AIMOff:
	case hasAIM(s):
		symbology = gate.Symbology(s[1])
		s = s[aimLen:]
	case f.AIM == AIMRequire:
		return "", 0, false
	}
	if f.ECI {
		for hasECI(s) {
			s = s[eciLen:]
		}
	}
	return s, symbology, true
}

// hasAIM reports whether s starts with an AIM identifier: ISO/IEC 15424 has a
// letter for the symbology and a hexadecimal digit or letter as its modifier.
func hasAIM(s string) bool {
	return len(s) >= aimLen && s[0] == ']' && isLetter(s[1]) && (isLetter(s[2]) || isDigit(s[2]))
}

func hasECI(s string) bool {
	if len(s) < eciLen || s[0] != '\\' {
		return false
	}
	for i := 1; i < eciLen; i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
