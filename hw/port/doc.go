// Package port keeps a serial port open for a device driver: it opens, notices
// that the device was unplugged, closes, and opens again when it is back.
//
// It is the only package that imports the serial library, and it takes the
// precautions that library asks for: a read always has a timeout (otherwise
// Close would wait for a byte), a device that is gone is told apart from one
// that is silent, a descriptor is closed before the path is opened again, and
// no failure makes a loop spin. The path is resolved anew at every open, so a
// /dev/serial/by-id link leads to wherever the device came back, or it is asked for
// at every open, so that a device may be described instead (see hw/find).
//
// It never looks at the bytes, keeps none of them and logs nothing. The drivers
// in hw/scanner, hw/document and hw/barrier call it.
package port
