package identity

import (
	"fmt"
	"strconv"
)

// Type is the kind of a document; its value is the first byte of what a tag is
// made of.
type Type uint8

// The types of documents.
const (
	Resident  Type = 1 // resident ID card
	Passport  Type = 2
	Permit    Type = 3 // residence permit for Hong Kong, Macao and Taiwan residents
	Foreigner Type = 4 // foreigner's permanent residence card
	Travel    Type = 5 // travel permit
	HKMacao   Type = 6 // Hong Kong or Macao identity card
	Other     Type = 7 // military or other, defined by the issuer
)

// String returns the word for the type that commands use.
func (t Type) String() string {
	switch t {
	case Resident:
		return "resident"
	case Passport:
		return "passport"
	case Permit:
		return "permit"
	case Foreigner:
		return "foreigner"
	case Travel:
		return "travel"
	case HKMacao:
		return "hkmacao"
	case Other:
		return "other"
	}
	return "type " + strconv.Itoa(int(t))
}

// Types lists the types in the order of their values.
func Types() []Type { return []Type{Resident, Passport, Permit, Foreigner, Travel, HKMacao, Other} }

// ParseType reads the word for a type.
func ParseType(word string) (Type, error) {
	for _, t := range Types() {
		if t.String() == word {
			return t, nil
		}
	}
	return 0, &Error{Part: PartType, Problem: ProblemUnknown}
}

// chinese reports whether the type's country is always CHN.
func (t Type) chinese() bool { return t == Resident || t == Permit || t == Foreigner }

// Part says what an Error is about.
type Part string

// The parts that can be wrong.
const (
	PartKey     Part = "key"
	PartType    Part = "document type"
	PartCountry Part = "country"
	PartNumber  Part = "document number"
	PartName    Part = "name"
	PartBirth   Part = "date of birth"
	PartCode    Part = "code"
)

// Problem says what is wrong with it.
type Problem string

// The problems.
const (
	ProblemEmpty     Problem = "is empty"
	ProblemTooLong   Problem = "is too long"
	ProblemUnknown   Problem = "is unknown"
	ProblemCharacter Problem = "has a character that cannot be in it"
	ProblemLength    Problem = "has the wrong length"
	ProblemCheck     Problem = "has a wrong check character"
	ProblemEncoding  Problem = "is not valid UTF-8"
	ProblemForm      Problem = "is not three letters"
	ProblemDate      Problem = "is not a date YYYYMMDD"
)

// Error is a document, name or code that cannot be tagged. It holds nothing of
// what it is about.
type Error struct {
	Part    Part
	Problem Problem
}

// Error names the part and the problem.
func (e *Error) Error() string { return fmt.Sprintf("identity: the %s %s", e.Part, e.Problem) }

func wrong(part Part, problem Problem) error { return &Error{Part: part, Problem: problem} }
