//go:build race

package gossip_test

// raceDetector is set in builds for the race detector, which falls over itself
// in bubbles with much going on (golang/go#78156). TestSockets is for it.
const raceDetector = true
