package ticket

// base45Alphabet is the alphabet of RFC 9285: what QR alphanumeric mode holds.
const base45Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// base45Digit maps a character to its digit plus one, and everything outside
// the alphabet to zero. Lower-case ASCII letters count as upper case, because
// readers in keyboard mode swap case; nothing else is folded.
var base45Digit = [256]uint8{
	'0': 1, '1': 2, '2': 3, '3': 4, '4': 5, '5': 6, '6': 7, '7': 8, '8': 9, '9': 10,
	'A': 11, 'B': 12, 'C': 13, 'D': 14, 'E': 15, 'F': 16, 'G': 17, 'H': 18, 'I': 19,
	'J': 20, 'K': 21, 'L': 22, 'M': 23, 'N': 24, 'O': 25, 'P': 26, 'Q': 27, 'R': 28,
	'S': 29, 'T': 30, 'U': 31, 'V': 32, 'W': 33, 'X': 34, 'Y': 35, 'Z': 36,
	'a': 11, 'b': 12, 'c': 13, 'd': 14, 'e': 15, 'f': 16, 'g': 17, 'h': 18, 'i': 19,
	'j': 20, 'k': 21, 'l': 22, 'm': 23, 'n': 24, 'o': 25, 'p': 26, 'q': 27, 'r': 28,
	's': 29, 't': 30, 'u': 31, 'v': 32, 'w': 33, 'x': 34, 'y': 35, 'z': 36,
	' ': 37, '$': 38, '%': 39, '*': 40, '+': 41, '-': 42, '.': 43, '/': 44, ':': 45,
}

// AppendBase45 appends the Base45 form of src (RFC 9285, upper case) to dst.
func AppendBase45(dst, src []byte) []byte {
	for len(src) >= 2 {
		v := uint32(src[0])<<8 | uint32(src[1])
		dst = append(dst, base45Alphabet[v%45], base45Alphabet[v/45%45], base45Alphabet[v/2025])
		src = src[2:]
	}
	if len(src) == 1 {
		v := uint32(src[0])
		dst = append(dst, base45Alphabet[v%45], base45Alphabet[v/45])
	}
	return dst
}

// AppendBase45Decoded appends the bytes that text stands for to dst. It is
// strict: a character outside the alphabet, a triple above 65535, a pair above
// 255 and a lone last character are a [*MalformedError], so that a text has
// exactly one payload and, apart from letter case, a payload exactly one text.
func AppendBase45Decoded(dst []byte, text string) ([]byte, error) {
	return appendBase45Decoded(dst, text, 0)
}

// appendBase45Decoded decodes text from character i on.
func appendBase45Decoded(dst []byte, text string, i int) ([]byte, error) {
	for ; len(text)-i >= 3; i += 3 {
		a, b, c := base45Digit[text[i]], base45Digit[text[i+1]], base45Digit[text[i+2]]
		if a == 0 || b == 0 || c == 0 {
			return dst, notBase45(text, i)
		}
		v := uint32(a-1) + 45*uint32(b-1) + 2025*uint32(c-1)
		if v > 0xffff {
			return dst, malformed(fieldBase45, i, "three characters above 65535")
		}
		dst = append(dst, byte(v>>8), byte(v))
	}
	switch len(text) - i {
	case 2:
		a, b := base45Digit[text[i]], base45Digit[text[i+1]]
		if a == 0 || b == 0 {
			return dst, notBase45(text, i)
		}
		v := uint32(a-1) + 45*uint32(b-1)
		if v > 0xff {
			return dst, malformed(fieldBase45, i, "two characters above 255")
		}
		dst = append(dst, byte(v))
	case 1:
		if base45Digit[text[i]] == 0 {
			return dst, notBase45(text, i)
		}
		return dst, malformed(fieldBase45, i, "a lone last character")
	}
	return dst, nil
}

// notBase45 names the first character from i on that is outside the alphabet.
func notBase45(text string, i int) error {
	for i < len(text) && base45Digit[text[i]] != 0 {
		i++
	}
	return malformed(fieldBase45, i, "a character outside the Base45 alphabet")
}
