// Package centraltest holds what every storage of central must do, whatever it
// keeps its data in. Tests of a storage call it; nothing else does.
package centraltest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
)

const event = gate.EventID(1)

// Storage checks a [central.Storage]. open opens the same empty storage again
// each time, after done has closed it: what was answered for must be there.
func Storage(t *testing.T, open func(t *testing.T) (s central.Storage, done func())) {
	s, done := open(t)
	if got := tickets(t, s); len(got) != 0 {
		t.Fatalf("%d tickets in an empty storage", len(got))
	}
	if _, err := s.Ticket(event, 5); !errors.Is(err, central.ErrUnknownTicket) {
		t.Errorf("a ticket that is not there: %v", err)
	}
	add(t, s, 0, ticket(5), ticket(9))
	add(t, s, 9, ticket(10))

	t.Run("all or none", func(t *testing.T) {
		boom := errors.New("boom")
		for name, produce := range map[string]func(gate.TicketID) ([]gate.Ticket, error){
			"an error":       func(gate.TicketID) ([]gate.Ticket, error) { return []gate.Ticket{ticket(11)}, boom },
			"an id below":    func(gate.TicketID) ([]gate.Ticket, error) { return []gate.Ticket{ticket(11), ticket(7)}, nil },
			"an id there":    func(gate.TicketID) ([]gate.Ticket, error) { return []gate.Ticket{ticket(10)}, nil },
			"the same twice": func(gate.TicketID) ([]gate.Ticket, error) { return []gate.Ticket{ticket(11), ticket(11)}, nil },
			"one of no shape": func(gate.TicketID) ([]gate.Ticket, error) {
				return []gate.Ticket{ticket(11), {ID: 12, Event: event}}, nil
			},
		} {
			if err := s.Add(event, produce); err == nil {
				t.Errorf("%s: added", name)
			}
		}
		if got := ids(tickets(t, s)); !slices.Equal(got, []gate.TicketID{5, 9, 10}) {
			t.Errorf("tickets %v", got)
		}
	})
	t.Run("change", func(t *testing.T) {
		err := s.Change(event, 9, func(t *gate.Ticket) error {
			t.Status, t.Documents = gate.StatusVoid, nil
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Ticket(event, 9)
		if err != nil || got.Status != gate.StatusVoid || len(got.Documents) != 0 || got.Masked != "张*" {
			t.Errorf("%+v, %v", got, err)
		}
		boom := errors.New("boom")
		err = s.Change(event, 10, func(t *gate.Ticket) error { t.Status, t.Sessions[0] = gate.StatusVoid, 7; return boom })
		if got, _ := s.Ticket(event, 10); !errors.Is(err, boom) || got.Status != gate.StatusValid || got.Sessions[0] != 1 {
			t.Errorf("a change that failed left %+v, %v", got, err)
		}
		if err := s.Change(event, 9, func(t *gate.Ticket) error { t.ID = 10; return nil }); err == nil {
			t.Error("a ticket became another")
		}
		if err := s.Change(event, 6, func(*gate.Ticket) error { return nil }); !errors.Is(err, central.ErrUnknownTicket) {
			t.Errorf("a ticket that is not there: %v", err)
		}
	})
	t.Run("events are apart", func(t *testing.T) {
		if _, err := s.Ticket(event+1, 5); !errors.Is(err, central.ErrUnknownTicket) {
			t.Errorf("a ticket of another event: %v", err)
		}
	})
	t.Run("leases", func(t *testing.T) { leases(t, s) })
	t.Run("side by side", func(t *testing.T) { sideBySide(t, s) })
	before := tickets(t, s)
	done()
	s, done = open(t)
	defer done()
	if after := tickets(t, s); !slices.EqualFunc(before, after, same) {
		t.Errorf("after opening again %d tickets, %d before, or other ones", len(after), len(before))
	}
	if l, ok, err := s.Leased(event, 5, 1); err != nil || !ok || l.Last != 20 {
		t.Errorf("after opening again the lease is %+v, %t, %v", l, ok, err)
	}
}

func leases(t *testing.T, s central.Storage) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	if _, ok, err := s.Leased(event, 5, 1); ok || err != nil {
		t.Errorf("a lease that nobody gave: %t, %v", ok, err)
	}
	for _, given := range [][]central.Leased{
		{{Ticket: 5, Generation: 1, Last: 20, At: at}, {Ticket: 9, Generation: 1, Last: 7, At: at}},
		{{Ticket: 5, Generation: 1, Last: 10, At: at.Add(time.Hour)}}, // reaches less far
		{{Ticket: 5, Generation: 2, Last: 3, At: at}},
	} {
		if err := s.SetLeased(event, given...); err != nil {
			t.Fatal(err)
		}
	}
	want := central.Leased{Ticket: 5, Generation: 1, Last: 20, At: at}
	if l, ok, err := s.Leased(event, 5, 1); err != nil || !ok || l != want {
		t.Errorf("%+v, %t, %v; want %+v", l, ok, err, want)
	}
	if l, ok, err := s.Leased(event, 5, 2); err != nil || !ok || l.Last != 3 {
		t.Errorf("of generation 2: %+v, %t, %v", l, ok, err)
	}
}

// sideBySide adds and changes from several goroutines.
func sideBySide(t *testing.T, s central.Storage) {
	had := len(tickets(t, s))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				err := s.Add(event, func(last gate.TicketID) ([]gate.Ticket, error) {
					return []gate.Ticket{ticket(last + 1), ticket(last + 2)}, nil
				})
				if err != nil {
					t.Error(err)
				}
				err = s.Change(event, 5, func(t *gate.Ticket) error { t.Order++; return nil })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := len(tickets(t, s)); got != had+80 {
		t.Errorf("%d tickets, want %d", got, had+80)
	}
	if got, err := s.Ticket(event, 5); err != nil || got.Order != 40 {
		t.Errorf("40 changes left %d, %v", got.Order, err)
	}
}

// ticket is a valid one that has a bit of everything.
func ticket(id gate.TicketID) gate.Ticket {
	return gate.Ticket{
		Event: event, ID: id, Generation: 1, Class: 1, ZoneGroup: 1, Sessions: []gate.SessionID{1},
		RealName: true, Party: 1, Channel: 1, Masked: "张*", Seat: gate.Seat{Area: "C", Row: "12", Seat: "7"},
		Code:      gate.CodeParams{KeyID: 1},
		Documents: []gate.DocumentTag{{Type: 1, Tag: tag(id, 1)}},
		Foreign:   []gate.Tag{tag(id, 2)},
	}
}

func tag(id gate.TicketID, kind byte) gate.Tag {
	return gate.Tag{0: kind, 1: 1, 14: byte(id >> 8), 15: byte(id)}
}

func add(t *testing.T, s central.Storage, last gate.TicketID, some ...gate.Ticket) {
	t.Helper()
	err := s.Add(event, func(had gate.TicketID) ([]gate.Ticket, error) {
		if had != last {
			t.Errorf("the highest id is %s, want %s", had, last)
		}
		return some, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func tickets(t *testing.T, s central.Storage) []gate.Ticket {
	t.Helper()
	var all []gate.Ticket
	for one, err := range s.Tickets(event) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if !slices.IsSorted(ids(all)) {
		t.Error("tickets are out of order")
	}
	return all
}

func ids(tickets []gate.Ticket) []gate.TicketID {
	out := make([]gate.TicketID, len(tickets))
	for i := range tickets {
		out[i] = tickets[i].ID
	}
	return out
}

func same(a, b gate.Ticket) bool {
	return a.ID == b.ID && a.Generation == b.Generation && a.Status == b.Status && a.Order == b.Order &&
		slices.Equal(a.Documents, b.Documents) && slices.Equal(a.Foreign, b.Foreign) && a.Code == b.Code
}
