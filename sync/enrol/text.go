package enrol

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// prefix begins the text of an enrolment's QR code. No ticket and no document
// begins with it.
const prefix = "VGE1 "

const (
	maxText = 512 // bytes
	minCode = 8   // characters
	maxCode = 128
)

// ErrText is a text that is not an enrolment. Nothing of it is quoted: it may
// hold a code.
var ErrText = errors.New(`want the text of an enrolment's QR code: VGE1 <central's URL> <code>`)

// ErrURL is a URL that central cannot have.
var ErrURL = errors.New("central's URL is not one such as https://tickets.example.org")

// ErrCode is a code of another form than central's.
var ErrCode = fmt.Errorf("an enrolment code is %d to %d letters and digits", minCode, maxCode)

// Invitation is what an enrolment's QR code says. Whoever has it can take a place
// on the roster, once.
type Invitation struct {
	URL  string // central's
	Code string
}

// IsEnrolment reports whether a scanned text is meant for this package, whether
// or not it is in order. A gate that is not enrolled asks it of every text that
// its readers give; one that is enrolled need not.
func IsEnrolment(text string) bool { return strings.HasPrefix(text, prefix) }

// Parse reads the text of an enrolment's QR code:
//
//	VGE1 https://tickets.example.org ABCDEFGHIJKLMNOPQRSTUVWXYZ
//
// Line ends after it are let pass. The errors are [ErrText], [ErrURL] and
// [ErrCode].
func Parse(text string) (Invitation, error) {
	text = strings.TrimRight(text, "\r\n")
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok || len(text) > maxText {
		return Invitation{}, ErrText
	}
	where, code, ok := strings.Cut(rest, " ")
	if !ok {
		return Invitation{}, ErrText
	}
	i := Invitation{URL: where, Code: code}
	if err := i.check(); err != nil {
		return Invitation{}, err
	}
	return i, nil
}

// Text returns what Parse reads. The errors are [ErrText], for what is too long,
// [ErrURL] and [ErrCode].
func (i Invitation) Text() (string, error) {
	if err := i.check(); err != nil {
		return "", err
	}
	text := prefix + i.URL + " " + i.Code
	if len(text) > maxText {
		return "", ErrText
	}
	return text, nil
}

func (i Invitation) check() error {
	if _, err := parseURL(i.URL); err != nil {
		return err
	}
	if len(i.Code) < minCode || len(i.Code) > maxCode {
		return ErrCode
	}
	for _, r := range i.Code {
		if r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z' {
			return ErrCode
		}
	}
	return nil
}

// parseURL reads central's URL. It holds nothing secret, and no more than host
// and path.
func parseURL(text string) (*url.URL, error) {
	for _, r := range text {
		if r <= ' ' || r > '~' {
			return nil, ErrURL
		}
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#") || u.Opaque != "" {
		return nil, ErrURL
	}
	return u, nil
}

// Format keeps the code out of logs, whatever the verb.
func (i Invitation) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[enrolment code]") }
