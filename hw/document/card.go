package document

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/venuegate/venuegate/gate"
)

// TextLen is the length of a card's text block in bytes.
const TextLen = 256

// kindOffset is where the text block says what kind of card it is. It must be
// looked at first: the kinds share a length and little else.
const kindOffset = 248

// numberOffset is where all kinds have their number.
const numberOffset = 122

// field is a range of the text block, in bytes.
type field struct {
	name        string
	offset, len int
}

// FieldError says which field of a card's answer is wrong, and never what stands
// in it.
type FieldError struct {
	Field   string
	Offset  int // in bytes
	Problem string
}

// Error implements error.
func (e *FieldError) Error() string {
	return fmt.Sprintf("document field %q at %d: %s", e.Field, e.Offset, e.Problem)
}

// ParseReadAnswer returns the text block in the data of an answer to "read
// card": two lengths, the text and the photo. The block points into data; the
// photo is not looked at.
func ParseReadAnswer(data []byte) ([]byte, error) {
	const lengths = 4
	if len(data) < lengths {
		return nil, &FieldError{"lengths", 0, "are missing"}
	}
	text := int(data[0])<<8 | int(data[1])
	photo := int(data[2])<<8 | int(data[3])
	if text != TextLen {
		return nil, &FieldError{"text length", 0, fmt.Sprintf("is %d, not %d", text, TextLen)}
	}
	if len(data) != lengths+text+photo {
		return nil, &FieldError{"photo length", 2, fmt.Sprintf("is %d with %d bytes in all", photo, len(data))}
	}
	return data[lengths : lengths+text], nil
}

// ParseText reads the 256-byte text block of a card of any kind: resident ID
// card, residence permit for Hong Kong, Macao and Taiwan residents (J), and
// foreigner's permanent residence card of 2017 (I) and 2023 (Y). The error is a
// *FieldError.
func ParseText(b []byte) (*gate.Document, error) {
	d, checks, err := InspectText(b)
	if err == nil && !checks {
		// The frame's own checksum is one XOR byte; the check character catches
		// what a noisy line gets past it.
		return nil, &FieldError{"number", numberOffset, "has a wrong check character"}
	}
	return d, err
}

// InspectText is ParseText for a person who looks into a card that is refused:
// checks says whether the number's check character is right, where it has one,
// and the document is returned in both cases.
func InspectText(b []byte) (d *gate.Document, checks bool, err error) {
	d, err = parseText(b)
	if err != nil {
		return nil, false, err
	}
	checks = d.Type == gate.DocumentForeigner || CheckResidentNumber(d.Number.Reveal())
	return d, checks, nil
}

func parseText(b []byte) (*gate.Document, error) {
	if len(b) != TextLen {
		return nil, &FieldError{"text", 0, fmt.Sprintf("has %d bytes, not %d", len(b), TextLen)}
	}
	t := text(b)
	switch kind := t.unit(kindOffset); kind {
	case ' ', 0:
		return t.resident(gate.DocumentResident)
	case 'J':
		return t.resident(gate.DocumentPermit)
	case 'Y':
		return t.foreigner2023()
	case 'I':
		return t.foreigner2017()
	default:
		return nil, &FieldError{"kind", kindOffset, "is not blank, J, Y or I"}
	}
}

type text []byte

func (t text) unit(offset int) uint16 { return uint16(t[offset]) | uint16(t[offset+1])<<8 }

// get returns a field without the padding around it.
func (t text) get(f field) (string, error) {
	units := make([]uint16, 0, f.len/2)
	for o := f.offset; o < f.offset+f.len; o += 2 {
		units = append(units, t.unit(o))
	}
	s := string(utf16.Decode(units))
	if strings.ContainsRune(s, unicode.ReplacementChar) {
		return "", &FieldError{f.name, f.offset, "is not UTF-16"}
	}
	s = strings.Trim(s, " \x00\u3000")
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "", &FieldError{f.name, f.offset, "has control characters"}
	}
	return s, nil
}

// reader gets one field after the other and keeps the first error.
type reader struct {
	t   text
	err error
}

func (r *reader) get(name string, offset, length int) string {
	if r.err != nil {
		return ""
	}
	var s string
	s, r.err = r.t.get(field{name, offset, length})
	return s
}

func (r *reader) required(name string, offset, length int) string {
	s := r.get(name, offset, length)
	r.check(s != "", name, offset, "is empty")
	return s
}

func (r *reader) check(ok bool, name string, offset int, problem string) {
	if r.err == nil && !ok {
		r.err = &FieldError{name, offset, problem}
	}
}

func (r *reader) date(name string, offset int) string {
	s := r.get(name, offset, 16)
	r.check(isDate(s), name, offset, "is not a date YYYYMMDD")
	return s
}

// until reads a date of expiry, empty for a card that does not expire (长期).
func (r *reader) until(name string, offset int) string {
	s := r.get(name, offset, 16)
	if s == "长期" {
		return ""
	}
	r.check(isDate(s), name, offset, "is neither a date YYYYMMDD nor 长期")
	return s
}

func (r *reader) sex(offset int) string {
	switch s := r.get("sex", offset, 2); s {
	case "1", "2":
		return s
	default:
		return "" // 0 and 9 of GB/T 2261.1: unknown, not stated
	}
}

func (t text) resident(kind gate.DocumentType) (*gate.Document, error) {
	r := reader{t: t}
	d := &gate.Document{
		Type:      kind,
		Country:   "CHN",
		Name:      gate.Private(r.required("name", 0, 30)),
		Sex:       r.sex(30),
		Birth:     gate.Private(r.date("birth", 36)),
		Number:    gate.Private(r.required("number", numberOffset, 36)),
		ValidFrom: r.date("valid from", 188),
		ValidTo:   r.until("valid to", 204),
	}
	n := d.Number.Reveal()
	r.check(len(n) == 18 && isNumberForm(n), "number", numberOffset, "has a wrong form")
	return result(d, r.err)
}

// foreigner2023 reads the card whose layout only one source describes, so
// nothing is refused that is not needed.
func (t text) foreigner2023() (*gate.Document, error) {
	r := reader{t: t}
	d := &gate.Document{
		Type:      gate.DocumentForeigner,
		Country:   "CHN",
		Name:      gate.Private(r.get("chinese name", 0, 30)),
		Sex:       r.sex(30),
		Birth:     gate.Private(r.date("birth", 36)),
		Number:    gate.Private(r.required("number", numberOffset, 36)),
		ValidFrom: r.date("valid from", 188),
		ValidTo:   r.until("valid to", 204),
	}
	// The parts are one text of 46 characters: a word may run across the cut,
	// so the padding between them is all that may be lost.
	first, second := r.raw("english name", 52, 70), r.raw("english name", 220, 22)
	d.NameLatin = gate.Private(latin(first + second))
	n := d.Number.Reveal()
	r.check(len(n) == 18 && n[0] == '9' && isNumberForm(n), "number", numberOffset, "has a wrong form")
	return result(d, r.err)
}

func (t text) foreigner2017() (*gate.Document, error) {
	r := reader{t: t}
	d := &gate.Document{
		Type:      gate.DocumentForeigner,
		Country:   "CHN",
		Name:      gate.Private(r.get("chinese name", 158, 30)),
		NameLatin: gate.Private(latin(r.required("english name", 0, 120))),
		Sex:       r.sex(120),
		Birth:     gate.Private(r.date("birth", 220)),
		Number:    gate.Private(r.required("number", numberOffset, 30)),
		ValidFrom: r.date("valid from", 188),
		ValidTo:   r.until("valid to", 204),
	}
	n := d.Number.Reveal()
	r.check(len(n) == 15 && allUpper(n[:3]) && allDigits(n[3:]), "number", numberOffset, "has a wrong form")
	return result(d, r.err)
}

// raw returns a field with its padding.
func (r *reader) raw(name string, offset, length int) string {
	if r.err != nil {
		return ""
	}
	units := make([]uint16, 0, length/2)
	for o := offset; o < offset+length; o += 2 {
		units = append(units, r.t.unit(o))
	}
	s := string(utf16.Decode(units))
	r.check(!strings.ContainsRune(s, unicode.ReplacementChar), name, offset, "is not UTF-16")
	return s
}

func result(d *gate.Document, err error) (*gate.Document, error) {
	if err != nil {
		return nil, err
	}
	return d, nil
}

// latin brings a name to upper case, words separated by single spaces.
func latin(s string) string {
	words := strings.FieldsFunc(strings.ToUpper(s), func(c rune) bool { return !unicode.IsLetter(c) })
	return strings.Join(words, " ")
}
