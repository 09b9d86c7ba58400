// Package protocol embeds the protocols that programs serve: central's API. It
// holds nothing else; people read the pages beside it.
package protocol

import _ "embed"

//go:embed central.yaml
var central string

// Central returns central.yaml, the OpenAPI document of central's HTTP API.
func Central() string { return central }
