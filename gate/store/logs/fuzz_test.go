package logs_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"path/filepath"
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

// FuzzReadStick reads any bytes as a log's file. Chunks come in order without
// gaps, and are none longer than they may be.
func FuzzReadStick(f *testing.F) {
	v := newVenue(2)
	v[1].write(v[1].start(1), 9)
	v[2].write(v[2].start(1), 1)
	l, _ := open(f, v.options(f.TempDir()))
	l.Attach(v[1])
	give(f, l, v[2], v[2].last, 1, 2)
	dir := f.TempDir()
	export(f, dir, l)
	for _, name := range []string{"1-000001.vglog", "2-000001.vglog"} {
		whole, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(whole)
		f.Add(whole[:len(whole)-5])
	}
	f.Add([]byte("VGL1"))
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
