package central_test

import (
	"crypto/rand"
	"path/filepath"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/pack"
)

// Whatever is issued, ended and transferred in whatever order: ids rise and are
// given once, a generation has one body for ever and its signature verifies,
// what has ended stays as it ended, and another office that opens the directory
// sees the same.
func TestOfficeLaws(t *testing.T) {
	public := make([]byte, 32)
	base, venues := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		venues++
		dir := filepath.Join(base, strconv.Itoa(venues))
		venue, event, err := central.Demo(evening, public)
		if err != nil {
			t.Fatal(err)
		}
		o, err := central.Create(dir, venue, []*pack.Event{event}, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		model := map[gate.TicketID]gate.Ticket{}
		bodies := map[gate.TicketID]map[uint8]ticket.Signed{}
		note := func(i central.Issued) {
			model[i.Ticket.ID] = i.Ticket
			if bodies[i.Ticket.ID] == nil {
				bodies[i.Ticket.ID] = map[uint8]ticket.Signed{}
			}
			bodies[i.Ticket.ID][i.Ticket.Generation] = i.Signed
		}
		last := gate.TicketID(0)
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			id := central.FirstTicket(central.DemoEvent) + gate.TicketID(rapid.IntRange(0, 3).Draw(t, "ticket"))
			was, known := model[id]
			valid := known && was.Status == gate.StatusValid
			switch rapid.SampledFrom([]string{"issue", "void", "refund", "transfer"}).Draw(t, "what") {
			case "issue":
				order := central.Order{
					Proof: rapid.SampledFrom([]ticket.Proof{ticket.ProofStatic, ticket.ProofChain}).Draw(t, "proof"),
					Party: rapid.Uint8Range(0, 3).Draw(t, "party"), NoReEntry: rapid.Bool().Draw(t, "no re-entry"),
				}
				issued, err := o.Issue(evening, order)
				if err != nil {
					t.Fatal(err)
				}
				if issued[0].Ticket.ID <= last {
					t.Fatalf("%s after %s", issued[0].Ticket.ID, last)
				}
				last = issued[0].Ticket.ID
				note(issued[0])
			case "transfer":
				issued, _, err := o.Transfer(id, central.Holder{Name: name}, [32]byte{}, evening)
				if (err == nil) != valid {
					t.Fatalf("transfer: %v", err)
				}
				if err == nil {
					note(issued)
				}
			case "void":
				c, err := o.Void(id)
				if (err == nil) != valid {
					t.Fatalf("void: %v", err)
				}
				if err == nil {
					model[id] = c.Ticket
				}
			case "refund":
				c, err := o.Refund(id)
				if (err == nil) != valid {
					t.Fatalf("refund: %v", err)
				}
				if err == nil {
					model[id] = c.Ticket
				}
			}
		}
		again, err := central.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		key := event.Issuers.Keys()[0].Public
		for id, want := range model {
			got, err := again.Ticket(id)
			if err != nil || got.Status != want.Status || got.Generation != want.Generation || got.Code != want.Code {
				t.Fatalf("%s is %d/%d on the disk, want %d/%d: %v", id, got.Generation, got.Status, want.Generation, want.Status, err)
			}
			signed, err := again.Signed(id)
			if err != nil || signed != bodies[id][got.Generation] || !signed.VerifySignature(key) {
				t.Fatalf("%s: another body, or a signature that does not verify: %v", id, err)
			}
			anchors := map[[20]byte]bool{}
			for _, s := range bodies[id] {
				anchors[s.Body.Anchor] = true
			}
			if want.Code.Proof == gate.ProofChain && len(anchors) != len(bodies[id]) {
				t.Fatalf("%s: two generations have one chain", id)
			}
		}
	})
}
