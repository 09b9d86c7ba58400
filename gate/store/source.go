package store

import (
	"encoding/json"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Source is what a pack is built from besides its tickets: what the signed
// repository says of one event, and where it came from.
type Source struct {
	Event   gate.EventID
	Version uint64 // of the signed repository; it only grows
	Digest  string // of the event's signed content, to tell that nothing changed
	// Base is the digest of the same but for what [Packs.Patch] may bring. Of two
	// sources with the same one, Venue, Document and Policy are the same and only
	// single tickets differ. Empty: nothing is ever laid over the pack.
	Base string
	// Venue and Document are venue.json and event.json as they were signed.
	Venue    json.RawMessage
	Document json.RawMessage
	Policy   *gate.Policy // what event.json says
	Issued   time.Time    // when the repository was signed; zero: unknown
	Expires  time.Time    // when its signatures should have been renewed
	Origin   string       // the way it came: "directory", "central", "peer 12"
	Verified string       // by which root it was verified
	Tickets  int          // how many are announced; zero: unknown
	At       time.Time    // of the installation
}

// Lookup reads a ticket into the caller's, as [Pack.Ticket] does.
type Lookup func(id gate.TicketID, into *gate.Ticket) (known bool, err error)

// Info is what a pack says of itself.
type Info struct {
	Event      gate.EventID `json:"event"`
	Version    uint64       `json:"version"`
	Digest     string       `json:"digest"`
	Base       string       `json:"base,omitempty"`    // of the source, see Source.Base
	Changes    int          `json:"changes,omitempty"` // tickets that a patch changes or adds; zero: built whole
	Tickets    int          `json:"tickets"`
	Documents  int          `json:"documents"`     // pairs of document and ticket
	Foreign    int          `json:"foreign_codes"` // other platforms' codes
	Built      time.Time    `json:"built,omitzero"`
	Expires    time.Time    `json:"expires,omitzero"`
	Installed  time.Time    `json:"installed"`
	Source     string       `json:"source"`
	VerifiedBy string       `json:"verified_by"`
	// Content is the SHA-256 of all keys and values, in order: two gates that
	// built the same tickets whole have the same. Of a pack with a patch it is
	// the SHA-256 of the file's Content and the patch's tickets, so gates that
	// came to the same tickets another way have another; Digest compares those.
	Content string `json:"content"`
}

// header is the one value in the meta bucket.
type header struct {
	Format   int             `json:"format"`
	Info     Info            `json:"info"`
	Venue    json.RawMessage `json:"venue,omitempty"`
	Document json.RawMessage `json:"document,omitempty"`
	Policy   json.RawMessage `json:"policy"`
}

// formatVersion is raised when the file's layout changes. A pack of another
// format is built anew from its source.
const formatVersion = 1

func (s *Source) header() (header, error) {
	policy, err := encodePolicy(s.Policy)
	if err != nil {
		return header{}, err
	}
	return header{
		Format: formatVersion,
		Info: Info{
			Event: s.Event, Version: s.Version, Digest: s.Digest, Base: s.Base,
			Built: plainTime(s.Issued), Expires: plainTime(s.Expires), Installed: plainTime(s.At),
			Source: s.Origin, VerifiedBy: s.Verified,
		},
		Venue: s.Venue, Document: s.Document, Policy: policy,
	}, nil
}

// plainTime is a time as its JSON form gives it back: UTC, without a reading of
// the monotonic clock.
func plainTime(t time.Time) time.Time { return t.UTC().Round(0) }
