package central

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// Log is what central holds of one journal: a gate's records of one epoch.
type Log struct {
	Origin ledger.Origin `json:"-"`
	Next   uint64        `json:"next"`             // first sequence wanted
	Tail   []byte        `json:"tail,omitempty"`   // hash of the record before Next
	Head   []byte        `json:"head,omitempty"`   // signed, of that record
	Closed string        `json:"closed,omitempty"` // why nothing more is taken: "fork"
	Fork   uint64        `json:"fork,omitempty"`   // the first sequence that there are two records of
	Heads  [][]byte      `json:"heads,omitempty"`  // what the gate signed of the other branch
	At     time.Time     `json:"at,omitzero"`      // when something came last
	By     gate.GateID   `json:"by,omitempty"`     // who handed it in
}

// Journals keeps gates' records as they came.
type Journals interface {
	// Logs returns what is held, by gate and epoch.
	Logs() ([]Log, error)
	// Log returns one of them; where nothing is held, Next is 1.
	Log(origin ledger.Origin) (Log, error)
	// Records appends to b the encoded records of an origin from a sequence on,
	// at most n of them, and returns less only at the end.
	Records(b []byte, origin ledger.Origin, from uint64, n int) ([]byte, error)
	// Append stores records that follow what is held, and the log that they
	// make. ErrMoved says that what is held is not what the caller thinks.
	Append(log Log, records []byte) error
	// CloseLog stores a log that a fork has closed and the records of the other
	// branch, from a sequence on.
	CloseLog(log Log, from uint64, records []byte) error
	// Forked appends to b the records of the other branch of a log that is
	// closed.
	Forked(b []byte, origin ledger.Origin) ([]byte, error)
}

// ErrMoved is a log that somebody else appended to.
var ErrMoved = errors.New("the log has moved on")

func originKey(o ledger.Origin) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(o.Gate)), o.Epoch)
}

func originOfKey(k []byte) ledger.Origin {
	return ledger.Origin{Gate: gate.GateID(binary.BigEndian.Uint32(k)), Epoch: binary.BigEndian.Uint32(k[4:])}
}

func sequenceKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// Logs implements Journals.
func (b *Bolt) Logs() (logs []Log, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketLogs).ForEach(func(k, v []byte) error {
			l := Log{Origin: originOfKey(k)}
			if err := json.Unmarshal(v, &l); err != nil {
				return fmt.Errorf("%s: log of gate %d: %w", fileBolt, l.Origin.Gate, err)
			}
			logs = append(logs, l)
			return nil
		})
	})
	return logs, err
}

// Log implements Journals.
func (b *Bolt) Log(origin ledger.Origin) (l Log, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		l, err = logIn(tx, origin)
		return err
	})
	return l, err
}

func logIn(tx *bbolt.Tx, origin ledger.Origin) (Log, error) {
	l := Log{Origin: origin, Next: 1}
	_, err := getJSON(tx.Bucket(bucketLogs), originKey(origin), &l)
	return l, err
}

// Records implements Journals.
func (b *Bolt) Records(dst []byte, origin ledger.Origin, from uint64, n int) ([]byte, error) {
	err := b.db.View(func(tx *bbolt.Tx) error {
		records := sub(tx, bucketRecords, originKey(origin))
		if records == nil {
			return nil
		}
		c := records.Cursor()
		for k, v := c.Seek(sequenceKey(from)); k != nil && n > 0; k, v = c.Next() {
			if binary.BigEndian.Uint64(k) != from || len(v) != ledger.Size {
				return fmt.Errorf("%s: gate %d, epoch %d: record %d is damaged", fileBolt, origin.Gate, origin.Epoch, from)
			}
			dst = append(dst, v...)
			from++
			n--
		}
		return nil
	})
	return dst, err
}

// Append implements Journals.
func (b *Bolt) Append(log Log, encoded []byte) error {
	count := uint64(len(encoded) / ledger.Size)
	return b.db.Update(func(tx *bbolt.Tx) error {
		had, err := logIn(tx, log.Origin)
		if err != nil {
			return err
		}
		if had.Closed != "" || had.Next+count != log.Next {
			return ErrMoved
		}
		if err := putRecords(tx, bucketRecords, log.Origin, had.Next, encoded); err != nil {
			return err
		}
		return putJSON(tx.Bucket(bucketLogs), originKey(log.Origin), log)
	})
}

// Forked implements Journals.
func (b *Bolt) Forked(dst []byte, origin ledger.Origin) ([]byte, error) {
	err := b.db.View(func(tx *bbolt.Tx) error {
		branch := sub(tx, bucketForks, originKey(origin))
		if branch == nil {
			return nil
		}
		return branch.ForEach(func(_, v []byte) error {
			dst = append(dst, v...)
			return nil
		})
	})
	return dst, err
}

// CloseLog implements Journals.
func (b *Bolt) CloseLog(log Log, from uint64, encoded []byte) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		if err := putRecords(tx, bucketForks, log.Origin, from, encoded); err != nil {
			return err
		}
		return putJSON(tx.Bucket(bucketLogs), originKey(log.Origin), log)
	})
}

func putRecords(tx *bbolt.Tx, top []byte, origin ledger.Origin, from uint64, encoded []byte) error {
	records, err := makeSub(tx, top, originKey(origin))
	if err != nil {
		return err
	}
	records.FillPercent = 1 // sequences ascend
	for ; len(encoded) >= ledger.Size; encoded = encoded[ledger.Size:] {
		if err := records.Put(sequenceKey(from), encoded[:ledger.Size]); err != nil {
			return err
		}
		from++
	}
	return nil
}
