package clustertest_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/pack"
)

const (
	eventID = 2026
	tickets = 1200
	period  = 10 // seconds of a code
	behind  = 6  // steps that a phone's clock may be behind, or ahead
)

// venue is the office: it signs tickets, the roster and the network's keys.
type venue struct {
	dir     string
	issuer  ticket.Issuer
	keys    *pack.KeySet
	roster  pack.Venue
	event   pack.Event
	network []networkKey
	list    []gate.Ticket

	mu     sync.Mutex
	chains []ticket.Chain
	sold   int
}

type networkKey struct {
	Key string `json:"key"`
	Use bool   `json:"use"`
}

func names(text string) pack.Names { return pack.Names{"en": text} }

func newVenue(t *testing.T, dir string) *venue {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	v := &venue{dir: dir, issuer: ticket.Issuer{KeyID: 1, Private: private, IssueKey: make([]byte, 32)}, network: []networkKey{newNetworkKey(t)}}
	if v.keys, err = pack.CreateKeys(filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	issuers, err := keyring.NewIssuers(keyring.IssuerKey{ID: 1, Algorithm: keyring.Ed25519, Public: private.Public().(ed25519.PublicKey)})
	if err != nil {
		t.Fatal(err)
	}
	v.roster = pack.Venue{
		Format: pack.Format, ID: 1, Name: names("Stadium"), Zones: []pack.Place{{ID: 10, Name: names("Stand")}},
		Keepers: []uint32{1, 2, 3},
	}
	v.event = pack.Event{
		Format: pack.Format, ID: eventID, Name: names("Final"), TimeZone: "Asia/Shanghai", Languages: []string{"en"},
		ZoneGroups: []pack.ZoneGroup{{ID: 1, Name: names("Stand"), Zones: []uint16{10}}},
		Classes:    []pack.Class{{ID: 1, Name: names("Adult")}}, Issuers: issuers,
	}
	v.event.Rules = pack.Rules{ReEntry: "after_exit", Isolation: "refuse", Margins: &pack.Margins{Behind: behind, Ahead: behind}}
	t0 := uint32(time.Now().Add(-time.Hour).Unix())
	for id := range uint64(tickets) {
		signed, err := v.issuer.Sign(ticket.Body{
			Event: eventID, Ticket: id + 1, Generation: 1, Flags: ticket.FlagReentry, ZoneGroup: 1,
			T0: t0, Steps: 1000, Period: period, Proof: ticket.ProofChain,
		})
		if err != nil {
			t.Fatal(err)
		}
		chain, err := v.issuer.Chain(signed.Body)
		if err != nil {
			t.Fatal(err)
		}
		v.chains = append(v.chains, chain)
		v.list = append(v.list, gate.Ticket{
			Event: eventID, ID: gate.TicketID(id + 1), Generation: 1, Class: 1, ZoneGroup: 1, ReEntry: true,
			Code: gate.CodeParams{KeyID: 1, T0: t0, Steps: 1000, Period: period, Proof: gate.ProofChain, Anchor: signed.Body.Anchor},
		})
	}
	return v
}

func newNetworkKey(t *testing.T) networkKey {
	t.Helper()
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	return networkKey{fmt.Sprintf("%x", key), true}
}

func (v *venue) repository() string { return filepath.Join(v.dir, "repository") }

// publish signs what the venue has now.
func (v *venue) publish(t *testing.T) {
	t.Helper()
	secrets, err := json.Marshal(map[string]any{"network": v.network, "events": map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	sealed := map[uint32][]byte{}
	for _, g := range v.roster.Gates {
		if sealed[g.ID], err = seal.Seal(g.Seal, "gate keys", secrets); err != nil {
			t.Fatal(err)
		}
	}
	listed := iter.Seq2[gate.Ticket, error](func(yield func(gate.Ticket, error) bool) {
		for _, k := range v.list {
			if !yield(k, nil) {
				return
			}
		}
	})
	content := pack.Content{Venue: &v.roster, Sealed: sealed, Events: []pack.EventContent{{Event: &v.event, Tickets: listed}}}
	if _, err := pack.Build(t.Context(), v.repository(), v.keys, content, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// root is the repository's first root, which a gate is given when it is set up.
func (v *venue) root(t *testing.T) []byte {
	t.Helper()
	root, err := os.ReadFile(filepath.Join(v.repository(), "metadata", "1.root.json"))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// visitor holds a ticket that nobody has used.
type visitor struct {
	ticket gate.TicketID
	chain  ticket.Chain
	t0     uint32
	last   uint32 // step of the code that was shown last
}

func (v *venue) visitor(t *testing.T) *visitor {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.sold == len(v.list) {
		t.Fatal("no ticket left")
	}
	k := &v.list[v.sold]
	w := &visitor{ticket: k.ID, chain: v.chains[v.sold], t0: k.Code.T0}
	v.sold++
	return w
}

// code is what the phone shows, a new code each time. It is taken from a phone
// whose clock is behind, so that there are some ten codes at one moment that a gate
// accepts.
func (w *visitor) code(t *testing.T) (text string, step uint32) {
	t.Helper()
	step = max(w.last+1, (uint32(time.Now().Unix())-w.t0)/period-behind+1)
	value, err := w.chain.Value(step)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = ticket.ShortText(uint64(w.ticket), 1, step, value); err != nil {
		t.Fatal(err)
	}
	w.last = step
	return text, step
}
