package gossip

import (
	"context"
	"slices"
	"time"
)

const (
	servers   = 8  // peers that are answered at a time
	maxOrders = 64 // wants of one peer that wait
	datagrams = 8  // that a want is answered with, before a stream is opened

	// What one peer may draw in ranges.
	servedPerSecond = 16 << 20
	servedAtOnce    = 32 << 20
)

// orders is what a peer asked for and has not got.
type orders struct {
	wants   []want
	working bool // a server has the peer, or is about to
	budget  int
	filled  time.Time
}

// takeWants queues what a peer asks for.
func (n *Node) takeWants(p packet) {
	n.mu.Lock()
	defer n.mu.Unlock()
	o := n.wants[p.sender]
	if o == nil {
		o = &orders{budget: servedAtOnce, filled: time.Now()}
		n.wants[p.sender] = o
	}
	for _, w := range p.wants {
		i := slices.IndexFunc(o.wants, func(old want) bool { return old.origin == w.origin })
		switch {
		case i >= 0:
			o.wants[i] = w // it knows best what it lacks by now
		case len(o.wants) < maxOrders:
			o.wants = append(o.wants, w)
		default:
			defer n.peers.refuse(p.sender, ReasonFull)
		}
	}
	if o.working || len(o.wants) == 0 {
		return
	}
	select {
	case n.ready <- p.sender:
		o.working = true
	default: // it will ask again
	}
}

// serveAll answers wants until ctx ends. A peer is with one server at most.
func (n *Node) serveAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case peer := <-n.ready:
			for {
				w, ok := n.nextWant(peer)
				if !ok || ctx.Err() != nil {
					break
				}
				n.serve(peer, w)
			}
		}
	}
}

func (n *Node) nextWant(peer Peer) (want, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	o := n.wants[peer]
	if len(o.wants) == 0 {
		o.working = false
		return want{}, false
	}
	w := o.wants[0]
	o.wants = slices.Delete(o.wants, 0, 1)
	return w, true
}

// serve answers one want: a short one with datagrams, a long one with one chunk
// over a stream, after which the peer asks for the next.
func (n *Node) serve(peer Peer, w want) {
	t, ok := n.peers.target(peer)
	if !ok {
		return
	}
	if w.to-w.from < few {
		for range datagrams {
			b, last, err := n.chunk(KindRecords, w)
			if err != nil {
				break // perhaps one record alone is too long for a datagram
			}
			n.send(t, b, last-w.from+1)
			if last >= w.to {
				return
			}
			w.from = last + 1
		}
	}
	b, last, err := n.chunk(KindRange, w)
	if err != nil || !n.afford(peer, len(b), time.Now()) {
		return
	}
	if err := n.sendStream(t, b, last-w.from+1); err != nil {
		n.options.Log.Debug("cannot send a range", "to", peer, "error", err)
	}
}

// afford takes size bytes off what a peer may draw.
func (n *Node) afford(peer Peer, size int, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	o := n.wants[peer]
	o.budget = min(servedAtOnce, o.budget+int(now.Sub(o.filled).Seconds()*servedPerSecond))
	o.filled = now
	if o.budget < size {
		return false
	}
	o.budget -= size
	return true
}
