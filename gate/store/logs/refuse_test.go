package logs_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/logs"
)

// A gate that holds 20 records of gate 2 is given what is wrong in one way.
// Nothing of it gets in, it is named, and the next good chunk is taken.
func TestRefused(t *testing.T) {
	v := newVenue(3)
	old := v[2].start(1)
	v[2].write(old, 9)
	e := v[2].start(2)
	v[2].write(e, 59)
	stranger := newBox(66)
	strange := stranger.start(1)
	stranger.write(strange, 5)
	copied := v[2].fork(e, 15, 20)
	late := v[2].fork(old, 10, 5)

	flip := func(c []byte, at int) []byte { c[at] ^= 1; return c }
	good := func() []byte { return v[2].chunk(e, 21, 30) }
	const recordTicket, headSignature = 47, 48 // offsets; docs/protocol/journal.md
	endOf := func(c []byte) int { return len(c) - ledger.HeadSize }

	for _, c := range []struct {
		name   string
		origin ledger.Origin
		first  uint64
		chunk  []byte
		why    logs.Why
		at     uint64
	}{
		{"nothing", e.origin, 21, nil, logs.WhyFormat, 21},
		{"a head alone", e.origin, 21, good()[10*ledger.Size:], logs.WhyFormat, 21},
		{"cut short", e.origin, 21, good()[:400], logs.WhyFormat, 21},
		{"a byte too many", e.origin, 21, append(good(), 0), logs.WhyFormat, 21},
		{"without its head", e.origin, 21, good()[:10*ledger.Size], logs.WhyFormat, 21},
		{"too long", e.origin, 21, make([]byte, (logs.MaxRecords+1)*ledger.Size+ledger.HeadSize), logs.WhyFormat, 21},
		{"at sequence 0", e.origin, 0, good(), logs.WhyFormat, 0},
		{"of epoch 0", ledger.Origin{Gate: 2}, 21, good(), logs.WhyFormat, 21},
		{"called other than it is", e.origin, 22, good(), logs.WhyFormat, 22},
		{"said to be another log's", ledger.Origin{Gate: 3, Epoch: 2}, 21, good(), logs.WhyFormat, 21},
		{"of an unknown version", e.origin, 21, flip(good(), ledger.Size), logs.WhyFormat, 22},
		{"a record of another epoch", e.origin, 21, flip(good(), 2*ledger.Size+11), logs.WhyFormat, 23},
		{"a record changed", e.origin, 21, flip(good(), 4*ledger.Size+recordTicket), logs.WhyChain, 26},
		{"the last record changed", e.origin, 21, flip(good(), 9*ledger.Size+recordTicket), logs.WhyChain, 30},
		{"a record left out", e.origin, 21, append(v[2].chunk(e, 21, 24)[:4*ledger.Size], renumbered(v[2].chunk(e, 26, 30), 25)...), logs.WhyFormat, 21},
		{"the signature changed", e.origin, 21, flip(good(), endOf(good())+headSignature), logs.WhySignature, 21},
		{"signed by another gate", e.origin, 21, signed(good(), v[3].key), logs.WhySignature, 21},
		{"of a gate that nobody knows", strange.origin, 1, stranger.chunk(strange, 1, 6), logs.WhyRoster, 1},
		{"ahead of what is held", e.origin, 31, v[2].chunk(e, 31, 40), logs.WhyGap, 31},
		{"other records at the same place", e.origin, 11, v[2].chunk(copied, 11, 18), logs.WhyFork, 16},
		{"records behind others", e.origin, 21, v[2].chunk(copied, 21, 30), logs.WhyFork, 21},
		{"after the end of its epoch", old.origin, 11, v[2].chunk(late, 11, 15), logs.WhyOldEpoch, 11},
		{"across the end of its epoch", old.origin, 5, v[2].chunk(late, 5, 15), logs.WhyOldEpoch, 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			opt := v.options(t.TempDir())
			l, _ := open(t, opt)
			give(t, l, v[2], e, 1, 20)
			give(t, l, v[2], old, 1, 10)
			before := state(opt.Ledger)
			_, err := l.Receive(3, c.origin, c.first, c.chunk)
			var r *logs.Refusal
			if !errors.As(err, &r) || r.Why != c.why || r.Position != (ledger.Position{Origin: c.origin, Sequence: c.at}) {
				t.Fatalf("got %v, want %s at record %d", err, c.why, c.at)
			}
			q, _ := l.Quarantined()
			if len(q) != 1 || q[0].Origin != c.origin || q[0].First != c.at || q[0].Why != c.why ||
				q[0].From != 3 || q[0].Count != 1 || !q[0].At.Equal(evening) {
				t.Errorf("quarantine %+v", q)
			}
			want := ledger.Vector{e.origin: 20, old.origin: 10}
			if got := l.Vector(); !maps.Equal(got, want) {
				t.Errorf("vector %v, want %v", got, want)
			}
			if c.why == logs.WhyFork {
				return // its grants count; see TestFork
			}
			if got := state(opt.Ledger); got != before {
				t.Errorf("the ledger was %s and is %s", before, got)
			}
			give(t, l, v[2], e, 21, 30)
		})
	}
}

// renumbered is a chunk whose records have other sequences.
func renumbered(c []byte, first uint64) []byte {
	for at := 0; at+ledger.Size <= len(c); at += ledger.Size {
		binary.BigEndian.PutUint64(c[at+16:], first)
		first++
	}
	return c
}

// signed is a chunk whose head is signed by another key.
func signed(c []byte, key ed25519.PrivateKey) []byte {
	var h ledger.Head
	at := len(c) - ledger.HeadSize
	if err := h.Decode(c[at:]); err != nil {
		panic(err)
	}
	copy(h.Signature[:], ed25519.Sign(key, h.SigningBytes()))
	c, _ = h.AppendBinary(c[:at])
	return c
}

// state is what follows from a ledger's records.
func state(l *ledger.Ledger) string {
	var b bytes.Buffer
	fmt.Fprint(&b, l.Forks(), l.Total(1), l.Zones(1))
	for box := range gate.TicketID(5) {
		for i := range gate.TicketID(3000) {
			var h gate.History
			if l.History(&h, box<<32+i); len(h.Ticket) > 0 {
				fmt.Fprint(&b, box, i, h.Ticket)
			}
		}
	}
	return b.String()
}

// What a gate grants counts, whichever of two records its key has signed came
// first, now and after a restart; its log is closed, and others go on.
func TestFork(t *testing.T) {
	v := newVenue(3)
	e := v[2].start(1)
	v[2].write(e, 29)
	copied := v[2].fork(e, 10, 15)
	other := v[3].start(1)
	v[3].write(other, 9)

	var states []string
	for _, order := range [][]*epoch{{e, copied}, {copied, e}} {
		opt := v.options(t.TempDir())
		told := 0
		opt.OnRecords = func(r []ledger.Record) { told += len(r) }
		l, _ := open(t, opt)
		if _, err := l.Receive(3, e.origin, 1, v[2].chunk(order[0], 1, order[0].end())); err != nil {
			t.Fatal(err)
		}
		for range 3 { // it is noted once
			next, err := l.Receive(3, e.origin, 5, v[2].chunk(order[1], 5, order[1].end()))
			var r *logs.Refusal
			if !errors.As(err, &r) || r.Why != logs.WhyFork || r.Position.Sequence != 11 {
				t.Fatalf("got %v", err)
			}
			if want := max(order[0].end(), order[1].end()) + 1; next != want {
				t.Errorf("next is %d, want %d", next, want)
			}
		}
		if want := 10 + 20 + 15; told != want {
			t.Errorf("%d records were told, want %d", told, want)
		}
		give(t, l, v[3], other, 1, 10)
		if got := opt.Ledger.Total(1).Admitted; got != 9+20+15+9 {
			t.Errorf("%d were admitted", got)
		}
		if want := []ledger.Position{{Origin: e.origin, Sequence: 11}}; fmt.Sprint(opt.Ledger.Forks()) != fmt.Sprint(want) {
			t.Errorf("forks %v, want %v", opt.Ledger.Forks(), want)
		}
		before := state(opt.Ledger)
		states = append(states, before)
		shut(t, l)

		opt.Ledger = ledger.New()
		l, recovery := open(t, opt)
		if recovery.Err != nil {
			t.Fatal(recovery.Err)
		}
		if got := state(opt.Ledger); got != before {
			t.Errorf("the ledger was %s and is %s", before, got)
		}
		q, _ := l.Quarantined()
		if len(q) != 1 || q[0].Count != 3 || !bytes.Equal(q[0].Evidence, v[2].chunk(order[1], 11, order[1].end())) {
			t.Errorf("quarantine %+v", q)
		}
		on := v[2].fork(order[0], order[0].end(), 5)
		_, err := l.Receive(3, e.origin, on.end()-4, v[2].chunk(on, on.end()-4, on.end()))
		var r *logs.Refusal
		if !errors.As(err, &r) || r.Why != logs.WhyFork {
			t.Errorf("a log that has forked goes on: %v", err)
		}
		if got := opt.Ledger.Total(1).Admitted; got != 9+20+15+9+5 {
			t.Errorf("%d were admitted", got)
		}
		states = append(states, state(opt.Ledger))
	}
	// What follows it on either branch was not the same, so those are left out.
	if first, second := states[0], states[2]; first != second {
		t.Errorf("in one order the ledger is %s, in the other %s", first, second)
	}
}

// A later epoch that names another end than the one that is held, or follows
// another record, is a fork too.
func TestEpochs(t *testing.T) {
	v := newVenue(2)
	e := v[2].start(1)
	v[2].write(e, 9)
	after := v[2].start(2)
	v[2].write(after, 3)
	beyond := v[2].fork(e, 10, 40)
	changed := v[2].fork(e, 9, 1) // another record 10

	t.Run("its end comes first", func(t *testing.T) {
		l, _ := open(t, v.options(t.TempDir()))
		give(t, l, v[2], after, 1, 4)
		_, err := l.Receive(2, e.origin, 1, v[2].chunk(changed, 1, 10))
		wantRefusal(t, err, logs.WhyFork, 10)
	})
	t.Run("its end comes last", func(t *testing.T) {
		l, _ := open(t, v.options(t.TempDir()))
		give(t, l, v[2], changed, 1, 10)
		_, err := l.Receive(2, after.origin, 1, v[2].chunk(after, 1, 4))
		wantRefusal(t, err, logs.WhyFork, 1)
	})
	t.Run("more is held than its end", func(t *testing.T) {
		dir := t.TempDir()
		for _, again := range []bool{false, true} {
			opt := v.options(dir)
			l, _ := open(t, opt)
			if !again {
				give(t, l, v[2], e, 1, 10)
				give(t, l, v[2], beyond, 11, 50)
				give(t, l, v[2], after, 1, 4)
			}
			want := ledger.Vector{e.origin: 10, after.origin: 4}
			if got := l.Vector(); !maps.Equal(got, want) {
				t.Errorf("again %v: vector %v, want %v", again, got, want)
			}
			if _, last, err := l.Range(e.origin, 1, 50, logs.MaxChunk); err != nil || last != 10 {
				t.Errorf("again %v: range up to %d, %v", again, last, err)
			}
			q, _ := l.Quarantined()
			if len(q) != 1 || q[0].Why != logs.WhyOldEpoch || q[0].First != 11 {
				t.Errorf("again %v: quarantine %+v", again, q)
			}
			if got := opt.Ledger.Total(1).Admitted; got != 9+40+3 {
				t.Errorf("again %v: %d were admitted: what was signed counts", again, got)
			}
			shut(t, l)
		}
	})
}

func wantRefusal(t *testing.T, err error, why logs.Why, at uint64) {
	t.Helper()
	var r *logs.Refusal
	if !errors.As(err, &r) || r.Why != why || r.Position.Sequence != at {
		t.Errorf("got %v, want %s at record %d", err, why, at)
	}
}

// Records from the future wait, with those who hold them, until the clock has
// passed them.
func TestFuture(t *testing.T) {
	v := newVenue(2)
	e := v[2].start(1)
	v[2].write(e, 9)
	v[2].clock = v[2].clock.Add(3 * time.Hour)
	v[2].write(e, 5)
	opt := v.options(t.TempDir())
	var now time.Time
	opt.Latest = func() time.Time {
		if now.IsZero() {
			return now
		}
		return now.Add(time.Hour)
	}
	now = evening
	l, _ := open(t, opt)
	give(t, l, v[2], e, 1, 10)
	for range 3 {
		_, err := l.Receive(2, e.origin, 8, v[2].chunk(e, 8, 15))
		wantRefusal(t, err, logs.WhyFuture, 11)
	}
	if q, _ := l.Quarantined(); len(q) != 1 || q[0].Count != 3 {
		t.Errorf("quarantine %+v", q)
	}
	now = evening.Add(3 * time.Hour)
	give(t, l, v[2], e, 8, 15)
	if q, _ := l.Quarantined(); len(q) != 0 {
		t.Errorf("quarantine %+v", q)
	}
}

// This gate's own log may come back from others.
func TestOwn(t *testing.T) {
	v := newVenue(2)
	lost := v[1].start(3) // before the disk was wiped
	v[1].write(lost, 9)
	v[1].epochs, v[1].last = map[ledger.Origin]*epoch{}, nil
	mine := v[1].start(4)
	v[1].write(mine, 9)
	ahead := v[1].fork(mine, 10, 5)
	copied := v[1].fork(mine, 5, 3)

	opt := v.options(t.TempDir())
	l, _ := open(t, opt)
	if got := l.HighestEpoch(own); got != 0 {
		t.Errorf("highest epoch %d", got)
	}
	l.Attach(v[1])
	restore(t, opt.Ledger, mine, 1, mine.end()) // as the journal does
	give(t, l, v[1], lost, 1, 10)
	if got := l.HighestEpoch(own); got != 4 {
		t.Errorf("highest epoch %d, want 4", got)
	}
	if next, err := l.Receive(2, mine.origin, 3, v[1].chunk(mine, 3, 8)); err != nil || next != 11 {
		t.Errorf("what the journal has: next is %d, %v", next, err)
	}
	_, err := l.Receive(2, mine.origin, 8, v[1].chunk(ahead, 8, 15))
	wantRefusal(t, err, logs.WhyOwn, 11)
	_, err = l.Receive(2, mine.origin, 3, v[1].chunk(copied, 3, 8))
	wantRefusal(t, err, logs.WhyFork, 6)
	if got := l.HighestEpoch(own); got != 4 {
		t.Errorf("highest epoch %d, want 4", got)
	}
	want := ledger.Vector{lost.origin: 10, mine.origin: 10}
	if got := l.Vector(); !maps.Equal(got, want) {
		t.Errorf("vector %v, want %v", got, want)
	}
	if _, last, err := l.Range(mine.origin, 1, 99, logs.MaxChunk); err != nil || last != 10 {
		t.Errorf("own range up to %d, %v", last, err)
	}
}

// holed is a journal that the disk has damaged.
type holed struct {
	*box
	at map[ledger.Origin]uint64 // how far an epoch can still be read
}

func (h holed) Vector() ledger.Vector {
	v := h.box.Vector()
	for o, at := range h.at {
		v[o] = at
	}
	return v
}

func (h holed) Held(o ledger.Origin) uint64 { return h.Vector()[o] }

func (h holed) Range(o ledger.Origin, from, to uint64, limit int) ([]byte, uint64, error) {
	return h.box.Range(o, from, min(to, h.Held(o)), limit)
}

// What the disk has lost of this gate's own journal comes back from others.
func TestDamagedJournalIsMendedByPeers(t *testing.T) {
	v := newVenue(2)
	old := v[1].start(1)
	v[1].write(old, 99)
	mine := v[1].start(2)
	v[1].write(mine, 9)
	own := holed{v[1], map[ledger.Origin]uint64{old.origin: 50}}
	dir := t.TempDir()
	for _, again := range []bool{false, true} {
		opt := v.options(dir)
		l, _ := open(t, opt)
		restore(t, opt.Ledger, old, 1, 50) // as the journal does
		restore(t, opt.Ledger, old, 80, 100)
		restore(t, opt.Ledger, mine, 1, 10)
		l.Attach(own)
		if !again {
			want := ledger.Vector{old.origin: 50, mine.origin: 10}
			if got := l.Vector(); !maps.Equal(got, want) {
				t.Errorf("vector %v, want %v", got, want)
			}
			give(t, l, v[1], old, 51, 90)
			give(t, l, v[1], old, 91, 100)
		}
		want := ledger.Vector{old.origin: 100, mine.origin: 10}
		if got := l.Vector(); !maps.Equal(got, want) {
			t.Errorf("again %v: vector %v, want %v", again, got, want)
		}
		if got := opt.Ledger.Total(1).Admitted; got != 99+9 {
			t.Errorf("again %v: %d were admitted", again, got)
		}
		if holes := opt.Ledger.Holes(); holes != nil {
			t.Errorf("again %v: holes %v", again, holes)
		}
		for from := uint64(1); from <= 100; {
			chunk, last, err := l.Range(old.origin, from, 100, logs.MaxChunk)
			if err != nil || !bytes.Equal(chunk, v[1].chunk(old, from, last)) {
				t.Fatalf("again %v: from %d to %d: %v", again, from, last, err)
			}
			from = last + 1
		}
		if got := l.HighestEpoch(1); got != 2 {
			t.Errorf("again %v: highest epoch %d", again, got)
		}
		_, err := l.Receive(2, old.origin, 101, v[1].chunk(v[1].fork(old, 100, 3), 101, 103))
		wantRefusal(t, err, logs.WhyOldEpoch, 101)
		shut(t, l)
	}
}

func restore(t *testing.T, l *ledger.Ledger, e *epoch, from, to uint64) {
	t.Helper()
	for i := from - 1; i < to; i++ {
		var rec ledger.Record
		encoded := e.encoded[i*ledger.Size : (i+1)*ledger.Size]
		if err := errors.Join(rec.Decode(encoded), l.Restore(&rec, ledger.HashEncoded(encoded))); err != nil {
			t.Fatal(err)
		}
	}
}

// What nobody has signed takes little memory, and crowds out nothing that
// somebody has.
func TestQuarantineIsBounded(t *testing.T) {
	v := newVenue(2)
	e := v[2].start(1)
	v[2].write(e, 9)
	l, _ := open(t, v.options(t.TempDir()))
	give(t, l, v[2], e, 1, 10)
	const sent = 3000
	for i := range uint32(sent) {
		if _, err := l.Receive(9, ledger.Origin{Gate: gate.GateID(i), Epoch: 7}, 1, []byte("nonsense")); err == nil {
			t.Fatal("nonsense is taken")
		}
	}
	if _, err := l.Receive(2, e.origin, 4, v[2].chunk(v[2].fork(e, 5, 5), 4, 10)); err == nil {
		t.Fatal("a fork is taken")
	}
	q, beyond := l.Quarantined()
	if len(q) != 501 || beyond != sent-500 {
		t.Errorf("%d entries, %d beyond", len(q), beyond)
	}
	if !slices.ContainsFunc(q, func(e logs.Quarantine) bool { return e.Why == logs.WhyFork }) {
		t.Error("the fork is not among them")
	}
}

// A gate's first records can be here before the roster that names it. Once they
// are in, nothing is wrong with them any more.
func TestRefusedBeforeTheRosterCame(t *testing.T) {
	v := newVenue(3)
	mine := v[1].start(1)
	v[1].write(mine, 1)
	theirs := v[2].start(1)
	v[2].write(theirs, 9)
	opt := v.options(t.TempDir())
	known := false
	all := opt.Keys
	opt.Keys = func(g gate.GateID, epoch uint32) []ed25519.PublicKey {
		if !known && g == theirs.origin.Gate {
			return nil
		}
		return all(g, epoch)
	}
	l, _ := open(t, opt)
	defer shut(t, l)
	l.Attach(v[1])
	if _, err := l.Receive(3, theirs.origin, 1, v[2].chunk(theirs, 1, 10)); err == nil {
		t.Fatal("records of a gate that nobody knows were taken")
	}
	if refused, _ := l.Quarantined(); len(refused) != 1 || refused[0].Why != logs.WhyRoster {
		t.Fatalf("refused: %+v", refused)
	}
	known = true
	give(t, l, v[2], theirs, 1, 10)
	if refused, _ := l.Quarantined(); len(refused) != 0 {
		t.Errorf("still refused: %+v", refused)
	}
}
