// Package scanner turns what barcode readers send into readings: one per
// presentation, framing and identifiers removed. It knows three ways a reader
// is attached: a serial line or USB-COM port (Serial), a keyboard wedge (Wedge),
// and HID-POS (HIDPOS).
//
// Framer, Keys, Reports and Debounce are pure: bytes, key events, reports and
// times go in, frames come out. The drivers feed them from a hw/port or a
// hw/input. The package never interprets a text, keeps it no longer than it
// takes to deliver, and puts none of it in an error, a counter or a log.
// gate/appliance makes the drivers, gate/lane runs them. Package blueprint shows
// how a driver for another device is written.
package scanner
