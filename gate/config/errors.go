package config

import (
	"fmt"
	"strings"
)

// Error is one thing wrong in a configuration.
type Error struct {
	Path    string // of the field, such as lane[0].reader[1].baud; empty: the file as a whole
	Line    int    // in the file, where known
	Problem string
}

// Error names the field and what is wrong with it.
func (e Error) Error() string {
	where := e.Path
	if e.Line > 0 {
		where = strings.TrimSpace(fmt.Sprintf("%s (line %d)", where, e.Line))
	}
	if where == "" {
		return e.Problem
	}
	return where + ": " + e.Problem
}

// Errors is everything wrong in a configuration, in the order of the fields.
type Errors []Error

// Error puts one problem on a line.
func (e Errors) Error() string {
	if len(e) == 1 {
		return e[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d problems:", len(e))
	for _, one := range e {
		b.WriteString("\n  " + one.Error())
	}
	return b.String()
}

// add notes a problem with a field.
func (e *Errors) add(path, format string, args ...any) {
	*e = append(*e, Error{Path: path, Problem: fmt.Sprintf(format, args...)})
}

// about reports whether one of them is about the field or what it is in.
func (e Errors) about(path string) bool {
	for _, one := range e {
		if rest, within := strings.CutPrefix(path, one.Path); within && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}
