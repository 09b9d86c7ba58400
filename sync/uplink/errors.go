package uplink

import (
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/venuegate/venuegate/gate/ledger"
)

// ReachError is central not answering: no network, no name, no connection, no
// end in time.
type ReachError struct{ Err error }

// Error says why.
func (e *ReachError) Error() string { return "central does not answer: " + e.Err.Error() }

func (e *ReachError) Unwrap() error { return e.Err }

// AnswerError is an answer that central would not give: a page of HTML, a
// redirect, something without end. Often it is a login page of the venue's
// network, or a wrong URL.
type AnswerError struct {
	Call   string // such as GET /v1/journals
	Status int
	Why    string
}

// Error says what was wrong with the answer; nothing of it is quoted.
func (e *AnswerError) Error() string {
	return fmt.Sprintf("%s: answered with %d, but not as central does: %s; is it the right URL, or a login page of this network?", e.Call, e.Status, e.Why)
}

// RefusedError is central's no to a call.
type RefusedError struct {
	Call   string
	Status int
	Title  string // central's words
	Detail string
}

// Error repeats central's words.
func (e *RefusedError) Error() string {
	text := fmt.Sprintf("%s: central refuses (%d", e.Call, e.Status)
	if e.Title != "" {
		text += " " + e.Title
	}
	text += ")"
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Status == http.StatusForbidden || e.Status == http.StatusUnauthorized {
		text += "; is this gate on the venue's roster?"
	}
	return text
}

// BusyError is central asking for patience.
type BusyError struct {
	Status int
	After  time.Duration // zero: it did not say
}

// Error says for how long.
func (e *BusyError) Error() string {
	if e.After > 0 {
		return fmt.Sprintf("central is busy (%d) and asks to wait %s", e.Status, e.After)
	}
	return fmt.Sprintf("central is busy (%d)", e.Status)
}

// LogError is a log that is passed over, while the others go on.
type LogError struct {
	Origin ledger.Origin
	From   uint64 // the first record that was to be sent
	Err    error
}

// Error names the log.
func (e *LogError) Error() string {
	return fmt.Sprintf("gate %d, epoch %d, from record %d: %v", e.Origin.Gate, e.Origin.Epoch, e.From, e.Err)
}

func (e *LogError) Unwrap() error { return e.Err }

// clean makes central's words fit for one line.
func clean(text string) string {
	const most = 200 // bytes
	if len(text) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text))
}
