package gossip

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

const (
	maxHeldBytes = 1 << 20 // of chunks that came before their turn, in all
	maxHeld      = 64      // such chunks of one log
	maxReplays   = 8192    // packets that a replay is told by
)

// replays knows the last packets. Telling by the whole packet, and not by
// counting what a sender numbered, leaves a forger no number to shut the true
// sender out with.
type replays struct {
	seed maphash.Seed

	mu   sync.Mutex
	seen map[uint64]struct{}
	ring []uint64
	next int
}

// seenBefore notes a packet and reports whether it came before.
func (r *replays) seenBefore(b []byte) bool {
	sum := maphash.Bytes(r.seed, b)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = make(map[uint64]struct{}, maxReplays)
	}
	if _, ok := r.seen[sum]; ok {
		return true
	}
	if len(r.ring) < maxReplays {
		r.ring = append(r.ring, sum)
	} else {
		delete(r.seen, r.ring[r.next])
		r.ring[r.next] = sum
		r.next = (r.next + 1) % maxReplays
	}
	r.seen[sum] = struct{}{}
	return false
}

// held is chunks that came before the ones in front of them.
type held struct {
	chunks map[Origin][]packet // by first
	bytes  int
}

// add keeps a chunk, if there is room.
func (h *held) add(p packet) bool {
	list := h.chunks[p.origin]
	i, found := slices.BinarySearchFunc(list, p.first, func(q packet, first uint64) int {
		switch {
		case q.first < first:
			return -1
		case q.first > first:
			return 1
		}
		return 0
	})
	if found {
		return true
	}
	if len(list) >= maxHeld || h.bytes+len(p.chunk) > maxHeldBytes {
		return false
	}
	h.chunks[p.origin] = slices.Insert(list, i, p)
	h.bytes += len(p.chunk)
	return true
}

// take returns the chunk whose turn it is once have is held, and drops those
// that are late.
func (h *held) take(origin Origin, have uint64) (packet, bool) {
	for list := h.chunks[origin]; len(list) > 0 && list[0].first <= have+1; {
		p := list[0]
		list = list[1:]
		h.bytes -= len(p.chunk)
		if len(list) == 0 {
			delete(h.chunks, origin)
		} else {
			h.chunks[origin] = list
		}
		if p.last > have {
			return p, true
		}
	}
	return packet{}, false
}

// drop lets go of what waits for a log.
func (h *held) drop(origin Origin) {
	for _, p := range h.chunks[origin] {
		h.bytes -= len(p.chunk)
	}
	delete(h.chunks, origin)
}

// takeAll takes packets until ctx ends.
func (n *Node) takeAll(ctx context.Context, queue <-chan []byte) {
	for {
		select {
		case <-ctx.Done():
			return
		case b := <-queue:
			n.takePacket(b)
		}
	}
}

func (n *Node) takePacket(b []byte) {
	p, err := parse(b)
	if err != nil {
		n.peers.refuse(p.sender, reasonOf(err))
		return
	}
	if p.sender == n.options.Gate {
		n.peers.refuse(p.sender, ReasonSelf)
		return
	}
	now := time.Now()
	switch {
	case !n.peers.has(p.sender):
		n.peers.refuse(p.sender, ReasonStranger)
		return
	case n.replays.seenBefore(b):
		n.peers.refuse(p.sender, ReasonReplayed)
		return
	}
	n.peers.with(p.sender, func(s *peerState) {
		s.heard = now
		s.received.add(len(b), 0)
	})
	switch p.kind {
	case KindRecords, KindRange:
		n.takeChunk(p, now)
	case KindHead:
		n.takeClaims(p.sender, p.entries, now)
	case KindVector:
		n.takeVector(p, now)
	case KindWant:
		n.takeWants(p)
	}
}

// takeChunk gives a chunk to the Store, now or when its turn comes.
func (n *Node) takeChunk(p packet, now time.Time) {
	if !n.options.Roster.Knows(Peer(p.origin.Gate)) {
		n.peers.refuse(p.sender, ReasonOrigin)
		return
	}
	n.mu.Lock()
	have := n.have[p.origin]
	var refused Reason
	switch {
	case p.last <= have:
		refused = ReasonKnown
	case p.kind == KindRange && !n.awaits(p.origin, p.sender):
		refused = ReasonUnasked
	case p.first > have+1:
		n.claim(p.sender, entry{p.origin, p.last}, now)
		if n.fetches[p.origin] == nil || !n.held.add(p) {
			refused = ReasonFull
		}
	}
	n.mu.Unlock()
	switch {
	case refused != "":
		n.peers.refuse(p.sender, refused)
		return
	case p.first > have+1:
		wake(n.lacking)
		return
	}
	if p.kind == KindRange {
		n.askOn(p, now) // the next chunk travels while the Store looks at this one
	}
	for more := true; more; {
		p, more = n.receive(p)
	}
}

// receive gives a chunk to the Store and returns the one that waited for it.
func (n *Node) receive(p packet) (waited packet, more bool) {
	next, err := n.options.Store.Receive(p.sender, p.origin, p.first, p.chunk)
	now := time.Now()
	n.mu.Lock()
	before := n.have[p.origin]
	if next > before+1 && next <= MaxSequence+1 {
		n.have[p.origin] = next - 1
	}
	have := n.have[p.origin]
	if err != nil {
		n.bar(p.sender, p.origin, now)
	} else {
		n.progress(p, have, now)
	}
	waited, more = n.held.take(p.origin, have)
	n.mu.Unlock()
	wake(n.lacking)
	if err != nil {
		n.peers.refuse(p.sender, reasonOf(err))
		n.options.Log.Debug("records were refused", "from", p.sender, "gate", p.origin.Gate,
			"epoch", p.origin.Epoch, "first", p.first, "error", err)
	}
	n.peers.with(p.sender, func(s *peerState) { s.received.Records += have - min(before, have) })
	return waited, more
}

// takeClaims notes what a peer says it holds.
func (n *Node) takeClaims(peer Peer, es []entry, now time.Time) {
	strange := 0
	n.mu.Lock()
	for _, e := range es {
		if !n.options.Roster.Knows(Peer(e.origin.Gate)) {
			strange++
			continue
		}
		n.claim(peer, e, now)
	}
	n.mu.Unlock()
	if strange > 0 {
		n.peers.refuse(peer, ReasonOrigin)
	}
	wake(n.lacking)
}
