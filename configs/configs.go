// Package configs holds the commented example configuration and the demo fleet,
// embedded, so that tests and the demo read the very files that people copy.
package configs

import _ "embed"

// Gate is the commented example of a gate's configuration.
//
//go:embed gate.toml
var Gate []byte

// The demo fleet: a stadium with three entrances and six gates whose keys are
// still to be made, its event with four channels and one session, and what is
// plugged into each of the boxes.
var (
	//go:embed fleet/venue.json
	FleetVenue []byte
	//go:embed fleet/event.json
	FleetEvent []byte
	//go:embed fleet/gate.toml
	FleetGate []byte
)
