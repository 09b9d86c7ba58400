package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
)

// maxInput bounds what is read where one line is wanted.
const maxInput = 64 << 10

// textOrInput returns the one argument, or standard input without its line end
// where the argument is missing or "-".
func (t *tool) textOrInput(args []string, what string) (string, error) {
	if len(args) > 0 && args[0] != "-" {
		return args[0], nil
	}
	data, err := io.ReadAll(io.LimitReader(t.in, maxInput+1))
	if err != nil {
		return "", fmt.Errorf("read %s from standard input: %w", what, err)
	}
	if len(data) > maxInput {
		return "", fmt.Errorf("standard input is longer than %d bytes; want one %s", maxInput, what)
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}

// hexFlag reads bytes from a flag of hex digits.
func hexFlag(name, value string) ([]byte, error) {
	data, err := hex.DecodeString(value)
	if err != nil {
		return nil, usagef("--%s: want hex digits, two for every byte", name)
	}
	return data, nil
}

// timeFlag reads a time from a flag; empty is now.
func (t *tool) timeFlag(name, value string) (time.Time, error) {
	if value == "" {
		return t.now(), nil
	}
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return time.Time{}, usagef("--%s: want a time such as 2026-11-22T19:30:00+08:00 (RFC 3339)", name)
	}
	return at, nil
}
