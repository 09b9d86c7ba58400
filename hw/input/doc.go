// Package input keeps a reader open that is a Linux input device: a keyboard
// wedge through evdev, or a HID-POS reader through hidraw. It opens, prepares
// the device, notices that it was unplugged, closes, and opens again when it is
// back, as hw/port does for serial lines.
//
// A read waits in the runtime's poller for as long as the driver asks, or until
// there is something to read: nothing wakes up a quiet gate, and the end of the
// context ends a read at once. The path is resolved anew at every open, so a
// /dev/input/by-id link leads to wherever the device came back.
//
// It never looks at what was typed or read, keeps none of it and logs nothing.
// The drivers in hw/scanner call it.
package input
