package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// maxFile bounds the file; the largest real one is a few kilobytes.
const maxFile = 1 << 20

// Load reads a file. The error is an Errors when the file could be read but is
// wrong somewhere.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	c, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	return c, nil
}

// Parse reads the text of a file over the defaults and validates it. The error
// is an Errors.
func Parse(data []byte) (*Config, error) {
	if len(data) > maxFile {
		return nil, Errors{{Problem: fmt.Sprintf("larger than %d bytes", maxFile)}}
	}
	c := Default()
	decoder := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	var found Errors
	if err := decoder.Decode(&c); err != nil {
		found = decodeErrors(err)
		var unknown *toml.StrictMissingError
		if !errors.As(err, &unknown) {
			return nil, found
		}
		// Unknown fields keep nothing from being checked: report all at once.
		if err := toml.Unmarshal(data, &c); err != nil {
			return nil, append(found, decodeErrors(err)...)
		}
	}
	if found = append(found, c.check()...); len(found) > 0 {
		return nil, found
	}
	return &c, nil
}

// decodeErrors turns the decoder's errors into ours.
func decodeErrors(err error) Errors {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) {
		var out Errors
		for i := range strict.Errors {
			out = append(out, positioned(&strict.Errors[i], "there is no such setting"))
		}
		return out
	}
	var one *toml.DecodeError
	if errors.As(err, &one) {
		return Errors{positioned(one, strings.TrimPrefix(one.Error(), "toml: "))}
	}
	return Errors{{Problem: strings.TrimPrefix(err.Error(), "toml: ")}}
}

func positioned(e *toml.DecodeError, problem string) Error {
	line, _ := e.Position()
	return Error{Path: strings.Join(e.Key(), "."), Line: line, Problem: problem}
}
