package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// problem is an RFC 9457 problem document. It is an error, so that handlers
// return it.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`

	// Next is the first sequence wanted, where records are missing.
	Next string `json:"next,omitempty"`
	// Record is the index of the record that is wrong, from 0.
	Record *int `json:"record,omitempty"`
	// Until is when it is worth another try, or when something ends.
	Until *time.Time `json:"until,omitempty"`
	// Errors are all that is wrong with a file or document.
	Errors []flaw `json:"errors,omitempty"`

	retryAfter time.Duration
}

// flaw is one thing that is wrong with a file or document.
type flaw struct {
	Line   int    `json:"line,omitempty"`
	Column string `json:"column,omitempty"`
	Path   string `json:"path,omitempty"`
	Why    string `json:"why"`
}

// Error returns title and detail.
func (p *problem) Error() string { return p.Title + ": " + p.Detail }

// kinds are the problems there are: their names, which end the type, and titles.
var kinds = map[string]string{
	"bad-request":   "The call makes no sense",
	"unauthorized":  "Who calls is not known",
	"forbidden":     "Who calls may not do this",
	"not-on-roster": "The gate is not on the roster",
	"not-found":     "There is no such thing",
	"method":        "The address takes other methods",
	"gone":          "The enrolment code is used up",
	"gap":           "Records are missing",
	"fork":          "The log is closed",
	"conflict":      "The ticket is in another state",
	"phone-taken":   "Another phone holds the lease",
	"not-yet":       "It is too early or too late for this",
	"too-large":     "The body is too long",
	"media-type":    "The body is of another type",
	"invalid":       "What was sent is wrong",
	"signature":     "The signature is wrong",
	"too-many":      "Too many calls",
	"busy":          "Central is busy",
	"not-published": "Nothing was published yet",
	"internal":      "Something went wrong at central",
}

// problemPath is where problems are explained.
const problemPath = "/v1/problems/"

func newProblem(status int, kind, format string, args ...any) *problem {
	return &problem{Type: problemPath + kind, Title: kinds[kind], Status: status, Detail: fmt.Sprintf(format, args...)}
}

func (p *problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `VenueGate, Bearer`)
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // whoever asked may be gone
}

// handle is a handler that may fail. What is no problem document is logged and
// answered without its text.
func (s *Server) handle(do func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := do(w, r)
		if err == nil {
			return
		}
		var p *problem
		var long *http.MaxBytesError
		switch {
		case errors.As(err, &p):
		case errors.As(err, &long):
			p = newProblem(http.StatusRequestEntityTooLarge, "too-large", "at most %d bytes", long.Limit)
		default:
			if p = s.explain(err); p == nil {
				s.log.Error().Err(err).Str("method", r.Method).Str("route", r.Pattern).Msg("call failed")
				p = newProblem(http.StatusInternalServerError, "internal", "the log of central says more")
			}
		}
		p.write(w)
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // whoever asked may be gone
	return nil
}

// maxJSON bounds a JSON body in bytes.
const maxJSON = 4 << 20

// readJSON reads a body into a value. Unknown fields are refused; no error
// quotes the body.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	if kind := mediaType(r); kind != "application/json" {
		return newProblem(http.StatusUnsupportedMediaType, "media-type", "want application/json")
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxJSON))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil && dec.More() {
		err = errors.New("more than one value")
	}
	var long *http.MaxBytesError
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &long):
		return err
	case errors.As(err, &syntax):
		return newProblem(http.StatusBadRequest, "bad-request", "bad JSON at byte %d", syntax.Offset)
	case errors.As(err, &wrong):
		return newProblem(http.StatusBadRequest, "bad-request", "the field %s is of another type", wrong.Field)
	}
	return newProblem(http.StatusBadRequest, "bad-request", "not the JSON object that is expected, or a field that it does not have")
}
