package journal

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/venuegate/venuegate/gate/ledger"
)

// seal makes sure that the end of the last epoch is on the disk, since the new
// one will build on it, and signs it. All but the last write were flushed before
// it; that one may be in the kernel's memory only, after a kill, and if its flush
// has failed the kernel takes it for written and another flush for done. So it is
// written again, byte for byte, and then flushed.
func (j *Journal) seal(r *reader) {
	last := r.recovery.Last
	if h, ok := readHead(j.opt.disk, j.opt.Dir, last.Origin); last.IsZero() || ok && h.Position.Sequence >= last.Sequence {
		return // it had been flushed when it was signed
	}
	if err := j.rewrite(r, last); err != nil {
		j.trouble(fmt.Errorf("journal: epoch %d: flush the end that was found: %w", last.Epoch, err))
		return
	}
	h := ledger.Head{Position: last, Hash: r.recovery.LastHash}
	copy(h.Signature[:], j.opt.Signer.Sign(h.SigningBytes()))
	if err := j.signEnd(&h); err != nil {
		j.trouble(&HeadError{Epoch: last.Epoch, Err: err})
	}
}

// rewrite writes the write that ends with record last once more.
func (j *Journal) rewrite(r *reader, last ledger.Position) error {
	for _, s := range r.segments(last.Origin, nil) {
		data, _ := r.load(last.Origin, s.file)
		from, to := 0, 0
		scanSegment(data, last.Origin, func(off int, f frame) {
			if f.sequence() == last.Sequence {
				from, to = max(segmentHeader, off-f.index*frameSize), off+frameSize
			}
		}, func(int, string) {})
		if to == 0 {
			continue
		}
		f, err := j.opt.disk.Modify(segmentPath(j.opt.Dir, last.Origin, s.file))
		if err != nil {
			return err
		}
		if _, err = f.WriteAt(data[from:to], int64(from)); err == nil {
			err = f.Sync()
		}
		return errors.Join(err, f.Close())
	}
	return nil
}

// signEnd stores the head of an epoch that ended without one, in the slot that
// does not hold the latest.
func (j *Journal) signEnd(h *ledger.Head) error {
	d, name := j.opt.disk, filepath.Join(j.opt.Dir, epochName(h.Position.Origin), headFile)
	w := headWriter{}
	b := make([]byte, headSlotUsed)
	if n, err := d.ReadAt(name, b, 0); err != nil {
		return err
	} else if first, ok := parseHead(b[:n]); ok {
		if latest, _ := readHead(d, j.opt.Dir, h.Position.Origin); latest.Position == first.Position {
			w.slot = 1
		}
	}
	f, err := d.Modify(name)
	if err != nil {
		return err
	}
	w.file = f
	return errors.Join(w.store(h), f.Close())
}
