package logs_test

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/logs"
)

const own gate.GateID = 1

var evening = time.Date(2026, 11, 22, 11, 30, 0, 0, time.UTC)

// box is a gate that writes epochs, in memory. It is also what a journal is to
// the logs.
type box struct {
	id     gate.GateID
	key    ed25519.PrivateKey
	clock  time.Time
	ticket gate.TicketID
	epochs map[ledger.Origin]*epoch
	last   *epoch
}

type epoch struct {
	origin  ledger.Origin
	encoded []byte
	tail    ledger.Hash
}

func (e *epoch) end() uint64 { return uint64(len(e.encoded) / ledger.Size) }

func newBox(id gate.GateID) *box {
	seed := make([]byte, ed25519.SeedSize)
	binary.BigEndian.PutUint32(seed, uint32(id))
	return &box{
		id: id, key: ed25519.NewKeyFromSeed(seed), clock: evening,
		ticket: gate.TicketID(id) << 32, epochs: map[ledger.Origin]*epoch{},
	}
}

// start opens an epoch.
func (b *box) start(number uint32) *epoch {
	e := &epoch{origin: ledger.Origin{Gate: b.id, Epoch: number}}
	rec := ledger.Record{Kind: ledger.KindEpoch, Step: ledger.NoStep}
	if b.last != nil {
		rec.Ref = ledger.Position{Origin: b.last.origin, Sequence: b.last.end()}
		rec.Prev = b.last.tail
	}
	b.epochs[e.origin], b.last = e, e
	b.put(e, rec)
	return e
}

func (b *box) put(e *epoch, rec ledger.Record) {
	b.clock = b.clock.Add(time.Millisecond)
	rec.Position = ledger.Position{Origin: e.origin, Sequence: e.end() + 1}
	rec.Clock, rec.Wall = ledger.Clock(0).Next(b.clock), b.clock
	var err error
	if e.encoded, err = rec.AppendBinary(e.encoded); err != nil {
		panic(err)
	}
	e.tail = ledger.HashEncoded(e.encoded[len(e.encoded)-ledger.Size:])
}

// write appends so many grants.
func (b *box) write(e *epoch, records int) {
	for range records {
		b.ticket++
		b.put(e, ledger.Record{
			Kind: ledger.KindGrant, Prev: e.tail, Event: 1, Ticket: b.ticket, Generation: 1, Step: 7, Entry: 1,
			Count: 1, Lane: 1, To: 1, Outcome: gate.Admit, Reason: gate.ReasonAdmitted, Pack: 1,
		})
	}
}

// fork returns an epoch that is the same up to a record and then goes its own
// way.
func (b *box) fork(e *epoch, at uint64, records int) *epoch {
	f := &epoch{origin: e.origin, encoded: append([]byte(nil), e.encoded[:at*ledger.Size]...)}
	f.tail = ledger.HashEncoded(f.encoded[len(f.encoded)-ledger.Size:])
	b.ticket += 1000
	b.write(f, records)
	return f
}

// chunk returns records, both ends included, and their head.
func (b *box) chunk(e *epoch, from, to uint64) []byte {
	c := append([]byte(nil), e.encoded[(from-1)*ledger.Size:to*ledger.Size]...)
	h := b.head(e, to)
	c, _ = h.AppendBinary(c)
	return c
}

func (b *box) head(e *epoch, at uint64) ledger.Head {
	h := ledger.Head{Position: ledger.Position{Origin: e.origin, Sequence: at}}
	h.Hash = ledger.HashEncoded(e.encoded[(at-1)*ledger.Size : at*ledger.Size])
	copy(h.Signature[:], ed25519.Sign(b.key, h.SigningBytes()))
	return h
}

func (b *box) Vector() ledger.Vector {
	v := ledger.Vector{}
	for o, e := range b.epochs {
		v[o] = e.end()
	}
	return v
}

func (b *box) Held(o ledger.Origin) uint64 { return b.Vector()[o] }

func (b *box) Range(o ledger.Origin, from, to uint64, limit int) ([]byte, uint64, error) {
	e := b.epochs[o]
	most := uint64(max(0, limit-ledger.HeadSize)) / ledger.Size
	if e == nil || from == 0 || most == 0 || min(to, e.end()) < from {
		return nil, 0, fmt.Errorf("no record %d", from)
	}
	to = min(to, e.end(), from+most-1)
	return b.chunk(e, from, to), to, nil
}

// venue is boxes whose keys are on the roster.
type venue map[gate.GateID]*box

func newVenue(boxes int) venue {
	v := venue{}
	for id := gate.GateID(1); id <= gate.GateID(boxes); id++ {
		v[id] = newBox(id)
	}
	return v
}

func (v venue) keys(g gate.GateID, _ uint32) []ed25519.PublicKey {
	if b := v[g]; b != nil {
		return []ed25519.PublicKey{b.key.Public().(ed25519.PublicKey)}
	}
	return nil
}

// options are gate 1's, with a ledger of its own.
func (v venue) options(dir string) logs.Options {
	return logs.Options{
		Path: filepath.Join(dir, "logs.db"), Gate: own, Ledger: ledger.New(), Keys: v.keys,
		Now: func() time.Time { return evening },
	}
}

// open opens logs that are closed when the test ends.
func open(t testing.TB, opt logs.Options) (*logs.Logs, logs.Recovery) {
	t.Helper()
	l, recovery, err := logs.Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, l) })
	return l, recovery
}

func shut(t testing.TB, l *logs.Logs) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// give has logs take a chunk, which must be taken whole.
func give(t testing.TB, l *logs.Logs, b *box, e *epoch, from, to uint64) {
	t.Helper()
	next, err := l.Receive(2, e.origin, from, b.chunk(e, from, to))
	if err != nil || next <= to {
		t.Fatalf("records %d to %d of %v: next is %d, %v", from, to, e.origin, next, err)
	}
}
