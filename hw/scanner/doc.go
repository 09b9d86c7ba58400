// Package scanner turns the bytes of barcode readers on serial lines and
// USB-COM ports into readings: one per presentation, framing and identifiers
// removed.
//
// Framer and Debounce are pure: bytes and times go in, frames come out. Serial
// is the driver that feeds them from a hw/port. It never interprets a text,
// keeps it no longer than it takes to deliver, and puts none of it in an error,
// a counter or a log. gate/appliance makes the drivers, gate/lane runs them.
package scanner
