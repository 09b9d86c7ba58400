package journal

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate/ledger"
)

// archive is a journal of three epochs of several segments on a disk of its
// own. The last one was closed unless crashed is set: then its last write is
// still on record by itself, and no head is stored of it.
func archive(t *testing.T, crashed bool) (*memDisk, []ledger.Record) {
	d := newMemDisk()
	var all []ledger.Record
	synctest.Test(t, func(t *testing.T) {
		for start := range 3 {
			p := &session{memDisk: d}
			var s site
			j, _ := open(t, s.options(p, "/journal"))
			appendAll(t, j, 100*start+1, 100*start+60)
			all = slices.Clone(s.records)
			if crashed && start == 2 {
				p.kill()
				_ = j.Close() // of a dead process: its goroutine ends
				return
			}
			closeJournal(t, j)
			all = s.records
		}
	})
	return d, all
}

func readAll(d *memDisk) ([]ledger.Record, Recovery, error) {
	var records []ledger.Record
	r := reader{disk: &session{memDisk: d}, dir: "/journal", deliver: func(rec *ledger.Record, hash ledger.Hash) error {
		if hash != rec.Hash() {
			return fmt.Errorf("record %v comes with another hash", rec.Position)
		}
		records = append(records, *rec)
		return nil
	}}
	if err := r.list(nil); err != nil {
		return nil, r.recovery, err
	}
	return records, r.recovery, r.run()
}

// account fails unless every record was delivered unchanged and in order, or
// is listed as missing, and none is both.
func account(all, got []ledger.Record, recovery Recovery) error {
	missing := map[ledger.Position]bool{}
	for _, d := range recovery.Damage {
		for seq := d.First; d.First > 0 && seq <= d.Last; seq++ {
			missing[ledger.Position{Origin: d.Origin, Sequence: seq}] = true
		}
	}
	for _, rec := range all {
		switch {
		case missing[rec.Position]:
			delete(missing, rec.Position)
		case len(got) == 0 || got[0] != rec:
			return fmt.Errorf("record %v is neither delivered nor listed; damage %v", rec.Position, recovery.Damage)
		default:
			got = got[1:]
		}
	}
	if len(got) > 0 || len(missing) > 0 {
		return fmt.Errorf("%d records too many, %d listed that never were", len(got), len(missing))
	}
	return nil
}

func (d *memDisk) file(name string) *memFile {
	return d.dirs[filepath.Dir(name)].names[filepath.Base(name)]
}

func TestArchiveIsWhole(t *testing.T) {
	for _, crashed := range []bool{false, true} {
		d, all := archive(t, crashed)
		got, recovery, err := readAll(d)
		if err != nil || recovery.Damage != nil || recovery.Torn != nil || !slices.Equal(got, all) {
			t.Errorf("crashed %v: %d of %d records, %+v, %v", crashed, len(got), len(all), recovery, err)
		}
	}
}

// TestFlippedBit flips any bit of any segment of a closed journal.
func TestFlippedBit(t *testing.T) {
	d, all := archive(t, false)
	rapid.Check(t, func(t *rapid.T) {
		name := fmt.Sprintf("/journal/7-00000%d/000%d.seg", rapid.IntRange(1, 3).Draw(t, "epoch"), rapid.IntRange(1, 3).Draw(t, "segment"))
		f := d.file(name)
		at := rapid.IntRange(0, len(f.data)-1).Draw(t, "byte")
		bit := byte(1) << rapid.IntRange(0, 7).Draw(t, "bit")
		f.data[at] ^= bit
		defer func() { f.data[at] ^= bit }()
		got, recovery, err := readAll(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := account(all, got, recovery); err != nil {
			t.Fatal(err)
		}
		inUse := at < segmentHeader+framesIn(len(f.data))*frameSize
		if inUse && len(recovery.Damage) == 0 {
			t.Fatalf("byte %d of %s has changed and nobody says so", at, name)
		}
	})
}

// TestAnyDamage does worse: it overwrites, cuts and removes stretches.
func TestAnyDamage(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, all := archive(t, false)
		for range rapid.IntRange(1, 4).Draw(rt, "damages") {
			name := fmt.Sprintf("/journal/7-00000%d/000%d.seg", rapid.IntRange(1, 3).Draw(rt, "epoch"), rapid.IntRange(1, 3).Draw(rt, "segment"))
			f := d.file(name)
			if len(f.data) == 0 {
				continue
			}
			from := rapid.IntRange(0, len(f.data)-1).Draw(rt, "from")
			to := min(len(f.data), from+rapid.IntRange(1, 1000).Draw(rt, "length"))
			switch rapid.SampledFrom([]string{"zeros", "noise", "cut off", "cut out"}).Draw(rt, "what") {
			case "zeros":
				clear(f.data[from:to])
			case "noise":
				copy(f.data[from:to], rapid.SliceOfN(rapid.Byte(), to-from, to-from).Draw(rt, "noise"))
			case "cut off":
				f.data = f.data[:from]
			case "cut out":
				f.data = slices.Delete(f.data, from, to)
			}
		}
		got, recovery, err := readAll(d)
		if err != nil {
			rt.Fatal(err)
		}
		if err := account(all, got, recovery); err != nil {
			rt.Fatal(err)
		}
	})
}

func TestDamageIsNamed(t *testing.T) {
	const e1, e2, e3 = "/journal/7-000001", "/journal/7-000002", "/journal/7-000003"
	tests := []struct {
		name   string
		damage func(d *memDisk)
		want   []string
	}{
		{"a bit in the middle", func(d *memDisk) { d.file(e1 + "/0001.seg").data[32+5*152+50] ^= 4 }, []string{
			"journal: gate 7, epoch 1, segment 1, byte 792: a frame does not match its checksum; record 6 is missing",
		}},
		{"a segment is gone", func(d *memDisk) { delete(d.dirs[e2].names, "0002.seg") }, []string{
			"journal: gate 7, epoch 2, segment 3, byte 0: segment 2 is not there; records 27 to 52 are missing",
		}},
		{"the first segment of a later epoch is gone", func(d *memDisk) { delete(d.dirs[e2].names, "0001.seg") }, []string{
			"journal: gate 7, epoch 2, segment 2, byte 0: segment 1 is not there; records 1 to 26 are missing",
		}},
		{"the last segment is gone", func(d *memDisk) { delete(d.dirs[e3].names, "0003.seg") }, []string{
			"journal: gate 7, epoch 3, segment 2, byte 0: there are too few records; records 53 to 61 are missing",
		}},
		{"an epoch is gone", func(d *memDisk) {
			delete(d.dirs["/journal"].names, "7-000002")
		}, []string{"journal: gate 7, epoch 2: the epoch is not there; records 1 to 61 are missing"}},
		{"two segments have changed names", func(d *memDisk) {
			n := d.dirs[e2].names
			n["0001.seg"], n["0002.seg"] = n["0002.seg"], n["0001.seg"]
		}, []string{
			"journal: gate 7, epoch 2, segment 1, byte 0: the segment's header says that it is number 2",
			"journal: gate 7, epoch 2, segment 2, byte 0: the segment's header says that it is number 1",
		}},
		{"a segment stands there twice", func(d *memDisk) {
			f := *d.file(e1 + "/0002.seg")
			d.dirs[e1].names["0004.seg"] = &f
		}, nil},
		{"another epoch's segment", func(d *memDisk) { d.dirs[e2].names["0002.seg"] = d.file(e1 + "/0002.seg") }, []string{
			"journal: gate 7, epoch 2, segment 2, byte 0: the segment is of gate 7, epoch 1",
			"journal: gate 7, epoch 2, segment 3, byte 0: segment 2 is not there; records 27 to 52 are missing",
		}},
		{"a header is wiped out", func(d *memDisk) { clear(d.file(e1 + "/0002.seg").data[:32]) }, []string{
			"journal: gate 7, epoch 1, segment 2, byte 0: the segment's header has no magic number",
		}},
		{"a record was changed, checksum and all", func(d *memDisk) { forge(d.file(e1+"/0001.seg").data, 7) }, []string{
			"journal: gate 7, epoch 1, segment 1, byte 1096: record 8 does not follow the one before it",
		}},
		{"the last record of an epoch was changed", func(d *memDisk) { forge(d.file(e1+"/0003.seg").data, 9) }, []string{
			"journal: gate 7, epoch 1, segment 3, byte 1248: record 61 is not the one that the gate signed",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, _ := archive(t, false)
			test.damage(d)
			_, recovery, err := readAll(d)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, damage := range recovery.Damage {
				got = append(got, damage.String())
			}
			if test.want != nil && !slices.Equal(got, test.want) || got == nil {
				t.Errorf("got\n%q, want\n%q", got, test.want)
			}
		})
	}
}

// forge changes the n-th record of a segment and makes the frame good again.
func forge(data []byte, n int) {
	f := data[segmentHeader+(n-1)*frameSize:][:frameSize]
	f[frameHeader+65] = 99 // count
	sum := frameSum(f)
	copy(f[4:], []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
}

// TestDamageStaysKnown opens a damaged journal: the gate goes on, and the next
// start names the same damage again.
func TestDamageStaysKnown(t *testing.T) {
	d, all := archive(t, false)
	f := d.file("/journal/7-000003/0003.seg")
	f.data = f.data[:segmentHeader+3*frameSize] // the end is lost
	for range 2 {
		var s site
		opt := s.options(&session{memDisk: d}, "/journal")
		opt.OnRecover = func(rec *ledger.Record, hash ledger.Hash) error { return s.ledger.Restore(rec, hash) }
		j, recovery := open(t, opt)
		if len(recovery.Damage) != 1 || recovery.Damage[0].First != 56 || recovery.Damage[0].Last != 61 {
			t.Fatalf("damage %v", recovery.Damage)
		}
		appendAll(t, j, 900, 901)
		closeJournal(t, j)
	}
	_, recovery, err := readAll(d)
	if err != nil || recovery.Epochs != 5 || recovery.Records != uint64(len(all)-6+2*3) {
		t.Errorf("%+v, %v", recovery, err)
	}
}

func TestTornTail(t *testing.T) {
	d, all := archive(t, true)
	f := d.file("/journal/7-000003/0003.seg")
	lastFrame := segmentHeader + 8*frameSize
	whole := bytes.Clone(f.data)
	for length := range frameSize {
		f.data = bytes.Clone(whole)
		clear(f.data[lastFrame+length:])
		if bytes.Equal(f.data, whole) {
			continue
		}
		got, recovery, err := readAll(d)
		if err != nil || recovery.Damage != nil || !slices.Equal(got, all[:len(all)-1]) {
			t.Fatalf("torn after %d bytes: %d records, %+v, %v", length, len(got), recovery, err)
		}
		torn := recovery.Torn
		if left := !allZero(f.data[lastFrame:]); left != (torn != nil) {
			t.Fatalf("torn after %d bytes: %+v", length, torn)
		}
		if torn != nil && *torn != (Torn{Origin: all[len(all)-1].Position.Origin, Segment: 3, Offset: int64(lastFrame)}) {
			t.Fatalf("torn after %d bytes: %+v", length, torn)
		}
	}
	var s site
	j, _ := open(t, s.options(&session{memDisk: d}, "/journal"))
	closeJournal(t, j)
	if first := s.records[len(s.records)-1]; first.Ref != all[len(all)-2].Position {
		t.Errorf("the next epoch follows %v", first.Ref)
	}
	if _, recovery, _ := readAll(d); recovery.Torn != nil || recovery.Damage != nil {
		t.Errorf("what was torn is old news: %+v", recovery)
	}
}

// TestTornWrite tears the last write of several records in every way that
// whole frames can be lost.
func TestTornWrite(t *testing.T) {
	d, all := archive(t, true)
	f := d.file("/journal/7-000003/0003.seg")
	const n = 4
	start := segmentHeader + 5*frameSize // of the last four records: make them one write
	for i := range n {
		frame := f.data[start+i*frameSize:][:frameSize]
		frame[3] = byte(i)
		sum := frameSum(frame)
		copy(frame[4:], []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	}
	whole := bytes.Clone(f.data)
	for lost := 1; lost < 1<<n; lost++ {
		f.data = bytes.Clone(whole)
		first, frames := -1, 0
		for i := range n {
			switch {
			case lost&(1<<i) != 0:
				clear(f.data[start+i*frameSize:][:frameSize])
				if first < 0 {
					first = i
				}
			case first >= 0:
				frames++
			}
		}
		got, recovery, err := readAll(d)
		if err != nil || recovery.Damage != nil || !slices.Equal(got, all[:len(all)-n+first]) {
			t.Fatalf("lost %04b: %d records, %+v, %v", lost, len(got), recovery, err)
		}
		if (recovery.Torn != nil) != (frames > 0) || frames > 0 && recovery.Torn.Frames != frames {
			t.Errorf("lost %04b: %+v, want %d frames left out", lost, recovery.Torn, frames)
		}
	}
}

func TestDeletedFromTheFront(t *testing.T) {
	d, all := archive(t, false)
	delete(d.dirs["/journal"].names, "7-000001")
	delete(d.dirs["/journal/7-000002"].names, "0001.seg")
	got, recovery, err := readAll(d)
	if err != nil || recovery.Damage != nil || !slices.Equal(got, all[61+26:]) {
		t.Errorf("%d records, %+v, %v", len(got), recovery, err)
	}
	if want := (ledger.Position{Origin: ledger.Origin{Gate: testGate, Epoch: 2}, Sequence: 27}); recovery.First != want {
		t.Errorf("begins at %v, want %v", recovery.First, want)
	}
}
