package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"time"
)

// TagSize is the size of a tag in bytes. A ticket's body carries the first
// eight.
const TagSize = 16

// Leading bytes of what is tagged, beside the document types.
const (
	leadNameChinese = 0x80
	leadNameLatin   = 0x81
	leadBirth       = 0x82
)

// Tag returns the keyed tag of a document:
//
//	HMAC-SHA256(key, type ‖ country ‖ normal form of the number)[:16]
//
// The key is the event's document key. The error is an [*Error].
func Tag(key []byte, typ Type, country, number string) ([TagSize]byte, error) {
	c, err := Country(typ, country)
	if err != nil {
		return [TagSize]byte{}, err
	}
	n, err := Number(typ, number)
	if err != nil {
		return [TagSize]byte{}, err
	}
	return keyed(key, byte(typ), c+n)
}

// NameTag returns the keyed tag of a name: HMAC-SHA256(key, 0x80 ‖ name)[:16]
// for a name in Chinese script, 0x81 for one in Latin script, the name in its
// normal form. Nothing tells which tag a person's ticket holds: where a
// document has both names, compare both.
func NameTag(key []byte, script Script, name string) ([TagSize]byte, error) {
	n, err := Name(script, name)
	if err != nil {
		return [TagSize]byte{}, err
	}
	if script == Latin {
		return keyed(key, leadNameLatin, n)
	}
	return keyed(key, leadNameChinese, n)
}

// BirthTag returns the keyed tag of a date of birth, YYYYMMDD:
// HMAC-SHA256(key, 0x82 ‖ the eight digits)[:16]. A document that gives no
// month or day, such as 19500000, is tagged as it reads.
func BirthTag(key []byte, birth string) ([TagSize]byte, error) {
	if len(birth) != 8 || !digits(birth) || !isDate(birth) {
		return [TagSize]byte{}, wrong(PartBirth, ProblemDate)
	}
	return keyed(key, leadBirth, birth)
}

// isDate reports whether eight digits are a day, a month with day 00, or a
// year with month and day 00.
func isDate(birth string) bool {
	full := birth
	if strings.HasSuffix(full, "00") {
		full = full[:6] + "01"
	}
	if strings.HasSuffix(birth, "0000") {
		full = full[:4] + "0101"
	}
	_, err := time.Parse("20060102", full)
	return err == nil
}

// ForeignCodeTag returns the keyed tag of a code that is not VG1, under which
// a pack lists other platforms' tickets: HMAC-SHA256(key, normal form)[:16].
// The key is the event's code key. The normal form is made of bytes, whatever
// their encoding: without bytes 0x00–0x20 and 0x7f at both ends, and with
// a–z as A–Z. Symbology identifiers and ECI marks must be gone already.
func ForeignCodeTag(key []byte, text string) ([TagSize]byte, error) {
	if len(text) > maxCode {
		return [TagSize]byte{}, wrong(PartCode, ProblemTooLong)
	}
	form := foreignForm(text)
	if len(form) == 0 {
		return [TagSize]byte{}, wrong(PartCode, ProblemEmpty)
	}
	return sum(key, form)
}

// maxCode is more than any 2D symbol holds (a QR holds 7089 digits).
const maxCode = 8192

// foreignForm works on bytes: some platforms' codes are not UTF-8.
func foreignForm(text string) []byte {
	edge := func(c byte) bool { return c <= 0x20 || c == 0x7f }
	for len(text) > 0 && edge(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && edge(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	form := []byte(text)
	for i, c := range form {
		if 'a' <= c && c <= 'z' {
			form[i] = c - 'a' + 'A'
		}
	}
	return form
}

func keyed(key []byte, lead byte, text string) ([TagSize]byte, error) {
	return sum(key, append([]byte{lead}, text...))
}

// sum refuses an empty key: the tag of a number under it is as good as the
// number.
func sum(key, message []byte) (tag [TagSize]byte, err error) {
	if len(key) == 0 {
		return tag, wrong(PartKey, ProblemEmpty)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	copy(tag[:], mac.Sum(nil))
	return tag, nil
}
