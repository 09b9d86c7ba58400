package gossip

import (
	"context"
	"time"
)

const (
	// coalesce is how long records wait for others to share a packet with. After a
	// quiet spell nothing waits.
	coalesce = 3 * time.Millisecond
	// burst is how many packets of records are pushed at once. Beyond that peers
	// hear of the head and fetch the rest as a range.
	burst = 32
	// maxOutgoing is how many of this gate's logs are kept track of.
	maxOutgoing = 64
)

// repeats is when the head of a log is announced again after its last record.
// Four times, because at a loss of one in five three are all lost to one of
// seven peers with every hundredth record, and then a second goes by.
var repeats = [...]time.Duration{50 * time.Millisecond, 200 * time.Millisecond, 350 * time.Millisecond, 500 * time.Millisecond}

// outgoing is one of this gate's own logs.
type outgoing struct {
	last, sent uint64
	flushed    time.Time // when the last packet of records went out
	repeat     int       // of repeats: which comes next
}

// tidyOutgoing makes room for another log: the ones that have been told for
// good go first.
func (n *Node) tidyOutgoing() {
	for len(n.outgoing) >= maxOutgoing {
		var oldest Origin
		found := false
		for o, s := range n.outgoing {
			if settled := s.sent == s.last && s.repeat == len(repeats); settled && (!found || o.Compare(oldest) < 0) {
				oldest, found = o, true
			}
		}
		if !found {
			return
		}
		delete(n.outgoing, oldest)
	}
}

// spreadAll sends what was announced, and the heads again.
func (n *Node) spreadAll(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var flushed time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.announced:
		case <-timer.C:
		}
		if wait := coalesce - time.Since(flushed); wait > 0 {
			timer.Reset(wait)
			continue
		}
		due, heads, next := n.dueOutgoing(time.Now())
		for _, w := range due {
			if n.spread(ctx, w) {
				heads[w.origin] = w.to
			}
			flushed = time.Now()
		}
		if len(heads) > 0 {
			n.broadcast(ctx, n.seal(&packet{kind: KindHead, entries: heads.entries()}), 0)
		}
		timer.Reset(next)
	}
}

// dueOutgoing takes what is to be sent now, stretches of records and heads, and
// how long until more is due.
func (n *Node) dueOutgoing(now time.Time) (due []want, heads Vector, next time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	next = time.Hour
	heads = Vector{}
	for origin, o := range n.outgoing {
		if o.sent < o.last {
			due = append(due, want{origin, o.sent + 1, o.last})
			o.sent, o.flushed, o.repeat = o.last, now, 0
		}
		for o.repeat < len(repeats) && now.Sub(o.flushed) >= repeats[o.repeat] {
			heads[origin] = o.last
			o.repeat++
		}
		if o.repeat < len(repeats) {
			next = min(next, o.flushed.Add(repeats[o.repeat]).Sub(now))
		}
	}
	return due, heads, next
}

// spread sends records to every gate. It reports whether a head has to tell the
// rest.
func (n *Node) spread(ctx context.Context, w want) (more bool) {
	for range burst {
		b, last, err := n.chunk(KindRecords, w)
		if err != nil {
			n.options.Log.Debug("cannot send records", "gate", w.origin.Gate, "epoch", w.origin.Epoch, "first", w.from, "error", err)
			return true
		}
		n.broadcast(ctx, b, last-w.from+1)
		if last >= w.to {
			return false
		}
		w.from = last + 1
	}
	return true
}

// chunk returns a packet with records of a stretch, as many as fit.
func (n *Node) chunk(kind Kind, w want) (b []byte, last uint64, err error) {
	limit := MaxChunk
	if kind == KindRecords {
		limit = n.options.room() - chunkStart
	}
	chunk, last, err := n.options.Store.Range(w.origin, w.from, w.to, limit)
	if err != nil {
		return nil, 0, err
	}
	if last < w.from || last > w.to || len(chunk) == 0 || len(chunk) > limit {
		return nil, 0, ErrNotHeld
	}
	return n.seal(&packet{kind: kind, origin: w.origin, first: w.from, last: last, chunk: chunk}), last, nil
}

// seal gives a packet its sender and number and returns its bytes.
func (n *Node) seal(p *packet) []byte {
	p.sender, p.number = n.options.Gate, n.number.Add(1)
	return p.encode()
}

// broadcast sends a datagram to every gate on the roster, at the pace that was
// asked for.
func (n *Node) broadcast(ctx context.Context, b []byte, records uint64) {
	sent := 0
	for _, t := range n.peers.targets() {
		sent += n.send(t, b, records)
	}
	if n.options.Pace == 0 || sent == 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(sent) * time.Second / time.Duration(n.options.Pace)):
	}
}

// send sends a datagram to a peer, wherever it may be, and returns how many
// bytes that took.
func (n *Node) send(t target, b []byte, records uint64) (sent int) {
	list, _ := n.membership.current()
	if list == nil || len(t.nodes) == 0 {
		return 0
	}
	failed := 0
	for _, node := range t.nodes {
		if err := list.SendBestEffort(node, b); err != nil {
			failed++
			continue
		}
		sent += len(b) + wrapping + len(n.options.Venue)
	}
	n.tally(t.peer, sent, failed, records)
	return sent
}

// sendStream sends over a stream, to the first of a peer's addresses that
// answers.
func (n *Node) sendStream(t target, b []byte, records uint64) error {
	list, _ := n.membership.current()
	if list == nil || len(t.nodes) == 0 {
		return errNoMembership
	}
	var err error
	failed := 0
	for _, node := range t.nodes {
		if err = list.SendReliable(node, b); err == nil {
			n.tally(t.peer, len(b), failed, records)
			return nil
		}
		failed++
	}
	n.tally(t.peer, 0, failed, 0)
	return err
}

func (n *Node) tally(peer Peer, bytes, failed int, records uint64) {
	n.peers.with(peer, func(s *peerState) {
		s.failed += uint64(failed)
		if bytes > 0 {
			s.sent.add(bytes, records)
		}
	})
}
