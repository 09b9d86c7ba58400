// Package configs holds the commented example configuration, embedded, so that
// tests read the very file that people copy.
package configs

import _ "embed"

// Gate is the commented example of a gate's configuration.
//
//go:embed gate.toml
var Gate []byte
