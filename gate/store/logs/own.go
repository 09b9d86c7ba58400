package logs

import (
	"fmt"

	"github.com/venuegate/venuegate/gate/ledger"
)

// Own is the gate's own journal: *journal.Journal or *journal.Reader.
type Own interface {
	// Vector returns how far each epoch goes that is held from its beginning.
	Vector() ledger.Vector
	// Held returns how far one of them goes; 0: it is not there.
	Held(origin ledger.Origin) uint64
	// Range is Logs.Range for those.
	Range(origin ledger.Origin, from, to uint64, limit int) (chunk []byte, last uint64, err error)
}

// Attach gives the logs the gate's own journal, whose records are in the ledger
// by then. It comes after Open, since a journal must know what HighestEpoch says
// before it opens an epoch.
//
// An epoch that the disk has damaged, so that the journal ends before the next
// epoch says it did, is taken for another gate's log from here on: others have it
// and send what is missing.
func (l *Logs) Attach(own Own) {
	vector := own.Vector()
	l.mu.Lock()
	l.own = own
	l.mu.Unlock()
	for o := range vector {
		l.learnOwn(own, o)
	}
	for o, held := range vector {
		l.mu.Lock()
		e, named := l.ends[o]
		l.mu.Unlock()
		if !named || held >= e.last {
			continue
		}
		if err := l.adopt(own, o, held); err != nil && l.opt.OnTrouble != nil {
			l.opt.OnTrouble(fmt.Errorf("logs: epoch %d, which the disk has damaged: %w", o.Epoch, err))
		}
	}
}

// learnOwn notes what the first record of an own epoch says of the one before.
func (l *Logs) learnOwn(own Own, o ledger.Origin) {
	l.mu.Lock()
	l.highest[o.Gate] = max(l.highest[o.Gate], o.Epoch)
	l.mu.Unlock()
	chunk, _, err := own.Range(o, 1, 1, ledger.Size+ledger.HeadSize)
	var rec ledger.Record
	if err != nil || rec.Decode(chunk[:ledger.Size]) != nil {
		return // what it names is not known then
	}
	l.mu.Lock()
	l.learn(&rec)
	l.mu.Unlock()
}

// adopt copies what the journal holds of an epoch to the file, unless that has
// been done, so that the rest can follow.
func (l *Logs) adopt(own Own, o ledger.Origin, held uint64) error {
	c := l.chunks.Get().(*chunk)
	defer l.chunks.Put(c)
	l.mu.Lock()
	next := uint64(1)
	if g := l.logs[o]; g != nil {
		next = g.end + 1
	}
	l.mu.Unlock()
	for next <= held {
		b, _, err := own.Range(o, next, held, MaxChunk)
		if err != nil {
			return err
		}
		if refusal := c.parse(o, next, b); refusal != nil {
			return refusal
		}
		for i := range c.records { // nearly always known
			if err := l.opt.Ledger.AddHashed(&c.records[i], c.hashes[i]); err != nil {
				return err
			}
		}
		l.queue(c, 0, len(c.records))
		next = c.last() + 1
	}
	l.mu.Lock()
	l.lost[o] = true
	l.mu.Unlock()
	return nil
}

// ownEnd returns how far the gate's own journal holds an epoch that is whole.
func (l *Logs) ownEnd(o ledger.Origin) (own Own, last uint64) {
	if o.Gate != l.opt.Gate {
		return nil, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.own, l.ownLast(o)
}

// ownLast is ownEnd with l.mu held.
func (l *Logs) ownLast(o ledger.Origin) uint64 {
	if l.own == nil || l.lost[o] {
		return 0
	}
	return l.own.Held(o)
}
