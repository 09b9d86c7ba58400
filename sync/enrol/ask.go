package enrol

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/seal"
)

// Central's no. Errors that carry it wrap one of these.
var (
	ErrCodeUnknown = errors.New("central does not know this code: was it typed as it stands, and is this the right central?")
	ErrCodeUsed    = errors.New("this code was used already or ran out: ask the ticket office for a new one")
	ErrBusy        = errors.New("central is busy: try again in a minute")
)

// ReachError is central not answering.
type ReachError struct{ Err error }

// Error says why.
func (e *ReachError) Error() string { return "central does not answer: " + e.Err.Error() }

func (e *ReachError) Unwrap() error { return e.Err }

// AnswerError is an answer that central would not give, or that cannot be
// believed. Nothing of it is quoted.
type AnswerError struct {
	Status int
	Why    string
}

// Error says what was wrong with the answer.
func (e *AnswerError) Error() string {
	return fmt.Sprintf("answered with %d, but not as central does: %s; is it the right URL, or a login page of this network?", e.Status, e.Why)
}

// RefusedError is central's no in its own words.
type RefusedError struct {
	Status int
	Words  string
	is     error
}

// Error gives the reason, and central's words.
func (e *RefusedError) Error() string {
	text := fmt.Sprintf("central refuses (%d)", e.Status)
	if e.is != nil {
		text = e.is.Error()
	}
	if e.Words != "" {
		text += " (it says: " + e.Words + ")"
	}
	return text
}

func (e *RefusedError) Unwrap() error { return e.is }

const (
	// maxAnswer bounds what is read of central's answer, in bytes.
	maxAnswer = 4 << 20
	// maxPatience is how long the one call may take.
	maxPatience = 30 * time.Second
)

type question struct {
	Code   string `json:"code"`
	Public string `json:"public"`
	Seal   string `json:"seal"`
	Name   string `json:"name"`
}

type answer struct {
	Venue       string   `json:"venue"`
	Gate        string   `json:"gate"`
	Incarnation string   `json:"incarnation"`
	Name        string   `json:"name"`
	Root        []byte   `json:"root"`
	Sealed      []byte   `json:"sealed"`
	Addresses   []string `json:"addresses"`
}

// ask makes the call. No error of it holds the code.
func ask(ctx context.Context, o *Options, g *keyring.Gate) (*answer, error) {
	base, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	sealing, err := seal.Public(g)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(question{o.Code, hex.EncodeToString(g.Public()), hex.EncodeToString(sealing), o.Name})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, maxPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base.JoinPath("v1", "enrolments").String(), bytes.NewReader(body))
	if err != nil {
		return nil, ErrURL
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, application/problem+json")
	client := http.Client{Transport: http.DefaultTransport}
	if o.Client != nil {
		client = *o.Client
	}
	// A redirect would hand the code to somebody else; central has none.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	got, err := client.Do(request)
	if err != nil {
		var inCall *url.Error
		if errors.As(err, &inCall) {
			err = inCall.Err
		}
		return nil, &ReachError{err}
	}
	defer func() { _ = got.Body.Close() }()
	return read(got)
}

func read(got *http.Response) (*answer, error) {
	code := got.StatusCode
	switch {
	case code == http.StatusCreated:
		var a answer
		if err := decode(got, &a); err != nil {
			return nil, err
		}
		return &a, nil
	case code >= 300 && code < 400:
		return nil, &AnswerError{code, "it leads elsewhere"}
	case code == http.StatusTooManyRequests || code >= 500:
		return nil, &RefusedError{Status: code, is: ErrBusy}
	case code < 400:
		return nil, &AnswerError{code, "no such answer is known"}
	}
	var said struct {
		Title  string `json:"title"`
		Detail string `json:"detail"`
	}
	if err := decode(got, &said); err != nil {
		return nil, err
	}
	refused := &RefusedError{Status: code, Words: clean(said.Detail)}
	if refused.Words == "" {
		refused.Words = clean(said.Title)
	}
	switch code {
	case http.StatusNotFound:
		refused.is = ErrCodeUnknown
	case http.StatusGone:
		refused.is = ErrCodeUsed
	}
	return nil, refused
}

func decode(got *http.Response, into any) error {
	kind, _, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "application/problem+json" {
		return &AnswerError{got.StatusCode, "it is not JSON"}
	}
	data, err := io.ReadAll(io.LimitReader(got.Body, maxAnswer+1))
	switch {
	case err != nil:
		return &ReachError{fmt.Errorf("its answer broke off: %w", err)}
	case len(data) > maxAnswer:
		return &AnswerError{got.StatusCode, fmt.Sprintf("it is longer than %d bytes", maxAnswer)}
	}
	if err := json.Unmarshal(data, into); err != nil {
		return &AnswerError{got.StatusCode, "it is not the JSON that is expected"}
	}
	return nil
}

// place reads who the gate is from the answer.
func (a *answer) place() (venue, gateID, incarnation uint32, err error) {
	for _, f := range []struct {
		name, text string
		into       *uint32
	}{{"venue", a.Venue, &venue}, {"gate", a.Gate, &gateID}, {"incarnation", a.Incarnation, &incarnation}} {
		n, err := strconv.ParseUint(f.text, 10, 32)
		if err != nil || n == 0 && f.name != "venue" {
			return 0, 0, 0, &AnswerError{http.StatusCreated, f.name + " is not a number"}
		}
		*f.into = uint32(n)
	}
	return venue, gateID, incarnation, nil
}

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
