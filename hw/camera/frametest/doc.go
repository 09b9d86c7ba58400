// Package frametest draws what a gate's camera sees when a visitor holds up a
// phone: a page with a QR code, tilted and turned in front of some background,
// through a lens that is out of focus or moving, under lamps and in the dark.
//
// The same kind and number always give the same frame, so that tests can count
// what a decoder finds, and the benchmark can compare decoders, without a file
// or another program. It never decodes. Tests of hw/camera and its benchmark
// call it; nothing that runs at a gate does.
package frametest
