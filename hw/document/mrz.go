package document

import (
	"fmt"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// MRZProblem is what is wrong with a machine-readable zone.
type MRZProblem uint8

// The problems of machine-readable zones.
const (
	MRZLength    MRZProblem = iota + 1 // not as many characters as any zone has
	MRZCharacter                       // a character that cannot stand there
	MRZKind                            // a kind of document that is not read here
	MRZEmpty                           // nothing but fillers
	MRZDate                            // no date
	MRZCheck                           // the check digit is wrong
)

// MRZError says which field of a machine-readable zone is wrong and where it
// stands, and never what stands there.
type MRZError struct {
	Field   string
	Line    int // from 1; zero for the whole zone
	Column  int // from 1, as ICAO Doc 9303 counts
	Length  int // how many characters there were, for MRZLength
	Problem MRZProblem
}

// Error implements error.
func (e *MRZError) Error() string {
	if e.Problem == MRZLength {
		return fmt.Sprintf("machine-readable zone: has %d characters, not 72, 88 or 90", e.Length)
	}
	what := "has a wrong check digit"
	switch e.Problem {
	case MRZCharacter:
		what = "has a character that cannot stand there"
	case MRZKind:
		what = "is of a kind that is not read here"
	case MRZEmpty:
		what = "is empty"
	case MRZDate:
		what = "is not a date"
	}
	return fmt.Sprintf("machine-readable zone: %s at line %d, column %d: %s", e.Field, e.Line, e.Column, what)
}

// ParseMRZ reads the machine-readable zone of a travel document: TD1 (three
// lines of 30 characters), TD2 (two of 36), TD3 (two of 44), as in ICAO Doc
// 9303 parts 3 to 6, and the Chinese exit permit card, which has three lines of
// 30 in an order of its own. Line ends and blanks around lines are ignored, and
// so may lie anywhere or be missing.
//
// The zone has years of two digits: births are taken for the last ones before
// now, ends of validity for the nearest, so the few above 99 are misread by a
// century. A country is given as it stands, which for Germany is "D<<".
//
// The error is an *MRZError. With MRZCheck the document is returned too, for a
// person to compare with the paper; nobody may be let in with it.
func ParseMRZ(text string, now time.Time) (*gate.Document, error) {
	z, err := newZone(text)
	if err != nil {
		return nil, err
	}
	kind, err := z.kind()
	if err != nil {
		return nil, err
	}
	d := &gate.Document{Type: kind, Country: z.l.fixedState}
	if d.Country == "" {
		d.Country = z.state()
	}
	number, numberCheck := z.number()
	d.Number = gate.Private(number)
	d.NameLatin = gate.Private(z.name())
	d.Sex = z.sex()
	d.Birth = gate.Private(z.birth(now))
	d.ValidTo = z.expiry(now)
	if z.err != nil {
		return nil, z.err
	}
	if err := z.check(numberCheck); err != nil {
		return d, err
	}
	return d, nil
}

// zone is the text of a machine-readable zone, all lines in one.
type zone struct {
	text string
	l    *mrzLayout
	err  error // the first that a field had
}

// newZone finds out what the text is.
func newZone(text string) (*zone, error) {
	text = strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "").Replace(text)
	l := layoutOf(text)
	if l == nil {
		return nil, &MRZError{Problem: MRZLength, Length: len(text)}
	}
	for i := range len(text) {
		if !isMRZ(text[i]) {
			return nil, l.wrong("text", l.at(i), MRZCharacter)
		}
	}
	return &zone{text: text, l: l}, nil
}

// isMRZ reports whether c can stand in a machine-readable zone.
func isMRZ(c byte) bool { return isUpper(c) || isDigit(c) || c == filler }

// filler stands for blanks and fills fields up.
const filler = '<'

func (z *zone) get(s span) string { return s.of(z.text, z.l.width) }

// fail keeps the first error.
func (z *zone) fail(field string, s span, p MRZProblem) {
	if z.err == nil {
		z.err = z.l.wrong(field, s, p)
	}
}

func (z *zone) kind() (gate.DocumentType, error) {
	t := documentType(z.l, z.get(z.l.code), z.get(z.l.state))
	if t == gate.DocumentNone {
		return t, z.l.wrong("document code", z.l.code, MRZKind)
	}
	return t, nil
}

// state is the issuing state: letters, filled up.
func (z *zone) state() string {
	s := z.get(z.l.state)
	letters := strings.TrimRight(s, string(filler))
	switch {
	case letters == "":
		z.fail("issuing state", z.l.state, MRZEmpty)
	case !allUpper(letters):
		z.fail("issuing state", z.l.state, MRZCharacter)
	}
	return s
}

// checked is something with a check digit: the text it is of, and the digit.
type checked struct {
	field string
	text  string
	digit byte
	at    span
}

// number returns the document's number and its check. A number of more than
// nine characters goes on in the optional data, up to its check digit there;
// the place of the check digit then holds a filler.
func (z *zone) number() (string, checked) {
	const field = "document number"
	number := z.get(z.l.number)
	c := checked{field, number, z.get(z.l.numberCheck)[0], z.l.numberCheck}
	if z.l.longNumbers && c.digit == filler && !strings.ContainsRune(number, filler) {
		rest, _, _ := strings.Cut(z.get(z.l.optional), string(filler))
		if len(rest) > 1 {
			last := len(rest) - 1
			c = checked{field, number + rest[:last], rest[last], z.l.optional}
			number = c.text
		}
	}
	number = strings.TrimRight(number, string(filler))
	if number == "" {
		z.fail(field, z.l.number, MRZEmpty)
	}
	return number, c
}

// name is the primary and the secondary identifier, in this order, words
// separated by single spaces. A longer name was cut by whoever issued the
// document, and nothing tells.
func (z *zone) name() string {
	s := z.get(z.l.name)
	for i := range len(s) {
		if !isUpper(s[i]) && s[i] != filler {
			z.fail("name", span{z.l.name.line, z.l.name.from + i, z.l.name.from + i}, MRZCharacter)
			return ""
		}
	}
	words := strings.FieldsFunc(s, func(r rune) bool { return r == filler })
	if len(words) == 0 {
		z.fail("name", z.l.name, MRZEmpty)
	}
	return strings.Join(words, " ")
}

func (z *zone) sex() string {
	switch z.get(z.l.sex) {
	case "M":
		return "1"
	case "F":
		return "2"
	case "<", "X":
		return ""
	}
	z.fail("sex", z.l.sex, MRZCharacter)
	return ""
}

// check compares all check digits and reports the first that is wrong.
func (z *zone) check(number checked) error {
	l := z.l
	all := []checked{
		number,
		{"date of birth", z.get(l.birth), z.get(l.birthCheck)[0], l.birthCheck},
		{"end of validity", z.get(l.expiry), z.get(l.expiryCheck)[0], l.expiryCheck},
	}
	if l.optionalCheck != (span{}) {
		c := checked{"optional data", z.get(l.optional), z.get(l.optionalCheck)[0], l.optionalCheck}
		if c.digit == filler {
			c.digit = '0' // a filler counts as zero and is common where the field is empty
		}
		all = append(all, c)
	}
	var composite strings.Builder
	for _, s := range l.composite {
		composite.WriteString(z.get(s))
	}
	all = append(all, checked{"whole zone", composite.String(), z.get(l.compositeCheck)[0], l.compositeCheck})
	for _, c := range all {
		if checkDigit(c.text) != c.digit {
			return l.wrong(c.field, c.at, MRZCheck)
		}
	}
	return nil
}
