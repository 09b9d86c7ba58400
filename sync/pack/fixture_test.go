package pack_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"io"
	"iter"
	"log"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/store/storetest"
	"github.com/venuegate/venuegate/sync/pack"
)

var now = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

func names(s string) pack.Names { return pack.Names{"en": s} }

func key(n byte) pack.PublicKey {
	seed := bytes.Repeat([]byte{n}, ed25519.SeedSize)
	return pack.PublicKey(ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey))
}

func demoVenue() *pack.Venue {
	v := &pack.Venue{
		Format: pack.Format, ID: 1, Name: pack.Names{"zh-CN": "体育馆", "en": "Arena"},
		Entrances: []pack.Place{{ID: 1, Name: names("East")}},
		Gates: []pack.Gate{
			{ID: 1, Incarnation: 1, Name: "east 1", Key: key(1), Role: "gate", Addresses: []string{"192.0.2.1:7946"}, Lanes: []pack.Lane{
				{ID: 101, Name: names("East 1"), Kind: "entry", To: 11, Entrance: 1},
				{ID: 102, Name: names("East 2"), Kind: "both", To: 12, Isolation: "admit"},
			}},
			{ID: 2, Incarnation: 1, Name: "east 2", Key: key(2), Role: "handheld"},
		},
		Keepers: []uint32{1},
		Staff:   []pack.Staff{{ID: 1, Name: "steward 1", Roles: []string{"steward"}}},
	}
	for z := range storetest.Zones {
		v.Zones = append(v.Zones, pack.Place{ID: uint16(11 + z), Name: names("zone")})
	}
	return v
}

func demoEvent() *pack.Event {
	issuers, err := keyring.NewIssuers(keyring.IssuerKey{
		ID: storetest.KeyID, Algorithm: keyring.Ed25519, Public: ed25519.PublicKey(key(9)), Events: []uint32{uint32(storetest.Event)},
	})
	if err != nil {
		panic(err)
	}
	e := &pack.Event{
		Format: pack.Format, ID: uint32(storetest.Event), Name: names("Concert"), TimeZone: "UTC", Languages: []string{"zh-CN", "en"},
		Rules:   pack.Rules{ReEntry: "after_pause", ReEntryPause: 300, Isolation: "refer"},
		Issuers: issuers,
	}
	for _, s := range storetest.Policy().Sessions {
		e.Sessions = append(e.Sessions, pack.Session{
			ID: uint16(s.ID), Name: names(s.Name), Doors: s.Doors, Start: s.Start, LastEntry: s.LastEntry, End: s.End,
		})
	}
	for i := range uint16(storetest.Zones) {
		e.ZoneGroups = append(e.ZoneGroups, pack.ZoneGroup{ID: i + 1, Name: names("group"), Zones: []uint16{11 + i}})
	}
	for i := range uint16(3) {
		e.Classes = append(e.Classes, pack.Class{ID: i + 1, Name: names("class")})
	}
	for i := range uint16(storetest.Channels) {
		e.Channels = append(e.Channels, pack.Channel{ID: i + 1, Name: "channel"})
	}
	return e
}

func content(tickets iter.Seq2[gate.Ticket, error], changes ...pack.Change) pack.Content {
	return pack.Content{
		Venue:  demoVenue(),
		Events: []pack.EventContent{{Event: demoEvent(), Tickets: tickets, Changes: changes}},
	}
}

func tickets(n int) iter.Seq2[gate.Ticket, error] { return storetest.Tickets(n, storetest.Options{}) }

// venue is an issuer and a gate in temporary directories.
type venue struct {
	t                testing.TB
	keys             *pack.KeySet
	keyDir           string
	repository, gate string
}

func newVenue(t testing.TB) *venue {
	t.Helper()
	top := t.TempDir()
	v := &venue{t: t, keyDir: filepath.Join(top, "keys"), repository: filepath.Join(top, "repository"), gate: filepath.Join(top, "trust")}
	var err error
	if v.keys, err = pack.CreateKeys(v.keyDir); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *venue) build(c pack.Content) pack.Result {
	v.t.Helper()
	r, err := pack.Build(context.Background(), v.repository, v.keys, c, now)
	if err != nil {
		v.t.Fatal(err)
	}
	return r
}

func (v *venue) enrol() {
	v.t.Helper()
	root, err := os.ReadFile(filepath.Join(v.repository, "metadata", "1.root.json"))
	if err != nil {
		v.t.Fatal(err)
	}
	if err := pack.Enrol(v.gate, root); err != nil {
		v.t.Fatal(err)
	}
}

func (v *venue) openAt(at time.Time) (*pack.Repository, error) {
	v.t.Helper()
	dir, err := pack.OpenDir(v.repository)
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { _ = dir.Close() })
	return pack.Open(context.Background(), dir, v.gate, at)
}

func (v *venue) open() *pack.Repository {
	v.t.Helper()
	r, err := v.openAt(now)
	if err != nil {
		v.t.Fatal(err)
	}
	return r
}

// read returns all tickets of the event, or the error that ended them.
func read(r *pack.Repository) (map[gate.TicketID]gate.Ticket, error) {
	all := map[gate.TicketID]gate.Ticket{}
	for t, err := range r.Tickets(context.Background(), storetest.Event) {
		if err != nil {
			return all, err
		}
		all[t.ID] = t
	}
	return all, nil
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// samples returns a root and a timestamp of it.
func samples(t testing.TB) (root, stamp []byte) {
	t.Helper()
	v := newVenue(t)
	v.build(content(tickets(1)))
	var err error
	if root, err = os.ReadFile(filepath.Join(v.repository, "metadata", "1.root.json")); err != nil {
		t.Fatal(err)
	}
	if stamp, err = os.ReadFile(filepath.Join(v.repository, "metadata", "timestamp.json")); err != nil {
		t.Fatal(err)
	}
	return root, stamp
}
