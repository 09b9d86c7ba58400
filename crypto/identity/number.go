package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bounds on what is read, in bytes, before and after it is normalised.
const (
	maxRaw    = 1024
	maxNumber = 64
)

// Number returns the normal form of a document's number: NFKC, ASCII letters
// in upper case, without white space and the characters - . / ‹ · <. What is
// left must be digits and letters A–Z.
//
// A resident number is 17 digits and a valid check character (GB 11643); one
// of 15 digits is converted. Permits and foreigners' cards of 18 characters
// have the same check. A travel permit of Hong Kong or Macao (H or M and ten
// digits) loses its two digits of re-issue count.
func Number(typ Type, number string) (string, error) {
	if typ < Resident || typ > Other {
		return "", wrong(PartType, ProblemUnknown)
	}
	n, err := compact(number)
	if err != nil {
		return "", err
	}
	switch {
	case typ == Resident:
		return residentNumber(n)
	case typ == Travel:
		return travelNumber(n), nil
	case typ.chinese() && len(n) == 18:
		return checked(n)
	}
	return n, nil
}

// compact is the part of the normal form that all types share.
func compact(number string) (string, error) {
	if len(number) > maxRaw {
		return "", wrong(PartNumber, ProblemTooLong)
	}
	if !utf8.ValidString(number) {
		return "", wrong(PartNumber, ProblemEncoding)
	}
	var b strings.Builder
	for _, r := range norm.NFKC.String(number) {
		switch {
		case 'a' <= r && r <= 'z':
			b.WriteRune(r - 'a' + 'A')
		case '0' <= r && r <= '9', 'A' <= r && r <= 'Z':
			b.WriteRune(r)
		case unicode.IsSpace(r), strings.ContainsRune("-./‹·<", r):
		default:
			return "", wrong(PartNumber, ProblemCharacter)
		}
	}
	switch {
	case b.Len() == 0:
		return "", wrong(PartNumber, ProblemEmpty)
	case b.Len() > maxNumber:
		return "", wrong(PartNumber, ProblemTooLong)
	}
	return b.String(), nil
}

// residentNumber checks a resident number, and brings the 15 digits of cards
// issued before 1999 to 18: the century, and a check character.
func residentNumber(n string) (string, error) {
	switch len(n) {
	case 18:
		return checked(n)
	case 15:
		if !digits(n) {
			return "", wrong(PartNumber, ProblemCharacter)
		}
		n = n[:6] + "19" + n[6:]
		return n + string(checkCharacter(n)), nil
	}
	return "", wrong(PartNumber, ProblemLength)
}

// checked returns a number of 17 digits and a check character if it fits.
func checked(n string) (string, error) {
	last := n[17]
	if !digits(n[:17]) || (last != 'X' && !digits(n[17:])) {
		return "", wrong(PartNumber, ProblemCharacter)
	}
	if checkCharacter(n[:17]) != last {
		return "", wrong(PartNumber, ProblemCheck)
	}
	return n, nil
}

// checkCharacter is that of GB 11643 (ISO 7064, MOD 11-2) over 17 digits.
func checkCharacter(digits string) byte {
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += w * int(digits[i]-'0')
	}
	return "10X98765432"[sum%11]
}

// travelNumber drops the re-issue count that older travel permits of Hong Kong
// and Macao print behind their letter and eight digits.
func travelNumber(n string) string {
	if len(n) == 11 && (n[0] == 'H' || n[0] == 'M') && digits(n[1:]) {
		return n[:9]
	}
	return n
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Country returns the normal form of a document's country: the three letters
// of the ICAO issuing state. Germany's D, with or without its filler, is DEU.
// Types whose country is always China return CHN whatever they are given.
func Country(typ Type, country string) (string, error) {
	if typ < Resident || typ > Other {
		return "", wrong(PartType, ProblemUnknown)
	}
	if typ.chinese() {
		return "CHN", nil
	}
	if country == "" {
		return "", wrong(PartCountry, ProblemEmpty)
	}
	if len(country) > maxRaw {
		return "", wrong(PartCountry, ProblemTooLong)
	}
	c := strings.TrimSpace(norm.NFKC.String(country))
	c = strings.TrimRight(upperASCII(c), "<")
	if c == "D" {
		return "DEU", nil
	}
	if len(c) != 3 {
		return "", wrong(PartCountry, ProblemForm)
	}
	for i := range len(c) {
		if c[i] < 'A' || c[i] > 'Z' {
			return "", wrong(PartCountry, ProblemForm)
		}
	}
	return c, nil
}

// upperASCII folds a–z and nothing else, so that every implementation folds
// alike.
func upperASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}
