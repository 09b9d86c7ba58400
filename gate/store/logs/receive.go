package logs

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// maxQueued is how many records may wait to be written: 9 MiB. Beyond it,
// Receive takes nothing until some are.
const maxQueued = 64 << 10

// Receive takes a chunk of a log: records from first on, and the signed head of
// the last. next is the first sequence that is missing afterwards, with an error
// too. Records that are held are passed over; what is new is in the ledger, and
// given by Range, when Receive returns. from is who passed the chunk on, as he
// says himself.
//
// A chunk is taken whole or not at all, but where the ledger finds fault with a
// record in its middle. An error is a *Refusal, or the ledger's. Of a log that
// has forked the ledger gets every branch, and next says so with the *Refusal. While too much
// waits to be written nothing is taken, without an error: next says so.
func (l *Logs) Receive(from gate.GateID, origin ledger.Origin, first uint64, encoded []byte) (next uint64, err error) {
	c := l.chunks.Get().(*chunk)
	defer l.chunks.Put(c)
	refusal := c.parse(origin, first, encoded)

	taking := &l.taking[(uint32(origin.Gate)*31+origin.Epoch)%uint32(len(l.taking))]
	taking.Lock()
	defer taking.Unlock()
	next = l.next(origin)
	if refusal == nil {
		next, err = l.take(c)
		errors.As(err, &refusal)
	} else {
		err = refusal
	}
	if refusal != nil {
		l.note(from, refusal, c)
		if refusal.Why == WhyFork && c.verified {
			if failed := l.branch(c, refusal); failed != nil {
				err = errors.Join(err, fmt.Errorf("logs: %w", failed))
			}
			next = max(next, c.last()+1) // it is held, on its branch
		}
	}
	c.bytes = nil
	return next, err
}

// next returns the first sequence of a log that is missing.
func (l *Logs) next(o ledger.Origin) uint64 {
	_, own := l.ownEnd(o)
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.logs[o]; g != nil {
		return max(own, g.end) + 1
	}
	return own + 1
}

// take takes a chunk that is in order in itself.
func (l *Logs) take(c *chunk) (next uint64, err error) {
	_, own := l.ownEnd(c.origin)
	l.mu.Lock()
	g := l.logs[c.origin]
	var have uint64
	var tail ledger.Hash
	var fork *Refusal
	if g != nil {
		have, tail, fork = g.end, g.tail, g.fork
	}
	named, isNamed := l.ends[c.origin]
	room := l.queued < maxQueued || l.failing
	l.mu.Unlock()

	if own > 0 {
		return own + 1, l.takeOwn(c, own)
	}
	next = have + 1
	if err := l.compare(c, have); err != nil {
		return next, err
	}
	switch {
	case c.last() <= have:
		return next, nil
	case c.first > next && fork == nil:
		return next, refuse(WhyGap, c.origin, c.first, "records from %d on are missing here", next)
	}
	if err := c.verify(l.keys(c.origin)); err != nil {
		return next, err
	}
	if fork != nil {
		return next, refuse(WhyFork, c.origin, max(c.first, next), "the log is closed since it was forked at record %d", fork.Position.Sequence)
	}
	rec := &c.records[next-c.first]
	switch {
	case next > 1 && rec.Prev != tail:
		r := refuse(WhyFork, c.origin, next, "it does not follow the record that is known before it")
		r.before = true
		return next, r
	case isNamed && c.last() > named.last:
		return next, refuse(WhyOldEpoch, c.origin, max(next, named.last+1), "the next epoch says that this one ends at record %d", named.last)
	case isNamed && c.last() == named.last && c.hashes[len(c.hashes)-1] != named.hash:
		return next, refuse(WhyFork, c.origin, c.last(), "the next epoch follows another record")
	}
	if err := l.inTime(c, next); err != nil {
		return next, err
	}
	if next == 1 {
		if err := l.follows(c); err != nil {
			return next, err
		}
	}
	if !room {
		l.wake(l.full)
		return next, nil
	}
	return l.fold(c, next)
}

// compare refuses a chunk that differs from what is held, if its gate signed it.
func (l *Logs) compare(c *chunk, have uint64) error {
	for i := range c.records {
		if c.records[i].Position.Sequence > have {
			break
		}
		err := l.opt.Ledger.AddHashed(&c.records[i], c.hashes[i])
		if err == nil {
			continue
		}
		if refusal := c.verify(l.keys(c.origin)); refusal != nil {
			return refusal
		}
		var forked *ledger.ForkError
		if errors.As(err, &forked) {
			return &Refusal{Why: WhyFork, Position: c.records[i].Position, Err: err, before: forked.Before}
		}
		return fmt.Errorf("logs: %w", err)
	}
	return nil
}

// takeOwn compares a chunk of this gate's own log with what the journal has.
func (l *Logs) takeOwn(c *chunk, own uint64) error {
	if err := l.compare(c, own); err != nil || c.last() <= own {
		return err
	}
	if err := c.verify(l.keys(c.origin)); err != nil {
		return err
	}
	return refuse(WhyOwn, c.origin, max(c.first, own+1), "this gate's journal ends at record %d", own)
}

// inTime refuses records that are beyond what this gate's clock allows.
func (l *Logs) inTime(c *chunk, next uint64) error {
	if l.opt.Latest == nil {
		return nil
	}
	latest := l.opt.Latest()
	if latest.IsZero() {
		return nil
	}
	for i := next - c.first; i < uint64(len(c.records)); i++ {
		if c.records[i].Clock.Time().After(latest) {
			return refuse(WhyFuture, c.origin, c.first+i, "its clock is beyond what this gate's clock allows")
		}
	}
	return nil
}

// follows checks the first record of an epoch against the one before, and notes
// where that ends.
func (l *Logs) follows(c *chunk) error {
	first := &c.records[0]
	if first.Ref.IsZero() {
		return nil
	}
	l.mu.Lock()
	held := l.logs[first.Ref.Origin]
	var have uint64
	var tail ledger.Hash
	if held != nil {
		have, tail = held.end, held.tail
	}
	l.mu.Unlock()
	if have > first.Ref.Sequence {
		tail = first.Prev // if it cannot be read, it cannot be compared
		if b := l.record(first.Ref); b != nil {
			tail = ledger.HashEncoded(b)
		}
	}
	if have >= first.Ref.Sequence && tail != first.Prev {
		return refuse(WhyFork, c.origin, 1, "it follows another record %d of epoch %d than the one that is known", first.Ref.Sequence, first.Ref.Epoch)
	}
	return nil
}

// record returns an encoded record of another gate, or nil.
func (l *Logs) record(p ledger.Position) []byte {
	l.mu.Lock()
	var blocks []block
	if g := l.logs[p.Origin]; g != nil {
		blocks = g.blocks
	}
	l.mu.Unlock()
	for _, b := range blocks {
		if p.Sequence >= b.first && p.Sequence <= b.last() {
			at := (p.Sequence - b.first) * ledger.Size
			return bytes.Clone(b.data[at : at+ledger.Size])
		}
	}
	var found []byte
	err := l.view(func(f file) (err error) {
		found, err = f.records(nil, p.Origin, p.Sequence, p.Sequence)
		return err
	})
	if err != nil {
		return nil
	}
	return found
}

// fold puts a chunk's records from next on into the ledger and the queue.
func (l *Logs) fold(c *chunk, next uint64) (uint64, error) {
	begin := int(next - c.first)
	done := begin
	var err error
	for ; done < len(c.records); done++ {
		if err = l.opt.Ledger.AddHashed(&c.records[done], c.hashes[done]); err != nil {
			break
		}
	}
	if done > begin {
		l.queue(c, begin, done)
		if l.opt.OnRecords != nil {
			l.opt.OnRecords(c.records[begin:done:done])
		}
	}
	next = c.first + uint64(done)
	var forked *ledger.ForkError
	switch {
	case err == nil:
		return next, nil
	case errors.As(err, &forked):
		return next, &Refusal{Why: WhyFork, Position: c.records[done].Position, Err: err, before: forked.Before}
	}
	return next, fmt.Errorf("logs: %w", err)
}

// queue notes records that are in the ledger, to be written.
func (l *Logs) queue(c *chunk, begin, done int) {
	first := c.first + uint64(begin)
	data := bytes.Clone(c.bytes[begin*ledger.Size : done*ledger.Size])
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.logs[c.origin]
	if g == nil {
		g = &log{origin: c.origin}
		l.logs[c.origin] = g
	}
	g.end, g.tail = first+uint64(done-begin)-1, c.hashes[done-1]
	l.learn(&c.records[begin])
	if l.broken || l.failing && l.queued >= maxQueued { // the ledger comes first; others can send it again
		g.frozen = true
	}
	if g.frozen {
		return
	}
	g.blocks = append(g.blocks, block{first, data})
	l.queued += done - begin
	if done == len(c.records) {
		g.addHead(c.head)
	}
	l.refused.passed(c.origin, g.end)
	l.wake(l.kick)
	if l.queued >= writeAtOnce {
		l.wake(l.full)
	}
}

// learn notes what a record says of epochs. l.mu is held.
func (l *Logs) learn(rec *ledger.Record) {
	o := rec.Position.Origin
	l.highest[o.Gate] = max(l.highest[o.Gate], o.Epoch)
	if rec.Kind != ledger.KindEpoch || rec.Ref.IsZero() {
		return
	}
	if e, known := l.ends[rec.Ref.Origin]; !known || rec.Ref.Sequence < e.last {
		l.ends[rec.Ref.Origin] = end{rec.Ref.Sequence, rec.Prev}
	}
	if g := l.logs[rec.Ref.Origin]; g != nil && g.end > rec.Ref.Sequence {
		// They are in the ledger, and stay there: they were signed.
		l.refused.add(Quarantine{
			Origin: g.origin, First: rec.Ref.Sequence + 1, Why: WhyOldEpoch, From: o.Gate, At: l.opt.Now(),
			Count: g.end - rec.Ref.Sequence,
		})
	}
}

// headsApart is how far apart stored heads are at most, where they came so: a
// short range can end at one then, and all together they add 5 % to the file.
const headsApart = 32

// addHead keeps a head, and drops the one before it where the one before that
// is near enough. Logs.mu is held.
func (g *log) addHead(h ledger.Head) {
	s := h.Position.Sequence
	if g.newest > g.kept {
		if s-g.kept <= headsApart {
			g.drop = append(g.drop, g.newest)
		} else {
			g.kept = g.newest
		}
	}
	g.newest = s
	g.heads = append(g.heads, h)
}

func (l *Logs) wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
