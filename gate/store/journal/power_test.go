package journal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate/ledger"
)

// life is one run of a gate on a disk that may fail and may die.
type life struct {
	appends  int
	dieAt    int // operation of the disk
	failAt   int
	fails    int // operations in a row
	how      error
	clean    bool // closed in the end, if it lives that long
	powerCut bool // else only the process ends, and the kernel's cache stays
}

func lives() *rapid.Generator[[]life] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) life {
		return life{
			appends:  rapid.IntRange(0, 60).Draw(t, "appends"),
			dieAt:    rapid.IntRange(1, 300).Draw(t, "dies at operation"),
			failAt:   rapid.IntRange(1, 150).Draw(t, "fails at operation"),
			fails:    rapid.IntRange(0, 3).Draw(t, "fails times"),
			how:      rapid.SampledFrom([]error{syscall.EIO, syscall.ENOSPC, errHalf}).Draw(t, "how it fails"),
			clean:    rapid.Bool().Draw(t, "clean end"),
			powerCut: rapid.Bool().Draw(t, "power cut"),
		}
	}), 1, 6)
}

// TestNothingIsLost is the law of the journal. Over any number of starts, with
// a disk that fails, fills up, or dies at any operation, with kills (what was
// written stays) and power cuts (what was not flushed goes, sector by sector):
// every acknowledged record is found again, no position is given twice, and what
// a start has found stays found.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		plan := lives().Draw(rt, "lives")
		seed := rapid.Uint64().Draw(rt, "seed")
		var err error
		synctest.Test(t, func(*testing.T) { // seconds pass as they are slept
			err = live(plan, rand.New(rand.NewPCG(seed, 1)))
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
}

func live(plan []life, seed *rand.Rand) error {
	d := newMemDisk()
	w := truth{acked: map[ledger.Position]ledger.Record{}, given: map[ledger.Position]ledger.Record{}}
	plan = append(plan, life{dieAt: 1 << 30, failAt: 1 << 30, clean: true}) // a last start, to look
	for i, l := range plan {
		if err := w.start(l, d); err != nil {
			return fmt.Errorf("life %d: %w", i+1, err)
		}
		if l.powerCut {
			d.powerCut(seed)
		}
	}
	return nil
}

// truth is what the venue could hold the gate to.
type truth struct {
	acked map[ledger.Position]ledger.Record // must be there
	given map[ledger.Position]ledger.Record // ever seen at a position
	next  int
}

// start runs a gate once, until it is stopped in one way or another.
func (w *truth) start(l life, d *memDisk) error {
	p := &session{memDisk: d}
	ops := 0
	p.fault = func(op, _ string) error {
		ops++
		switch {
		case ops >= l.dieAt:
			p.dead = true
			return errKilled
		case op == "modify" || strings.HasSuffix(op, " of found"):
			return nil // a disk that cannot keep what it has shown is another case
		case ops >= l.failAt && ops < l.failAt+l.fails:
			return l.how
		}
		return nil
	}
	s := site{}
	j, recovery, err := Open(s.options(p, "/journal"))
	if err == nil {
		defer func() { _ = j.Close() }() // of a dead process: its goroutine ends
		if err := w.check(&s, recovery); err != nil {
			return err
		}
		if !p.killed() {
			w.keep(s.records...) // it builds on what it has found
		}
		w.work(l, j)
		if l.clean {
			_ = j.Close() // it may have failed before
		}
	}
	p.kill()
	s.mu.Lock()
	defer s.mu.Unlock()
	w.keep(s.records[min(len(s.records), int(recovery.Records)):]...) // those committed
	return nil
}

func (w *truth) work(l life, j *Journal) {
	for range l.appends {
		w.next++
		rec := entry(w.next)
		if w.next%5 == 0 {
			_ = j.Note(context.Background(), rec) // nobody is told that it is there
			continue
		}
		if _, err := j.Append(context.Background(), rec); err == nil {
			w.keep(*rec)
		}
		if w.next%7 == 0 {
			time.Sleep(ownEvery) // heads are stored, epochs tried again
		}
	}
}

// check holds what a start has found against the truth.
func (w *truth) check(s *site, recovery Recovery) error {
	if len(recovery.Damage) > 0 {
		return fmt.Errorf("damage where there is none: %v", recovery.Damage)
	}
	found := map[ledger.Position]bool{}
	for _, rec := range s.records {
		found[rec.Position] = true
		if before, ok := w.given[rec.Position]; ok && before != rec {
			return fmt.Errorf("position %v was given twice:\n%+v\n%+v", rec.Position, before, rec)
		}
		w.given[rec.Position] = rec
	}
	for position, rec := range w.acked {
		if !found[position] {
			return fmt.Errorf("record %v of ticket %d is lost; recovery %+v", position, rec.Ticket, recovery)
		}
	}
	return nil
}

// keep notes records that must be there from now on.
func (w *truth) keep(records ...ledger.Record) {
	for _, rec := range records {
		w.acked[rec.Position], w.given[rec.Position] = rec, rec
	}
}
