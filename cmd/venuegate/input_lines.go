package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// lines hands out standard input line by line, for what must not stand on a
// command line, where the shell and the list of processes would keep it.
type lines struct {
	in *bufio.Reader
}

func (t *tool) lines() *lines { return &lines{bufio.NewReaderSize(t.in, maxInput)} }

// or returns the text itself, or the next line where it is "-".
func (l *lines) or(text, what string) (string, error) {
	if text != "-" {
		return text, nil
	}
	line, err := l.in.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF) && len(line) > 0:
	case errors.Is(err, io.EOF):
		return "", usagef("standard input has no line for %s", what)
	case err != nil:
		return "", fmt.Errorf("read %s from standard input: %w", what, err)
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}
