package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object read strictly: known fields only, each once. The
// standard decoder folds letter case and lets a later field win.
type object struct {
	path   string
	fields map[string]json.RawMessage
}

func readObject(raw json.RawMessage, path string, known ...string) (*object, error) {
	o := &object{path: path, fields: make(map[string]json.RawMessage)}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, &FieldError{Path: path, Why: "want an object"}
	}
	for dec.More() {
		t, err := dec.Token()
		name, isName := t.(string)
		if err != nil || !isName {
			return nil, &FieldError{Path: path, Why: "want an object"}
		}
		if !slices.Contains(known, name) {
			return nil, &FieldError{Path: path, Why: "a field that is not one of " + strings.Join(known, ", ")}
		}
		if _, twice := o.fields[name]; twice {
			return nil, o.wrong(name, "there twice")
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, o.wrong(name, plain(err))
		}
		o.fields[name] = value
	}
	return o, nil
}

func (o *object) wrong(field, why string) error {
	return &FieldError{Path: o.path + "." + field, Why: why}
}

func (o *object) text(field string) (string, error) {
	raw, there := o.fields[field]
	if !there {
		return "", o.wrong(field, "missing")
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		return "", o.wrong(field, "want a string")
	}
	return *s, nil
}

func (o *object) uint(field string, bits int) (uint64, error) {
	s, err := o.text(field)
	if err != nil {
		return 0, err
	}
	v, err := parseUint(s, bits)
	if err != nil {
		return 0, o.wrong(field, err.Error())
	}
	return v, nil
}

// parseUint reads a decimal number in its one form: digits, no leading zero.
func parseUint(s string, bits int) (uint64, error) {
	v, err := strconv.ParseUint(s, 10, bits)
	if err != nil || strconv.FormatUint(v, 10) != s {
		return 0, fmt.Errorf("want a decimal number of at most %d bits", bits)
	}
	return v, nil
}

// plain is what a JSON error says without quoting the input.
func plain(err error) string {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("bad syntax at byte %d", syntax.Offset)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "cut short"
	}
	return "wrong type"
}
