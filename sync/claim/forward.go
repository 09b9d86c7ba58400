package claim

import (
	"encoding/binary"
	"time"
)

// forwards is the requests that this keeper passed on to the leader, for gates
// that cannot reach it themselves. It is under Node.mu.
type forwards struct {
	next uint64
	open map[uint64]forwarded
}

type forwarded struct {
	since time.Time
	reply func(answer []byte)
}

const maxForwards = 1024

// forward passes a request on to the leader, and reports whether it could.
func (n *Node) forward(leader Server, body []byte, reply func(answer []byte)) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.links[leader]
	if l == nil || !n.speaksForUs(l) || len(n.forwards.open) >= maxForwards {
		return false
	}
	n.forwards.next++
	id := n.forwards.next
	if !l.send(frameForward, append(appendU64(nil, id), body...)) {
		return false
	}
	n.forwards.open[id] = forwarded{time.Now(), reply}
	return true
}

// forwardAnswered passes the leader's answer back.
func (n *Node) forwardAnswered(body []byte) error {
	if len(body) < 8 {
		return &MessageError{"forwarded answer", 0, "is cut off"}
	}
	id := binary.BigEndian.Uint64(body)
	if f, ok := n.forwards.open[id]; ok {
		delete(n.forwards.open, id)
		f.reply(body[8:])
	}
	return nil
}

// sweepForwards forgets what was not answered. Whoever asked asks again.
func (n *Node) sweepForwards(now time.Time) {
	for id, f := range n.forwards.open {
		if now.Sub(f.since) > waitLongest {
			delete(n.forwards.open, id)
		}
	}
}

// serveForward takes a request that another keeper passes on.
func (n *Node) serveForward(c *serverConn, body []byte) bool {
	n.mu.Lock()
	k := n.keeper
	n.mu.Unlock()
	if len(body) < 8 || k != nil && !k.has(c.from) {
		n.refuse("forward", c.from.Gate)
		return false
	}
	id := body[:8:8]
	return n.serveRequest(c.from, body[8:], true, func(a []byte) { c.send(frameForwarded, append(id, a...)) })
}
