package journal

import (
	"bytes"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/venuegate/venuegate/gate/ledger"
)

// checkRange has a range checked as a receiver does, and returns its records.
func checkRange(t testing.TB, chunk []byte, o ledger.Origin, from, last uint64) []ledger.Record {
	t.Helper()
	n := int(last - from + 1)
	if len(chunk) != n*ledger.Size+ledger.HeadSize {
		t.Fatalf("%d bytes for records %d to %d", len(chunk), from, last)
	}
	records := make([]ledger.Record, n)
	var hash ledger.Hash
	for i := range records {
		encoded := chunk[i*ledger.Size : (i+1)*ledger.Size]
		if err := records[i].Decode(encoded); err != nil {
			t.Fatal(err)
		}
		if records[i].Position != (ledger.Position{Origin: o, Sequence: from + uint64(i)}) || i > 0 && records[i].Prev != hash {
			t.Fatalf("record %v stands at %d", records[i].Position, from+uint64(i))
		}
		hash = ledger.HashEncoded(encoded)
	}
	var h ledger.Head
	if err := h.Decode(chunk[n*ledger.Size:]); err != nil {
		t.Fatal(err)
	}
	if h.Position.Sequence != last || h.Hash != hash {
		t.Fatalf("the head is of %v", h.Position)
	}
	if err := h.Verify(newSigner().public()); err != nil {
		t.Fatal(err)
	}
	return records
}

// Ranges of any length come out of segments of 26 records each, of old epochs
// and of the one that grows, as soon as a record is durable.
func TestRange(t *testing.T) {
	d := newMemDisk()
	var s site
	opt := s.options(&session{memDisk: d}, "/journal")
	told := 0
	var j *Journal
	commit := opt.OnCommit
	opt.OnCommit = func(batch []ledger.Record) {
		commit(batch)
		if j == nil {
			return // Open has not returned yet
		}
		last := batch[len(batch)-1].Position
		chunk, to, err := j.Range(last.Origin, last.Sequence, math.MaxUint64, 1<<20)
		if err != nil || to != last.Sequence {
			t.Errorf("record %d is durable and not given: %v", last.Sequence, err)
			return
		}
		checkRange(t, chunk, last.Origin, last.Sequence, to)
		told++
	}
	want := ledger.Vector{}
	for epoch := range uint32(3) {
		opened, _ := open(t, opt)
		j = opened
		appendAll(t, j, 1, 40+30*int(epoch))
		want[ledger.Origin{Gate: testGate, Epoch: epoch + 1}] = 41 + 30*uint64(epoch)
		if got := j.Vector(); !maps.Equal(got, want) {
			t.Fatalf("vector %v, want %v", got, want)
		}
		if epoch < 2 {
			closeJournal(t, j)
			j = nil
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		o := ledger.Origin{Gate: testGate, Epoch: 1 + r.Uint32N(3)}
		from := 1 + r.Uint64N(want[o])
		to := from + r.Uint64N(120)
		limit := ledger.HeadSize + ledger.Size*(1+r.IntN(60)) + r.IntN(ledger.Size)
		chunk, last, err := j.Range(o, from, to, limit)
		if err != nil {
			t.Fatal(err)
		}
		if most := from + uint64(limit-ledger.HeadSize)/ledger.Size - 1; last != min(to, want[o], most) {
			t.Fatalf("from %d to %d in %d bytes: last is %d", from, to, limit, last)
		}
		checkRange(t, chunk, o, from, last)
	}
	appendAll(t, j, 200, 260)
	o := ledger.Origin{Gate: testGate, Epoch: 3}
	if j.Held(o) != 162 || j.Held(ledger.Origin{Gate: testGate, Epoch: 9}) != 0 {
		t.Errorf("held %d", j.Held(o))
	}
	chunk, last, err := j.Range(o, 90, 1000, 1<<20)
	if err != nil || last != 162 {
		t.Fatalf("last is %d, %v", last, err)
	}
	checkRange(t, chunk, o, 90, last)
	for _, c := range []struct {
		name     string
		o        ledger.Origin
		from, to uint64
		limit    int
	}{
		{"record 0", o, 0, 5, 1 << 20},
		{"behind the end", o, 163, 170, 1 << 20},
		{"backwards", o, 5, 4, 1 << 20},
		{"no room", o, 1, 5, ledger.Size + ledger.HeadSize - 1},
		{"of no epoch", ledger.Origin{Gate: testGate, Epoch: 4}, 1, 5, 1 << 20},
		{"of another gate", ledger.Origin{Gate: 8, Epoch: 1}, 1, 5, 1 << 20},
	} {
		if chunk, _, err := j.Range(c.o, c.from, c.to, c.limit); !errors.Is(err, ErrNotHeld) || chunk != nil {
			t.Errorf("%s: %d bytes, %v", c.name, len(chunk), err)
		}
	}
	if told == 0 {
		t.Error("no commit was seen")
	}
	closeJournal(t, j)
}

// A record whose flush failed is never given, though it may stand on the disk.
func TestRangeLeavesOutWhatFailed(t *testing.T) {
	d := &session{memDisk: newMemDisk()}
	var s site
	j, _ := open(t, s.options(d, "/journal"))
	appendAll(t, j, 1, 5)
	first := j.Head().Position
	fail := true
	d.mu.Lock()
	d.fault = func(op, _ string) error {
		if op == "sync" && fail {
			fail = false
			return errors.New("the disk is gone for a moment")
		}
		return nil
	}
	d.mu.Unlock()
	if _, err := j.Append(t.Context(), entry(6)); err == nil {
		t.Fatal("a record was acknowledged that was not flushed")
	}
	appendAll(t, j, 7, 9)
	second := j.Head().Position
	if second.Origin == first.Origin {
		t.Fatal("the epoch goes on after a failed flush")
	}
	want := ledger.Vector{first.Origin: first.Sequence, second.Origin: second.Sequence}
	if got := j.Vector(); !maps.Equal(got, want) {
		t.Errorf("vector %v, want %v", got, want)
	}
	chunk, last, err := j.Range(first.Origin, 1, 100, 1<<20)
	if err != nil || last != 6 {
		t.Fatalf("last is %d, %v", last, err)
	}
	checkRange(t, chunk, first.Origin, 1, last)
	closeJournal(t, j)
}

// What stands behind damage is not vouched for.
func TestRangeEndsAtDamage(t *testing.T) {
	const recordAt = segmentHeader + 29*frameSize + frameHeader + 45 // in a ticket's id
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string, o ledger.Origin)
		last   uint64 // 0: nothing is left
	}{
		{"a bit", func(t *testing.T, dir string, o ledger.Origin) {
			change(t, segmentPath(dir, o, 2), func(b []byte) []byte { b[recordAt-25*frameSize] ^= 1; return b })
		}, 30},
		{"the second segment", func(t *testing.T, dir string, o ledger.Origin) {
			if err := os.Remove(segmentPath(dir, o, 2)); err != nil {
				t.Fatal(err)
			}
		}, 26},
		{"a head that signs another record", func(t *testing.T, dir string, o ledger.Origin) {
			change(t, filepath.Join(dir, epochName(o), headFile), func(b []byte) []byte {
				for slot := 0; slot < len(b); slot += headSlot {
					if h, ok := parseHead(b[slot:]); ok {
						h.Hash[0] ^= 1
						putHead(b[slot:], &h)
					}
				}
				return b
			})
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "journal")
			var s site
			opt := s.options(nil, dir)
			j, _ := open(t, opt)
			appendAll(t, j, 1, 70)
			o := j.Head().Position.Origin
			closeJournal(t, j)
			c.damage(t, dir, o)
			opt.OnRecover = nil
			j, recovery := open(t, opt)
			if recovery.Damage == nil {
				t.Fatal("the damage was not seen")
			}
			if got := j.Held(o); got != c.last {
				t.Errorf("held up to %d, want %d", got, c.last)
			}
			if c.last > 0 {
				chunk, last, err := j.Range(o, 1, 70, 1<<20)
				if err != nil || last != c.last {
					t.Fatalf("last is %d, %v", last, err)
				}
				checkRange(t, chunk, o, 1, last)
			}
			closeJournal(t, j)
		})
	}
}

func change(t *testing.T, name string, f func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, f(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A Reader beside the gate that writes gives what is proven to be durable, and
// signs nothing else.
func TestReaderBesideTheGate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	var s site
	j, _ := open(t, s.options(nil, dir))
	appendAll(t, j, 1, 50) // each in a write of its own
	r, err := OpenReader(dir, newSigner())
	if err != nil {
		t.Fatal(err)
	}
	o := j.Head().Position.Origin
	if held := r.Held(o); held != 50 && held != 51 { // the last one is proven once its head is stored
		t.Errorf("held up to %d", held)
	}
	chunk, last, err := r.Range(o, 1, 100, 1<<20)
	if err != nil || last != r.Vector()[o] {
		t.Fatalf("last is %d, %v", last, err)
	}
	fromReader := checkRange(t, chunk, o, 1, last)
	fromJournal, _, err := j.Range(o, 1, last, 1<<20)
	if err != nil || !bytes.Equal(chunk, fromJournal) || len(fromReader) != int(last) {
		t.Errorf("the gate itself gives something else: %v", err)
	}
	closeJournal(t, j)
	if r, err = OpenReader(dir, newSigner()); err != nil || r.Held(o) != 51 {
		t.Errorf("after the end: held up to %d, %v", r.Held(o), err)
	}
	if _, err := OpenReader(dir+"x", newSigner()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
}

// An epoch's number is above all that others remember, and never counts round.
func TestAbove(t *testing.T) {
	var s site
	opt := s.options(&session{memDisk: newMemDisk()}, "/journal")
	above := uint32(41)
	opt.Above = func() uint32 { return above }
	number := func(j *Journal) uint32 { return j.Head().Position.Epoch }
	j, _ := open(t, opt)
	if got := number(j); got != 42 {
		t.Errorf("epoch %d, want 42", got)
	}
	closeJournal(t, j)
	above = 7
	j, _ = open(t, opt)
	if got := number(j); got != 43 {
		t.Errorf("epoch %d, want 43", got)
	}
	closeJournal(t, j)
	above = math.MaxUint32
	j, _ = open(t, opt)
	var down *UnavailableError
	if _, err := j.Append(t.Context(), entry(1)); !errors.As(err, &down) {
		t.Errorf("got %v", err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}
