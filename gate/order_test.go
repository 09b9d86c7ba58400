package gate_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate"
)

// exampleOrder is the one that docs/protocol/journal.md works through: doors of
// session 3 of event 1001 open at 19:15 instead, says staff member 12.
func exampleOrder() gate.Order {
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	return gate.Order{
		Kind: gate.OrderDoors, ID: 0x1122334455667788, Staff: 12, Issued: day.Add(18*time.Hour + 30*time.Minute),
		Until: day.Add(24 * time.Hour), Event: 1001, Session: 3, At: day.Add(19*time.Hour + 15*time.Minute),
	}
}

// staffKey is the key whose seed is 32 times 0x09.
func staffKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize))
}

func TestDocumentedOrder(t *testing.T) {
	page, err := os.ReadFile("../docs/protocol/journal.md")
	if err != nil {
		t.Fatal(err)
	}
	o := exampleOrder()
	signed, err := o.Sign(staffKey())
	if err != nil {
		t.Fatal(err)
	}
	got, err := signed.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{
		"order":                     got[:gate.OrderSize],
		"order signature":           got[gate.OrderSize:],
		"staff member's public key": staffKey().Public().(ed25519.PublicKey),
	} {
		_, block, found := strings.Cut(string(page), "```hex "+name+"\n")
		block, _, _ = strings.Cut(block, "```")
		if b, err := hex.DecodeString(strings.Join(strings.Fields(block), "")); !found || err != nil || !bytes.Equal(b, want) {
			t.Errorf("%s is\n%x, the page has\n%s", name, want, block)
		}
	}
}

// orders draws any order that is in order.
func orders() *rapid.Generator[gate.Order] {
	return rapid.Custom(func(t *rapid.T) gate.Order {
		o := gate.Order{
			Kind: gate.OrderKind(rapid.IntRange(1, 11).Draw(t, "kind")), ID: rapid.Uint64Range(1, 1<<64-1).Draw(t, "id"),
			Staff: rapid.Uint32Range(1, 1<<32-1).Draw(t, "staff"), Issued: moment().Draw(t, "issued"),
		}
		o.Event, o.Session = 7, gate.SessionID(rapid.Uint16().Draw(t, "session"))
		o.Zone, o.Lane = gate.ZoneID(rapid.Uint16().Draw(t, "zone")), gate.LaneID(rapid.Uint16Range(1, 9).Draw(t, "lane"))
		o.Entrance, o.To = 3, 4
		o.At, o.LaneKind = moment().Draw(t, "at"), gate.LaneKind(rapid.IntRange(0, 3).Draw(t, "lane kind"))
		o.Ticket, o.Person, o.Cancels = 9, gate.PersonKey{8}, 7
		if rapid.Bool().Draw(t, "has from") {
			o.From = moment().Draw(t, "from")
		}
		if rapid.Bool().Draw(t, "has until") {
			o.Until = o.From.Add(time.Hour)
			if o.From.IsZero() {
				o.Until = moment().Draw(t, "until")
			}
		}
		for { // take off what Check does not want
			var wrong *gate.OrderError
			if err := o.Check(); err == nil {
				return o
			} else if !errors.As(err, &wrong) {
				t.Fatal(err)
			}
			switch wrong.Field {
			case "event":
				o.Event = 0
			case "session":
				o.Session = 0
			case "zone":
				o.Zone = 0
			case "entrance":
				o.Entrance = 0
			case "lane":
				o.Lane = 0
			case "at":
				o.At = time.Time{}
			case "to":
				o.To = 0
			case "lane kind":
				o.LaneKind = 0
			case "ticket":
				o.Ticket = 0
			case "person":
				o.Person = gate.PersonKey{}
			case "cancels":
				o.Cancels = 0
			case "from":
				o.From = time.Time{}
			case "until":
				o.Until = time.Time{}
			default:
				t.Fatal(wrong)
			}
		}
	})
}

func moment() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMilli(rapid.Int64Range(1, 1<<47).Draw(t, "ms")).UTC()
	})
}

func TestOrderComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := orders().Draw(t, "order")
		want := gate.SignedOrder{Order: o}
		if rapid.Bool().Draw(t, "signed") {
			var err error
			if want, err = o.Sign(staffKey()); err != nil {
				t.Fatal(err)
			}
			if err := want.Verify(staffKey().Public().(ed25519.PublicKey)); err != nil {
				t.Fatal(err)
			}
		}
		b, err := want.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := gate.ParseSignedOrder(b)
		if err != nil || got != want {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	})
}

func TestOrderRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(o *gate.Order)
		field  string
	}{
		{"no kind", func(o *gate.Order) { o.Kind = 0 }, "kind"},
		{"a kind to come", func(o *gate.Order) { o.Kind = 12 }, "kind"},
		{"no id", func(o *gate.Order) { o.ID = 0 }, "id"},
		{"nobody gives it", func(o *gate.Order) { o.Staff = 0 }, "staff"},
		{"no issue", func(o *gate.Order) { o.Issued = time.Time{} }, "issued"},
		{"doors of no event", func(o *gate.Order) { o.Event = 0 }, "event"},
		{"doors without a time", func(o *gate.Order) { o.At = time.Time{} }, "at"},
		{"doors of a lane", func(o *gate.Order) { o.Lane = 3 }, "lane"},
		{"doors of a ticket", func(o *gate.Order) { o.Ticket = 3 }, "ticket"},
		{"microseconds", func(o *gate.Order) { o.At = o.At.Add(time.Microsecond) }, "at"},
		{"a time before time", func(o *gate.Order) { o.At = time.UnixMilli(-1) }, "at"},
		{"over before it begins", func(o *gate.Order) { o.From = o.Until }, "until"},
		{"an entrance to itself", func(o *gate.Order) {
			*o = gate.Order{Kind: gate.OrderEntrance, ID: 1, Staff: 1, Issued: o.Issued, Entrance: 2, To: 2}
		}, "to"},
		{"a lane of no known kind", func(o *gate.Order) {
			*o = gate.Order{Kind: gate.OrderLaneKind, ID: 1, Staff: 1, Issued: o.Issued, Lane: 2, LaneKind: 4}
		}, "lane kind"},
		{"a reset with an end", func(o *gate.Order) {
			*o = gate.Order{Kind: gate.OrderNormal, ID: 1, Staff: 1, Issued: o.Issued, Until: o.Until}
		}, "until"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := exampleOrder()
			c.change(&o)
			b, err := o.AppendBinary([]byte("before"))
			var wrong *gate.OrderError
			if !errors.As(err, &wrong) || wrong.Field != c.field || string(b) != "before" {
				t.Errorf("got %v, want an OrderError of %s", err, c.field)
			}
		})
	}
}

func TestOrderIsVerified(t *testing.T) {
	o := exampleOrder()
	s, err := o.Sign(staffKey())
	if err != nil {
		t.Fatal(err)
	}
	key := staffKey().Public().(ed25519.PublicKey)
	if err := s.Verify(key); err != nil {
		t.Error(err)
	}
	other := s
	other.At = other.At.Add(time.Minute)
	if err := other.Verify(key); !errors.Is(err, gate.ErrOrderSignature) {
		t.Errorf("changed: %v", err)
	}
	if err := s.Verify(key[:31]); !errors.Is(err, gate.ErrOrderSignature) {
		t.Errorf("a short key: %v", err)
	}
}

func FuzzParseSignedOrder(f *testing.F) {
	o := exampleOrder()
	s, err := o.Sign(staffKey())
	if err != nil {
		f.Fatal(err)
	}
	b, err := s.AppendBinary(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:gate.OrderSize])
	f.Add(b[:5])
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := gate.ParseSignedOrder(b)
		if err != nil {
			var wrong *gate.OrderError
			if !errors.As(err, &wrong) {
				t.Fatalf("error %v is no OrderError", err)
			}
			return
		}
		if again, err := s.AppendBinary(nil); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("parsed and written again: %x, %v", again, err)
		}
	})
}
