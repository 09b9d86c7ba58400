package logs_test

import (
	"bytes"
	"errors"
	"maps"
	"testing"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/logs"
)

// FuzzReceive gives a gate any bytes as a chunk. What it takes is what the
// gate of that log wrote, and it never takes a part of it for another.
func FuzzReceive(f *testing.F) {
	v := newVenue(3)
	e := v[2].start(1)
	v[2].write(e, 9)
	next := v[2].start(2)
	v[2].write(next, 4)
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

// FuzzReadStick reads any bytes as a log's file. Chunks come in order without
// gaps, and are none longer than they may be.
func FuzzReadStick(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		next, read := uint64(1), 16
		err := logs.ReadStick(bytes.NewReader(data), func(o ledger.Origin, first uint64, chunk []byte) error {
			if o.Epoch == 0 || first != next || logs.Records(len(chunk)) == 0 {
				t.Fatalf("%d bytes of %v at %d, after %d", len(chunk), o, first, next)
			}
			next += uint64(logs.Records(len(chunk)))
			read += 4 + len(chunk)
			return nil
		})
		if err == nil && read != len(data) {
			t.Fatalf("%d of %d bytes were read, and nothing was wrong", read, len(data))
		}
		var wrong *logs.StickError
		if err != nil && !errors.As(err, &wrong) {
			t.Fatalf("got %v", err)
		}
	})
}
