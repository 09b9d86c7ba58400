// Package document reads identity documents: Chinese resident ID cards and the
// permits that share their chip format, through SAM/SDT readers, and passports
// and other travel documents by their machine-readable zone (ICAO Doc 9303),
// both on a serial line.
//
// Frames, text blocks and zones are parsed by pure functions with typed errors;
// SDT and MRZ are the drivers that talk to the readers. The photograph that
// comes with a card is never copied out of the receive buffer, which is wiped
// after every exchange. No error, counter or state says anything that stands on
// a document. gate/appliance makes the drivers, gate/lane runs them.
package document
