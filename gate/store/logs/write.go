package logs

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/venuegate/venuegate/gate/ledger"
)

const (
	// writeAtOnce is how many queued records are written without waiting longer.
	writeAtOnce = 8 << 10
	// writeAtMost is about how many are written in one transaction.
	writeAtMost = 16 << 10
	// writeAfter is how long the first may wait for others. What a power cut takes
	// is sent again by peers.
	writeAfter = 500 * time.Millisecond
	retryAfter = time.Second
)

// writeAll writes what is queued until ctx ends, and then the rest.
func (l *Logs) writeAll(ctx context.Context) {
	defer close(l.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil && !l.isBroken() {
		select {
		case <-ctx.Done():
		case <-l.kick:
			timer.Reset(writeAfter)
			select {
			case <-ctx.Done():
			case <-l.full:
			case <-timer.C:
			}
		}
		for ctx.Err() == nil {
			more, err := l.write()
			if errors.Is(err, errFault) {
				break
			}
			if err != nil {
				timer.Reset(retryAfter)
				select {
				case <-ctx.Done():
				case <-timer.C:
				}
				continue
			}
			if !more {
				break
			}
		}
	}
	for more := !l.isBroken(); more; {
		var err error
		if more, err = l.write(); err != nil {
			return // Close says how many were lost
		}
	}
}

// batch is what one transaction writes of one log.
type batch struct {
	log    *log
	blocks []block
	heads  []ledger.Head
	drop   []uint64
}

// rest is what one transaction writes besides.
type rest struct {
	refused  map[quarantineKey]*Quarantine
	branched []branchRecord
}

// cut gathers what goes into the next transaction. It stays queued until it is
// in the file.
func (l *Logs) cut() (batches []batch, rest rest, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest.refused, rest.branched = l.refused.takeDirty(), l.branched.queued
	l.branched.queued = nil
	room := writeAtMost
	for _, g := range l.logs {
		if len(g.blocks) == 0 {
			continue
		}
		if room <= 0 {
			more = true
			break
		}
		b := batch{log: g}
		for _, block := range g.blocks {
			if room <= 0 {
				more = true
				break
			}
			b.blocks = append(b.blocks, block)
			room -= len(block.data) / ledger.Size
		}
		last := b.blocks[len(b.blocks)-1].last()
		for _, h := range g.heads {
			if h.Position.Sequence <= last {
				b.heads = append(b.heads, h)
			}
		}
		for _, s := range g.drop {
			if s < last { // the file's last record keeps its head
				b.drop = append(b.drop, s)
			}
		}
		batches = append(batches, b)
	}
	slices.SortFunc(batches, func(a, b batch) int { return a.log.origin.Compare(b.log.origin) })
	return batches, rest, more
}

// write writes one transaction, and reports whether there is more.
func (l *Logs) write() (more bool, err error) {
	batches, rest, more := l.cut()
	if len(batches) == 0 && len(rest.refused) == 0 && len(rest.branched) == 0 {
		return false, nil
	}
	err = guard(func() error {
		db, err := l.file()
		if err != nil {
			return err
		}
		return db.Update(func(tx *bbolt.Tx) error {
			for _, b := range batches {
				if err := b.put(tx); err != nil {
					return err
				}
			}
			return errors.Join(
				putQuarantine(tx.Bucket(bucketQuarantine), rest.refused),
				putBranches(tx.Bucket(bucketBranches), rest.branched))
		})
	})
	if errors.Is(err, errFault) {
		return false, l.giveUp(err)
	}
	l.mu.Lock()
	was := l.failing
	l.failing = err != nil
	if err != nil {
		l.refused.again(rest.refused)
		l.branched.queued = append(rest.branched, l.branched.queued...)
	} else {
		for i := range batches {
			l.queued -= batches[i].written()
		}
	}
	l.mu.Unlock()
	if l.opt.OnTrouble != nil && err != nil {
		l.opt.OnTrouble(&DamagedError{Path: l.opt.Path, What: "cannot be written", Err: err})
	} else if l.opt.OnTrouble != nil && was {
		l.opt.OnTrouble(nil)
	}
	return more, err
}

// file returns the file, which is made now where the disk had no room at the
// start.
func (l *Logs) file() (*bbolt.DB, error) {
	if db := l.db.Load(); db != nil {
		return db, nil
	}
	db, err := openFile(l.opt.Path)
	if err != nil {
		return nil, err
	}
	if err := prepare(db, l.opt.Gate); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	l.db.Store(db)
	return db, nil
}

// giveUp leaves a file alone that bbolt cannot write, since pages of it make no
// sense. It is set aside, so that the next start fetches what it held from
// peers; until then what comes is in the ledger only.
func (l *Logs) giveUp(err error) error {
	damaged := &DamagedError{Path: l.opt.Path, What: "cannot be written any more", Err: err}
	if _, moved := l.setAside(); moved != nil {
		damaged.Err = errors.Join(err, moved)
	}
	l.mu.Lock()
	l.broken = true
	for _, g := range l.logs {
		l.freeze(g)
	}
	l.mu.Unlock()
	if l.opt.OnTrouble != nil {
		l.opt.OnTrouble(damaged)
	}
	return damaged
}

// freeze gives up writing a log. l.mu is held.
func (l *Logs) freeze(g *log) {
	for _, b := range g.blocks {
		l.queued -= len(b.data) / ledger.Size
	}
	g.frozen, g.blocks, g.heads, g.drop = true, nil, nil, nil
}

func (l *Logs) isBroken() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

func (b *batch) put(tx *bbolt.Tx) error {
	records, heads := tx.Bucket(bucketRemote), tx.Bucket(bucketHeads)
	records.FillPercent, heads.FillPercent = 1, 1 // logs only grow at their end
	o := b.log.origin
	for _, block := range b.blocks {
		data := block.data
		for seq := block.first; len(data) > 0; seq++ {
			if err := records.Put(key(o, seq), data[:ledger.Size:ledger.Size]); err != nil {
				return err
			}
			data = data[ledger.Size:]
		}
	}
	drop := b.drop
	for _, h := range b.heads {
		for len(drop) > 0 && drop[0] < h.Position.Sequence {
			drop = drop[1:]
		}
		if len(drop) > 0 && drop[0] == h.Position.Sequence {
			continue
		}
		encoded, err := h.AppendBinary(nil)
		if err != nil {
			return err
		}
		if err := heads.Put(key(o, h.Position.Sequence), encoded); err != nil {
			return err
		}
	}
	for _, seq := range b.drop {
		if err := heads.Delete(key(o, seq)); err != nil {
			return err
		}
	}
	return nil
}

// written takes what is in the file out of the queue, and returns how many
// records that were. Logs.mu is held. Readers have slices of what is queued, so
// nothing is moved in place.
func (b *batch) written() (records int) {
	for _, block := range b.blocks {
		records += len(block.data) / ledger.Size
	}
	last := b.blocks[len(b.blocks)-1].last()
	g := b.log
	g.blocks = slices.Clone(g.blocks[len(b.blocks):])
	i, _ := slices.BinarySearchFunc(g.heads, last+1, func(h ledger.Head, s uint64) int { return cmp.Compare(h.Position.Sequence, s) })
	g.heads = slices.Clone(g.heads[i:])
	i, _ = slices.BinarySearch(g.drop, last)
	g.drop = slices.Clone(g.drop[i:])
	return records
}

func putQuarantine(bucket *bbolt.Bucket, refused map[quarantineKey]*Quarantine) error {
	for k, entry := range refused {
		if entry == nil {
			if err := bucket.Delete(k.encode()); err != nil {
				return err
			}
			continue
		}
		v, err := entry.encode()
		if err != nil {
			return err
		}
		if err := bucket.Put(k.encode(), v); err != nil {
			return err
		}
	}
	return nil
}

// again notes that entries are still to be written.
func (q *quarantine) again(refused map[quarantineKey]*Quarantine) {
	if q.dirty == nil {
		q.dirty = map[quarantineKey]bool{}
	}
	for k := range refused {
		q.dirty[k] = true
	}
}
