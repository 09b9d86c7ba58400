package ticket

import "fmt"

// MalformedError says which part of a text, payload or body is not VG1. It
// never holds any of the text itself.
type MalformedError struct {
	Field  string // "prefix", "text", "base45", "length", or the name of a body field
	Offset int    // where: a character of the text for prefix, text and base45, else a byte of the payload or body
	Why    string // what is wrong there
}

// Error names the field, the place and what is wrong.
func (e *MalformedError) Error() string {
	unit := "byte"
	switch e.Field {
	case fieldPrefix, fieldText, fieldBase45:
		unit = "character"
	}
	return fmt.Sprintf("ticket: malformed %s at %s %d: %s", e.Field, unit, e.Offset, e.Why)
}

// The fields of a MalformedError. Body fields are named as in Fields.
const (
	fieldPrefix     = "prefix"
	fieldText       = "text"
	fieldBase45     = "base45"
	fieldLength     = "length"
	fieldVersion    = "version"
	fieldGeneration = "generation"
	fieldTail       = "tail"
)

func malformed(field string, offset int, why string) error {
	return &MalformedError{Field: field, Offset: offset, Why: why}
}
