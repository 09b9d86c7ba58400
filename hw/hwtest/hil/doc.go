// Package hil boots a small Linux guest in QEMU, under software emulation, and
// lets the real daemon meet what a test on pseudo-terminals cannot show it: the
// kernel's own USB serial, input, HID and video drivers, a plug that is pulled,
// and a disk that loses power.
//
// The guest is Debian's kernel, an initramfs with the modules it needs, the
// program in guest as its only process besides the daemon, and a gate's data on
// an ext4 disk that this package serves. The host plays the visitors: it writes
// codes into the emulated adapters and sees what reaches the relay boards.
//
// Its tests are the bench, which "make hil" runs; docs/hil.md describes it. They
// are skipped by "go test ./..." but for those of the parts. Nothing else calls
// this package.
package hil
