package store

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/store/storetest"
	"github.com/venuegate/venuegate/gate/store/storetest/drawn"
)

// dirty is a ticket that has held another one: whatever a decoder forgets to
// set shows.
func dirty() gate.Ticket {
	var t gate.Ticket
	for x, err := range storetest.Tickets(1, storetest.Options{}) {
		if err != nil {
			panic(err)
		}
		t = x
	}
	t.Entrance, t.Party, t.Pass, t.EntriesPerDay, t.EntriesInAll = 9, 9, 9, 9, 9
	t.ValidFrom, t.ValidUntil, t.AdmitFrom = storetest.T0, storetest.T0, storetest.T0
	t.Documents, t.Foreign = make([]gate.DocumentTag, 3), make([]gate.Tag, 3)
	t.Name, t.Birth, t.Phone = gate.Tag{9}, gate.Tag{9}, gate.Tag{9}
	t.Masked, t.Code.Holder, t.Assumed = "李*", [32]byte{9}, true
	return t
}

func normal(t gate.Ticket) gate.Ticket {
	if len(t.Sessions) == 0 {
		t.Sessions = nil
	}
	if len(t.Documents) == 0 {
		t.Documents = nil
	}
	if len(t.Foreign) == 0 {
		t.Foreign = nil
	}
	return t
}

func TestTicketRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawn.Ticket().Draw(t, "ticket")
		value, err := appendTicket(nil, &want)
		if err != nil {
			t.Fatal(err)
		}
		got := dirty()
		if err := decodeTicket(value, &got); err != nil {
			t.Fatal(err)
		}
		got.Event, got.ID = want.Event, want.ID
		if !reflect.DeepEqual(normal(got), want) {
			t.Fatalf("\n got %+v\nwant %+v", got, want)
		}
	})
}

func TestTicketRefused(t *testing.T) {
	for field, change := range map[string]func(*gate.Ticket){
		"id":        func(t *gate.Ticket) { t.ID = 0 },
		"assumed":   func(t *gate.Ticket) { t.Assumed = true },
		"status":    func(t *gate.Ticket) { t.Status = 4 },
		"proof":     func(t *gate.Ticket) { t.Code.Proof = 3 },
		"sessions":  func(t *gate.Ticket) { t.Sessions = make([]gate.SessionID, maxSessions+1) },
		"documents": func(t *gate.Ticket) { t.Documents = []gate.DocumentTag{{Short: true}} },
		"foreign":   func(t *gate.Ticket) { t.Foreign = make([]gate.Tag, maxForeign+1) },
		"masked":    func(t *gate.Ticket) { t.Masked = "张三" },
		"times":     func(t *gate.Ticket) { t.AdmitFrom = storetest.T0.Add(time.Millisecond) },
		"texts":     func(t *gate.Ticket) { t.Seat.Area = strings.Repeat("x", maxText+1) },
	} {
		t.Run(field, func(t *testing.T) {
			x := gate.Ticket{ID: 5}
			change(&x)
			var refused *TicketError
			if _, err := appendTicket(nil, &x); !errors.As(err, &refused) || refused.Field != field {
				t.Fatalf("error %v", err)
			}
			if strings.Contains(refused.Error(), "张三") {
				t.Fatal("the error names the person")
			}
		})
	}
}

// A value has one form: what decodes encodes to the same bytes. Nothing
// panics, and no value asks for more memory than it has bytes for.
func FuzzDecodeTicket(f *testing.F) {
	for t, err := range storetest.Tickets(40, storetest.Options{}) {
		if err != nil {
			f.Fatal(err)
		}
		value, err := appendTicket(nil, &t)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		got := dirty()
		if decodeTicket(value, &got) != nil {
			return
		}
		got.ID = 1
		again, err := appendTicket(nil, &got)
		if err != nil {
			var refused *TicketError
			if !errors.As(err, &refused) || refused.Field != "masked" {
				t.Fatalf("decoded %+v, cannot encode it: %v", got, err)
			}
			return
		}
		if string(again) != string(value) {
			t.Fatalf("\n got %x\nwant %x", again, value)
		}
	})
}

func TestPolicyRoundTrip(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	want := storetest.Policy()
	want.TimeZone = zone
	fill(t, reflect.ValueOf(want).Elem())
	raw, err := encodePolicy(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodePolicy(raw)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%v\n got %+v\nwant %+v", err, got, want)
	}
}

// fill gives every field that is zero a value, so that a field that policies
// get later is not forgotten here.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	for i := range v.NumField() {
		f := v.Field(i)
		if !f.IsZero() || !v.Type().Field(i).IsExported() { // what is not exported is set by a gate, not stored
			continue
		}
		switch f.Kind() {
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Uint8, reflect.Uint16, reflect.Uint32:
			f.SetUint(1)
		case reflect.Int, reflect.Int64:
			f.SetInt(1)
		case reflect.Struct:
			fill(t, f)
		case reflect.Map:
			value := reflect.New(f.Type().Elem()).Elem()
			fill(t, value)
			f.Set(reflect.MakeMap(f.Type()))
			f.SetMapIndex(reflect.Zero(f.Type().Key()), value)
		default:
			t.Fatalf("%s: teach this test about %s", v.Type().Field(i).Name, f.Kind())
		}
	}
}

func TestPersonIndex(t *testing.T) {
	document := func(a, b byte) gate.DocumentTag {
		var tag gate.Tag
		tag[0], tag[15] = a, b
		return gate.DocumentTag{Type: gate.DocumentResident, Tag: tag}
	}
	tickets := []gate.Ticket{
		{Event: 1, ID: 1, Generation: 1, Documents: []gate.DocumentTag{document(5, 1), document(6, 1)}},
		{Event: 1, ID: 2, Generation: 1, Documents: []gate.DocumentTag{document(6, 1)}},
		{Event: 1, ID: 3, Generation: 1, Documents: []gate.DocumentTag{document(7, 1)}},
	}
	p := packOf(t, tickets)
	for first, want := range map[byte][]gate.TicketID{5: {1}, 6: {1, 2}, 7: {3}, 8: nil} {
		if got, err := p.ByPerson(gate.PersonKey{first}, nil); err != nil || !slices.Equal(got, want) {
			t.Errorf("person %d: %v, %v, want %v", first, got, err, want)
		}
	}
}

// packOf builds, verifies and opens a pack of event 1.
func packOf(t *testing.T, tickets []gate.Ticket) *Pack {
	t.Helper()
	path := filepath.Join(t.TempDir(), "some.pack")
	src := Source{Event: 1, Version: 1, Policy: &gate.Policy{Event: 1}}
	if _, err := BuildPack(t.Context(), path, src, func(yield func(gate.Ticket, error) bool) {
		for _, k := range tickets {
			if !yield(k, nil) {
				return
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyPack(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	p, err := OpenPack(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func TestOrderIndex(t *testing.T) {
	tickets := []gate.Ticket{
		{Event: 1, ID: 1, Generation: 1, Order: 70},
		{Event: 1, ID: 2, Generation: 1, Order: 71},
		{Event: 1, ID: 3, Generation: 1},
		{Event: 1, ID: 4, Generation: 1, Order: 70},
	}
	p := packOf(t, tickets)
	for order, want := range map[gate.OrderID][]gate.TicketID{70: {1, 4}, 71: {2}, 72: nil, 0: nil} {
		if got, err := p.ByOrder(order, nil); err != nil || !slices.Equal(got, want) {
			t.Errorf("order %d: %v, %v, want %v", order, got, err, want)
		}
	}
}

func TestPolicyRefused(t *testing.T) {
	for name, p := range map[string]*gate.Policy{
		"none":              nil,
		"zone of no name":   {TimeZone: time.FixedZone("+8", 8*3600)},
		"this machine's":    {TimeZone: time.Local},
		"zone without rule": {TimeZone: time.FixedZone("Mars/Base", 0)},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := encodePolicy(p); err == nil {
				t.Fatal("accepted")
			}
		})
	}
}
