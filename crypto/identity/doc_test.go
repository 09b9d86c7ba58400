package identity_test

import (
	"encoding/hex"
	"os"
	"regexp"
	"testing"

	"github.com/venuegate/venuegate/crypto/identity"
)

// TestDocExamples checks the examples of the protocol's page: type, country,
// number as written, tag.
func TestDocExamples(t *testing.T) {
	data, err := os.ReadFile("../../docs/protocol/ticket.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^document key +([0-9a-f]{64})$`).FindSubmatch(data)
	if m == nil {
		t.Fatal("the page has no document key")
	}
	docKey, err := hex.DecodeString(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile(`(?m)^(resident|passport|travel) (\S+) (.*?)  +([0-9a-f]{32})$`).FindAllStringSubmatch(string(data), -1)
	if len(examples) != 4 {
		t.Fatalf("%d examples on the page, want 4", len(examples))
	}
	for _, e := range examples {
		typ, err := identity.ParseType(e[1])
		if err != nil {
			t.Fatal(err)
		}
		tag, err := identity.Tag(docKey, typ, e[2], e[3])
		if err != nil || hex.EncodeToString(tag[:]) != e[4] {
			t.Errorf("%s %s: %x, %v, the page says %s", e[1], e[2], tag, err, e[4])
		}
	}
}
