package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Script is the script that a name is written and compared in.
type Script uint8

// The scripts.
const (
	Chinese Script = 1
	Latin   Script = 2
)

// Name returns the normal form of a name.
//
// Chinese: NFKC, no white space, and the dot between the parts of a name (of
// which keyboards and card readers know a dozen) as U+00B7.
//
// Latin: as a machine-readable zone transliterates it (ICAO Doc 9303 part 3,
// section 6), A–Z and single spaces; where that allows a choice, the first
// (Ä is AE, Ñ is N). Hyphens and commas are spaces, apostrophes and full stops
// nothing.
func Name(script Script, name string) (string, error) {
	if len(name) > maxRaw {
		return "", wrong(PartName, ProblemTooLong)
	}
	if !utf8.ValidString(name) {
		return "", wrong(PartName, ProblemEncoding)
	}
	n, err := "", error(nil)
	switch script {
	case Chinese:
		n = chineseName(name)
	case Latin:
		n, err = latinName(name)
	default:
		err = wrong(PartName, ProblemUnknown)
	}
	if err == nil && n == "" {
		err = wrong(PartName, ProblemEmpty)
	}
	return n, err
}

// nameDots are what is typed, printed or delivered for the dot in a Chinese
// name. NFKC has turned the half-width and full-width ones into these.
const nameDots = "·.•‧∙⋅・⸱ꞏ᛫●"

const nameDot = '·'

// chineseName normalises twice: what the first pass leaves on either side of a
// dropped space may compose.
func chineseName(name string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return -1
		case strings.ContainsRune(nameDots, r):
			return nameDot
		}
		return r
	}, norm.NFKC.String(name))
	return norm.NFKC.String(clean)
}

// latinName transliterates rune by rune.
func latinName(name string) (string, error) {
	var b strings.Builder
	space := false
	// NFKC would pull these two apart: the Catalan letter into L and a dot,
	// the acute accent used as an apostrophe into a space and a mark.
	name = strings.NewReplacer("Ŀ", "L", "ŀ", "l", "´", "'").Replace(name)
	for _, r := range norm.NFKC.String(name) {
		out, ok := latinRune(r)
		if !ok {
			return "", wrong(PartName, ProblemCharacter)
		}
		if out == " " {
			space = b.Len() > 0
			continue
		}
		if out != "" && space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteString(out)
	}
	return b.String(), nil
}

// latinRune is what a machine-readable zone has for a character: letters, a
// space, or nothing.
func latinRune(r rune) (string, bool) {
	u := unicode.ToUpper(r)
	switch {
	case 'A' <= u && u <= 'Z' && u < utf8.RuneSelf:
		return string(u), true
	case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), strings.ContainsRune("<,·−", r):
		return " ", true
	case strings.ContainsRune(".'’‘ʼʻ`", r), unicode.Is(unicode.Mn, r):
		return "", true
	}
	switch u {
	case 'Ä', 'Æ':
		return "AE", true
	case 'Å':
		return "AA", true
	case 'Ö', 'Ø', 'Œ':
		return "OE", true
	case 'Ü':
		return "UE", true
	case 'ß', 'ẞ':
		return "SS", true
	case 'Þ':
		return "TH", true
	case 'Ð', 'Đ':
		return "D", true
	case 'Ə':
		return "E", true
	case 'Ħ':
		return "H", true
	case 'Ł':
		return "L", true
	case 'Ŋ':
		return "N", true
	case 'Ŧ':
		return "T", true
	}
	// What is left are letters with marks: the base letter counts.
	base, _ := utf8.DecodeRuneInString(norm.NFD.String(string(u)))
	if base != u && 'A' <= base && base <= 'Z' {
		return string(base), true
	}
	return "", false
}
