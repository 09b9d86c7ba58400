package journal

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// ErrNotHeld is returned by Range for records that are not on the disk, not
// durable yet, or behind something that cannot be read.
var ErrNotHeld = errors.New("journal: records are not held")

// stretch is the records of an epoch that can be vouched for: each follows the
// one before it, and all were acknowledged or found at a start.
type stretch struct {
	first, last uint64 // both zero: none
}

// past is what of a journal can be passed on. It only reads.
type past struct {
	disk   disk
	dir    string
	signer Signer

	mu     sync.Mutex
	held   map[ledger.Origin]stretch
	starts map[ledger.Origin][]start // made when first asked for
	newest ledger.Head               // signed last
}

// start is the first record of a segment.
type start struct {
	segment int
	first   uint64
}

func newPast(d disk, dir string, signer Signer) *past {
	return &past{
		disk: d, dir: dir, signer: signer,
		held: map[ledger.Origin]stretch{}, starts: map[ledger.Origin][]start{},
	}
}

// grow notes that an epoch goes up to at.
func (p *past) grow(at ledger.Position) {
	p.mu.Lock()
	s := p.held[at.Origin]
	s.first, s.last = max(s.first, 1), at.Sequence
	p.held[at.Origin] = s
	p.mu.Unlock()
}

func (p *past) vector() ledger.Vector {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := make(ledger.Vector, len(p.held))
	for o, s := range p.held {
		if s.first == 1 {
			v[o] = s.last
		}
	}
	return v
}

func (p *past) end(o ledger.Origin) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.held[o]; s.first == 1 {
		return s.last
	}
	return 0
}

// chunk is Range.
func (p *past) chunk(o ledger.Origin, from, to uint64, limit int) ([]byte, uint64, error) {
	p.mu.Lock()
	s := p.held[o]
	p.mu.Unlock()
	most := uint64(max(0, limit-ledger.HeadSize)) / ledger.Size
	to = min(to, s.last)
	if most == 0 || from < s.first || from == 0 || from > to {
		return nil, 0, notHeld(o, from)
	}
	to = min(to, from+most-1)
	chunk := make([]byte, 0, int(to-from+1)*ledger.Size+ledger.HeadSize)
	chunk, err := p.read(chunk, o, from, to)
	if err != nil {
		return nil, 0, err
	}
	h := p.head(ledger.Position{Origin: o, Sequence: to}, ledger.HashEncoded(chunk[len(chunk)-ledger.Size:]))
	chunk, err = h.AppendBinary(chunk)
	return chunk, to, err
}

func notHeld(o ledger.Origin, seq uint64) error {
	return fmt.Errorf("%w: gate %d, epoch %d, record %d", ErrNotHeld, o.Gate, o.Epoch, seq)
}

// head signs a record that is durable. The newest is asked for again and again.
func (p *past) head(at ledger.Position, hash ledger.Hash) ledger.Head {
	p.mu.Lock()
	h := p.newest
	p.mu.Unlock()
	if h.Position == at && h.Hash == hash {
		return h
	}
	h = ledger.Head{Position: at, Hash: hash}
	copy(h.Signature[:], p.signer.Sign(h.SigningBytes()))
	p.mu.Lock()
	p.newest = h
	p.mu.Unlock()
	return h
}

// read appends an epoch's records, both ends included, to b. All are durable.
func (p *past) read(b []byte, o ledger.Origin, from, to uint64) ([]byte, error) {
	for fresh := false; from <= to; {
		at, next := p.find(o, from, fresh)
		n, err := p.readSegment(&b, o, at, from, min(to, next-1))
		from += n
		switch {
		case n > 0:
			fresh = false
		case !fresh: // it has grown since the segments were listed
			fresh = true
		case err != nil:
			return nil, fmt.Errorf("%w: %w", notHeld(o, from), err)
		default:
			return nil, notHeld(o, from)
		}
	}
	return b, nil
}

// find returns the segment that holds a record, and the first sequence of the
// segment behind it as far as that is known.
func (p *past) find(o ledger.Origin, seq uint64, fresh bool) (at start, next uint64) {
	p.mu.Lock()
	starts, listed := p.starts[o]
	p.mu.Unlock()
	if !listed || fresh {
		starts = p.list(o)
		p.mu.Lock()
		p.starts[o] = starts
		p.mu.Unlock()
	}
	i, exact := slices.BinarySearchFunc(starts, seq, func(s start, seq uint64) int { return cmp.Compare(s.first, seq) })
	if !exact {
		i--
	}
	next = math.MaxUint64
	if i+1 < len(starts) {
		next = starts[i+1].first
	}
	if i < 0 {
		return start{}, next
	}
	return starts[i], next
}

// list reads the first record of every segment of an epoch.
func (p *past) list(o ledger.Origin) []start {
	var starts []start
	r := reader{disk: p.disk, dir: p.dir}
	for _, s := range r.segments(o, nil) {
		var b [frameSize]byte
		n, err := p.disk.ReadAt(segmentPath(p.dir, o, s.file), b[:], segmentHeader)
		if err != nil {
			continue
		}
		if f, problem := parseFrame(b[:n], o); problem == "" {
			starts = append(starts, start{s.file, f.sequence()})
		}
	}
	slices.SortFunc(starts, func(a, b start) int { return cmp.Compare(a.first, b.first) })
	return starts
}

// readSegment appends what a segment holds of records from to to, and returns
// how many that are. Records stand one after the other where nothing was
// damaged.
func (p *past) readSegment(b *[]byte, o ledger.Origin, at start, from, to uint64) (n uint64, err error) {
	if at.segment == 0 || from < at.first {
		return 0, nil
	}
	off := segmentHeader + int64(from-at.first)*frameSize
	data := make([]byte, (to-from+1)*frameSize)
	got, err := p.disk.ReadAt(segmentPath(p.dir, o, at.segment), data, off)
	if err != nil {
		return 0, err
	}
	for data = data[:got]; len(data) >= frameSize; data = data[frameSize:] {
		f, problem := parseFrame(data, o)
		if problem != "" || f.sequence() != from+n {
			break
		}
		*b = append(*b, f.encoded...)
		n++
	}
	return n, nil
}

// Vector returns how far each epoch can be passed on from its first record on:
// what is durable, up to the first thing that is damaged. An epoch whose
// beginning has been deleted is left out.
func (j *Journal) Vector() ledger.Vector { return j.past.vector() }

// Held returns how far one epoch goes, as in Vector; 0: it is not in it.
func (j *Journal) Held(origin ledger.Origin) uint64 { return j.past.end(origin) }

// Range returns durable records of an epoch, from one sequence on: at least
// one, at most up to to, so many as fit into limit bytes together with the
// signed head of the last, which stands behind them. last is the sequence of
// that one. The error wraps ErrNotHeld.
func (j *Journal) Range(origin ledger.Origin, from, to uint64, limit int) (chunk []byte, last uint64, err error) {
	return j.past.chunk(origin, from, to, limit)
}

// Reader gives ranges of a journal that another process may be writing. It
// takes no lock and sees the journal as it was when the Reader was made.
type Reader struct {
	past *past
	gate gate.GateID
}

// OpenReader reads the journal in dir once, to know how far it goes. Of the
// epoch that may be growing it gives what is proven to be durable: all that the
// stored head covers, and what was written before other records. signer is the
// gate's, for the heads of ranges.
func OpenReader(dir string, signer Signer) (*Reader, error) {
	r := reader{disk: osDisk{}, dir: dir, past: newPast(osDisk{}, dir, signer), durable: true}
	if err := r.list(nil); err != nil {
		return nil, err
	}
	if err := r.run(); err != nil {
		return nil, err
	}
	opened := &Reader{past: r.past}
	if len(r.epochs) > 0 {
		opened.gate = r.epochs[0].Gate
	}
	return opened, nil
}

// Gate returns whose journal it is; zero while it has no epoch.
func (r *Reader) Gate() gate.GateID { return r.gate }

// Vector is Journal.Vector.
func (r *Reader) Vector() ledger.Vector { return r.past.vector() }

// Held is Journal.Held.
func (r *Reader) Held(origin ledger.Origin) uint64 { return r.past.end(origin) }

// Range is Journal.Range.
func (r *Reader) Range(origin ledger.Origin, from, to uint64, limit int) (chunk []byte, last uint64, err error) {
	return r.past.chunk(origin, from, to, limit)
}
