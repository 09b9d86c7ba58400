//go:build race

package simulate

// raceDetector is set in builds for the race detector, which falls over itself
// in bubbles with much going on (golang/go#78156).
const raceDetector = true
