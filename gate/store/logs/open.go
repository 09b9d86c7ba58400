package logs

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"go.etcd.io/bbolt"

	"github.com/venuegate/venuegate/gate/ledger"
)

// keys returns the keys of a log's gate.
func (l *Logs) keys(o ledger.Origin) []ed25519.PublicKey {
	if l.opt.Keys == nil {
		return nil
	}
	return l.opt.Keys(o.Gate, o.Epoch)
}

// open opens the file and loads it. One that cannot be used is set aside.
func (l *Logs) open() (Recovery, error) {
	if _, err := os.Stat(filepath.Dir(l.opt.Path)); err != nil {
		return Recovery{}, fmt.Errorf("logs: %w", err)
	}
	_, missing := os.Stat(l.opt.Path)
	db, recovery, err := l.tryOpen()
	var locked *LockedError
	if err == nil || errors.As(err, &locked) {
		l.db.Store(db)
		return recovery, err
	}
	if isNew := errors.Is(missing, fs.ErrNotExist); isNew || errors.Is(err, syscall.ENOSPC) {
		// A disk without room must not keep a gate from starting: the file is made
		// once there is some.
		if db != nil && !errors.Is(err, errFault) {
			err = errors.Join(err, db.Close())
		}
		if isNew {
			err = errors.Join(err, removeFile(l.opt.Path))
		}
		recovery.Err = &DamagedError{Path: l.opt.Path, What: "cannot be made yet", Err: err}
		return recovery, nil
	}
	var path *fs.PathError
	if db == nil && errors.As(err, &path) {
		return recovery, fmt.Errorf("logs: %w", err) // it is not the file's content
	}
	why := &DamagedError{Path: l.opt.Path, What: "set aside", Err: err}
	// What it held is in the ledger as far as it was verified; it has no place in
	// the file any more and peers send it again.
	clear(l.logs)
	if db != nil && !errors.Is(err, errFault) { // after a fault, bbolt may wait for its own lock for ever
		_ = db.Close() // nothing in it is wanted
	}
	aside, err := l.setAside()
	if err != nil {
		return recovery, fmt.Errorf("%w; move it away: %w", why, err)
	}
	if db, recovery, err = l.tryOpen(); err != nil {
		return recovery, fmt.Errorf("logs: %w", err)
	}
	l.db.Store(db)
	recovery.SetAside, recovery.Err = aside, why
	return recovery, nil
}

// removeFile removes what is there of a file, if anything is.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// setAside gives the file another name. One such file is kept, so that they
// cannot fill the disk.
func (l *Logs) setAside() (string, error) {
	aside := l.opt.Path + ".damaged"
	return aside, os.Rename(l.opt.Path, aside)
}

func (l *Logs) tryOpen() (*bbolt.DB, Recovery, error) {
	db, err := openFile(l.opt.Path)
	if err != nil {
		return nil, Recovery{}, err
	}
	ld := loader{logs: l}
	err = guard(func() error {
		if err := prepare(db, l.opt.Gate); err != nil {
			return err
		}
		if err := db.View(ld.load); err != nil {
			return err
		}
		return ld.mend(db)
	})
	ld.recovery.Logs = len(l.logs)
	return db, ld.recovery, err
}

// loader folds the file into the ledger. What was received has been verified
// then; here the chain and the stored heads show what the disk has done to it
// since.
type loader struct {
	logs     *Logs
	recovery Recovery

	heads *bbolt.Cursor
	head  ledger.Head // the next one of the log, or zero
	log   *log

	// Records since the last head, which are folded once the next one is reached.
	waiting []ledger.Record
	hashes  []ledger.Hash

	cuts []ledger.Position // first records of logs that are of no use
}

func (d *loader) load(tx *bbolt.Tx) error {
	d.heads = tx.Bucket(bucketHeads).Cursor()
	c := tx.Bucket(bucketRemote).Cursor()
	var skip ledger.Origin // a log that is cut
	var before []byte
	for k, v := c.First(); k != nil; {
		if bytes.Compare(before, k) >= 0 {
			return fmt.Errorf("key %x comes after %x", k, before)
		}
		before = append(before[:0], k...)
		p, ok := parseKey(k)
		if !ok || p.Epoch == 0 {
			return fmt.Errorf("a record's key is %x", k)
		}
		if d.log == nil || d.log.origin != p.Origin {
			d.finish()
			d.begin(p.Origin)
		}
		if problem := d.take(p, v); problem != "" {
			d.cut(p, problem)
			skip = p.Origin
			d.log = nil
			skip.Epoch++ // the highest epoch has no log after it in its gate
			if skip.Epoch == 0 {
				skip.Gate++
			}
			k, v = c.Seek(key(skip, 0))
			continue
		}
		k, v = c.Next()
	}
	d.finish()
	if err := d.quarantine(tx); err != nil {
		return err
	}
	return d.branches(tx)
}

func (d *loader) begin(o ledger.Origin) {
	d.log = &log{origin: o}
	d.logs.logs[o] = d.log
	d.nextHead(d.heads.Seek(key(o, 0)))
}

func (d *loader) nextHead(k, v []byte) {
	d.head = ledger.Head{}
	if p, ok := parseKey(k); ok && p.Origin == d.log.origin {
		var h ledger.Head
		if h.Decode(v) == nil && h.Position == p {
			d.head = h
		}
	}
}

// take takes one record, and says what is wrong with it.
func (d *loader) take(p ledger.Position, v []byte) string {
	n := len(d.waiting)
	seq, tail := d.log.end+uint64(n)+1, d.log.tail
	if n > 0 {
		tail = d.hashes[n-1]
	}
	if d.head.Position.IsZero() {
		return "no signed head vouches for it"
	}
	d.waiting = append(d.waiting, ledger.Record{})
	rec := &d.waiting[n]
	if err := rec.Decode(v); err != nil {
		return err.Error()
	}
	if rec.Position != p || p.Sequence != seq {
		return fmt.Sprintf("record %d belongs there", seq)
	}
	if seq > 1 && rec.Prev != tail {
		return "it does not follow the record before it"
	}
	d.hashes = append(d.hashes, ledger.HashEncoded(v))
	switch {
	case seq < d.head.Position.Sequence:
		return ""
	case seq > d.head.Position.Sequence:
		return "a signed head is out of place"
	case d.hashes[n] != d.head.Hash:
		return "it is not the one that the gate signed"
	}
	return d.fold()
}

// fold puts what waits into the ledger.
func (d *loader) fold() string {
	l := d.logs
	for i := range d.waiting {
		rec := &d.waiting[i]
		if err := l.opt.Ledger.AddHashed(rec, d.hashes[i]); err != nil {
			return err.Error()
		}
		d.log.end, d.log.tail = rec.Position.Sequence, d.hashes[i]
		l.learn(rec)
		if l.opt.OnRecover != nil {
			l.opt.OnRecover(rec)
		}
	}
	d.recovery.Records += uint64(len(d.waiting))
	d.waiting, d.hashes = d.waiting[:0], d.hashes[:0]
	d.log.kept, d.log.newest = d.log.newest, d.log.end
	d.nextHead(d.heads.Next())
	return ""
}

func (d *loader) damaged(what string) {
	d.recovery.Err = errors.Join(d.recovery.Err, &DamagedError{Path: d.logs.opt.Path, What: what})
}

// finish ends a log.
func (d *loader) finish() {
	if d.log != nil && len(d.waiting) > 0 {
		p := ledger.Position{Origin: d.log.origin, Sequence: d.log.end + 1}
		d.cut(p, "no signed head vouches for it")
	}
}

// cut leaves a log's records out from the last head that is good on.
func (d *loader) cut(p ledger.Position, problem string) {
	at := ledger.Position{Origin: p.Origin, Sequence: d.log.end + 1}
	d.cuts = append(d.cuts, at)
	d.damaged(fmt.Sprintf("gate %d, epoch %d, record %d: %s; records from %d on are left out",
		p.Gate, p.Epoch, p.Sequence, problem, at.Sequence))
	d.waiting, d.hashes = d.waiting[:0], d.hashes[:0]
	if d.log.end == 0 {
		delete(d.logs.logs, p.Origin)
	}
}

// mend deletes what was left out, so that it can be written anew. Where that
// cannot be done now, as on a full disk, those logs stay as they are until the
// next start.
func (d *loader) mend(db *bbolt.DB) error {
	if len(d.cuts) == 0 {
		return nil
	}
	err := db.Update(d.repair)
	if err == nil {
		return nil
	}
	d.recovery.Err = errors.Join(d.recovery.Err, &DamagedError{Path: d.logs.opt.Path, What: "cannot be mended yet", Err: err})
	for _, at := range d.cuts {
		g := d.logs.logs[at.Origin]
		if g == nil {
			g = &log{origin: at.Origin}
			d.logs.logs[at.Origin] = g
		}
		g.frozen = true
	}
	return nil
}

// repair is the transaction of mend.
func (d *loader) repair(tx *bbolt.Tx) error {
	for _, at := range d.cuts {
		for _, name := range [][]byte{bucketRemote, bucketHeads} {
			b := tx.Bucket(name)
			var gone [][]byte
			c := b.Cursor()
			for k, _ := c.Seek(key(at.Origin, at.Sequence)); k != nil; k, _ = c.Next() {
				if p, ok := parseKey(k); !ok || p.Origin != at.Origin {
					break
				}
				gone = append(gone, append([]byte(nil), k...))
			}
			for _, k := range gone {
				if err := b.Delete(k); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// quarantine reads what was refused, and closes the logs that have forked.
func (d *loader) quarantine(tx *bbolt.Tx) error {
	c := tx.Bucket(bucketQuarantine).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		q, ok := decodeQuarantine(k, v)
		if !ok {
			d.damaged("an entry of the quarantine cannot be read")
			continue
		}
		if d.logs.refused.proven >= maxProven {
			break
		}
		d.logs.refused.put(q)
		d.logs.highest[q.Origin.Gate] = max(d.logs.highest[q.Origin.Gate], q.Origin.Epoch)
		if q.Why == WhyFork {
			r := &Refusal{Why: WhyFork, Position: ledger.Position{Origin: q.Origin, Sequence: q.First}, before: q.before}
			d.logs.close(r)
			if err := d.logs.opt.Ledger.Fork(r.forkedAt()); err != nil {
				d.damaged("an entry of the quarantine names no record")
			}
		}
	}
	return nil
}
