package journal

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate/ledger"
)

// How a flush is shared: whoever appends while nobody is at the files becomes
// the leader, writes everything that waits in one write and one flush, and
// hands on to the first who came meanwhile. One lane alone never waits for
// another goroutine, and eight lanes pay for about two flushes a round.

// enqueue adds an append. j.mu is held.
func (j *Journal) enqueue(rec *ledger.Record) *wait {
	var w *wait
	if n := len(j.free); n > 0 {
		w, j.free = j.free[n-1], j.free[:n-1]
	} else {
		w = &wait{wake: make(chan struct{}, 1)}
	}
	w.rec, w.err, w.done = rec, nil, false
	j.queue = append(j.queue, w)
	return w
}

// release makes w free for another append. j.mu is held.
func (j *Journal) release(w *wait) {
	select {
	case <-w.wake: // a leader is not waiting when its own write is done
	default:
	}
	w.rec = nil
	j.free = append(j.free, w)
}

// await waits until w is done or made leader. The error is ctx's, and w is out
// of the queue then.
func (j *Journal) await(ctx context.Context, w *wait) error {
	select {
	case <-w.wake:
		return nil
	case <-ctx.Done():
	}
	j.mu.Lock()
	i := slices.Index(j.queue, w)
	if i >= 0 && len(w.wake) == 0 {
		j.queue = slices.Delete(j.queue, i, i+1)
		j.release(w)
		j.mu.Unlock()
		return fmt.Errorf("journal: not recorded: %w", ctx.Err())
	}
	j.mu.Unlock()
	<-w.wake // it is being written, or it leads
	return nil
}

// lead writes once and hands on. j.mu is held and busy is the caller's; j.mu is
// given back meanwhile. The head of the queue is always in the write.
func (j *Journal) lead() {
	notes := j.cut()
	j.mu.Unlock()
	err := j.commit(notes)
	if err == nil {
		if j.opt.OnCommit != nil {
			j.opt.OnCommit(j.records)
		}
	} else {
		for _, w := range j.batch {
			w.rec.Position, w.rec.Clock, w.rec.Prev = ledger.Position{}, 0, ledger.Hash{}
		}
		j.trouble(err)
	}
	j.mu.Lock()
	for _, w := range j.batch {
		w.err, w.done = err, true
		w.wake <- struct{}{} // room for one: nobody else wakes it
	}
	if err != nil {
		j.fail(err)
		return
	}
	j.durable.Position, j.durable.Hash = j.last, j.hash
	if notes > 0 {
		j.notes = slices.Delete(j.notes, 0, notes)
		j.signalRoom()
	}
	j.handOn()
}

// cut takes what goes into the next write: appends from the queue into j.batch,
// and as many notes as fit, whose number it returns. They stay queued until they
// are durable. j.mu is held.
func (j *Journal) cut() (notes int) {
	room := min(maxBatch, j.epoch.room())
	if room == 0 { // the next segment is fresh
		room = min(maxBatch, framesIn(j.opt.SegmentSize))
	}
	n := min(room, len(j.queue))
	j.batch = append(j.batch[:0], j.queue[:n]...)
	j.queue = slices.Delete(j.queue, 0, n)
	notes = min(room-n, len(j.notes))
	j.records = append(j.records[:0], j.notes[:notes]...)
	return notes
}

// commit makes the notes in j.records and the appends in j.batch durable. The
// error is an *AppendError.
func (j *Journal) commit(notes int) error {
	if j.epoch.room() == 0 {
		if err := j.roll(); err != nil {
			return &AppendError{Epoch: j.epoch.origin.Epoch, Doing: "next segment", Err: err}
		}
	}
	next := ledger.Position{Origin: j.epoch.origin, Sequence: j.last.Sequence}
	hash := j.hash
	now, wall := j.opt.Now(), j.opt.Wall()
	j.clock = max(j.clock, j.opt.Seen())
	j.buf = j.buf[:0]
	index := 0
	put := func(rec *ledger.Record) error {
		next.Sequence++
		j.clock = j.clock.Next(now)
		rec.Position, rec.Clock, rec.Prev = next, j.clock, hash
		if rec.Wall.IsZero() {
			rec.Wall = wall
		}
		rec.Wall = wholeMillis(rec.Wall) // what is handed on is what is written
		buf, err := appendFrame(j.buf, rec, index)
		if err != nil {
			return err
		}
		j.buf = buf
		hash = ledger.HashEncoded(buf[len(buf)-ledger.Size:])
		index++
		return nil
	}
	for i := range notes {
		if err := put(&j.records[i]); err != nil {
			return &AppendError{Epoch: next.Epoch, Doing: "encode", Err: err}
		}
	}
	for _, w := range j.batch {
		if err := put(w.rec); err != nil {
			return &AppendError{Epoch: next.Epoch, Doing: "encode", Err: err}
		}
		j.records = append(j.records, *w.rec)
	}
	if err := j.epoch.write(j.buf); err != nil {
		return err
	}
	j.last, j.hash = next, hash
	j.past.grow(next)
	j.askAhead()
	return nil
}

func wholeMillis(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }

// handOn makes the first in the queue leader, or lets go of the files. j.mu is
// held and busy is the caller's.
func (j *Journal) handOn() {
	if len(j.queue) > 0 {
		j.queue[0].wake <- struct{}{}
		return
	}
	j.letGo()
	if len(j.notes) > 0 && j.down == nil {
		j.wakeOwner()
	}
}

func (j *Journal) letGo() {
	j.busy = false
	j.quiet.Broadcast()
}

// fail gives up the epoch. busy passes to the owner, who opens the next one;
// those who wait go on waiting for that. j.mu is held.
func (j *Journal) fail(err error) {
	j.down = err
	if j.closed {
		j.refuseQueue()
		j.letGo()
		return
	}
	j.broken = true
	j.wakeOwner()
}

// refuseQueue answers everybody in the queue with j.down. j.mu is held.
func (j *Journal) refuseQueue() {
	for _, w := range j.queue {
		w.err, w.done = j.down, true
		w.wake <- struct{}{}
	}
	clear(j.queue)
	j.queue = j.queue[:0]
	j.signalRoom()
}

func (j *Journal) wakeOwner() {
	select {
	case j.kick <- struct{}{}:
	default:
	}
}

func (j *Journal) trouble(err error) {
	if j.opt.OnTrouble != nil {
		j.opt.OnTrouble(err)
	}
}
