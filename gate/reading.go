package gate

import "time"

// Reading is one thing that a reader delivered at a lane: a text (a code, a
// barcode), a document, or what a face terminal found. Exactly one of Text,
// Document and Face is set.
type Reading struct {
	Reader    string    // the reader's name in the configuration
	At        time.Time // when its last byte arrived
	Text      Private   // what a barcode reader read, framing and identifiers removed
	Symbology Symbology // what kind of barcode it was, where the reader says so
	Document  *Document // what a document reader read
	Face      *Face     // what a face terminal found
}

// Face is what a face terminal found when somebody looked at it: a result, never
// a picture. A match stands for the document of whoever it names, as if they had
// shown it. At most one of Ticket and Document is set, and none without a match.
type Face struct {
	Matched  bool
	Score    float64  // the terminal's own measure of likeness; zero when it gives none
	Ticket   TicketID // whose holder it is, where the terminal knows people by their tickets
	Document Tag      // whose document it is, where it knows them by keyed tags
}

// Symbology is the code letter of an AIM symbology identifier (ISO/IEC 15424):
// 'Q' for QR, 'd' Data Matrix, 'L' PDF417, 'C' Code 128, 'z' Aztec. Zero when
// the reader does not say.
type Symbology byte

// Document is what a document reader could read, in the clear. It lives for
// the moment of one scan: the lane turns it into keyed tags and drops it.
type Document struct {
	Type      DocumentType
	Country   string  // three letters, the ICAO issuing state; CHN for types 1, 3 and 4
	Number    Private // as printed; normal form is made when the tag is
	Name      Private // in the document's own script, Chinese where there is one
	NameLatin Private // upper-case Latin, words separated by single spaces
	Sex       string  // "1" male, "2" female, "" unknown
	Birth     Private // YYYYMMDD
	ValidFrom string  // YYYYMMDD
	ValidTo   string  // YYYYMMDD; empty when it does not expire
}

// DocumentType tells documents apart in keyed tags; the values are those of
// docs/protocol/ticket.md.
type DocumentType uint8

// The document types that a tag can be made of.
const (
	DocumentNone      DocumentType = 0
	DocumentResident  DocumentType = 1 // resident ID card
	DocumentPassport  DocumentType = 2
	DocumentPermit    DocumentType = 3 // residence permit for Hong Kong, Macao and Taiwan residents
	DocumentForeigner DocumentType = 4 // foreigner's permanent residence card
	DocumentTravel    DocumentType = 5 // travel permit
	DocumentHKMacaoID DocumentType = 6 // Hong Kong or Macao identity card
	DocumentOther     DocumentType = 7 // military or other, defined by the issuer
)

// DeviceState is what a device driver says of its own health when it changes.
type DeviceState struct {
	Device string    // name in the configuration
	Up     bool      // open and answering
	Err    error     // why not, when down
	At     time.Time // since when
	Path   string    // where it was found, once it was
}
