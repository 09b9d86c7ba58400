package journal

import (
	"fmt"

	"github.com/venuegate/venuegate/gate/ledger"
)

// Tail follows a journal that another process may be writing. It only reads,
// takes no lock and keeps up with new segments and epochs. What it delivers is
// for showing: a record may be seen a moment before it is flushed, and one whose
// flush fails is seen although it was never acknowledged.
type Tail struct {
	reader  reader
	at      ledger.Position // last record delivered
	origin  ledger.Origin   // epoch that is read
	segment int             // zero before the first
	off     int64
	buf     []byte // read and not delivered yet
}

// OpenTail makes a Tail of the journal in dir that begins after a position; the
// zero position is before everything.
func OpenTail(dir string, after ledger.Position) (*Tail, error) {
	t := &Tail{at: after, reader: reader{disk: osDisk{}, dir: dir}}
	if err := t.reader.list(nil); err != nil {
		return nil, err
	}
	if !after.IsZero() {
		t.origin = after.Origin
	}
	return t, nil
}

// Next sets rec to the next record and returns true, or returns false when there
// is none yet: ask again later. Damaged stretches are passed over once whole
// frames stand behind them.
func (t *Tail) Next(rec *ledger.Record) (bool, error) {
	for {
		if t.segment != 0 {
			found, err := t.frame(rec)
			if found || err != nil {
				return found, err
			}
		}
		o, segment, err := t.next()
		if segment == 0 || err != nil {
			return false, err
		}
		if t.segment != 0 { // it is complete by now: take what came since we looked
			found, err := t.frame(rec)
			if found || err != nil {
				return found, err
			}
		}
		t.open(o, segment)
	}
}

// open goes to the beginning of a segment.
func (t *Tail) open(o ledger.Origin, segment int) {
	t.origin, t.segment, t.off, t.buf = o, segment, segmentHeader, t.buf[:0]
}

// frame looks for the next record in the segment.
func (t *Tail) frame(rec *ledger.Record) (bool, error) {
	for {
		if len(t.buf) < frameSize || allZero(t.buf[:frameSize]) {
			if err := t.fill(); err != nil {
				return false, err
			}
		}
		f, problem := parseFrame(t.buf, t.origin)
		if problem != "" {
			next := -1
			if len(t.buf) > 0 {
				next = findFrame(t.buf, 1, t.origin)
			}
			if next < 0 {
				t.buf = t.buf[:0] // it may be on its way; read it again
				return false, nil
			}
			t.skip(next)
			continue
		}
		t.skip(frameSize)
		seen := t.at.Origin == t.origin && f.sequence() <= t.at.Sequence
		if seen || rec.Decode(f.encoded) != nil {
			continue
		}
		t.at = rec.Position
		return true, nil
	}
}

func (t *Tail) skip(n int) {
	t.off += int64(n)
	t.buf = t.buf[n:]
}

// fill reads on from t.off.
func (t *Tail) fill() error {
	if t.reader.buf == nil {
		t.reader.buf = make([]byte, 1<<16)
	}
	n, err := t.reader.disk.ReadAt(segmentPath(t.reader.dir, t.origin, t.segment), t.reader.buf, t.off)
	if err != nil {
		return fmt.Errorf("journal: follow: %w", err)
	}
	t.buf = t.reader.buf[:n]
	return nil
}

// next finds the next segment that holds a record, of this epoch or of a later
// one. Its number is zero when there is none.
func (t *Tail) next() (o ledger.Origin, segment int, err error) {
	fresh := reader{disk: t.reader.disk, dir: t.reader.dir}
	if err := fresh.list(nil); err != nil {
		return o, 0, err
	}
	for _, o := range fresh.epochs {
		if o.Compare(t.origin) < 0 {
			continue
		}
		for _, s := range fresh.segments(o, nil) {
			if o == t.origin && s.file <= t.segment {
				continue
			}
			var b [frameSize]byte
			n, err := fresh.disk.ReadAt(segmentPath(fresh.dir, o, s.file), b[:], segmentHeader)
			if err != nil {
				return o, 0, fmt.Errorf("journal: follow: %w", err)
			}
			if _, problem := parseFrame(b[:n], o); problem == "" {
				return o, s.file, nil
			}
		}
	}
	return o, 0, nil
}
