package logs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// formatVersion is raised when the file's layout changes; an older file is set
// aside, since peers can send what is in it.
const formatVersion = 1

const (
	keySize     = 16
	lockPatient = time.Second
)

var (
	bucketMeta       = []byte("meta")
	bucketRemote     = []byte("remote")     // position → record
	bucketHeads      = []byte("heads")      // position → head
	bucketQuarantine = []byte("quarantine") // origin and reason → JSON
	bucketBranches   = []byte("branches")   // position and hash → record
	buckets          = [][]byte{bucketMeta, bucketRemote, bucketHeads, bucketQuarantine, bucketBranches}
	keyFormat        = []byte("format")
	keyGate          = []byte("gate")
)

// LockedError is returned when another process has the logs open.
type LockedError struct{ Path string }

// Error names the file and says what to do.
func (e *LockedError) Error() string {
	return fmt.Sprintf("logs %s: a gate is running on them; stop it first", e.Path)
}

// DamagedError is a file of logs, or a part of it, that cannot be used.
type DamagedError struct {
	Path string
	What string
	Err  error
}

// Error names the file and what is wrong with it.
func (e *DamagedError) Error() string {
	text := fmt.Sprintf("logs %s: %s", e.Path, e.What)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *DamagedError) Unwrap() error { return e.Err }

var errFault = errors.New("unreadable page")

// guard runs f and turns a fault of the memory map, or a panic of bbolt's at a
// page that makes no sense, into an error.
func guard(f func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errFault, r)
		}
	}()
	return f()
}

// openFile opens or makes a file of logs. The list of free pages is kept in
// it: without, bbolt looks for them at the start in a goroutine of its own,
// where a fault ends the process.
func openFile(path string) (db *bbolt.DB, err error) {
	mapped := 64 << 20
	if strconv.IntSize == 64 {
		mapped = 1 << 30 // so that a reader never holds up the writer
	}
	err = guard(func() error {
		db, err = bbolt.Open(path, 0o640, &bbolt.Options{
			Timeout: lockPatient, FreelistType: bbolt.FreelistMapType,
			InitialMmapSize: mapped, NoStatistics: true,
		})
		return err
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, &LockedError{Path: path}
	}
	return db, err
}

// prepare makes the buckets of a new file, or says what is wrong with those that
// are there. It writes to no file that has them: the disk may be full.
func prepare(db *bbolt.DB, own gate.GateID) error {
	isNew := false
	err := db.View(func(tx *bbolt.Tx) error {
		if k, _ := tx.Cursor().First(); k == nil {
			isNew = true
			return nil
		}
		return check(tx, own)
	})
	if err != nil || !isNew {
		return err
	}
	return db.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		meta := tx.Bucket(bucketMeta)
		return errors.Join(
			meta.Put(keyFormat, binary.BigEndian.AppendUint32(nil, formatVersion)),
			meta.Put(keyGate, binary.BigEndian.AppendUint32(nil, uint32(own))))
	})
}

// check says what is wrong with a file's buckets.
func check(tx *bbolt.Tx, own gate.GateID) error {
	for _, name := range buckets {
		if tx.Bucket(name) == nil {
			return errors.New("the file is not one of logs")
		}
	}
	meta := tx.Bucket(bucketMeta)
	if v := meta.Get(keyFormat); len(v) != 4 || binary.BigEndian.Uint32(v) != formatVersion {
		return fmt.Errorf("format %x is not one that this program writes", v)
	}
	if v := meta.Get(keyGate); len(v) != 4 || gate.GateID(binary.BigEndian.Uint32(v)) != own {
		return fmt.Errorf("the file is of gate %x, and this is gate %d", v, own)
	}
	return nil
}

func putKey(k []byte, o ledger.Origin, seq uint64) {
	binary.BigEndian.PutUint32(k, uint32(o.Gate))
	binary.BigEndian.PutUint32(k[4:], o.Epoch)
	binary.BigEndian.PutUint64(k[8:], seq)
}

func key(o ledger.Origin, seq uint64) []byte {
	k := make([]byte, keySize)
	putKey(k, o, seq)
	return k
}

func parseKey(k []byte) (p ledger.Position, ok bool) {
	if len(k) != keySize {
		return p, false
	}
	p.Gate = gate.GateID(binary.BigEndian.Uint32(k))
	p.Epoch = binary.BigEndian.Uint32(k[4:])
	p.Sequence = binary.BigEndian.Uint64(k[8:])
	return p, true
}

// file is the file within one transaction. The zero file is empty.
type file struct {
	remote, heads *bbolt.Bucket
}

// view reads the file; one that could not be made yet holds nothing.
func (l *Logs) view(f func(file) error) error {
	db := l.db.Load()
	if db == nil {
		return f(file{})
	}
	err := guard(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			return f(file{tx.Bucket(bucketRemote), tx.Bucket(bucketHeads)})
		})
	})
	if err != nil && (errors.Is(err, errFault) || errors.Is(err, bolterrors.ErrDatabaseNotOpen)) {
		return fmt.Errorf("%w: %w", ErrNotHeld, &DamagedError{Path: l.opt.Path, What: "cannot be read", Err: err})
	}
	return err
}

// head returns the last stored head of records from up to to, or the first one
// behind those, up to reach.
func (f file) head(o ledger.Origin, from, to, reach uint64) (h ledger.Head, ok bool) {
	if f.heads == nil {
		return h, false
	}
	c := f.heads.Cursor()
	want := key(o, to)
	k, v := c.Seek(want)
	if !bytes.Equal(k, want) {
		behindKey, behind := k, v
		if k == nil {
			k, v = c.Last()
		} else {
			k, v = c.Prev()
		}
		if p, good := parseKey(k); !good || p.Origin != o || p.Sequence < from {
			k, v = behindKey, behind
		}
	}
	p, good := parseKey(k)
	if !good || p.Origin != o || p.Sequence < from || p.Sequence > reach {
		return h, false
	}
	return h, h.Decode(v) == nil && h.Position == p
}

// records appends a log's records, both ends included, to b.
func (f file) records(b []byte, o ledger.Origin, from, to uint64) ([]byte, error) {
	if f.remote == nil {
		return nil, notHeld(o, from)
	}
	c := f.remote.Cursor()
	k, v := c.Seek(key(o, from))
	for seq := from; seq <= to; seq++ {
		p, ok := parseKey(k)
		if !ok || p != (ledger.Position{Origin: o, Sequence: seq}) || len(v) != ledger.Size {
			return nil, notHeld(o, seq)
		}
		b = append(b, v...)
		k, v = c.Next()
	}
	return b, nil
}
