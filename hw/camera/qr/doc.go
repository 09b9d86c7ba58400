// Package qr finds and reads a QR code in a grey picture, such as a frame from
// the camera at a gate: a phone's screen, tilted, blurred, in bad light.
//
// It goes like this, each step in the file of its name:
//
//	binarize    dark and light pixels, against a local threshold
//	finder      places with the runs 1:1:3:1:1 of a finder pattern
//	corners     threes of them that may be a code; sizes by the timing pattern
//	model       the homography from modules to pixels, by finder and alignment
//	            patterns (align, homography); refined when reading fails
//	sample      brightness of each module, blur taken back, local threshold
//	format, layout, correct, message
//	            error correction level and mask, bytes, repaired, text
//
// The codes' tables of versions come from gozxing, and so does the reading of
// rare alphabets. Its finder and decoder are not used on frames: they allocate
// for every row that meets a pattern and every polynomial, some hundred times a
// frame, give up on sizes that are off by one, and miss a fifth of phone-screen
// frames (docs/benchmarks-qr.md).
//
// It never touches a device or a file and keeps nothing of a picture but
// buffers. hw/camera calls it for frames and for photos.
package qr
