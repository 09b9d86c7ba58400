package pack_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/gate/store/storetest"
	"github.com/venuegate/venuegate/sync/pack"
)

// source is how a gate hands a verified event to its store.
func source(t *testing.T, r *pack.Repository) store.Source {
	t.Helper()
	e, ok := r.Event(storetest.Event)
	if !ok {
		t.Fatal("no event")
	}
	policy, err := e.Event.Policy()
	if err != nil {
		t.Fatal(err)
	}
	return store.Source{
		Event: e.ID, Version: r.Version(), Digest: e.Digest, Venue: r.VenueJSON, Document: e.JSON, Policy: policy,
		Issued: r.Issued(), Expires: r.Expires(), Origin: "directory", At: now,
	}
}

// The whole way of a pack: built, verified, installed, looked up; a tampered
// one changes nothing.
func TestRepositoryToStore(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(9000), pack.Change{ID: storetest.ID(7), Generation: 1, Status: gate.StatusVoid}))
	v.enrol()
	packs, err := store.OpenPacks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = packs.Close() }()
	r := v.open()
	info, err := packs.Install(t.Context(), source(t, r), r.Tickets(t.Context(), storetest.Event))
	if err != nil || info.Tickets != 9000 || !info.Built.Equal(now) {
		t.Fatalf("%+v, %v", info, err)
	}
	if err := r.Accept(); err != nil {
		t.Fatal(err)
	}

	v.build(content(tickets(9100)))
	edit(t, v.one("targets/event/2026/tickets/*.00000000000000000000"), flip(77))
	r = v.open()
	_, err = packs.Install(t.Context(), source(t, r), r.Tickets(t.Context(), storetest.Event))
	if !errors.As(err, new(*pack.TamperedError)) {
		t.Fatalf("a tampered shard: %v", err)
	}

	view := packs.Acquire()
	defer func() { _ = view.Release() }()
	var ticket gate.Ticket
	p, err := view.Ticket(storetest.ID(7), &ticket)
	if err != nil || p == nil || ticket.Status != gate.StatusVoid {
		t.Fatalf("ticket %+v, %v", ticket, err)
	}
	if p.Info().Version != 1 || p.Info().Tickets != 9000 {
		t.Fatalf("in use: %+v", p.Info())
	}
	e, err := pack.DecodeEvent(p.Document())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := e.Issuers.IssuerKey(storetest.KeyID); !ok {
		t.Fatal("the issuer's key is gone")
	}
	place, err := pack.DecodeVenue(p.Venue())
	if err != nil || place.Zones[0].ID != 11 || !slices.Equal(p.Policy().ZoneGroups[1], []gate.ZoneID{11}) {
		t.Fatalf("venue %+v, %v", place, err)
	}
}
