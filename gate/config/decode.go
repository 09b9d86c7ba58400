package config

import (
	"cmp"
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// decoder fills a Config from what a file holds, by the toml tags of the
// structs. Unlike the TOML package's own it goes on after a mistake, so that a
// technician hears of all of them at once and in the words of the file.
type decoder struct {
	lines *lineIndex
	found Errors
}

func (d *decoder) wrong(path, format string, args ...any) {
	d.found = append(d.found, Error{Path: path, Line: d.lines.of(path), Problem: fmt.Sprintf(format, args...)})
}

// table fills a struct. What the table does not name stays as it is.
func (d *decoder) table(path string, from map[string]any, into reflect.Value) {
	fields := map[string]reflect.Value{}
	eachField(into, func(name string, v reflect.Value) { fields[name] = v })
	for _, name := range slices.Sorted(maps.Keys(from)) {
		at := join(path, name)
		if field, ok := fields[name]; ok {
			d.value(at, from[name], field)
		} else {
			d.wrong(at, "there is no such setting")
		}
	}
}

// eachField calls do for the settings of a struct, those of embedded structs
// among them.
func eachField(of reflect.Value, do func(name string, v reflect.Value)) {
	for i := range of.NumField() {
		f := of.Type().Field(i)
		if name := f.Tag.Get("toml"); name != "" {
			do(name, of.Field(i))
		} else if f.Anonymous {
			eachField(of.Field(i), do)
		}
	}
}

func (d *decoder) value(path string, from any, into reflect.Value) {
	if u, ok := into.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.text(path, from, u)
		return
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.value(path, from, into.Elem())
	case reflect.Struct:
		if table, ok := from.(map[string]any); ok {
			d.table(path, table, into)
			return
		}
		d.wrong(path, "is %s, want a table", kindOf(from))
	case reflect.Slice:
		d.list(path, from, into)
	default:
		d.scalar(path, from, into)
	}
}

func (d *decoder) text(path string, from any, into encoding.TextUnmarshaler) {
	text, ok := from.(string)
	if !ok {
		d.wrong(path, "is %s, want a text such as %s", kindOf(from), example(into))
		return
	}
	if err := into.UnmarshalText([]byte(text)); err != nil {
		d.wrong(path, "%v", err)
	}
}

func example(of encoding.TextUnmarshaler) string {
	if _, ok := of.(*Contact); ok {
		return `"3" or "3 nc"`
	}
	return `"300ms" or "5s"`
}

func (d *decoder) list(path string, from any, into reflect.Value) {
	of := into.Type().Elem()
	want := "a list of texts"
	if of.Kind() == reflect.Struct {
		want = "tables, each under [[" + section(path) + "]]"
	}
	list, ok := from.([]any)
	if !ok {
		d.wrong(path, "is %s, want %s", kindOf(from), want)
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(list), len(list)))
	for i := range list {
		d.value(fmt.Sprintf("%s[%d]", path, i), list[i], into.Index(i))
	}
}

// section is a path as it stands in a header: without numbers.
func section(path string) string {
	var words []string
	for word := range strings.SplitSeq(path, ".") {
		word, _, _ = strings.Cut(word, "[")
		words = append(words, word)
	}
	return strings.Join(words, ".")
}

func (d *decoder) scalar(path string, from any, into reflect.Value) {
	switch into.Kind() {
	case reflect.String:
		if s, ok := from.(string); ok {
			into.SetString(s)
			return
		}
		d.wrong(path, "is %s, want a text", kindOf(from))
	case reflect.Bool:
		if b, ok := from.(bool); ok {
			into.SetBool(b)
			return
		}
		d.wrong(path, "is %s, want true or false", kindOf(from))
	default:
		d.number(path, from, into)
	}
}

func (d *decoder) number(path string, from any, into reflect.Value) {
	n, whole := from.(int64)
	f, broken := from.(float64)
	switch {
	case !whole && !broken:
		d.wrong(path, "is %s, want a number", kindOf(from))
	case into.CanFloat():
		if whole {
			f = float64(n)
		}
		into.SetFloat(f)
	case broken:
		d.wrong(path, "is %v, want a whole number", f)
	case into.CanUint() && (n < 0 || into.OverflowUint(uint64(n))):
		d.wrong(path, "%d is not a number from 0 to %d", n, uint64(1)<<into.Type().Bits()-1)
	case into.CanUint():
		into.SetUint(uint64(n))
	case into.OverflowInt(n):
		d.wrong(path, "%d is too large a number", n)
	default:
		into.SetInt(n)
	}
}

// kindOf says what a value of the file is.
func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case int64, float64:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	case time.Time:
		return "a date"
	default:
		return "a date or a time"
	}
}

// inOrder sorts errors by where they stand in the file.
func (d *decoder) inOrder() Errors {
	slices.SortStableFunc(d.found, func(a, b Error) int { return cmp.Compare(a.Line, b.Line) })
	return d.found
}
