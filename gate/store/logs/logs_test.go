package logs_test

import (
	"errors"
	"maps"
	"testing"

	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/logs"
)

// What a gate has received it has in its ledger, passes on, and still has after
// a restart.
func TestReceiveRangeRestart(t *testing.T) {
	v := newVenue(3)
	mine := v[1].start(1)
	v[1].write(mine, 9)
	first := v[2].start(1)
	v[2].write(first, 99)
	second := v[2].start(2)
	v[2].write(second, 4)

	opt := v.options(t.TempDir())
	var woken []ledger.Record
	opt.OnRecords = func(records []ledger.Record) { woken = append(woken, records...) }
	l, _ := open(t, opt)
	l.Attach(v[1])
	give(t, l, v[2], first, 1, 40)
	give(t, l, v[2], first, 30, 100) // ten of them are held
	give(t, l, v[2], second, 1, 5)
	want := ledger.Vector{mine.origin: 10, first.origin: 100, second.origin: 5}
	if got := l.Vector(); !maps.Equal(got, want) {
		t.Errorf("vector %v, want %v", got, want)
	}
	if len(woken) != 105 {
		t.Errorf("%d records were told, want 105", len(woken))
	}
	shut(t, l)

	for _, queued := range []bool{true, false} {
		opt.OnRecords, opt.Ledger = nil, ledger.New()
		recovered := 0
		opt.OnRecover = func(*ledger.Record) { recovered++ }
		l, recovery := open(t, opt)
		l.Attach(v[1])
		if recovery.Err != nil || recovery.Records != 105 || recovery.Logs != 2 || recovered != 105 {
			t.Fatalf("queued %v: %+v, %d recovered", queued, recovery, recovered)
		}
		if got := l.Vector(); !maps.Equal(got, want) {
			t.Errorf("queued %v: vector %v, want %v", queued, got, want)
		}
		if got := opt.Ledger.Total(1).Admitted; got != 103 {
			t.Errorf("queued %v: %d were admitted, want 103", queued, got)
		}
		shut(t, l)
	}
}

// ranges are asked of logs whose records are partly in the file and partly
// waiting to be written.
func TestRange(t *testing.T) {
	v := newVenue(2)
	mine := v[1].start(1)
	v[1].write(mine, 9)
	e := v[2].start(1)
	v[2].write(e, 299)
	opt := v.options(t.TempDir())
	l, _ := open(t, opt)
	for at := uint64(1); at <= 100; at += 5 {
		give(t, l, v[2], e, at, at+4)
	}
	shut(t, l)
	opt.Ledger = ledger.New()
	l, _ = open(t, opt)
	l.Attach(v[1])
	give(t, l, v[2], e, 101, 200) // one head for a hundred
	give(t, l, v[2], e, 201, 210)

	all := logs.MaxChunk
	one := ledger.Size + ledger.HeadSize
	for _, c := range []struct {
		name      string
		e         *epoch
		from, to  uint64
		limit     int
		last, end uint64 // last as returned, and of the chunk; 0: not held
	}{
		{"everything", e, 1, 210, all, 210, 210},
		{"more than there is", e, 1, 1 << 40, all, 210, 210},
		{"across file and queue", e, 90, 210, all, 210, 210},
		{"to a head of the file", e, 1, 100, all, 100, 100},
		{"a short one", e, 1, 32, all, 30, 30},
		{"beyond, since there is no head before", e, 101, 132, all, 132, 200},
		{"beyond, but out of reach", e, 101, 132, 50 * ledger.Size, 0, 0},
		{"one record of many", e, 150, 150, one, 0, 0},
		{"the last one", e, 210, 210, one, 210, 210},
		{"no room", e, 1, 210, one - 1, 0, 0},
		{"behind the end", e, 211, 220, all, 0, 0},
		{"backwards", e, 5, 4, all, 0, 0},
		{"from zero", e, 0, 4, all, 0, 0},
		{"own", mine, 3, 7, all, 7, 7},
		{"own, one record", mine, 3, 7, one, 3, 3},
		{"own, behind the end", mine, 11, 12, all, 0, 0},
		{"of nobody", &epoch{origin: ledger.Origin{Gate: 9, Epoch: 1}}, 1, 1, all, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			chunk, last, err := l.Range(c.e.origin, c.from, c.to, c.limit)
			if c.last == 0 {
				if !errors.Is(err, logs.ErrNotHeld) || chunk != nil {
					t.Fatalf("%d bytes, %v", len(chunk), err)
				}
				return
			}
			if err != nil || last != c.last {
				t.Fatalf("last is %d, %v", last, err)
			}
			b := v[c.e.origin.Gate]
			if want := b.chunk(c.e, c.from, c.end); string(chunk) != string(want) {
				t.Errorf("%d bytes differ from the %d that records %d to %d are", len(chunk), len(want), c.from, c.end)
			}
		})
	}
}
