package ledger

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

// example is the record that docs/protocol/journal.md works through.
func example() Record {
	r := Record{
		Kind:       KindGrant,
		Position:   Position{Origin{Gate: 7, Epoch: 12}, 345},
		Wall:       time.Date(2026, 11, 21, 11, 2, 3, 456e6, time.UTC),
		Event:      1001,
		Ticket:     6400000000000042,
		Generation: 2,
		Session:    3,
		Entry:      1,
		Step:       4097,
		Count:      1,
		Lane:       21,
		From:       1,
		To:         4,
		Outcome:    gate.Admit,
		Reason:     gate.ReasonAdmitted,
		Marks:      gate.MarkIsolated,
		Person:     gate.PersonKey{0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8},
		Request:    77,
		Pack:       9,
	}
	r.Clock = Clock(0).Next(r.Wall) + 5
	for i := range r.Prev {
		r.Prev[i] = byte(i)
	}
	return r
}

// documented returns the bytes of a ```hex block of the protocol's page.
func documented(t *testing.T, name string) []byte {
	t.Helper()
	page, err := os.ReadFile("../../docs/protocol/journal.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(page), "```hex "+name+"\n")
	block, _, closed := strings.Cut(block, "```")
	if !found || !closed {
		t.Fatalf("docs/protocol/journal.md has no block %q", name)
	}
	b, err := hex.DecodeString(strings.Join(strings.Fields(block), ""))
	if err != nil {
		t.Fatalf("block %q: %v", name, err)
	}
	return b
}

// exampleOrder is the order that the page works through: doors of session 3 of
// event 1001 open at 19:15 instead, says staff member 12. Gate 7 records it with
// its proof behind the example.
func exampleOrder(t *testing.T) (order, proof Record) {
	t.Helper()
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	o := gate.Order{
		Kind: gate.OrderDoors, ID: 0x1122334455667788, Staff: 12, Issued: day.Add(18*time.Hour + 30*time.Minute),
		Until: day.Add(24 * time.Hour), Event: 1001, Session: 3, At: day.Add(19*time.Hour + 15*time.Minute),
	}
	signed, err := o.Sign(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	records, err := OrderRecords(&signed)
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	grant := example()
	prev, clock := grant.Hash(), grant.Clock
	for i := range records {
		r := &records[i]
		r.Position = Position{Origin{Gate: 7, Epoch: 12}, 346 + uint64(i)}
		r.Wall = o.Issued.Add(2 * time.Second)
		clock = clock.Next(r.Wall)
		r.Clock, r.Prev = clock, prev
		prev = r.Hash()
	}
	return records[0], records[1]
}

func TestDocumentedOrder(t *testing.T) {
	order, proof := exampleOrder(t)
	for name, r := range map[string]Record{"order record": order, "proof record": proof} {
		got, err := r.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := documented(t, name); !bytes.Equal(got, want) {
			t.Errorf("%s is\n% x, the page has\n% x", name, got, want)
		}
		var back Record
		if err := back.Decode(got); err != nil || back != r {
			t.Errorf("%s reads back as %+v, %v", name, back, err)
		}
	}
}

func TestDocumentedRecord(t *testing.T) {
	r := example()
	got, err := r.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := documented(t, "record"); !bytes.Equal(got, want) {
		t.Errorf("record is\n%x, the page has\n%x", got, want)
	}
	if hash, want := r.Hash(), documented(t, "hash"); !bytes.Equal(hash[:], want) {
		t.Errorf("hash is %x, the page has %x", hash, want)
	}
}

// records draws any record that can be encoded.
func records() *rapid.Generator[Record] {
	return rapid.Custom(func(t *rapid.T) Record {
		r := Record{
			Kind:       Kind(rapid.IntRange(1, 8).Draw(t, "kind")),
			Clock:      Clock(rapid.Uint64().Draw(t, "clock")),
			Wall:       time.UnixMilli(rapid.Int64().Draw(t, "wall")).UTC(),
			Event:      gate.EventID(rapid.Uint32().Draw(t, "event")),
			Ticket:     gate.TicketID(rapid.Uint64().Draw(t, "ticket")),
			Generation: rapid.Uint8().Draw(t, "generation"),
			Session:    gate.SessionID(rapid.Uint16().Draw(t, "session")),
			Entry:      rapid.Uint16().Draw(t, "entry"),
			Step:       rapid.Uint32Range(0, NoStep).Draw(t, "step"),
			Count:      rapid.Uint8().Draw(t, "count"),
			Lane:       gate.LaneID(rapid.Uint16().Draw(t, "lane")),
			From:       gate.ZoneID(rapid.Uint16().Draw(t, "from")),
			To:         gate.ZoneID(rapid.Uint16().Draw(t, "to")),
			Outcome:    gate.Outcome(rapid.IntRange(0, 3).Draw(t, "outcome")),
			Reason:     gate.Reason(rapid.Uint16().Draw(t, "reason")),
			Marks:      gate.Marks(rapid.Uint16().Draw(t, "marks")),
			Staff:      rapid.Uint32().Draw(t, "staff"),
			Request:    rapid.Uint64().Draw(t, "request"),
			Pack:       rapid.Uint32().Draw(t, "pack"),
		}
		r.Position = position(t, "position", rapid.Uint64Range(2, MaxSequence))
		if r.Kind == KindEpoch {
			r.Position.Sequence = 1
		}
		if rapid.Bool().Draw(t, "has ref") {
			r.Ref = position(t, "ref", rapid.Uint64Range(1, MaxSequence))
		}
		if rapid.IntRange(0, 4).Draw(t, "has a body") == 0 {
			r.Kind = rapid.SampledFrom([]Kind{KindOrder, KindProof}).Draw(t, "kind with a body")
			r.Position = position(t, "position of the body", rapid.Uint64Range(2, MaxSequence))
			copy(r.Body[:], rapid.SliceOfN(rapid.Byte(), BodySize, BodySize).Draw(t, "body"))
			return r.bodyOnly()
		}
		copy(r.Person[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "person"))
		copy(r.Prev[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "prev"))
		return r
	})
}

func position(t *rapid.T, name string, sequences *rapid.Generator[uint64]) Position {
	return Position{
		Origin{gate.GateID(rapid.Uint32().Draw(t, name+" gate")), rapid.Uint32Range(1, 1<<32-1).Draw(t, name+" epoch")},
		sequences.Draw(t, name+" sequence"),
	}
}

func TestRecordComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := records().Draw(t, "record")
		b, err := want.AppendBinary([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		b, found := bytes.CutPrefix(b, []byte("before"))
		if !found || len(b) != Size {
			t.Fatalf("%d bytes were appended, want %d", len(b), Size)
		}
		var got Record
		if err := got.Decode(b); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestHashTellsRecordsApart(t *testing.T) {
	r := example()
	seen := map[Hash]string{r.Hash(): "the example"}
	b, err := r.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		changed := bytes.Clone(b)
		changed[i] ^= 1
		hash := HashEncoded(changed)
		if other, ok := seen[hash]; ok {
			t.Errorf("changing byte %d hashes like %s", i, other)
		}
		seen[hash] = "another change"
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(b []byte) []byte
		field  string
		offset int
	}{
		{"nothing", func([]byte) []byte { return nil }, "record", 0},
		{"a byte short", func(b []byte) []byte { return b[:Size-1] }, "record", 0},
		{"a byte long", func(b []byte) []byte { return append(b, 0) }, "record", 0},
		{"version 0", set(0, 0), "version", 0},
		{"version 2", set(0, 2), "version", 0},
		{"kind 0", set(1, 0), "kind", 1},
		{"kind 10", set(1, 10), "kind", 1},
		{"kind 12", set(1, 12), "kind", 1},
		{"an order's version on a grant", set(0, 2), "version", 0},
		{"an order at sequence 1", func(b []byte) []byte { return set(22, 0, 1)(set(0, 2, 10)(b)) }, "kind", 1},
		{"an order of epoch 0", func(b []byte) []byte { return set(11, 0)(set(0, 2, 10)(b)) }, "epoch", 8},
		{"kind of an epoch's beginning inside one", set(1, 1), "kind", 1},
		{"epoch 0", set(11, 0), "epoch", 8},
		{"sequence 0", set(22, 0, 0), "sequence", 16},
		{"sequence of 41 bits", set(18, 1), "sequence", 16},
		{"grant at sequence 1", set(22, 0, 1), "kind", 1},
		{"outcome 4", set(64, 4), "outcome", 64},
		{"first reserved bytes", set(67, 1), "reserved", 66},
		{"second reserved bytes", set(108, 1), "reserved", 108},
		{"ref to a log without a record", set(83, 1), "ref", 80},
		{"ref of 41 bits", set(90, 1), "ref sequence", 88},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := example()
			b, err := r.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			err = new(Record).Decode(test.change(b))
			var wrong *FormatError
			if !errors.As(err, &wrong) || wrong.Field != test.field || wrong.Offset != test.offset {
				t.Errorf("got %v, want a FormatError of %s at %d", err, test.field, test.offset)
			}
		})
	}
}

func set(at int, bytes ...byte) func([]byte) []byte {
	return func(b []byte) []byte {
		copy(b[at:], bytes)
		return b
	}
}

func TestAppendBinaryRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(r *Record)
		field  string
	}{
		{"step of 25 bits", func(r *Record) { r.Step = NoStep + 1 }, "step"},
		{"no kind", func(r *Record) { r.Kind = 0 }, "kind"},
		{"unknown outcome", func(r *Record) { r.Outcome = gate.Refer + 1 }, "outcome"},
		{"no sequence", func(r *Record) { r.Position.Sequence = 0 }, "sequence"},
		{"no epoch", func(r *Record) { r.Position.Epoch = 0 }, "epoch"},
		{"a grant with a body", func(r *Record) { r.Body[5] = 1 }, "body"},
		{"an order with a ticket", func(r *Record) { *r = r.bodyOnly(); r.Kind, r.Ticket = KindOrder, 3 }, "body"},
		{"half a ref", func(r *Record) { r.Ref.Gate = 3 }, "ref"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := example()
			test.change(&r)
			b, err := r.AppendBinary([]byte("before"))
			var wrong *FormatError
			if !errors.As(err, &wrong) || wrong.Field != test.field {
				t.Errorf("got %v, want a FormatError of %s", err, test.field)
			}
			if string(b) != "before" {
				t.Errorf("%d bytes were appended all the same", len(b)-len("before"))
			}
			if r.Hash() != (Hash{}) {
				t.Error("it has a hash")
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	r := example()
	b, err := r.AppendBinary(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:17])
	f.Add(set(0, BodyVersion, byte(KindOrder))(bytes.Clone(b)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Record
		if err := r.Decode(b); err != nil {
			var wrong *FormatError
			if !errors.As(err, &wrong) || wrong.Offset < 0 || wrong.Offset >= Size {
				t.Fatalf("error %v is no FormatError within a record", err)
			}
			return
		}
		again, err := r.AppendBinary(nil)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("decoded and encoded again: %x, %v", again, err)
		}
	})
}

func TestClockNeverRunsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Clock
		for _, ms := range rapid.SliceOfN(rapid.Int64Range(-1000, 1<<47), 1, 50).Draw(t, "wall") {
			next := c.Next(time.UnixMilli(ms))
			if next <= c {
				t.Fatalf("%d after %d", next, c)
			}
			if wall := time.UnixMilli(ms); next.Time().Before(wall) {
				t.Fatalf("clock %v is behind the wall's %v", next.Time(), wall)
			}
			c = next
		}
	})
}
