package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Mask is a name as staff may see it: enough to ask "Zhang?", not enough to
// know who it is. A Chinese name keeps its first character (张*), a name in
// separate words the first letter of each (J* S*). How long the name was does
// not show.
func Mask(name string) string {
	words := strings.Fields(norm.NFKC.String(name))
	if len(words) > 0 && !latinWord(words[0]) {
		words = words[:1]
	}
	if len(words) > maxMasked {
		words = words[:maxMasked]
	}
	for i, w := range words {
		r, _ := utf8.DecodeRuneInString(w)
		words[i] = string(r) + "*"
	}
	return strings.Join(words, " ")
}

const maxMasked = 4

func latinWord(w string) bool {
	r, _ := utf8.DecodeRuneInString(w)
	return unicode.Is(unicode.Latin, r)
}

// MaskNumber is a document's number as staff may see it: its last four
// characters, or the last two of a number shorter than twelve, behind ****.
// Of a text that is no number, or shorter than six, nothing shows.
func MaskNumber(number string) string {
	const mask = "****"
	n, err := compact(number)
	switch {
	case err != nil || len(n) < 6:
		return mask
	case len(n) < 12:
		return mask + n[len(n)-2:]
	}
	return mask + n[len(n)-4:]
}
