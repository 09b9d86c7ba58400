package hil_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/hw/hwtest/hil"
)

const sectors = 8

func newDisk(seed uint64) *hil.Disk {
	return hil.NewDisk(make([]byte, sectors*hil.SectorSize), rand.New(rand.NewPCG(seed, 0)))
}

func sector(value byte) []byte { return bytes.Repeat([]byte{value}, hil.SectorSize) }

func read(t *testing.T, d *hil.Disk, number int) byte {
	t.Helper()
	b := make([]byte, hil.SectorSize)
	if err := d.ReadAt(b, int64(number*hil.SectorSize)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, sector(b[0])) {
		t.Fatalf("sector %d is torn", number)
	}
	return b[0]
}

func TestDiskReadsWhatWasWritten(t *testing.T) {
	d := newDisk(1)
	if err := d.WriteAt(append(sector(1), sector(2)...), hil.SectorSize); err != nil {
		t.Fatal(err)
	}
	for number, want := range []byte{0, 1, 2, 0} {
		if got := read(t, d, number); got != want {
			t.Errorf("sector %d holds %d, not %d", number, got, want)
		}
	}
}

func TestDiskRefusesWhatIsNoSector(t *testing.T) {
	d := newDisk(1)
	for name, write := range map[string]struct {
		n  int
		at int64
	}{
		"half a sector":     {hil.SectorSize / 2, 0},
		"between sectors":   {hil.SectorSize, 100},
		"behind the end":    {hil.SectorSize, sectors * hil.SectorSize},
		"before its start":  {hil.SectorSize, -hil.SectorSize},
		"beyond its length": {2 * hil.SectorSize, (sectors - 1) * hil.SectorSize},
	} {
		if err := d.WriteAt(make([]byte, write.n), write.at); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

// What was flushed survives a power cut; what was not is as it was before, or as
// it was to be.
func TestDiskLosesOnlyWhatWasNotFlushed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDisk(rapid.Uint64().Draw(t, "seed"))
		var flushed, written [sectors]byte
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.IntRange(0, 4).Draw(t, "what") == 0 {
				if err := d.Flush(); err != nil {
					t.Fatal(err)
				}
				flushed = written
				continue
			}
			number := rapid.IntRange(0, sectors-1).Draw(t, "sector")
			written[number] = byte(i + 1)
			if err := d.WriteAt(sector(byte(i+1)), int64(number*hil.SectorSize)); err != nil {
				t.Fatal(err)
			}
		}
		loss := d.Cut()
		d.PowerOn()
		changed := 0
		for number := range sectors {
			b := make([]byte, hil.SectorSize)
			if err := d.ReadAt(b, int64(number*hil.SectorSize)); err != nil {
				t.Fatal(err)
			}
			if b[0] != flushed[number] && b[0] != written[number] {
				t.Errorf("sector %d holds %d; flushed was %d, written %d", number, b[0], flushed[number], written[number])
			}
			if flushed[number] != written[number] {
				changed++
			}
		}
		if loss.Kept+loss.Lost != changed {
			t.Errorf("%d sectors kept and %d lost of %d", loss.Kept, loss.Lost, changed)
		}
	})
}

func TestDiskWithoutPower(t *testing.T) {
	d := newDisk(1)
	gone := d.Gone()
	d.Cut()
	<-gone
	b := make([]byte, hil.SectorSize)
	for name, err := range map[string]error{"read": d.ReadAt(b, 0), "write": d.WriteAt(b, 0), "flush": d.Flush()} {
		if !errors.Is(err, hil.ErrNoPower) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d.PowerOn()
	if err := d.Flush(); err != nil {
		t.Error(err)
	}
}

func TestDiskTraps(t *testing.T) {
	for name, test := range map[string]struct {
		trap            hil.Trap
		writes, flushes int // that pass
	}{
		"none":             {hil.Trap{}, 5, 5},
		"the third write":  {hil.Trap{Writes: 3}, 2, 2},
		"the second flush": {hil.Trap{Flushes: 2}, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(1)
			d.Arm(test.trap)
			writes, flushes := 0, 0
			for range 5 {
				if d.WriteAt(sector(1), 0) == nil {
					writes++
				}
				if d.Flush() == nil {
					flushes++
				}
			}
			if writes != test.writes || flushes != test.flushes {
				t.Errorf("%d writes and %d flushes passed, not %d and %d", writes, flushes, test.writes, test.flushes)
			}
		})
	}
}

func TestDiskThatLies(t *testing.T) {
	d := newDisk(1)
	d.Lie(true)
	if err := errors.Join(d.WriteAt(sector(7), 0), d.Flush()); err != nil {
		t.Fatal(err)
	}
	if got := read(t, d, 0); got != 7 {
		t.Errorf("before the cut the sector holds %d", got)
	}
	d.Cut()
	d.PowerOn()
	if got := read(t, d, 0); got != 0 {
		t.Errorf("after the cut the sector holds %d, although nothing was flushed", got)
	}
}
