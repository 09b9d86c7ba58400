package journal

import (
	"errors"
	"io/fs"
	"math"
	"path/filepath"

	"github.com/venuegate/venuegate/gate/ledger"
)

// epoch is the log that is being appended to.
type epoch struct {
	origin  ledger.Origin
	dir     string
	segment int // number of the current segment
	file    handle
	off     int64 // where the next frame goes
	size    int64
}

// ready is a segment that the owner has made ready, or why it could not.
type ready struct {
	file handle
	err  error
}

func framesIn(size int) int { return (size - segmentHeader) / frameSize }

// room returns how many records fit into the current segment.
func (e *epoch) room() int { return int(e.size-e.off) / frameSize }

// write puts frames on the disk. After an error the file is never touched
// again: what it holds is unknown until it is read after a restart.
func (e *epoch) write(frames []byte) error {
	if _, err := e.file.WriteAt(frames, e.off); err != nil {
		return &AppendError{Epoch: e.origin.Epoch, Doing: "write", Err: err}
	}
	if err := e.file.Sync(); err != nil {
		return &AppendError{Epoch: e.origin.Epoch, Doing: "flush", Err: err}
	}
	e.off += int64(len(frames))
	return nil
}

// createSegment makes a segment ready: zeros on the disk from end to end, so
// that a flush later on has data to write and no metadata. It has its name only
// once it is whole.
func (j *Journal) createSegment(o ledger.Origin, n int) (handle, error) {
	d, name := j.opt.disk, segmentPath(j.opt.Dir, o, n)
	f, err := createFile(d, name+".tmp", func(b []byte) { putSegmentHeader(b, o, n) }, j.opt.SegmentSize)
	if err != nil {
		return nil, err
	}
	if err = d.Rename(name+".tmp", name); err == nil {
		err = d.SyncDir(filepath.Dir(name))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// createFile makes a file of size zero bytes, but for what begin puts at its
// beginning, on the disk. A file that is there already is replaced.
func createFile(d disk, name string, begin func([]byte), size int) (handle, error) {
	if err := d.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := d.Create(name)
	if err != nil {
		return nil, err
	}
	chunk := make([]byte, min(size, 1<<16))
	begin(chunk)
	for off := 0; off < size && err == nil; off += len(chunk) {
		if off > 0 {
			clear(chunk[:segmentHeader])
		}
		_, err = f.WriteAt(chunk[:min(len(chunk), size-off)], int64(off))
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), d.Remove(name))
	}
	return f, nil
}

var errNoNumber = errors.New("there is no number above for another epoch")

// openEpoch opens the epoch after all that were ever seen. The number is on the
// disk, as a directory, before any record has it. The error is an
// *UnavailableError.
func (j *Journal) openEpoch() error {
	above := j.number
	if j.opt.Above != nil {
		above = max(above, j.opt.Above())
	}
	if above > j.number {
		j.reserved = false // a directory may stay that holds no record
	}
	if !j.reserved {
		if above == math.MaxUint32 {
			return &UnavailableError{Epoch: above, Err: errNoNumber}
		}
		j.number = above + 1
	}
	o := ledger.Origin{Gate: j.opt.Gate, Epoch: j.number}
	if err := j.tryEpoch(o); err != nil {
		return &UnavailableError{Epoch: o.Epoch, Err: err}
	}
	return nil
}

func (j *Journal) tryEpoch(o ledger.Origin) error {
	d := j.opt.disk
	dir := filepath.Join(j.opt.Dir, epochName(o))
	if !j.reserved {
		if err := d.Mkdir(dir); err != nil {
			j.number-- // nothing of it is there
			return err
		}
		j.reserved = true
	}
	if err := d.SyncDir(j.opt.Dir); err != nil {
		return err
	}
	_ = d.Remove(segmentPath(j.opt.Dir, o, 1)) // of an earlier try; it holds no record
	head, err := createFile(d, filepath.Join(dir, headFile), func([]byte) {}, 2*headSlot)
	if err != nil {
		return err
	}
	file, err := j.createSegment(o, 1)
	if err != nil {
		return errors.Join(err, head.Close())
	}
	e := &epoch{origin: o, dir: dir, segment: 1, file: file, off: segmentHeader, size: int64(j.opt.SegmentSize)}
	j.reserved = false // from here on the number is used up
	if err := j.begin(e); err != nil {
		return errors.Join(err, file.Close(), head.Close())
	}
	if j.epoch != nil {
		_ = j.epoch.file.Close() // its last flush has failed or been waited for
	}
	j.dropPrepared()
	j.epoch = e
	j.head.swap(head)
	j.headed = 0
	return nil
}

// begin writes the first record of an epoch.
func (j *Journal) begin(e *epoch) error {
	now := j.opt.Now()
	j.clock = max(j.clock, j.opt.Seen())
	j.clock = j.clock.Next(now)
	rec := ledger.Record{
		Kind:     ledger.KindEpoch,
		Position: ledger.Position{Origin: e.origin, Sequence: 1},
		Clock:    j.clock,
		Wall:     wholeMillis(j.opt.Wall()),
		Step:     ledger.NoStep,
		Ref:      j.last,
		Prev:     j.hash,
	}
	buf, err := appendFrame(j.buf[:0], &rec, 0)
	if err != nil {
		return err
	}
	if err := e.write(buf); err != nil {
		return err
	}
	j.last, j.hash = rec.Position, ledger.HashEncoded(buf[len(buf)-ledger.Size:])
	j.past.grow(rec.Position)
	if j.opt.OnCommit != nil {
		j.records = append(j.records[:0], rec)
		j.opt.OnCommit(j.records)
	}
	return nil
}

// roll goes on in the next segment.
func (j *Journal) roll() error {
	var next ready
	if j.requested {
		select {
		case <-j.want: // the owner, who may be us, has not begun
		case next = <-j.prepared:
		}
		j.requested = false
	}
	e := j.epoch
	if next.file == nil {
		var err error
		if next.file, err = j.createSegment(e.origin, e.segment+1); err != nil {
			return err
		}
	}
	_ = e.file.Close() // every byte of it has been flushed
	e.file, e.segment, e.off = next.file, e.segment+1, segmentHeader
	return nil
}

// askAhead asks the owner for the next segment once this one is half full.
func (j *Journal) askAhead() {
	if e := j.epoch; !j.requested && e.off > e.size/2 {
		j.requested = true
		j.want <- e.segment + 1
	}
}

// dropPrepared forgets a segment that was made ready for an epoch that is over.
func (j *Journal) dropPrepared() {
	if !j.requested {
		return
	}
	j.requested = false
	select {
	case <-j.want:
	case next := <-j.prepared:
		if next.file != nil {
			_ = next.file.Close() // it holds nothing
		}
	}
}
