package face

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
)

// MaxMessage bounds a message, in bytes: most of it is a picture, where the
// terminal cannot be told to leave that out.
const MaxMessage = 512 << 10

// Fields say where in a terminal's messages what stands: the names of fields,
// with dots where they are nested, such as "data.similarity".
type Fields struct {
	Matched   string // whether somebody was recognised; "matched" when empty
	MatchedIs string // its value when somebody was, as text; "true" when empty
	Score     string // how alike they are, a number; "score" when empty
	Reference string // whom the terminal knows them as; "reference" when empty
}

// Decoding is how messages become results.
type Decoding struct {
	Fields Fields
	// MinScore is the least score that counts as a match, on the terminal's own
	// scale; zero leaves it to the terminal. With it a score must be there, and
	// the matched field need not.
	MinScore float64
}

func (d Decoding) withDefaults() Decoding {
	for _, f := range []struct {
		name      *string
		otherwise string
	}{
		{&d.Fields.Matched, "matched"},
		{&d.Fields.MatchedIs, "true"},
		{&d.Fields.Score, "score"},
		{&d.Fields.Reference, "reference"},
	} {
		if *f.name == "" {
			*f.name = f.otherwise
		}
	}
	return d
}

const maxDepth = 8 // of a field's name

// Validate returns a *port.OptionError for the first field that is wrong.
func (d Decoding) Validate() error {
	d = d.withDefaults()
	for _, f := range []struct{ name, path string }{
		{"Fields.Matched", d.Fields.Matched}, {"Fields.Score", d.Fields.Score}, {"Fields.Reference", d.Fields.Reference},
	} {
		parts := strings.Split(f.path, ".")
		for _, part := range parts {
			if part == "" || len(parts) > maxDepth {
				return &port.OptionError{Field: f.name, Problem: fmt.Sprintf("%q is not a field such as \"score\" or \"data.score\"", f.path)}
			}
		}
	}
	if d.MinScore < 0 || math.IsNaN(d.MinScore) || math.IsInf(d.MinScore, 0) {
		return &port.OptionError{Field: "MinScore", Problem: "is not a number from 0 up"}
	}
	return nil
}

// ErrNoResult is a message that is none of somebody's face, such as a heartbeat.
var ErrNoResult = errors.New("face: a message without a result")

// ErrNotJSON is a message that is not one JSON object.
var ErrNotJSON = errors.New("face: not a JSON object")

// FieldError is a result with a field that cannot be used. It holds no value.
type FieldError struct {
	Field   string // as configured
	Problem string
}

// Error implements error.
func (e *FieldError) Error() string { return "face: field " + e.Field + " " + e.Problem }

// Parse reads one message. The error is ErrNoResult, ErrNotJSON or a
// *FieldError. Nothing of the result points into the message.
func (d Decoding) Parse(message []byte) (gate.Face, error) {
	d = d.withDefaults()
	var top object
	if err := json.Unmarshal(message, &top); err != nil || top == nil {
		return gate.Face{}, ErrNotJSON
	}
	matched, told, err := top.text(d.Fields.Matched)
	if err != nil {
		return gate.Face{}, err
	}
	score, scored, err := top.score(d.Fields.Score)
	if err != nil {
		return gate.Face{}, err
	}
	if !told && (!scored || d.MinScore == 0) {
		return gate.Face{}, ErrNoResult
	}
	if told && matched != d.Fields.MatchedIs {
		return gate.Face{Score: score}, nil
	}
	if d.MinScore > 0 && !scored {
		return gate.Face{}, &FieldError{d.Fields.Score, "is missing"}
	}
	if score < d.MinScore {
		return gate.Face{Score: score}, nil
	}
	f := gate.Face{Matched: true, Score: score}
	reference, ok, err := top.text(d.Fields.Reference)
	switch {
	case err != nil:
		return gate.Face{}, err
	case !ok || reference == "":
		return gate.Face{}, &FieldError{d.Fields.Reference, "is missing"}
	}
	if !refer(&f, reference) {
		return gate.Face{}, &FieldError{d.Fields.Reference, "is neither a ticket's number nor a document's tag of 32 hex digits"}
	}
	return f, nil
}

// refer sets whom a reference names.
func refer(f *gate.Face, reference string) bool {
	if len(reference) == hex.EncodedLen(len(f.Document)) {
		_, err := hex.Decode(f.Document[:], []byte(reference))
		return err == nil && !f.Document.IsZero()
	}
	id, err := strconv.ParseUint(reference, 10, 64)
	f.Ticket = gate.TicketID(id)
	return err == nil && id != 0
}

// object is a JSON object whose values are left as they stand in the message: a
// picture in it is looked past and not copied.
type object map[string]rawValue

type rawValue []byte

// UnmarshalJSON keeps the bytes without copying them.
func (v *rawValue) UnmarshalJSON(b []byte) error {
	*v = b
	return nil
}

// at returns the value of a field, and whether there is one; null is none.
func (o object) at(path string) (rawValue, bool) {
	name, rest, nested := strings.Cut(path, ".")
	v, ok := o[name]
	if !ok || bytes.Equal(v, []byte("null")) {
		return nil, false
	}
	if !nested {
		return v, true
	}
	var inner object
	if json.Unmarshal(v, &inner) != nil {
		return nil, false
	}
	return inner.at(rest)
}

const maxText = 64 // longest value of a field that is looked at

// text returns the text of a field: of a string what it says, of numbers, true
// and false how they are written.
func (o object) text(path string) (string, bool, error) {
	v, ok := o.at(path)
	switch {
	case !ok:
		return "", false, nil
	case len(v) > maxText:
		return "", false, &FieldError{path, "is too long"}
	case v[0] == '{' || v[0] == '[':
		return "", false, &FieldError{path, "is not a single value"}
	case v[0] != '"':
		return string(v), true, nil
	}
	var s string
	if err := json.Unmarshal(v, &s); err != nil {
		return "", false, &FieldError{path, "is not a text"}
	}
	return s, true, nil
}

// score returns a field that is a number, or a text of one.
func (o object) score(path string) (float64, bool, error) {
	text, ok, err := o.text(path)
	if err != nil || !ok {
		return 0, false, err
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, false, &FieldError{path, "is not a number"}
	}
	return n, true, nil
}
