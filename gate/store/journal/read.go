package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// Read calls fn for every record of the journal in dir, in order, with its
// hash. It needs no lock and may run beside the gate that writes. An error of fn
// ends it and is returned. Damage is no error: Recovery names it, and what can
// still be verified around it is delivered.
func Read(dir string, fn func(*ledger.Record, ledger.Hash) error) (Recovery, error) {
	r := reader{disk: osDisk{}, dir: dir, deliver: fn}
	if err := r.list(nil); err != nil {
		return r.recovery, err
	}
	return r.recovery, r.run()
}

// reader goes through a journal once. It holds one segment at a time.
type reader struct {
	disk    disk
	dir     string
	deliver func(*ledger.Record, ledger.Hash) error

	epochs   []ledger.Origin
	recovery Recovery
	clock    ledger.Clock // highest seen, in records that are left out too
	buf      []byte
	err      error // of deliver
	rec      ledger.Record

	past    *past // nil, or is told what can be passed on
	durable bool  // the journal may be growing: past is told only what is proven to be durable
	proven  uint64
}

// list finds the epochs, in order. own is the gate that they must be of; nil
// stands for whichever gate comes first.
func (r *reader) list(own *gate.GateID) error {
	names, err := r.disk.Names(r.dir)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	for _, name := range names {
		if o, ok := parseEpochName(name); ok {
			r.epochs = append(r.epochs, o)
		}
	}
	slices.SortFunc(r.epochs, ledger.Origin.Compare)
	for _, o := range r.epochs {
		if own == nil {
			own = &r.epochs[0].Gate
		}
		if o.Gate != *own {
			return &ForeignError{Dir: r.dir, Want: *own, Found: o.Gate}
		}
	}
	r.recovery.Epochs = len(r.epochs)
	return nil
}

// highest returns the highest epoch number on the disk.
func (r *reader) highest() uint32 {
	if len(r.epochs) == 0 {
		return 0
	}
	return r.epochs[len(r.epochs)-1].Epoch
}

// run delivers the records, epoch by epoch.
func (r *reader) run() error {
	for i := range r.epochs {
		head, signed := readHead(r.disk, r.dir, r.epochs[i])
		if signed {
			r.recovery.Heads = append(r.recovery.Heads, head)
		}
		end, known := r.endByNext(i)
		if !known {
			var torn *Torn
			if end, torn = r.endByItself(r.epochs[i], head.Position.Sequence); torn != nil {
				r.recovery.Torn = torn
			}
		}
		end = max(end, head.Position.Sequence)
		e := epochReader{reader: r, origin: r.epochs[i], oldest: i == 0, end: end, next: 1, head: head}
		e.run()
		if r.err != nil {
			return r.err
		}
		if r.past != nil && e.whole.last > 0 {
			if r.durable && !known {
				e.whole.last = min(e.whole.last, r.proven)
			}
			if e.whole.first <= e.whole.last {
				r.past.held[e.origin] = e.whole
			}
		}
		if end > 0 && head.Position.Sequence == end { // whether or not that record can be read
			r.recovery.Last, r.recovery.LastHash = head.Position, head.Hash
		}
	}
	return nil
}

// endByNext returns the last record of epoch i as the first record of a later
// epoch names it: the last one that had been acknowledged, or found at a
// start, when that epoch began. It is not known when there is no such record.
func (r *reader) endByNext(i int) (end uint64, known bool) {
	for _, later := range r.epochs[i+1:] {
		var first ledger.Record
		switch {
		case !r.first(later, &first):
			continue
		case first.Ref.Origin == r.epochs[i]:
			return first.Ref.Sequence, true
		default: // it knew of no record here, unless another epoch stands between
			return 0, first.Ref.Epoch < r.epochs[i].Epoch
		}
	}
	return 0, false
}

// first reads the first record of an epoch.
func (r *reader) first(o ledger.Origin, rec *ledger.Record) bool {
	var b [frameSize]byte
	n, err := r.disk.ReadAt(segmentPath(r.dir, o, 1), b[:], segmentHeader)
	if err != nil {
		return false
	}
	f, problem := parseFrame(b[:n], o)
	return problem == "" && rec.Decode(f.encoded) == nil && rec.Kind == ledger.KindEpoch
}

// endByItself finds the end of an epoch that no other one names: the last
// record that must have been flushed, and those that follow it without a gap. A
// record must have been flushed when the signed head covers it, or when there is
// a frame of a later write.
func (r *reader) endByItself(o ledger.Origin, head uint64) (end uint64, torn *Torn) {
	end, r.proven = head, head
	var at Torn // the first thing wrong behind the end
	mark := func(segment, off int) {
		if at.Segment == 0 {
			at = Torn{Origin: o, Segment: segment, Offset: int64(off)}
		}
	}
	for _, s := range r.segments(o, nil) {
		data, _ := r.load(o, s.file)
		scanSegment(data, o, func(off int, f frame) {
			if done := f.written() - 1; done > end {
				end, at = done, Torn{}
			}
			r.proven = max(r.proven, f.written()-1)
			switch seq := f.sequence(); {
			case seq == end+1:
				end, at = seq, Torn{}
			case seq > end:
				mark(s.file, off)
				at.Frames++
			}
		}, func(off int, _ string) { mark(s.file, off) })
	}
	if at.Segment == 0 {
		return end, nil
	}
	return end, &at
}

// segment is a segment file: its name's number and the one that it is of.
type segment struct {
	file, number int
}

// segments returns an epoch's segments in the order of the numbers in their
// headers, or in their names where a header cannot be read. complain may be nil.
func (r *reader) segments(o ledger.Origin, complain func(file int, problem string)) []segment {
	if complain == nil {
		complain = func(int, string) {}
	}
	names, err := r.disk.Names(filepath.Join(r.dir, epochName(o)))
	if err != nil {
		complain(0, err.Error())
	}
	var found []segment
	for _, name := range names {
		if n, ok := parseSegmentName(name); ok {
			found = append(found, segment{n, n})
		}
	}
	slices.SortFunc(found, func(a, b segment) int { return cmp.Compare(a.file, b.file) })
	kept := found[:0]
	for _, s := range found {
		var b [segmentHeader]byte
		n, err := r.disk.ReadAt(segmentPath(r.dir, o, s.file), b[:], 0)
		if err != nil {
			complain(s.file, err.Error())
			continue
		}
		of, number, problem := parseSegmentHeader(b[:n])
		switch {
		case problem != "":
			complain(s.file, problem)
		case of != o:
			complain(s.file, fmt.Sprintf("the segment is of gate %d, epoch %d", of.Gate, of.Epoch))
			continue
		case number != s.file:
			complain(s.file, fmt.Sprintf("the segment's header says that it is number %d", number))
			s.number = number
		}
		kept = append(kept, s)
	}
	slices.SortStableFunc(kept, func(a, b segment) int { return cmp.Compare(a.number, b.number) })
	return kept
}

// load reads a segment, of which it returns what it can. What is beyond the
// size that a segment can have is not read.
func (r *reader) load(o ledger.Origin, n int) ([]byte, error) {
	if r.buf == nil {
		r.buf = make([]byte, defaultSegment+1) // one more, to see the end
	}
	name, have := segmentPath(r.dir, o, n), 0
	for {
		got, err := r.disk.ReadAt(name, r.buf[have:], int64(have))
		have += got
		switch {
		case err != nil:
			return r.buf[:have], err
		case have < len(r.buf):
			return r.buf[:have], nil
		case have == maxSegment:
			return r.buf, errTooLong
		}
		r.buf = append(r.buf, make([]byte, min(len(r.buf), maxSegment-have))...)
	}
}

var errTooLong = errors.New("the segment is longer than any that a gate makes")

// readHead returns the later of the two heads in an epoch's head file.
func readHead(d disk, dir string, o ledger.Origin) (h ledger.Head, ok bool) {
	b := make([]byte, headSlot+headSlotUsed)
	n, err := d.ReadAt(filepath.Join(dir, epochName(o), headFile), b, 0)
	if err != nil {
		return h, false
	}
	for off := 0; off < n; off += headSlot {
		if got, good := parseHead(b[off:n]); good && got.Position.Origin == o && got.Position.Sequence > h.Position.Sequence {
			h, ok = got, true
		}
	}
	return h, ok
}

// ReadHead returns the signed head that is stored with an epoch. It does not
// verify it: see Head.Verify. The error wraps fs.ErrNotExist when the epoch has
// none.
func ReadHead(dir string, o ledger.Origin) (ledger.Head, error) {
	h, ok := readHead(osDisk{}, dir, o)
	if !ok {
		return h, fmt.Errorf("journal %s: gate %d, epoch %d: signed head: %w", dir, o.Gate, o.Epoch, fs.ErrNotExist)
	}
	return h, nil
}
