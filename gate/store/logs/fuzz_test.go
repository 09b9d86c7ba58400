package logs_test

import (
	"encoding/binary"
	"maps"
	"testing"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// FuzzReceive gives a gate any bytes as a chunk. What it takes is what the
// gate of that log wrote, and it never takes a part of it for another.
func FuzzReceive(f *testing.F) {
	v := newVenue(3)
	e := v[2].start(1)
	v[2].write(e, 9)
	next := v[2].start(2)
	v[2].write(next, 4)
	add := func(o ledger.Origin, first uint64, chunk []byte) {
		f.Add(uint32(o.Gate), o.Epoch, first, chunk)
	}
	add(e.origin, 1, v[2].chunk(e, 1, 10))
	add(e.origin, 5, v[2].chunk(e, 5, 6))
	add(next.origin, 1, v[2].chunk(next, 1, 5))
	add(e.origin, 5, v[2].chunk(v[2].fork(e, 7, 3), 5, 10))
	add(ledger.Origin{}, 0, nil)
	f.Add(uint32(1), uint32(1), uint64(ledger.MaxSequence), v[2].chunk(e, 10, 10))
	f.Add(uint32(2), uint32(1), binary.BigEndian.Uint64([]byte("\xff\xff\xff\xff\xff\xff\xff\xff")), v[2].chunk(e, 10, 10))

	opt := v.options(f.TempDir())
	l, _ := open(f, opt)
	give(f, l, v[2], e, 1, 4)
	f.Fuzz(func(t *testing.T, g, epoch uint32, first uint64, chunk []byte) {
		o := ledger.Origin{Gate: gate.GateID(g), Epoch: epoch}
		before := l.Vector()
		got, err := l.Receive(3, o, first, chunk)
		after := l.Vector()
		if err != nil && !maps.Equal(before, after) {
			t.Fatalf("%v, and the vector went from %v to %v", err, before, after)
		}
		if err == nil && got == 0 {
			t.Fatal("no record is missing next")
		}
		for o, last := range after {
			b := v[o.Gate]
			if b == nil || b.epochs[o] == nil || last > b.epochs[o].end() {
				t.Fatalf("%v is held up to %d", o, last)
			}
		}
	})
}
