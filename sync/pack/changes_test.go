package pack_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/store/storetest"
	"github.com/venuegate/venuegate/sync/pack"
)

// lookup looks a ticket up among those that a gate has installed.
func lookup(in map[gate.TicketID]gate.Ticket) func(gate.TicketID, *gate.Ticket) (bool, error) {
	return func(id gate.TicketID, into *gate.Ticket) (bool, error) {
		t, known := in[id]
		*into = t
		return known, nil
	}
}

// drawChange draws a line of an overlay for the 40 tickets of a base and ids
// between them. Lines that no gate would take are among them.
func drawChange(t *rapid.T) pack.Change {
	id := storetest.ID(rapid.IntRange(0, 45).Draw(t, "ticket"))
	generation := rapid.Uint8Range(1, 3).Draw(t, "generation")
	if !rapid.Bool().Draw(t, "whole") {
		return pack.Change{ID: id, Generation: generation, Status: gate.Status(rapid.Uint8Max(3).Draw(t, "status"))}
	}
	for x, err := range storetest.Tickets(1, storetest.Options{Seed: rapid.Uint64Max(99).Draw(t, "seed")}) {
		if err != nil {
			t.Fatal(err)
		}
		x.ID, x.Generation, x.Status = id, generation, gate.Status(rapid.Uint8Max(1).Draw(t, "status"))
		return pack.Change{Ticket: &x}
	}
	return pack.Change{}
}

// A base with the changes made is what Tickets gives, and what one of the two
// refuses the other does too.
func TestChangesOverBase(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(40)))
	v.enrol()
	base, err := read(v.open())
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		changes := rapid.SliceOfN(rapid.Custom(drawChange), 0, 12).Draw(t, "changes")
		if _, err := pack.PublishOverlay(context.Background(), v.repository, v.keys, demoEvent(), demoVenue(), changes, now); err != nil {
			t.Fatal(err)
		}
		r := v.open()
		want, refused := read(r)
		got := make(map[gate.TicketID]gate.Ticket, len(base))
		for id, x := range base {
			got[id] = x
		}
		last := gate.TicketID(0)
		for x, err := range r.Changes(context.Background(), storetest.Event, lookup(base)) {
			if err != nil {
				if !errors.As(refused, new(*pack.LineError)) || !errors.As(err, new(*pack.LineError)) {
					t.Fatalf("refused with %v, the whole with %v", err, refused)
				}
				return
			}
			if x.ID <= last {
				t.Fatalf("ticket %s after %s", x.ID, last)
			}
			last = x.ID
			got[x.ID] = x
		}
		if refused != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%d tickets, %d come whole, %v", len(got), len(want), refused)
		}
	})
}

// Base stays when only the overlay is another, and goes with everything else.
func TestBase(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10)))
	v.enrol()
	event := func() pack.EventPack { return *v.open().Events()[0] }
	first := event()
	void := pack.Change{ID: storetest.ID(3), Generation: 1, Status: gate.StatusVoid}
	if _, err := pack.PublishOverlay(t.Context(), v.repository, v.keys, demoEvent(), demoVenue(), []pack.Change{void}, now); err != nil {
		t.Fatal(err)
	}
	if e := event(); e.Base != first.Base || e.Digest == first.Digest {
		t.Errorf("another overlay: base %s, digest %s, before %+v", e.Base, e.Digest, first)
	}
	seen := map[string]string{first.Base: "the first"}
	renamed, moved := content(nil), content(nil)
	renamed.Events[0].Event.Name = names("Encore")
	moved.Venue.Name = names("Hall")
	for _, c := range []struct {
		name    string
		content pack.Content
	}{{"more tickets", content(tickets(11))}, {"another event.json", renamed}, {"another venue.json", moved}} {
		v.build(c.content)
		base := event().Base
		if had, ok := seen[base]; ok {
			t.Errorf("%s: the base of %s", c.name, had)
		}
		seen[base] = c.name
	}
}

func TestChangesRefused(t *testing.T) {
	v := newVenue(t)
	v.build(content(tickets(10), pack.Change{ID: storetest.ID(3), Generation: 1, Status: gate.StatusVoid}))
	v.enrol()
	failed := errors.New("the card went away")
	first := func(r *pack.Repository, event gate.EventID, base func(gate.TicketID, *gate.Ticket) (bool, error)) error {
		for _, err := range r.Changes(t.Context(), event, base) {
			return err
		}
		return nil
	}
	if err := first(v.open(), storetest.Event, func(gate.TicketID, *gate.Ticket) (bool, error) { return false, failed }); !errors.Is(err, failed) {
		t.Errorf("a base that fails: %v", err)
	}
	if err := first(v.open(), 1, lookup(nil)); !errors.As(err, new(*pack.MissingError)) {
		t.Errorf("another event: %v", err)
	}
	r := v.open()
	edit(t, v.one("targets/event/2026/*.overlay"), flip(7))
	if err := first(r, storetest.Event, lookup(nil)); !errors.As(err, new(*pack.TamperedError)) {
		t.Errorf("a tampered overlay: %v", err)
	}
}
