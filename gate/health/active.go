package health

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/venuegate/venuegate/gate"
)

// Detail holds what a warning's text may say besides its subject. Each field
// is optional. None may hold anything of a visitor.
type Detail struct {
	Cause string        // technical, such as an error's text; control characters and length are cut
	Age   time.Duration // of what the warning is about
	At    time.Time     // when it happened or will; shown in its own time zone
	Bytes int64         // how much is left
	Count int           // how many there are

	Percent  int  // how much is left of something that was full
	Charging bool // and it gets more
}

// maxCause bounds Detail.Cause, in bytes: a staff page is no place for a dump.
const maxCause = 240

// tidy makes a cause fit for one line of a page or a log.
func (d Detail) tidy() Detail {
	if len(d.Cause) > maxCause {
		cut := maxCause
		for cut > 0 && !utf8.RuneStart(d.Cause[cut]) {
			cut--
		}
		d.Cause = d.Cause[:cut] + "…"
	}
	d.Cause = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, d.Cause)
	d.Cause = strings.TrimSpace(d.Cause)
	return d
}

// Active is one warning that is on: a kind and what it is about.
type Active struct {
	Code    Code
	Subject string // name of the device, lane or file; empty: the gate itself
	Detail  Detail
	Since   time.Time // when it came on; a change of detail keeps it
}

// Severity returns how much the warning presses.
func (a Active) Severity() Severity { return a.Code.Severity() }

// Text says to staff what is the matter. An unknown language gets English.
func (a Active) Text(l gate.Language) string {
	k, ok := kinds[a.Code]
	switch {
	case !ok:
		return fmt.Sprintf("%s: %s", a.Code, a.Subject)
	case l == gate.Chinese:
		return k.zh(a)
	default:
		return k.en(a)
	}
}

// Next says to staff what to do about it. An unknown language gets English.
func (a Active) Next(l gate.Language) string {
	k := kinds[a.Code]
	if l == gate.Chinese {
		return k.nextZH
	}
	return k.nextEN
}

// Compare orders warnings for people: the most pressing first, then by code
// and subject.
func Compare(a, b Active) int {
	if by := int(b.Severity()) - int(a.Severity()); by != 0 {
		return by
	}
	if by := strings.Compare(string(a.Code), string(b.Code)); by != 0 {
		return by
	}
	return strings.Compare(a.Subject, b.Subject)
}
