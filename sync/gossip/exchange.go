package gossip

import (
	"context"
	"slices"
	"time"
)

const (
	exchangeEvery = time.Second
	exchangeWith  = 2
	answerEvery   = 200 * time.Millisecond
	rememberEvery = 10 // exchanges
)

// exchangeAll sends the vector to a few peers every second, and brings what is
// remembered of roster and Store up to date.
func (n *Node) exchangeAll(ctx context.Context) {
	rounds := 0
	every(ctx, exchangeEvery, func() {
		n.peers.roster(n.options.Roster.Peers())
		n.forgetStrangers()
		n.refresh()
		targets := n.peers.some(exchangeWith)
		for _, p := range n.vector(n.options.room()) {
			b := n.seal(&p)
			for _, t := range targets {
				n.send(t, b, 0)
			}
		}
		if rounds++; rounds%rememberEvery == 0 {
			if err := n.peers.remember(n.options.Memory); err != nil {
				n.options.Log.Warn("cannot remember where peers are", "error", err)
			}
		}
	})
}

// forgetStrangers drops the orders of gates that left the roster.
func (n *Node) forgetStrangers() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for peer, o := range n.wants {
		if !o.working && !n.peers.has(peer) {
			delete(n.wants, peer)
		}
	}
}

// vector returns what this gate holds, in packets of at most size bytes.
func (n *Node) vector(size int) []packet {
	n.mu.Lock()
	es := n.have.entries()
	n.mu.Unlock()
	return vectorPackets(es, size)
}

// takeVector fetches what the peer holds and this gate does not, and tells it
// of what it lacks itself.
func (n *Node) takeVector(p packet, now time.Time) {
	n.takeClaims(p.sender, p.entries, now)
	var lacks []entry
	var behind, ahead uint64
	n.mu.Lock()
	for _, mine := range n.have.entries() {
		if mine.origin.Compare(p.from) < 0 || mine.origin.Compare(p.to) > 0 {
			continue
		}
		var theirs uint64
		if i, ok := slices.BinarySearchFunc(p.entries, mine.origin, func(e entry, o Origin) int { return e.origin.Compare(o) }); ok {
			theirs = p.entries[i].last
		}
		if theirs < mine.last {
			behind += mine.last - theirs
			lacks = append(lacks, mine)
		}
	}
	for _, theirs := range p.entries {
		if have := n.have[theirs.origin]; theirs.last > have {
			ahead += theirs.last - have
		}
	}
	n.mu.Unlock()
	answer := false
	n.peers.with(p.sender, func(s *peerState) {
		if p.from == (Origin{}) {
			s.partial, s.ahead = 0, 0
		}
		s.partial += behind
		s.ahead += ahead
		if p.to == lastOrigin {
			s.behind = s.partial
		}
		if answer = len(lacks) > 0 && now.Sub(s.answered) >= answerEvery; answer {
			s.answered = now
		}
	})
	if t, ok := n.peers.target(p.sender); ok && answer {
		most := (n.options.room() - headerSize) / 16 // the longest line of a head
		n.send(t, n.seal(&packet{kind: KindHead, entries: lacks[:min(len(lacks), most)]}), 0)
	}
}
