package intake

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/central"
)

// ErrSignature is an upload that its gate did not sign.
var ErrSignature = errors.New("no key that this gate ever had signed the head")

// ErrNoGate is a log of a gate that nobody knows.
var ErrNoGate = errors.New("no such gate ever was on the roster")

// GapError is an upload that begins behind what is held.
type GapError struct {
	Next uint64 // the first sequence wanted
}

// Error names the sequence that is wanted.
func (e *GapError) Error() string { return fmt.Sprintf("records are missing: send from %d on", e.Next) }

// ForkError is a log that is closed: there are two records in one place, and
// the gate signed both.
type ForkError struct {
	Sequence uint64 // the first place with two records
	Next     uint64
}

// Error names the place.
func (e *ForkError) Error() string {
	return fmt.Sprintf("the log is closed: there are two records %d, both signed", e.Sequence)
}

// Taken is what became of an upload.
type Taken struct {
	Next uint64 // the first sequence wanted now
	New  int    // records that were not held before
}

// Taker stores uploads. It is safe for several goroutines.
type Taker struct {
	// Journals is where records go.
	Journals central.Journals
	// Keys returns every key that a gate ever had.
	Keys func(gate.GateID) ([]ed25519.PublicKey, error)
	// Seen is called with every record that is new, in the order of its log, once
	// it is stored.
	Seen func(*ledger.Record)
	// Undone is called with every record that was Seen and does not count any
	// more, since its log turns out to have forked before it; see Counts.
	Undone func(*ledger.Record)

	mu    sync.Mutex
	locks map[ledger.Origin]*originLock
}

type originLock struct {
	sync.Mutex
	users int
}

// lock holds an origin's log until unlock: its records are checked and stored
// by one upload at a time.
func (t *Taker) lock(o ledger.Origin) (unlock func()) {
	t.mu.Lock()
	if t.locks == nil {
		t.locks = map[ledger.Origin]*originLock{}
	}
	l := t.locks[o]
	if l == nil {
		l = &originLock{}
		t.locks[o] = l
	}
	l.users++
	t.mu.Unlock()
	l.Lock()
	return func() {
		l.Unlock()
		t.mu.Lock()
		defer t.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(t.locks, o)
		}
	}
}

// Take stores a batch that a gate handed in, its own or another's. Records that
// are held already are passed over. Errors: ErrNoGate, ErrSignature, a
// [*GapError], a [*ForkError].
func (t *Taker) Take(b *Batch, by gate.GateID, now time.Time) (Taken, error) {
	keys, err := t.Keys(b.Origin.Gate)
	if err != nil {
		return Taken{}, err
	}
	if len(keys) == 0 {
		return Taken{}, fmt.Errorf("gate %d: %w", b.Origin.Gate, ErrNoGate)
	}
	if !slices.ContainsFunc(keys, func(k ed25519.PublicKey) bool { return b.Head.Verify(k) == nil }) {
		return Taken{}, fmt.Errorf("gate %d: %w", b.Origin.Gate, ErrSignature)
	}
	defer t.lock(b.Origin)()
	log, err := t.Journals.Log(b.Origin)
	if err != nil {
		return Taken{}, err
	}
	switch {
	case log.Closed != "":
		return Taken{}, &ForkError{log.Fork, log.Next}
	case b.From > log.Next:
		return Taken{}, &GapError{log.Next}
	}
	held := int(min(log.Next-b.From, uint64(b.Len()))) // records of it that are there
	at, err := t.differs(b, &log, held)
	if err != nil {
		return Taken{}, err
	}
	if at >= 0 {
		return Taken{}, t.close(b, &log, at, by, now)
	}
	if held == b.Len() {
		return Taken{Next: log.Next}, nil
	}
	return t.append(b, log, held, by, now)
}

// differs returns the index of the first record that is another than the one
// that is held in its place, or does not follow it; -1 when there is none.
func (t *Taker) differs(b *Batch, log *central.Log, held int) (int, error) {
	if held == 0 {
		if log.Next > 1 && hex.EncodeToString(b.Prev[:]) != hex.EncodeToString(log.Tail) {
			return 0, nil
		}
		return -1, nil
	}
	there, err := t.Journals.Records(nil, b.Origin, b.From, held)
	if err != nil {
		return 0, err
	}
	if len(there) != held*ledger.Size {
		return 0, fmt.Errorf("gate %d, epoch %d: records are held up to %d and cannot be read", b.Origin.Gate, b.Origin.Epoch, log.Next-1)
	}
	for i := range held {
		if !slices.Equal(b.Record(i), there[i*ledger.Size:(i+1)*ledger.Size]) {
			return i, nil
		}
	}
	return -1, nil
}

// close notes a fork. Both branches are the gate's word, so both are kept.
func (t *Taker) close(b *Batch, log *central.Log, at int, by gate.GateID, now time.Time) error {
	head, _ := b.Head.AppendBinary(nil) // it never fails
	from := b.From + uint64(at)
	log.Closed, log.Fork = "fork", from
	if from == log.Next {
		log.Fork-- // it follows another record than the one that is held there
	}
	log.Heads = append(log.Heads, head)
	log.At, log.By = now.UTC(), by
	if err := t.Journals.CloseLog(*log, from, b.Records[at*ledger.Size:]); err != nil {
		return err
	}
	if t.Seen != nil {
		EachForked(b.Records[at*ledger.Size:], t.Seen)
	}
	if err := t.undo(log); err != nil {
		return err
	}
	return &ForkError{log.Fork, log.Next}
}

// undoneAtOnce is how many records are read at a time.
const undoneAtOnce = 4096

// undo takes back what is held of a log and does not count, now that it is
// closed.
func (t *Taker) undo(log *central.Log) error {
	if t.Undone == nil {
		return nil
	}
	var buffer []byte
	var record ledger.Record
	for from := log.Fork; from < log.Next; {
		var err error
		if buffer, err = t.Journals.Records(buffer[:0], log.Origin, from, undoneAtOnce); err != nil {
			return err
		}
		if len(buffer) == 0 {
			return fmt.Errorf("gate %d, epoch %d: record %d cannot be read", log.Origin.Gate, log.Origin.Epoch, from)
		}
		for some := buffer; len(some) >= ledger.Size; some = some[ledger.Size:] {
			if err := record.Decode(some[:ledger.Size]); err != nil {
				return err
			}
			if !Counts(log, &record) {
				t.Undone(&record)
			}
			from++
		}
	}
	return nil
}

// Counts reports whether a record that is held of a log counts. Where a log has
// forked nobody can tell which branch is true: from there on the grants of all
// branches count, and no exit and no void does, as in every gate's ledger.
func Counts(log *central.Log, r *ledger.Record) bool {
	return log.Closed == "" || r.Position.Sequence < log.Fork || r.Kind != ledger.KindExit && r.Kind != ledger.KindVoided
}

// EachForked calls seen with what counts of the other branch of a closed log:
// its grants. Somebody may have gone in on each of them.
func EachForked(records []byte, seen func(*ledger.Record)) {
	var record ledger.Record
	for ; len(records) >= ledger.Size; records = records[ledger.Size:] {
		if record.Decode(records[:ledger.Size]) == nil && record.Kind == ledger.KindGrant {
			seen(&record)
		}
	}
}

func (t *Taker) append(b *Batch, log central.Log, held int, by gate.GateID, now time.Time) (Taken, error) {
	tail := b.Hashes[b.Len()-1]
	log.Next, log.Tail = b.Next(), tail[:]
	log.Head, _ = b.Head.AppendBinary(nil) // it never fails
	log.At, log.By = now.UTC(), by
	if err := t.Journals.Append(log, b.Records[held*ledger.Size:]); err != nil {
		return Taken{}, err
	}
	if t.Seen != nil {
		var record ledger.Record
		for i := held; i < b.Len(); i++ {
			if record.Decode(b.Record(i)) == nil { // it was decoded before
				t.Seen(&record)
			}
		}
	}
	return Taken{Next: log.Next, New: b.Len() - held}, nil
}
