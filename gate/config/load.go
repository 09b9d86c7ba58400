package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
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
	var file map[string]any
	if err := toml.Unmarshal(data, &file); err != nil {
		return nil, syntaxErrors(err)
	}
	c := Default()
	d := decoder{lines: indexLines(data)}
	d.table("", file, reflect.ValueOf(&c).Elem())
	found := d.inOrder()
	// What the file gets wrong is not in c, and no reason to call it missing.
	for _, e := range c.check() {
		if !found.about(e.Path) {
			found = append(found, e)
		}
	}
	if len(found) > 0 {
		return nil, found
	}
	return &c, nil
}

// syntaxErrors puts what keeps a file from being TOML at all in our terms.
func syntaxErrors(err error) Errors {
	var one *toml.DecodeError
	if !errors.As(err, &one) {
		return Errors{{Problem: strings.TrimPrefix(err.Error(), "toml: ")}}
	}
	line, _ := one.Position()
	return Errors{{Path: strings.Join(one.Key(), "."), Line: line, Problem: strings.TrimPrefix(one.Error(), "toml: ")}}
}
