// Package document reads identity documents: Chinese resident ID cards and the
// permits that share their chip format, through SAM/SDT readers on a serial
// line.
//
// Frames and text blocks are parsed by pure functions with typed errors; SDT is
// the driver that talks to a reader. The photograph that comes
// with a card is never copied out of the receive buffer, which is wiped after
// every exchange. No error, counter or state says anything that stands on a
// document. gate/appliance makes the drivers, gate/lane runs them.
package document
