package logs_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/logs"
)

// filled returns the file of logs that hold 300 records each of two gates.
func filled(t *testing.T) (venue, logs.Options) {
	t.Helper()
	v := newVenue(3)
	opt := v.options(t.TempDir())
	l, _ := open(t, opt)
	for id := own + 1; id <= 3; id++ {
		e := v[id].start(1)
		v[id].write(e, 299)
		for from := uint64(1); from <= e.end(); from += 20 {
			give(t, l, v[id], e, from, from+19)
		}
	}
	shut(t, l)
	opt.Ledger = ledger.New()
	return v, opt
}

// A file that cannot be used is set aside, the gate starts without it, and
// peers fill it again.
func TestSetAside(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"empty":           func([]byte) []byte { return []byte{} },
		"cut short":       func(b []byte) []byte { return b[:64<<10] },
		"text":            func([]byte) []byte { return bytes.Repeat([]byte("these are no logs\n"), 1000) },
		"both metas gone": func(b []byte) []byte { clear(b[:8192]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			v, opt := filled(t)
			data, err := os.ReadFile(opt.Path)
			if err != nil {
				t.Fatal(err)
			}
			data = change(data)
			if err := os.WriteFile(opt.Path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			l, recovery := open(t, opt)
			if name == "empty" { // as it is when it is made
				if recovery.Err != nil || recovery.Records != 0 {
					t.Errorf("%+v", recovery)
				}
				return
			}
			var damaged *logs.DamagedError
			if !errors.As(recovery.Err, &damaged) || recovery.SetAside != opt.Path+".damaged" || recovery.Records != 0 {
				t.Fatalf("%+v", recovery)
			}
			if aside, err := os.ReadFile(recovery.SetAside); err != nil || !bytes.Equal(aside, data) {
				t.Errorf("what was set aside is not what was there: %v", err)
			}
			give(t, l, v[2], v[2].last, 1, 300)
			if got := opt.Ledger.Total(1).Admitted; got != 299 {
				t.Errorf("%d were admitted", got)
			}
		})
	}
	t.Run("another gate's", func(t *testing.T) {
		_, opt := filled(t)
		opt.Gate = 9
		_, recovery := open(t, opt)
		if recovery.Err == nil || recovery.SetAside == "" {
			t.Errorf("%+v", recovery)
		}
	})
	t.Run("twice", func(t *testing.T) {
		_, opt := filled(t)
		for range 2 {
			if err := os.WriteFile(opt.Path, bytes.Repeat([]byte{7}, 1<<16), 0o600); err != nil {
				t.Fatal(err)
			}
			l, recovery := open(t, opt)
			if recovery.SetAside == "" {
				t.Errorf("%+v", recovery)
			}
			shut(t, l)
		}
		if files, _ := filepath.Glob(opt.Path + "*"); len(files) != 2 {
			t.Errorf("files %v: damage must not fill the disk", files)
		}
	})
}

// A bit of a record has changed on the disk: what is behind the last good head
// before it is left out and comes again; nothing untrue gets into the ledger.
func TestDamagedRecord(t *testing.T) {
	for name, offset := range map[string]int{"ticket": 47, "clock": 30, "link": 120, "count": 65, "version": 0} {
		t.Run(name, func(t *testing.T) {
			v, opt := filled(t)
			data, err := os.ReadFile(opt.Path)
			if err != nil {
				t.Fatal(err)
			}
			e := v[2].last
			record := e.encoded[149*ledger.Size : 150*ledger.Size]
			at := bytes.Index(data, record)
			if at < 0 || bytes.Contains(data[at+1:], record) {
				t.Fatal("the record does not stand in one place")
			}
			data[at+offset] ^= 1
			if err := os.WriteFile(opt.Path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, again := range []bool{false, true} {
				opt.Ledger = ledger.New()
				l, recovery := open(t, opt)
				end := l.Vector()[e.origin]
				if (recovery.Err == nil) != again || recovery.SetAside != "" || end < 100 || end >= 150 || recovery.Records != end+300 {
					t.Fatalf("again %v: %+v, up to %d", again, recovery, end)
				}
				if again {
					give(t, l, v[2], e, 101, 300)
					if got := opt.Ledger.Total(1).Admitted; got != 2*299 {
						t.Errorf("%d were admitted", got)
					}
				}
				shut(t, l)
			}
		})
	}
}

// Bits change anywhere in the file: it is opened, in part or not at all, and
// the ledger holds nothing that was not written. VENUEGATE_TEST_FLIPS sets how
// often; 40 is usual.
func TestFlippedBits(t *testing.T) {
	v, opt := filled(t)
	data, err := os.ReadFile(opt.Path)
	if err != nil {
		t.Fatal(err)
	}
	used := bytes.TrimRight(data, "\x00")
	full := ledger.New()
	addAll(t, full, v[2].last)
	addAll(t, full, v[3].last)
	rounds := 40
	if n, err := strconv.Atoi(os.Getenv("VENUEGATE_TEST_FLIPS")); err == nil {
		rounds = n
	}
	r := rand.New(rand.NewPCG(1, 2))
	for round := range rounds {
		changed := bytes.Clone(data)
		for range 1 + r.IntN(8) {
			changed[r.IntN(len(used))] ^= 1 << r.IntN(8)
		}
		if err := os.WriteFile(opt.Path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		opt.Ledger = ledger.New()
		l, _, err := logs.Open(opt)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for _, id := range []int{2, 3} {
			e := v[own+1].last
			if id == 3 {
				e = v[own+2].last
			}
			have := l.Vector()[e.origin]
			if last, hash := opt.Ledger.Last(e.origin); last < have || last > 0 && hash != ledger.HashEncoded(e.encoded[(last-1)*ledger.Size:last*ledger.Size]) {
				t.Fatalf("round %d: the ledger holds what was never written", round)
			}
			if next, err := l.Receive(2, e.origin, 1, v[e.origin.Gate].chunk(e, 1, 300)); err != nil || next != 301 {
				t.Fatalf("round %d: next is %d, %v", round, next, err)
			}
		}
		if got, want := state(opt.Ledger), state(full); got != want {
			t.Fatalf("round %d: ledger %s, want %s", round, got, want)
		}
		_ = l.Close() // the pages that it writes to may be damaged
		_ = os.Remove(opt.Path + ".damaged")
	}
}

// The disk loses the file's pages while the gate runs: it goes on with the
// ledger, says so once, ends when it is told to, and begins anew.
func TestDamagedWhileRunning(t *testing.T) {
	v, opt := filled(t)
	var troubles []error
	opt.OnTrouble = func(err error) { troubles = append(troubles, err) }
	l, _ := open(t, opt)
	e := v[2].last
	data, err := os.ReadFile(opt.Path)
	if err != nil {
		t.Fatal(err)
	}
	clear(data[8192:]) // all but the two that say where the others are
	if err := os.WriteFile(opt.Path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Range(e.origin, 1, 300, logs.MaxChunk); !errors.Is(err, logs.ErrNotHeld) {
		t.Errorf("range: %v", err)
	}
	v[2].write(e, 100)
	give(t, l, v[2], e, 301, 350)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	var damaged *logs.DamagedError
	if len(troubles) != 1 || !errors.As(troubles[0], &damaged) {
		t.Errorf("troubles %v", troubles)
	}
	if got := opt.Ledger.Total(1).Admitted; got != 2*299+50 {
		t.Errorf("%d were admitted", got)
	}
	opt.Ledger = ledger.New()
	l, recovery := open(t, opt)
	if recovery.Err != nil || recovery.Records != 0 {
		t.Errorf("%+v", recovery)
	}
	give(t, l, v[2], e, 1, 400)
}

// Two gates cannot run on one file.
func TestLocked(t *testing.T) {
	v := newVenue(1)
	opt := v.options(t.TempDir())
	open(t, opt)
	var locked *logs.LockedError
	if _, _, err := logs.Open(opt); !errors.As(err, &locked) {
		t.Errorf("got %v", err)
	}
	opt.Path = filepath.Join(t.TempDir(), "none", "logs.db")
	if _, _, err := logs.Open(opt); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a directory: %v", err)
	}
}
