package hwtest

import (
	"errors"
	"fmt"
	"unicode/utf16"
)

// Card is what stands on a card of the resident ID card family, as text. The
// kind selects the layout: 0 or ' ' resident ID card, 'J' residence permit for
// Hong Kong, Macao and Taiwan residents, 'Y' and 'I' foreigner's card of 2023 and
// of 2017.
type Card struct {
	Kind      rune
	Name      string // Chinese name
	NameLatin string // Y and I
	Sex       string // 1 male, 2 female
	Birth     string // YYYYMMDD
	Address   string
	Number    string
	Issuer    string
	From, To  string // YYYYMMDD; To may be 长期
}

const (
	textLen  = 256
	photoLen = 1024
)

// Text returns the 256 bytes that the card's chip holds. It fails when
// something does not fit.
func (c Card) Text() ([]byte, error) {
	b := make([]byte, textLen)
	for i := 0; i < textLen; i += 2 {
		b[i] = ' '
	}
	var errs []error
	put := func(offset, length int, s string) {
		units := utf16.Encode([]rune(s))
		if 2*len(units) > length {
			errs = append(errs, fmt.Errorf("field at %d holds %d characters, not %d", offset, length/2, len(units)))
			return
		}
		for i, u := range units {
			b[offset+2*i], b[offset+2*i+1] = byte(u), byte(u>>8)
		}
	}
	put(188, 16, c.From)
	put(204, 16, c.To)
	switch c.Kind {
	case 0, ' ', 'J':
		put(0, 30, c.Name)
		put(30, 2, c.Sex)
		put(36, 16, c.Birth)
		put(52, 70, c.Address)
		put(122, 36, c.Number)
		put(158, 30, c.Issuer)
	case 'Y':
		const first = 35 // characters of the name's first part
		latin := []rune(c.NameLatin)
		cut := min(len(latin), first)
		put(0, 30, c.Name)
		put(30, 2, c.Sex)
		put(36, 16, c.Birth)
		put(52, 70, string(latin[:cut]))
		put(122, 36, c.Number)
		put(220, 22, string(latin[cut:]))
	case 'I':
		put(0, 120, c.NameLatin)
		put(120, 2, c.Sex)
		put(122, 30, c.Number)
		put(158, 30, c.Name)
		put(220, 16, c.Birth)
	default:
		errs = append(errs, fmt.Errorf("no kind of card is %q", c.Kind))
	}
	if c.Kind != 0 {
		put(248, 2, string(c.Kind))
	}
	return b, errors.Join(errs...)
}
