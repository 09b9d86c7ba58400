package ledger

import (
	"fmt"
	"slices"

	"github.com/venuegate/venuegate/gate"
)

// maxBranchRecords bounds what is kept to tell the branches of forks apart. A
// log that has forked is closed, so an honest venue never gets near.
const maxBranchRecords = 1 << 20

// branches is the records of logs that forked, besides those that Add took.
type branches struct {
	hashes map[place][]Hash
	n      int
}

// Fork notes that the log of at.Origin has forked at at.Sequence or before: its
// gate has signed two records for one position. Of what the log says from there
// on the grants count, of every branch, and no exit and no void does, so that
// the result does not depend on which branch was heard first. Of several calls
// the lowest sequence counts.
func (l *Ledger) Fork(at Position) error {
	if at.Sequence == 0 || at.Sequence > MaxSequence || at.Epoch == 0 {
		return fmt.Errorf("ledger: fork at gate %d, epoch %d, record %d: there is no such record", at.Gate, at.Epoch, at.Sequence)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	origin, err := l.originIndex(at.Origin)
	if err == nil {
		l.fork(origin, at.Sequence)
	}
	return err
}

// AddBranch takes a record for which Add returned a *ForkError, or one that
// follows such a record in its branch. The caller has made sure that the gate
// signed it. One that is held already changes nothing. A position with two
// records is noted as Fork would.
func (l *Ledger) AddBranch(rec *Record, hash Hash) error {
	if err := rec.Check(); err != nil {
		return err
	}
	if err := rec.placed(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	origin, err := l.originIndex(rec.Position.Origin)
	if err != nil {
		return err
	}
	if err := l.roomForOrder(rec); err != nil {
		return err
	}
	seq := rec.Position.Sequence
	e := entry{at: placeOf(origin, seq)}
	held, ok := l.logs[origin].print(seq)
	if ok && held == fingerprint(hash) || slices.Contains(l.branches.hashes[e.at], hash) {
		return nil
	}
	if l.branches.n == maxBranchRecords {
		return fmt.Errorf("%w: %d records of logs that forked", ErrTooMany, l.branches.n)
	}
	if kept(rec) {
		if err := l.fill(&e, rec); err != nil {
			return err
		}
	}
	if l.branches.hashes == nil {
		l.branches.hashes = map[place][]Hash{}
	}
	if ok || len(l.branches.hashes[e.at]) > 0 {
		l.fork(origin, seq)
	}
	l.branches.hashes[e.at] = append(l.branches.hashes[e.at], hash)
	l.branches.n++
	l.apply(rec, &e)
	return nil
}

// Forks returns where logs have forked, by gate and epoch: in each the first
// position that is known to have two records.
func (l *Ledger) Forks() []Position {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var forks []Position
	for i := range l.logs {
		if o := &l.logs[i]; o.fork > 0 {
			forks = append(forks, Position{Origin: o.origin, Sequence: o.fork})
		}
	}
	slices.SortFunc(forks, comparePositions)
	return forks
}

// meetsBranch compares a record that has just been taken into its log with
// those of branches, and reports whether it is one of them.
func (l *Ledger) meetsBranch(at place, hash Hash) bool {
	others := l.branches.hashes[at]
	if len(others) == 0 {
		return false
	}
	if slices.Contains(others, hash) {
		return true
	}
	l.fork(at.origin(), at.sequence())
	return false
}

// fork moves a log's fork down to seq.
func (l *Ledger) fork(origin int32, seq uint64) {
	o := &l.logs[origin]
	if o.fork > 0 && o.fork <= seq {
		return
	}
	changed := func(e *entry) bool {
		return e.at.origin() == origin && e.kind != KindGrant && e.at.sequence() >= seq
	}
	l.recount(changed, func() { o.fork = seq })
}

// closed reports whether an exit or a void does not count, because its log had
// forked.
func (l *Ledger) closed(e *entry) bool {
	if e.kind == KindGrant {
		return false
	}
	fork := l.logs[e.at.origin()].fork
	return fork > 0 && e.at.sequence() >= fork
}

// recount makes a change to what entries mean, and counts the tickets anew that
// have entries for which it may matter. It goes through all of them: forks are
// rare.
func (l *Ledger) recount(matters func(*entry) bool, change func()) {
	tickets := map[gate.TicketID]struct{}{}
	for i := range int32(l.entries.n) {
		if e := l.entries.at(i); e.ticket != 0 && matters(e) {
			tickets[e.ticket] = struct{}{}
		}
	}
	s := l.scratch
	short := func(ticket gate.TicketID, sign int) {
		if kept := l.long[ticket]; kept != nil {
			if sign < 0 {
				l.soil(ticket, kept)
			}
			return
		}
		s, _ = l.fold(l.head(ticket), s, nil, nil)
		l.countStory(&s, sign)
		if sign > 0 {
			l.suspect(ticket, &s)
		}
	}
	all := func(sign int) {
		for ticket := range tickets {
			short(ticket, sign)
		}
		for _, i := range l.unticketed {
			l.countUnticketed(l.entries.at(i), sign)
		}
	}
	all(-1)
	change()
	all(+1)
	l.scratch = s
}
