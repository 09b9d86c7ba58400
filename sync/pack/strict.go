package pack

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/venuegate/venuegate/crypto/keyring"
)

// maxProblems bounds the list; a document with more is not one of ours.
const maxProblems = 100

// decodeStrict reads a JSON document into a pointer to a struct and returns
// everything that does not fit: unknown and repeated fields, wrong types,
// numbers out of range, nulls. The standard decoder stops at the first, folds
// letter case and lets a later field win.
func decodeStrict(data []byte, into any) []Problem {
	switch {
	case !utf8.Valid(data):
		return []Problem{{Why: "not UTF-8"}}
	case !json.Valid(data):
		var syntax *json.SyntaxError
		if errors.As(json.Unmarshal(data, new(any)), &syntax) {
			return []Problem{{Why: fmt.Sprintf("no JSON: bad syntax at byte %d", syntax.Offset)}}
		}
		return []Problem{{Why: "no JSON"}}
	}
	var w walker
	w.value("", data, reflect.ValueOf(into).Elem())
	return w.problems
}

type walker struct {
	problems []Problem
}

func (w *walker) wrong(path, format string, args ...any) {
	if len(w.problems) < maxProblems {
		w.problems = append(w.problems, Problem{Path: path, Why: fmt.Sprintf(format, args...)})
	}
}

// value reads one value; raw is valid JSON.
func (w *walker) value(path string, raw []byte, v reflect.Value) {
	raw = bytes.TrimSpace(raw)
	if bytes.Equal(raw, []byte("null")) {
		w.wrong(path, "null")
		return
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		if issuers, ok := v.Interface().(*keyring.Issuers); ok {
			w.issuers(path, raw, issuers)
			return
		}
		w.value(path, raw, v.Elem())
		return
	}
	if text, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		w.text(path, raw, text)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		w.object(path, raw, v)
	case reflect.Map:
		w.mapping(path, raw, v)
	case reflect.Slice:
		w.list(path, raw, v)
	case reflect.String:
		if s, ok := w.string(path, raw); ok {
			v.SetString(s)
		}
	case reflect.Bool:
		if err := json.Unmarshal(raw, v.Addr().Interface()); err != nil {
			w.wrong(path, "want true or false")
		}
	default:
		w.number(path, raw, v)
	}
}

func (w *walker) string(path string, raw []byte) (string, bool) {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		w.wrong(path, "want a string")
		return "", false
	}
	return s, true
}

func (w *walker) text(path string, raw []byte, into encoding.TextUnmarshaler) {
	s, ok := w.string(path, raw)
	if !ok {
		return
	}
	if err := into.UnmarshalText([]byte(s)); err != nil {
		if _, isTime := into.(*time.Time); isTime {
			w.wrong(path, "want an RFC 3339 time")
			return
		}
		w.wrong(path, "%v", err)
	}
}

func (w *walker) issuers(path string, raw []byte, into *keyring.Issuers) {
	set, err := keyring.ParseIssuers(raw)
	var field *keyring.FieldError
	switch {
	case errors.As(err, &field):
		w.wrong(path+strings.TrimPrefix(field.Path, "keys"), "%s", field.Why)
	case err != nil:
		w.wrong(path, "%v", err)
	default:
		*into = *set
	}
}

// number reads a whole number in the range of v's type.
func (w *walker) number(path string, raw []byte, v reflect.Value) {
	switch v.Kind() {
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(string(raw), 10, v.Type().Bits())
		if err != nil {
			w.wrong(path, "want a whole number of %d bits", v.Type().Bits())
			return
		}
		v.SetUint(n)
	case reflect.Int:
		n, err := strconv.ParseInt(string(raw), 10, 32)
		if err != nil {
			w.wrong(path, "want a whole number")
			return
		}
		v.SetInt(n)
	default:
		w.wrong(path, "a field of type %s, which documents do not have", v.Type())
	}
}

func (w *walker) list(path string, raw []byte, v reflect.Value) {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		w.wrong(path, "want a list")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		w.value(fmt.Sprintf("%s[%d]", path, i), item, v.Index(i))
	}
}

func (w *walker) mapping(path string, raw []byte, v reflect.Value) {
	v.Set(reflect.MakeMap(v.Type()))
	w.fields(path, raw, func(name string, item json.RawMessage) {
		key := reflect.ValueOf(name).Convert(v.Type().Key())
		if v.MapIndex(key).IsValid() {
			w.wrong(join(path, name), "there twice")
			return
		}
		value := reflect.New(v.Type().Elem()).Elem()
		w.value(join(path, name), item, value)
		v.SetMapIndex(key, value)
	})
}

func (w *walker) object(path string, raw []byte, v reflect.Value) {
	at := make(map[string]int, v.NumField())
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		at[name] = i
	}
	seen := make(map[string]bool, len(at))
	w.fields(path, raw, func(name string, item json.RawMessage) {
		i, known := at[name]
		switch {
		case !known:
			w.wrong(join(path, name), "unknown field")
		case seen[name]:
			w.wrong(join(path, name), "there twice")
		default:
			seen[name] = true
			w.value(join(path, name), item, v.Field(i))
		}
	})
}

// fields calls each with every field of an object, in order, repeats included.
func (w *walker) fields(path string, raw []byte, each func(name string, item json.RawMessage)) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		w.wrong(path, "want an object")
		return
	}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		var item json.RawMessage
		if err != nil || !ok || dec.Decode(&item) != nil {
			w.wrong(path, "want an object")
			return
		}
		each(name, item)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
