package pack_test

import (
	"os"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/sync/pack"
)

// The examples of the protocol's page are what this package reads.
func TestExamplesOfTheDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/protocol/pack.md")
	if err != nil {
		t.Fatal(err)
	}
	venue, seen := (*pack.Venue)(nil), map[string]int{}
	for _, part := range strings.Split(string(page), "\n```json ")[1:] {
		kind, rest, _ := strings.Cut(part, "\n")
		text, _, closed := strings.Cut(rest, "\n```")
		if !closed {
			t.Fatalf("an example of %s has no end", kind)
		}
		seen[kind]++
		switch kind {
		case "venue.json":
			venue, err = pack.DecodeVenue([]byte(text))
		case "event.json":
			var e *pack.Event
			if e, err = pack.DecodeEvent([]byte(text)); err == nil {
				err = e.ValidateIn(venue)
			}
		case "ticket":
			_, err = pack.ParseTicket([]byte(text), 2026)
		case "change":
			_, err = pack.ParseChange([]byte(text), 2026)
		default:
			t.Fatalf("an example of %s", kind)
		}
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if seen["venue.json"] != 1 || seen["event.json"] != 1 || seen["ticket"] != 1 || seen["change"] != 2 {
		t.Fatalf("examples: %v", seen)
	}
}
