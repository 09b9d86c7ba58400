package logs

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// Options say where the logs are and whom to believe.
type Options struct {
	Path   string // of the bbolt file; made if missing, its directory must exist
	Gate   gate.GateID
	Ledger *ledger.Ledger
	// Keys returns the keys with which a gate may have signed heads in an epoch:
	// its present one, and those of earlier incarnations. None: the gate is not on
	// the roster and never was. It is asked by several goroutines at once and must
	// not wait.
	Keys func(g gate.GateID, epoch uint32) []ed25519.PublicKey
	// Latest returns the latest time that a record may bear, an hour beyond a clock
	// that is trusted, say. Records beyond it are refused; peers offer them again,
	// so they are in as soon as the clock has passed them. The zero time, or a nil
	// function, sets no bound.
	Latest func() time.Time
	// Now is the clock by which refusals are noted; nil: the system's.
	Now func() time.Time

	// OnRecover is called by Open for every record in the file, log by log, once
	// it is in the ledger. It must not keep the record.
	OnRecover func(*ledger.Record)
	// OnRecords is called with what others have sent and was new, log by log in
	// order, once it is in the ledger. It must not keep the slice nor call Receive,
	// and holds up the log that it is called for.
	OnRecords func([]ledger.Record)
	// OnTrouble is called when the file cannot be written or read, and with nil
	// once writing works again.
	OnTrouble func(error)
}

// Recovery says what Open found.
type Recovery struct {
	Logs    int
	Records uint64 // folded into the ledger
	// SetAside is where a file went that could not be used; the logs begin empty
	// then, and Err says why.
	SetAside string
	// Err names everything that is wrong and costs records, which peers can send
	// again. Nil: nothing is.
	Err error
}

// Logs is all logs of a gate. Its methods may be called by many goroutines.
type Logs struct {
	opt    Options
	db     atomic.Pointer[bbolt.DB] // nil: the disk had no room for the file yet
	copied bool                     // the file is OpenCopy's

	chunks sync.Pool      // of *chunk
	taking [32]sync.Mutex // one log is received by one goroutine at a time

	mu       sync.Mutex
	own      Own                    // nil before Attach
	lost     map[ledger.Origin]bool // own epochs that the journal has not whole
	logs     map[ledger.Origin]*log
	ends     map[ledger.Origin]end // of epochs, as later ones name them
	highest  map[gate.GateID]uint32
	refused  quarantine
	branched branched
	queued   int  // records that are not in the file yet
	failing  bool // the last write did not succeed
	broken   bool // none is tried any more
	closed   bool

	kick chan struct{} // something is queued
	full chan struct{} // a good deal is
	stop context.CancelFunc
	done chan struct{}
}

// log is one log of another gate, or of this one before its disk was wiped.
// Logs.mu guards it; end and tail are changed only by who is taking the log.
type log struct {
	origin ledger.Origin
	end    uint64 // of what is held without a gap, all of it in the ledger
	tail   ledger.Hash

	blocks []block // what is not in the file yet, in order without a gap
	heads  []ledger.Head
	drop   []uint64 // heads that need not stay
	kept   uint64   // newest head that stays
	newest uint64   // newest head
	frozen bool     // the file lacks records: nothing is added to it any more

	fork *Refusal // closed by it
}

// block is encoded records, one after the other.
type block struct {
	first uint64
	data  []byte
}

func (b block) last() uint64 { return b.first + uint64(len(b.data)/ledger.Size) - 1 }

// end is where an epoch ends by the word of the first record of a later one.
type end struct {
	last uint64
	hash ledger.Hash
}

// Open reads the file, folds its records into the ledger, and starts to write.
// It fails when the file belongs to a running gate (*LockedError) or cannot be
// made. A file that is damaged is no failure: see Recovery. Attach must be
// called before the logs are handed to anybody.
func Open(opt Options) (*Logs, Recovery, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	l := &Logs{
		opt:     opt,
		logs:    map[ledger.Origin]*log{},
		ends:    map[ledger.Origin]end{},
		highest: map[gate.GateID]uint32{},
		lost:    map[ledger.Origin]bool{},
		refused: quarantine{entries: map[quarantineKey]*Quarantine{}},
		kick:    make(chan struct{}, 1),
		full:    make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
	l.chunks.New = func() any { return new(chunk) }
	recovery, err := l.open()
	if err != nil {
		return nil, recovery, err
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	go l.writeAll(ctx)
	return l, recovery, nil
}

// Close writes what is queued and closes the file.
func (l *Logs) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	l.stop()
	<-l.done
	var err error
	if db := l.db.Load(); db != nil && !l.isBroken() { // after a fault, bbolt may wait for its own lock for ever
		err = guard(db.Close)
	}
	if l.copied {
		err = errors.Join(err, removeCopy(l.opt.Path))
	}
	l.mu.Lock()
	queued := l.queued
	l.mu.Unlock()
	if queued > 0 {
		err = errors.Join(err, fmt.Errorf("logs %s: %d records were not written; peers can send them again", l.opt.Path, queued))
	}
	return err
}

// Vector returns how far each log is held without a gap from its first record
// on, the gate's own among them.
func (l *Logs) Vector() ledger.Vector {
	l.mu.Lock()
	own := l.own
	v := make(ledger.Vector, len(l.logs))
	for o, g := range l.logs {
		if last := l.last(g); last > 0 {
			v[o] = last
		}
	}
	lost := maps.Clone(l.lost)
	l.mu.Unlock()
	if own != nil {
		for o, last := range own.Vector() {
			if !lost[o] {
				v[o] = last
			}
		}
	}
	return v
}

// last returns how far a log goes for others: what stands behind the end that a
// later epoch names is not passed on. l.mu is held.
func (l *Logs) last(g *log) uint64 {
	if e, named := l.ends[g.origin]; named {
		return min(g.end, e.last)
	}
	return g.end
}

// HighestEpoch returns the highest epoch of a gate that is known to have been
// used, by this gate's disk or others'. A journal must open its epochs above.
func (l *Logs) HighestEpoch(g gate.GateID) uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.highest[g]
}
