package document

import "github.com/venuegate/venuegate/gate"

// span is a range of characters in one line, counted from 1 and with both ends,
// as ICAO Doc 9303 does.
type span struct{ line, from, to int }

func (s span) of(text string, width int) string {
	start := (s.line - 1) * width
	return text[start+s.from-1 : start+s.to]
}

// mrzLayout says where the fields of a machine-readable zone stand.
type mrzLayout struct {
	width int // of a line

	code, state, name       span
	number, numberCheck     span
	birth, birthCheck       span
	sex                     span
	expiry, expiryCheck     span
	optional, optionalCheck span // optionalCheck only in TD3
	composite               []span
	compositeCheck          span
	longNumbers             bool   // may go on in the optional data
	fixedState              string // of a layout that has no state
}

// at is the place of the i-th character of the whole text, from zero.
func (l *mrzLayout) at(i int) span { return span{i/l.width + 1, i%l.width + 1, i%l.width + 1} }

func (l *mrzLayout) wrong(field string, s span, p MRZProblem) error {
	return &MRZError{Field: field, Line: s.line, Column: s.from, Problem: p}
}

// td1 is the layout of cards: ICAO Doc 9303 part 5, section 4.2.
func td1() *mrzLayout {
	return &mrzLayout{
		width: 30, longNumbers: true,
		code: span{1, 1, 2}, state: span{1, 3, 5}, name: span{3, 1, 30},
		number: span{1, 6, 14}, numberCheck: span{1, 15, 15}, optional: span{1, 16, 30},
		birth: span{2, 1, 6}, birthCheck: span{2, 7, 7}, sex: span{2, 8, 8},
		expiry: span{2, 9, 14}, expiryCheck: span{2, 15, 15},
		composite:      []span{{1, 6, 30}, {2, 1, 7}, {2, 9, 15}, {2, 19, 29}},
		compositeCheck: span{2, 30, 30},
	}
}

// td2 is the layout of larger cards and sheets: ICAO Doc 9303 part 6, section
// 4.2.
func td2() *mrzLayout {
	return &mrzLayout{
		width: 36, longNumbers: true,
		code: span{1, 1, 2}, state: span{1, 3, 5}, name: span{1, 6, 36},
		number: span{2, 1, 9}, numberCheck: span{2, 10, 10}, optional: span{2, 29, 35},
		birth: span{2, 14, 19}, birthCheck: span{2, 20, 20}, sex: span{2, 21, 21},
		expiry: span{2, 22, 27}, expiryCheck: span{2, 28, 28},
		composite:      []span{{2, 1, 10}, {2, 14, 20}, {2, 22, 35}},
		compositeCheck: span{2, 36, 36},
	}
}

// td3 is the layout of passports: ICAO Doc 9303 part 4, section 4.2.
func td3() *mrzLayout {
	return &mrzLayout{
		width: 44,
		code:  span{1, 1, 2}, state: span{1, 3, 5}, name: span{1, 6, 44},
		number: span{2, 1, 9}, numberCheck: span{2, 10, 10},
		birth: span{2, 14, 19}, birthCheck: span{2, 20, 20}, sex: span{2, 21, 21},
		expiry: span{2, 22, 27}, expiryCheck: span{2, 28, 28},
		optional: span{2, 29, 42}, optionalCheck: span{2, 43, 43},
		composite:      []span{{2, 1, 10}, {2, 14, 20}, {2, 22, 43}},
		compositeCheck: span{2, 44, 44},
	}
}

// exitPermit is the layout of the cards with which residents of mainland China
// travel to Hong Kong and Macao (往来港澳通行证, code CS, since 2014) and to
// Taiwan (大陆居民往来台湾通行证, code CD). It has the size of TD1 and nothing
// else of it: no state, number, end of validity and birth in the first line, a
// name in Chinese characters and one in Latin letters in the second.
//
// The standard, GA/T 704.16, is not public; this is what open readers of these
// cards agree on, and every check digit must fit. The Chinese name is left out:
// its field has room for three characters, longer names are cut, and a cut name
// must not be compared with a whole one.
func exitPermit() *mrzLayout {
	return &mrzLayout{
		width: 30, fixedState: "CHN",
		code: span{1, 1, 2}, state: span{1, 1, 2}, name: span{2, 13, 30},
		number: span{1, 3, 11}, numberCheck: span{1, 12, 12},
		expiry: span{1, 14, 19}, expiryCheck: span{1, 20, 20},
		birth: span{1, 22, 27}, birthCheck: span{1, 28, 28}, sex: span{3, 1, 1},
		composite:      []span{{1, 3, 12}, {1, 14, 20}, {1, 22, 28}},
		compositeCheck: span{1, 30, 30},
	}
}

// layoutOf returns the layout that a whole zone has, nil for none.
func layoutOf(text string) *mrzLayout {
	switch len(text) {
	case 72:
		return td2()
	case 88:
		return td3()
	case 90:
		// Behind CS or CD, TD1 has three letters of a state; the permit has its
		// number there, C and eight digits or C, a letter and seven digits.
		if code := text[:2]; (code == "CS" || code == "CD") && isDigit(text[4]) {
			return exitPermit()
		}
		return td1()
	}
	return nil
}

// documentType is what a document counts as, DocumentNone for one that is not
// read here.
func documentType(l *mrzLayout, code, state string) gate.DocumentType {
	first := code[0]
	switch {
	case l.fixedState != "":
		return gate.DocumentTravel
	case first == 'P' && l.width != 30, code == "IP":
		// All passports, whatever the second letter: ordinary, official,
		// diplomatic, of a special region, refugees'. IP is a passport card.
		return gate.DocumentPassport
	case l.width == 44:
		return gate.DocumentNone // visas (V) have another layout; no others are known
	case first == 'C' && state == "CHN":
		// Cards with which residents of Hong Kong and Macao (C<, CR) and of
		// Taiwan (CT) travel to mainland China.
		return gate.DocumentTravel
	case first == 'I' && (state == "HKG" || state == "MAC"):
		return gate.DocumentHKMacaoID
	case first == 'I', first == 'A', first == 'C':
		// Other states' identity cards, residence permits and crew members'
		// certificates have no type of their own.
		return gate.DocumentOther
	}
	return gate.DocumentNone
}
