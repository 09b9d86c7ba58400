package journal

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/venuegate/venuegate/gate/ledger"
)

// own is the journal's only goroutine: it makes segments ready ahead, writes
// notes, opens a new epoch after a failure, and stores signed heads.
func (j *Journal) own() {
	defer close(j.done)
	tick := time.NewTicker(ownEvery)
	defer tick.Stop()
	for {
		select {
		case <-j.stop:
			return
		case n := <-j.want:
			j.prepare(n)
		case <-j.kick:
			j.work()
		case <-tick.C:
			j.storeHead()
			j.retry()
		}
	}
}

// prepare makes a segment ready. Nobody opens an epoch meanwhile: that is the
// owner's own work.
func (j *Journal) prepare(n int) {
	j.mu.Lock()
	o := j.durable.Position.Origin
	j.mu.Unlock()
	file, err := j.createSegment(o, n)
	if err != nil {
		j.trouble(&PrepareError{Epoch: o.Epoch, Segment: n, Err: err})
	}
	j.prepared <- ready{file: file, err: err}
}

// work opens an epoch after a failure, or writes notes while nobody else does.
func (j *Journal) work() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken {
		j.broken = false
		j.reopen()
		return
	}
	if !j.busy && j.down == nil && len(j.notes) > 0 && !j.closed {
		j.busy = true
		j.lead()
	}
}

// retry tries again to open an epoch.
func (j *Journal) retry() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.down != nil && !j.busy && !j.closed {
		j.busy = true
		j.reopen()
	}
}

// reopen opens the next epoch. j.mu is held and busy is the owner's.
func (j *Journal) reopen() {
	j.mu.Unlock()
	j.storeHead()
	err := j.openEpoch()
	j.trouble(err)
	j.mu.Lock()
	if err != nil {
		j.down = err
		j.refuseQueue()
		j.letGo()
		return
	}
	j.opened()
	j.handOn()
}

// opened notes that the epoch is open. j.mu is held, or nobody else is there.
func (j *Journal) opened() {
	j.down = nil
	j.durable.Position, j.durable.Hash = j.last, j.hash
}

// storeHead stores the signed head if there are records that it lacks.
func (j *Journal) storeHead() {
	j.mu.Lock()
	at := j.durable.Position
	j.mu.Unlock()
	if at.Sequence == j.headed {
		return
	}
	h := j.Head()
	if err := j.head.store(&h); err != nil {
		j.trouble(&HeadError{Epoch: h.Position.Epoch, Err: err})
		return
	}
	j.headed = h.Position.Sequence
}

// headWriter stores heads in the two slots of a head file by turns, so that one
// of them is whole at any time.
type headWriter struct {
	file handle
	slot int
	buf  [headSlotUsed]byte
}

func (w *headWriter) swap(file handle) {
	if w.file != nil {
		_ = w.file.Close() // every head in it has been flushed
	}
	w.file, w.slot = file, 0
}

func (w *headWriter) store(h *ledger.Head) error {
	putHead(w.buf[:], h)
	if _, err := w.file.WriteAt(w.buf[:], int64(w.slot)*headSlot); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return err
	}
	w.slot = 1 - w.slot
	return nil
}

// finish ends a closed journal; nobody else is there any more.
func (j *Journal) finish() error {
	var err error
	if len(j.notes) > 0 {
		err = &LostError{Records: len(j.notes), Err: j.down}
	}
	e := j.epoch
	if e == nil { // none could be opened
		return errors.Join(err, j.lock.Close())
	}
	if j.down == nil {
		j.storeHead()
		if cut := e.file.Truncate(e.off); cut == nil {
			err = errors.Join(err, e.file.Sync())
		} // else the zeros stay, which does no harm
	}
	if j.requested {
		j.dropPrepared()
		_ = j.opt.disk.Remove(segmentPath(j.opt.Dir, e.origin, e.segment+1)) // empty
		_ = j.opt.disk.SyncDir(filepath.Dir(segmentPath(j.opt.Dir, e.origin, 1)))
	}
	return errors.Join(err, e.file.Close(), j.head.file.Close(), j.lock.Close())
}
