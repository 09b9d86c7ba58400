package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

const (
	maxBatch  = 256  // records in one write
	noteQueue = 1024 // records that nobody waits for
	ownEvery  = time.Second
)

// Signer signs with the gate's Ed25519 key.
type Signer interface {
	Sign(message []byte) []byte
}

// Options say where a journal is and whose.
type Options struct {
	Dir    string // made if missing; its parent must exist
	Gate   gate.GateID
	Signer Signer
	// Now is the gate's best time, which the hybrid clock of records follows; nil:
	// the system's. Wall is what the gate's own clock shows, recorded beside it
	// where a record does not say; nil: Now.
	Now, Wall func() time.Time
	// Seen is the latest hybrid time of other gates' records, within bounds that
	// are the caller's: what is recorded next comes after it. Nil: there is none.
	Seen func() ledger.Clock
	// SegmentSize is the length of a segment file in bytes: 4 KiB to 64 MiB,
	// zero for 1 MiB, which holds 6 898 records.
	SegmentSize int

	// Above returns a number that every epoch opened from now on is to be above,
	// such as the highest that other gates remember of this one from before its
	// disk was wiped: one epoch must never stand for two logs. It is asked before
	// every epoch. Nil: there is none.
	Above func() uint32

	// OnRecover is called by Open for every record on the disk, in order. An
	// error ends Open.
	OnRecover func(*ledger.Record, ledger.Hash) error
	// OnCommit is called with the records of each flush, in order, before any
	// Append of them returns, and by Open with the first record of the new epoch.
	// It must not keep the slice nor call the journal.
	OnCommit func([]ledger.Record)
	// OnTrouble is called when something a person should know has gone wrong
	// (*AppendError, *UnavailableError, *PrepareError, *HeadError), and with nil
	// once appends work again. It must not call the journal.
	OnTrouble func(error)

	disk disk
}

// Journal appends records. Its methods may be called by many goroutines.
type Journal struct {
	opt  Options
	lock io.Closer
	past *past // what can be passed on

	mu      sync.Mutex
	quiet   sync.Cond // busy has become false
	busy    bool      // somebody is at the files: the leader of a write, or the owner
	closed  bool
	broken  bool    // the epoch has failed and the owner is to open the next
	down    error   // no epoch is open, and why
	queue   []*wait // appends that are in no write yet
	notes   []ledger.Record
	free    []*wait
	durable ledger.Head // last durable record; its Signature is not set
	waiting int         // callers of Note that wait for room

	// At the files; whoever made busy true may touch them.
	epoch     *epoch
	clock     ledger.Clock
	last      ledger.Position // last durable record of any epoch
	hash      ledger.Hash     // its hash
	number    uint32          // highest epoch that was ever tried
	reserved  bool            // epoch number has its directory and no record
	batch     []*wait
	records   []ledger.Record
	buf       []byte
	requested bool // the owner has been asked for the next segment

	kick     chan struct{} // the owner has something to do
	room     chan struct{} // a Note may go on
	want     chan int      // number of the segment to make ready
	prepared chan ready
	stop     chan struct{}
	done     chan struct{}

	head   headWriter // the owner's
	headed uint64     // the owner's: sequence of the stored head
}

// wait is one Append under way.
type wait struct {
	rec  *ledger.Record
	err  error
	done bool
	wake chan struct{} // done, or made leader
}

// Open reads what is on the disk, then opens a new epoch. It fails when the
// journal is locked (*LockedError), of another gate (*ForeignError), or cannot
// be listed. Damage is no failure: Recovery names it. Nor is a disk that is
// full: appends fail with *UnavailableError, OnTrouble is told, and the epoch is
// opened once that is possible.
func Open(opt Options) (*Journal, Recovery, error) {
	if opt.disk == nil {
		opt.disk = osDisk{}
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Wall == nil {
		opt.Wall = opt.Now
	}
	if opt.Seen == nil {
		opt.Seen = func() ledger.Clock { return 0 }
	}
	if opt.SegmentSize == 0 {
		opt.SegmentSize = defaultSegment
	}
	if opt.SegmentSize < minSegment || opt.SegmentSize > maxSegment {
		return nil, Recovery{}, fmt.Errorf("journal %s: segment size %d is not between %d and %d",
			opt.Dir, opt.SegmentSize, minSegment, maxSegment)
	}
	if opt.Signer == nil {
		return nil, Recovery{}, fmt.Errorf("journal %s: no signer for its heads", opt.Dir)
	}
	if err := makeDir(opt.disk, opt.Dir); err != nil {
		return nil, Recovery{}, fmt.Errorf("journal: %w", err)
	}
	lock, err := opt.disk.Lock(opt.Dir)
	if err != nil {
		return nil, Recovery{}, fmt.Errorf("journal: %w", err)
	}
	j := newJournal(opt, lock)
	recovery, err := j.recover()
	if err != nil {
		return nil, recovery, errors.Join(err, lock.Close())
	}
	if err := j.openEpoch(); err != nil {
		j.down = err
		j.trouble(err)
	} else {
		j.opened()
	}
	go j.own()
	return j, recovery, nil
}

func newJournal(opt Options, lock io.Closer) *Journal {
	j := &Journal{
		opt:      opt,
		lock:     lock,
		past:     newPast(opt.disk, opt.Dir, opt.Signer),
		notes:    make([]ledger.Record, 0, noteQueue),
		records:  make([]ledger.Record, 0, maxBatch),
		buf:      make([]byte, 0, maxBatch*frameSize),
		kick:     make(chan struct{}, 1),
		room:     make(chan struct{}, 1),
		want:     make(chan int, 1),
		prepared: make(chan ready, 1),
		stop:     make(chan struct{}),
		done:     make(chan struct{}),
	}
	j.quiet.L = &j.mu
	return j
}

// makeDir makes the journal's directory. One that is there already may have been
// made by a process that was killed before its name was on the disk.
func makeDir(d disk, dir string) error {
	if err := d.Mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.SyncDir(filepath.Dir(dir))
}

// recover reads the journal and makes sure that what it has read is on the
// disk: after a kill it may be in the kernel's memory only, and the new epoch
// will build on it.
func (j *Journal) recover() (Recovery, error) {
	r := reader{disk: j.opt.disk, dir: j.opt.Dir, deliver: j.opt.OnRecover, past: j.past}
	if err := r.list(&j.opt.Gate); err != nil {
		return r.recovery, err
	}
	if err := r.run(); err != nil {
		return r.recovery, err
	}
	j.number = r.highest()
	j.clock = r.clock
	j.last, j.hash = r.recovery.Last, r.recovery.LastHash
	j.seal(&r)
	return r.recovery, nil
}

// Append gives the record its position, clock and link, and returns once it is
// on the disk and OnCommit has seen it. Those fields are set in rec; so is Wall
// where it is zero, and it is cut to whole milliseconds.
//
// After an error nothing is recorded: the record is not durable, and if any of
// it reached the disk, the next epoch leaves it out. Only when the process ends
// before it could open that epoch may the next start find the record whole and
// keep it. ctx is looked at while the record waits for its turn; once it is
// being written Append waits for the outcome, which takes one flush.
func (j *Journal) Append(ctx context.Context, rec *ledger.Record) (ledger.Position, error) {
	if err := j.check(ctx, rec); err != nil {
		return ledger.Position{}, err
	}
	j.mu.Lock()
	if err := j.refuses(); err != nil {
		j.mu.Unlock()
		return ledger.Position{}, err
	}
	w := j.enqueue(rec)
	if j.busy {
		j.mu.Unlock()
		if err := j.await(ctx, w); err != nil {
			return ledger.Position{}, err
		}
		j.mu.Lock()
	} else {
		j.busy = true
	}
	if !w.done { // it is ours to write
		j.lead()
	}
	err := w.err
	j.release(w)
	j.mu.Unlock()
	if err != nil {
		return ledger.Position{}, err
	}
	return rec.Position, nil
}

func (j *Journal) check(ctx context.Context, rec *ledger.Record) error {
	if err := rec.Check(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if rec.Kind == ledger.KindEpoch {
		return errors.New("journal: the first record of an epoch is the journal's own")
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

func (j *Journal) refuses() error {
	if j.closed {
		return ErrClosed
	}
	if j.busy { // if it is the owner opening an epoch, the outcome is near
		return nil
	}
	return j.down
}

// Head signs the last durable record. Before any epoch could be opened its
// position is zero and it is not signed.
func (j *Journal) Head() ledger.Head {
	j.mu.Lock()
	h := j.durable
	j.mu.Unlock()
	if !h.Position.IsZero() {
		copy(h.Signature[:], j.opt.Signer.Sign(h.SigningBytes()))
	}
	return h
}

// Close lets waiting appends finish, writes what Note has taken, stores the
// signed head, cuts the unused end off the last segment and gives the lock back.
// It returns what went wrong, a *LostError among it when notes are lost.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return ErrClosed
	}
	j.closed = true
	for j.busy || len(j.queue) > 0 || j.down == nil && len(j.notes) > 0 {
		if j.busy {
			j.quiet.Wait()
			continue
		}
		j.busy = true
		j.lead()
	}
	j.mu.Unlock()
	close(j.stop)
	<-j.done
	return j.finish()
}
