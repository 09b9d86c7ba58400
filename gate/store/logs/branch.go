package logs

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/venuegate/venuegate/gate/ledger"
)

// maxBranched is how many records of other branches are kept: 9 MiB. Only a gate
// whose key is in two places can make one.
const maxBranched = 64 << 10

// branched is records of forked logs besides the branch that was heard first.
// Logs.mu guards it.
type branched struct {
	held   map[branchKey]bool
	queued []branchRecord
}

type branchKey struct {
	position ledger.Position
	hash     ledger.Hash
}

type branchRecord struct {
	key     branchKey
	encoded []byte
}

func (k branchKey) encode() []byte {
	return append(key(k.position.Origin, k.position.Sequence), k.hash[:]...)
}

func parseBranchKey(b []byte) (k branchKey, ok bool) {
	if len(b) != keySize+len(k.hash) {
		return k, false
	}
	k.position, ok = parseKey(b[:keySize])
	copy(k.hash[:], b[keySize:])
	return k, ok
}

// add notes a record and reports whether it is new and there is room for it.
func (b *branched) add(k branchKey, encoded []byte) bool {
	if b.held[k] || len(b.held) >= maxBranched {
		return false
	}
	if b.held == nil {
		b.held = map[branchKey]bool{}
	}
	b.held[k] = true
	if encoded != nil {
		b.queued = append(b.queued, branchRecord{k, bytes.Clone(encoded)})
	}
	return true
}

// forkedAt returns where there are two records, or where there are at the
// latest: for a record that does not follow the one before, that is there.
func (r *Refusal) forkedAt() ledger.Position {
	at := r.Position
	if r.before && at.Sequence > 1 {
		at.Sequence--
	}
	return at
}

// branch gives the ledger the other side of a fork, whose head the gate has
// signed as well: no grant is lost for having been heard second.
func (l *Logs) branch(c *chunk, r *Refusal) error {
	if err := l.opt.Ledger.Fork(r.forkedAt()); err != nil {
		return err
	}
	fresh := 0
	for i := r.Position.Sequence - c.first; i < uint64(len(c.records)); i++ {
		k := branchKey{c.records[i].Position, c.hashes[i]}
		l.mu.Lock()
		isNew := l.branched.add(k, c.bytes[i*ledger.Size:(i+1)*ledger.Size])
		l.mu.Unlock()
		if !isNew {
			continue
		}
		if err := l.opt.Ledger.AddBranch(&c.records[i], c.hashes[i]); err != nil {
			return err
		}
		c.records[fresh] = c.records[i]
		fresh++
	}
	if fresh > 0 && l.opt.OnRecords != nil {
		l.opt.OnRecords(c.records[:fresh:fresh])
	}
	return nil
}

// putBranches writes records of other branches.
func putBranches(bucket *bbolt.Bucket, records []branchRecord) error {
	for _, r := range records {
		if err := bucket.Put(r.key.encode(), r.encoded); err != nil {
			return err
		}
	}
	return nil
}

// branches folds the other branches of forked logs.
func (d *loader) branches(tx *bbolt.Tx) error {
	l := d.logs
	c := tx.Bucket(bucketBranches).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		at, ok := parseBranchKey(k)
		var rec ledger.Record
		if !ok || rec.Decode(v) != nil || rec.Position != at.position || ledger.HashEncoded(v) != at.hash {
			d.damaged("a record of a log that has forked cannot be read")
			continue
		}
		if !l.branched.add(at, nil) {
			break
		}
		if err := l.opt.Ledger.AddBranch(&rec, at.hash); err != nil {
			return fmt.Errorf("a log that has forked: %w", err)
		}
		d.recovery.Records++
		if l.opt.OnRecover != nil {
			l.opt.OnRecover(&rec)
		}
	}
	return nil
}
