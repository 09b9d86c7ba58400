// Package hwtest has the devices of a lane without the hardware: a barcode
// scanner, a resident ID card reader, a reader of passports and a turnstile, each
// on a real pseudo-terminal behind a path that stays the same when the device is
// unplugged and plugged in again; and, where the kernel lets a program play one,
// a keyboard wedge and a HID-POS reader.
//
// They speak the protocols byte by byte and can be told to misbehave. The tests
// of hw and gate/lane use them, and the demo of cmd/venuegate; no product path
// does.
package hwtest
