package claim

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

type testKey struct{ ed25519.PrivateKey }

func (k testKey) Sign(m []byte) []byte { return ed25519.Sign(k.PrivateKey, m) }

func keyFor(t byte) testKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = t
	return testKey{ed25519.NewKeyFromSeed(seed)}
}

// exampleOrder is a return to normal at event 1, by staff member 12, and where
// gate 7 recorded it.
func exampleOrder() placedOrder {
	o := gate.Order{
		Kind: gate.OrderNormal, ID: 0x1122334455667788, Staff: 12, Event: 1, Issued: time.UnixMilli(1795379400000).UTC(),
	}
	signed, err := o.Sign(keyFor(12).PrivateKey)
	if err != nil {
		panic(err)
	}
	return placedOrder{signed, mark{1795379400500 << 16, ledger.Position{Origin: ledger.Origin{Gate: 7, Epoch: 12}, Sequence: 5}}}
}

var example = request{
	gate: 7, incarnation: 1, epoch: 12, number: 345, cluster: clusterID{0: 0xc1, 31: 0x1d},
	items: []item{
		{kind: itemRecords, run: run{
			origin: ledger.Origin{Gate: 7, Epoch: 12}, first: 2, last: 4,
			records: []ledger.Record{{
				Kind: ledger.KindGrant, Position: ledger.Position{Origin: ledger.Origin{Gate: 7, Epoch: 12}, Sequence: 3},
				Clock: 1795379400000 << 16, Wall: time.UnixMilli(1795379400000).UTC(), Event: 1, Ticket: 4711, Generation: 1,
				Step: 9, Count: 1, Lane: 3, Outcome: gate.Admit, Reason: gate.ReasonAdmitted, Request: 12<<32 | 8,
			}},
		}},
		{kind: itemOrder, order: exampleOrder()},
		{kind: itemRelease, request: 12<<32 | 6, last: 12<<32 | 7},
		{kind: itemClaim, request: 12<<32 | 9, claim: gate.Claim{
			Event: 1, Ticket: 4712, Generation: 1, Session: 2, HasStep: true, Step: 59, Count: 1, OpenLimit: 1, EntryLimit: 2,
			Lane: 3, At: time.UnixMilli(1795379401000).UTC(), Persons: []gate.PersonKey{{1, 2, 3}}, Others: []gate.TicketID{4713},
		}},
	},
}

// The bytes that docs/protocol/claim.md shows.
func TestRequestVector(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "request.hex"))
	if err != nil {
		t.Fatal(err)
	}
	got := example.sign(keyFor(7))
	if hex.EncodeToString(got) != strings.TrimSpace(string(want)) {
		t.Errorf("the request is now\n%x", got)
	}
	q, err := parseRequest(got)
	if err != nil {
		t.Fatal(err)
	}
	if again := q.sign(keyFor(7)); !bytes.Equal(again, got) {
		t.Errorf("read and written again it is\n%x", again)
	}
	if !verifyRequest(got, keyFor(7).Public().(ed25519.PublicKey)) || verifyRequest(got, keyFor(8).Public().(ed25519.PublicKey)) {
		t.Error("the signature is not that of gate 7")
	}
}

func TestRequestRefused(t *testing.T) {
	for _, c := range []struct {
		name, field string
		change      func(*request)
	}{
		{"no gate", "gate", func(q *request) { q.gate = 0 }},
		{"no epoch", "epoch", func(q *request) { q.epoch = 0 }},
		{"claim of another start", "request", func(q *request) { q.items[3].request = 11<<32 | 9 }},
		{"release without a number", "request", func(q *request) { q.items[2].request = 12 << 32 }},
		{"releases of two starts", "last request", func(q *request) { q.items[2].last = 13<<32 | 1 }},
		{"releases that end before they begin", "last request", func(q *request) { q.items[2].last = 12<<32 | 5 }},
		{"order that says nothing of who is inside", "order", func(q *request) { q.items[1].order.Kind, q.items[1].order.Event = gate.OrderHold, 0 }},
		{"order without a place", "order's sequence", func(q *request) { q.items[1].order.at.Sequence = 0 }},
		{"step beyond 24 bits", "step", func(q *request) { q.items[3].claim.Step = 1 << 24 }},
		{"time before 1970", "time", func(q *request) { q.items[3].claim.At = time.UnixMilli(-1) }},
		{"too many persons", "persons", func(q *request) { q.items[3].claim.Persons = make([]gate.PersonKey, maxPersons+1) }},
		{"stretch that ends before it begins", "last", func(q *request) { q.items[0].run.last = 1 }},
		{"record outside of its stretch", "record", func(q *request) { q.items[0].run.first = 4 }},
		{"record of another log", "record", func(q *request) { q.items[0].run.origin.Epoch = 13 }},
		{"record that bears on nobody", "record", func(q *request) { q.items[0].run.records[0].Kind = ledger.KindRefusal }},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := example
			q.items = append([]item(nil), example.items...)
			q.items[0].run.records = append([]ledger.Record(nil), example.items[0].run.records...)
			c.change(&q)
			_, err := parseRequest(q.sign(keyFor(7)))
			var wrong *MessageError
			if !errors.As(err, &wrong) || wrong.Field != c.field {
				t.Errorf("got %v, want a complaint about %s", err, c.field)
			}
		})
	}
	for n := range len(example.sign(keyFor(7))) {
		if _, err := parseRequest(example.sign(keyFor(7))[:n]); err == nil {
			t.Errorf("cut off after %d bytes it is still read", n)
		}
	}
}

// Whatever is read as a request is written back as it was.
func FuzzRequest(f *testing.F) {
	f.Add(example.sign(keyFor(7)))
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := parseRequest(b)
		if err != nil {
			return
		}
		out := append(q.appendBody(nil), q.signature[:]...)
		if !bytes.Equal(out, b) {
			t.Errorf("%x\nis written as\n%x", b, out)
		}
	})
}

// The messages of keepers, and what opens a connection.
func FuzzAnswers(f *testing.F) {
	a := answer{number: 3, lead: leadership{Server{1, 1}, 9}, results: []result{
		{code: resultGranted, entry: 2},
		{by: &gate.Admission{At: time.UnixMilli(1).UTC(), Gate: 2, Lane: 3, Ticket: 4}},
	}}
	f.Add(byte(0), a.bytes())
	h := hello{kind: connClient, self: Server{7, 1}, cluster: cluster{1, clusterID{1}}}
	f.Add(byte(1), h.bytes())
	w := welcome{flags: isMember, self: Server{1, 1}, cluster: cluster{1, clusterID{1}}, lead: leadership{Server{1, 1}, 9}, applied: 7}
	f.Add(byte(2), w.bytes())
	q := question{number: 3, self: true, logs: []ledger.Origin{{Gate: 1, Epoch: 2}}}
	f.Add(byte(3), q.bytes())
	s := standing{known: map[ledger.Origin]spans{{Gate: 1, Epoch: 2}: {{1, 3}, {5, 9}}}, open: []uint64{12<<32 | 1}}
	f.Add(byte(4), s.append(nil))
	k := take{cluster: cluster{1, clusterID{1}}, founders: []Server{{1, 1}, {2, 1}}}
	f.Add(byte(5), k.bytes())
	f.Fuzz(func(t *testing.T, what byte, b []byte) {
		var out []byte
		var err error
		switch what {
		case 0:
			var a *answer
			if a, err = parseAnswer(b); err == nil {
				out = a.bytes()
			}
		case 1:
			h, e := parseHello(b)
			out, err = h.bytes(), e
		case 2:
			w, e := parseWelcome(b)
			out, err = w.bytes(), e
		case 3:
			q, e := parseQuestion(b)
			out, err = q.bytes(), e
		case 4:
			r := reader{b: b}
			r.standing() // stretches may come in any order, so it need not be written as it was
			return
		default:
			k, e := parseTake(b)
			out, err = k.bytes(), e
		}
		if err == nil && !bytes.Equal(out, b) {
			t.Errorf("%x\nis written as\n%x", b, out)
		}
	})
}

// exampleCommands is entries of the keepers' log, one of each kind.
func exampleCommands() [][]byte {
	normal, cancel, now := exampleOrder(), exampleOrder(), time.UnixMilli(1795379400000).UTC()
	cancel.Kind, cancel.Event, cancel.Cancels = gate.OrderCancel, 0, 3
	return [][]byte{
		command(commandRequest, now, example.sign(keyFor(7))),
		command(commandSeeded, now, nil),
		command(commandRoster, now, appendU64(nil, 9)),
		command(commandJoined, now, appendServer(nil, Server{1, 2})),
		command(commandOrder, now, normal.agreed()),
		command(commandOrder, now, cancel.agreed()),
		command(commandForget, now, eventBytes([]gate.EventID{7, 8})),
	}
}

// Whatever stands in the keepers' log, a keeper takes it or says what is wrong;
// and a snapshot holds what it took.
func FuzzCommand(f *testing.F) {
	for _, b := range exampleCommands() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m := newMachine()
		m.seeded = true
		if _, err := m.apply(b); err != nil {
			return
		}
		var first, second bytes.Buffer
		if err := m.snapshot().write(&first); err != nil {
			t.Fatal(err)
		}
		again, err := readSnapshot(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := again.snapshot().write(&second); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("%x\nis restored as\n%x, %v", first.Bytes(), second.Bytes(), err)
		}
	})
}

func FuzzSnapshot(f *testing.F) {
	m := newMachine()
	m.seeded = true
	m.answer(&example, time.UnixMilli(1).UTC())
	for _, data := range exampleCommands() {
		if _, err := m.apply(data); err != nil {
			f.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := m.snapshot().write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(_ *testing.T, b []byte) {
		if m, err := readSnapshot(bytes.NewReader(b)); err == nil {
			m.answer(&example, time.UnixMilli(1).UTC())
		}
	})
}
