package logs_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/logs"
)

// piece is records of a log, as somebody passes them on.
type piece struct {
	b        *box
	e        *epoch
	from, to uint64
}

// TestOrderDoesNotMatter is the law of the logs: in whatever order the chunks
// of several gates come, cut anyhow, as often as they like, and with restarts in
// between, every gate ends with the same vector and the same ledger.
func TestOrderDoesNotMatter(t *testing.T) {
	base, rounds := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		v := newVenue(4)
		var pieces []piece
		want := ledger.Vector{}
		one := ledger.New()
		for id := own + 1; id <= 4; id++ {
			for number := range rapid.Uint32Range(0, 3).Draw(t, "epochs") {
				e := v[id].start(number + 1)
				v[id].write(e, rapid.IntRange(0, 80).Draw(t, "records"))
				want[e.origin] = e.end()
				addAll(t, one, e)
				for from := uint64(1); from <= e.end(); {
					to := min(e.end(), from+rapid.Uint64Range(0, 40).Draw(t, "length"))
					pieces = append(pieces, piece{v[id], e, from, to})
					from = to + 1
				}
			}
		}
		n := len(pieces)
		for range rapid.IntRange(0, 10).Draw(t, "overlapping") {
			if n == 0 {
				break
			}
			p := pieces[rapid.IntRange(0, n-1).Draw(t, "piece")]
			p.from = rapid.Uint64Range(1, p.to).Draw(t, "from")
			pieces = append(pieces, p)
		}
		pieces = rapid.Permutation(pieces).Draw(t, "order")

		rounds++
		dir := filepath.Join(base, strconv.Itoa(rounds))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		opt := v.options(dir)
		l, _, err := logs.Open(opt)
		if err != nil {
			t.Fatal(err)
		}
		restarts := 0
		for level := false; !level; { // peers offer what is missing again
			level = true
			for _, p := range pieces {
				next, err := l.Receive(2, p.e.origin, p.from, p.b.chunk(p.e, p.from, p.to))
				var r *logs.Refusal
				if err != nil && (!errors.As(err, &r) || r.Why != logs.WhyGap) {
					t.Fatal(err)
				}
				level = level && next > p.to
				if restarts < 3 && rapid.IntRange(0, 20).Draw(t, "restart") == 0 {
					restarts++
					opt.Ledger = ledger.New()
					if err := l.Close(); err != nil {
						t.Fatal(err)
					}
					var recovery logs.Recovery
					if l, recovery, err = logs.Open(opt); err != nil || recovery.Err != nil {
						t.Fatal(err, recovery.Err)
					}
				}
			}
		}
		if got := l.Vector(); !maps.Equal(got, want) {
			t.Errorf("vector %v, want %v", got, want)
		}
		if got, want := state(opt.Ledger), state(one); got != want {
			t.Errorf("ledger %s, want %s", got, want)
		}
		everythingCanBePassedOn(t, l, v)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func addAll(t interface{ Fatal(...any) }, l *ledger.Ledger, e *epoch) {
	for i := range e.end() {
		var rec ledger.Record
		err := rec.Decode(e.encoded[i*ledger.Size : (i+1)*ledger.Size])
		if err = errors.Join(err, l.Add(&rec)); err != nil {
			t.Fatal(err)
		}
	}
}

// everythingCanBePassedOn has another gate become level by what ranges give.
func everythingCanBePassedOn(t *rapid.T, l *logs.Logs, v venue) {
	for o, last := range l.Vector() {
		for from := uint64(1); from <= last; {
			chunk, to, err := l.Range(o, from, last, logs.MaxChunk)
			if err != nil || to < from {
				t.Fatalf("%v from %d on: up to %d, %v", o, from, to, err)
			}
			if want := v[o.Gate].chunk(v[o.Gate].epochs[o], from, to); string(chunk) != string(want) {
				t.Fatalf("%v from %d to %d is not what the gate wrote", o, from, to)
			}
			from = to + 1
		}
	}
}
