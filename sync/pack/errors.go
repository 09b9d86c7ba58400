package pack

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a document.
type Problem struct {
	Path string // such as gates[2].lanes[0].kind; empty for the whole
	Why  string
}

// String returns the path and what is wrong there.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Why
	}
	return p.Path + ": " + p.Why
}

// DocumentError lists everything that is wrong with venue.json or an
// event.json.
type DocumentError struct {
	Document string // "venue.json", "event/7/event.json"
	Problems []Problem
}

// Error lists the problems, separated by semicolons.
func (e *DocumentError) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.String()
	}
	return e.Document + ": " + strings.Join(texts, "; ")
}

// LineError is a line of a shard or an overlay that is not what it should be.
type LineError struct {
	Target string // "event/7/tickets/00000000000000000000"
	Line   int    // from 1; zero for the whole
	Field  string // may be empty
	Why    string
}

// Error names target, line and field. It does not quote the line.
func (e *LineError) Error() string {
	var b strings.Builder
	b.WriteString(e.Target)
	if e.Line > 0 {
		fmt.Fprintf(&b, ", line %d", e.Line)
	}
	if e.Field != "" {
		b.WriteString(", " + e.Field)
	}
	return b.String() + ": " + e.Why
}

// TamperedError is a file that is not what the signed metadata says: changed,
// swapped for another or cut short.
type TamperedError struct {
	File string
	Why  string
}

// Error names the file.
func (e *TamperedError) Error() string { return "pack: " + e.File + ": " + e.Why }

// UntrustedError is metadata that is not signed by who should have signed it:
// the repository of another venue, or a forgery.
type UntrustedError struct {
	File string
	Why  string
}

// Error names the file.
func (e *UntrustedError) Error() string { return "pack: " + e.File + " is not trusted: " + e.Why }

// BehindError is a repository that is older than the one this gate accepted
// last. A mirror that lags is behind, not an attack; either way nothing of it
// is used.
type BehindError struct {
	File string
	Why  string
}

// Error names the file that is older.
func (e *BehindError) Error() string { return "pack: " + e.File + " is behind: " + e.Why }

// MissingError is a file that the repository should hold and does not.
type MissingError struct {
	File string
}

// Error names the file.
func (e *MissingError) Error() string { return "pack: " + e.File + " is missing" }
