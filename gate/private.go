package gate

import "fmt"

// Private is text that identifies a person or could open a gate: a scanned
// code, an ID number, a name. It prints as a mask whatever the verb, so that a
// stray log line, error or crash dump cannot leak it. Call Reveal where the
// plain text is really needed: parsing a code, computing a keyed tag.
type Private string

const privateMask = "[private]"

// Reveal returns the plain text.
func (p Private) Reveal() string { return string(p) }

// String returns a mask, or nothing when there is nothing to hide.
func (p Private) String() string {
	if p == "" {
		return ""
	}
	return privateMask
}

// Format masks the text for every fmt verb, %#v and %x included.
func (p Private) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, p.String()) }

// MarshalText masks the text in JSON, TOML and structured logs.
func (p Private) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
