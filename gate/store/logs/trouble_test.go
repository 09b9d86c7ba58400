package logs_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/logs"
)

// Several peers hand in the same logs at a time, while others ask for them.
func TestManyAtOnce(t *testing.T) {
	v := newVenue(5)
	opt := v.options(t.TempDir())
	var mu sync.Mutex
	told := map[ledger.Position]int{}
	opt.OnRecords = func(records []ledger.Record) {
		mu.Lock()
		defer mu.Unlock()
		for i := range records {
			told[records[i].Position]++
		}
	}
	l, _ := open(t, opt)
	want := ledger.Vector{}
	for id := own + 1; id <= 5; id++ {
		v[id].write(v[id].start(1), 1999)
		want[v[id].last.origin] = 2000
	}
	var all sync.WaitGroup
	for peer := range 4 {
		all.Go(func() {
			for id := own + 1; id <= 5; id++ {
				b := v[id]
				for from := uint64(1); from <= 2000; {
					to := min(2000, from+uint64(20+peer))
					next, err := l.Receive(b.id, b.last.origin, from, b.chunk(b.last, from, to))
					if err != nil || next <= to {
						t.Errorf("next is %d, %v", next, err)
						return
					}
					from = next
				}
			}
		})
		all.Go(func() {
			for range 200 {
				for o, last := range l.Vector() {
					if _, _, err := l.Range(o, last, last, logs.MaxChunk); err != nil {
						t.Errorf("%v, record %d: %v", o, last, err)
					}
				}
			}
		})
	}
	all.Wait()
	if got := l.Vector(); !maps.Equal(got, want) {
		t.Errorf("vector %v, want %v", got, want)
	}
	for p, n := range told {
		if n != 1 {
			t.Errorf("%v was told %d times", p, n)
		}
	}
	if len(told) != 4*2000 {
		t.Errorf("%d records were told", len(told))
	}
}

// fillUp leaves no room on a disk.
func fillUp(dir string) error {
	f, err := os.Create(filepath.Join(dir, "fill"))
	if err != nil {
		return err
	}
	for chunk := make([]byte, 4096); err == nil; _, err = f.Write(chunk) {
	}
	if errors.Is(err, unix.ENOSPC) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

// On a full disk the ledger goes on, and the file is whole after a restart.
func TestRealFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=20m"); err != nil {
		t.Skipf("needs the right to mount a small tmpfs: %v", err)
	}
	defer func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	v := newVenue(2)
	e := v[2].start(1)
	v[2].write(e, 299_999)
	opt := v.options(dir)
	var mu sync.Mutex
	var troubles []error
	opt.OnTrouble = func(err error) {
		mu.Lock()
		defer mu.Unlock()
		troubles = append(troubles, err)
	}
	l, _, err := logs.Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	for from := uint64(1); from <= e.end(); {
		to := min(e.end(), from+logs.MaxRecords-1)
		if from, err = l.Receive(2, e.origin, from, v[2].chunk(e, from, to)); err != nil {
			t.Fatal(err)
		}
	}
	if got := opt.Ledger.Total(1).Admitted; got != 299_999 {
		t.Errorf("%d were admitted", got)
	}
	if err := l.Close(); err == nil {
		t.Error("it closes as if everything had been written")
	}
	var damaged *logs.DamagedError
	if len(troubles) == 0 || !errors.As(troubles[0], &damaged) || !errors.Is(damaged, unix.ENOSPC) {
		t.Errorf("troubles %v", troubles)
	}
	if err := fillUp(dir); err != nil {
		t.Fatal(err)
	}
	opt.Ledger = ledger.New()
	l, recovery := open(t, opt)
	have := l.Vector()[e.origin]
	if recovery.Err != nil || recovery.SetAside != "" || have == 0 || have == e.end() {
		t.Errorf("%+v, up to %d", recovery, have)
	}
	if _, _, err := l.Range(e.origin, 1, have, logs.MaxChunk); err != nil {
		t.Error(err)
	}
	shut(t, l)

	opt.Path = filepath.Join(dir, "other.db")
	opt.Ledger = ledger.New()
	if l, recovery = open(t, opt); !errors.Is(recovery.Err, unix.ENOSPC) {
		t.Errorf("without room for a file: %+v", recovery)
	}
	give(t, l, v[2], e, 1, 100)
	if _, last, err := l.Range(e.origin, 1, 100, logs.MaxChunk); err != nil || last != 100 {
		t.Errorf("up to %d, %v", last, err)
	}
	if err := os.Remove(filepath.Join(dir, "fill")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "logs.db")); err != nil {
		t.Fatal(err)
	}
	shut(t, l) // now there is room
	opt.Ledger = ledger.New()
	if l, recovery = open(t, opt); recovery.Err != nil || recovery.Records != 100 {
		t.Errorf("%+v", recovery)
	}
	shut(t, l)
}
