package simulate

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/gossip"
	"github.com/venuegate/venuegate/sync/gossip/gossiptest"
)

// network is what gates talk by: packets and streams of gossip, and the
// connections of claims, under the same faults and cuts.
type network struct {
	packets *gossiptest.Network
	seed    uint64

	mu      sync.Mutex
	weather gossiptest.Faults
	ports   map[gate.GateID]*port
	cuts    map[way]int // how many faults cut it
	ends    map[*end]struct{}
	draws   map[way]*rand.Rand
}

// way is one direction between two gates.
type way struct{ from, to gate.GateID }

func newNetwork(seed uint64) *network {
	return &network{
		packets: gossiptest.NewNetwork(seed), seed: seed,
		ports: map[gate.GateID]*port{}, cuts: map[way]int{}, ends: map[*end]struct{}{}, draws: map[way]*rand.Rand{},
	}
}

func address(g gate.GateID) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(g)}), 7946)
}

func (n *network) setWeather(f gossiptest.Faults) {
	n.packets.SetFaults(f)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.weather = f
}

// cut lets nothing pass along ways any more, or by one reason less.
func (n *network) cut(ways []way, by int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, w := range ways {
		if n.cuts[w] += by; n.cuts[w] == 0 {
			delete(n.cuts, w)
		}
	}
	n.packets.Heal()
	for w := range n.cuts {
		n.packets.Cut(address(w.from).Addr(), address(w.to).Addr())
	}
	for e := range n.ends {
		e.in.kick()
	}
}

func (n *network) isCut(w way) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cuts[w] > 0
}

// passage is how long something on a connection takes, lost packets sent again.
// n.mu is held.
func (n *network) passage(w way) time.Duration {
	r := n.draws[w]
	if r == nil {
		h := fnv.New64a()
		_, _ = fmt.Fprint(h, "claims", w)
		r = rand.New(rand.NewPCG(n.seed, h.Sum64()))
		n.draws[w] = r
	}
	took, resend := n.weather.Delay, 200*time.Millisecond
	for range 8 {
		if r.Float64() >= n.weather.Loss {
			break
		}
		took, resend = took+resend, min(2*resend, 2*time.Second)
	}
	return took + time.Duration(r.Float64()*float64(n.weather.Jitter))
}

// port is where a gate takes the connections of claims.
type port struct {
	of       *network
	gate     gate.GateID
	incoming chan *end
	gone     chan struct{}
}

// open puts a gate on the network.
func (n *network) open(g gate.GateID) *port {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := &port{of: n, gate: g, incoming: make(chan *end), gone: make(chan struct{})}
	n.ports[g] = p
	return p
}

// off takes a gate off at once. Silently, others are not even told that its
// connections are closed, as when a plug is pulled.
func (n *network) off(p *port, silently bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ports[p.gate] == p {
		delete(n.ports, p.gate)
		close(p.gone)
	}
	for e := range n.ends {
		if e.of == p {
			e.mute(silently)
		}
	}
}

// Dial implements claim.Network.
func (p *port) Dial(ctx context.Context, to gate.GateID) (net.Conn, error) {
	n := p.of
	there, back := way{p.gate, to}, way{to, p.gate}
	n.mu.Lock()
	other := n.ports[to]
	dead := other == nil || n.ports[p.gate] != p || n.cuts[there] > 0 || n.cuts[back] > 0
	took := n.passage(there) + n.passage(back)
	n.mu.Unlock()
	if dead {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	select {
	case <-time.After(took):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	near, far, ok := newEnds(p, other)
	if !ok {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	select {
	case other.incoming <- far:
		return near, nil
	case <-other.gone:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements claim.Network.
func (p *port) Accept(ctx context.Context) (net.Conn, gate.GateID, error) {
	select {
	case e := <-p.incoming:
		return e, e.peer.of.gate, nil
	case <-p.gone:
		return nil, 0, net.ErrClosed
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
}

// end is one end of a connection. What is sent while the way is cut arrives once
// it is not, as with TCP.
type end struct {
	of   *port
	peer *end
	in   inbox
}

type inbox struct {
	mu       sync.Mutex
	chunks   []chunk
	latest   time.Time // what comes next is not earlier
	closed   bool      // nothing more will come
	muted    bool      // of a gate that is off
	deadline time.Time
	wake     chan struct{}
}

type chunk struct {
	b  []byte
	at time.Time
}

// newEnds makes a connection, unless one of the two has gone off meanwhile.
func newEnds(a, b *port) (near, far *end, ok bool) {
	near = &end{of: a, in: inbox{wake: make(chan struct{}, 1)}}
	far = &end{of: b, in: inbox{wake: make(chan struct{}, 1)}}
	near.peer, far.peer = far, near
	a.of.mu.Lock()
	defer a.of.mu.Unlock()
	if a.of.ports[a.gate] != a || a.of.ports[b.gate] != b {
		return nil, nil, false
	}
	a.of.ends[near], a.of.ends[far] = struct{}{}, struct{}{}
	return near, far, true
}

func (i *inbox) kick() {
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

func (i *inbox) shut() {
	i.mu.Lock()
	i.closed = true
	i.mu.Unlock()
	i.kick()
}

// mute ends this end; the network's lock is held.
func (e *end) mute(silently bool) {
	e.in.mu.Lock()
	e.in.muted, e.in.closed = true, true
	e.in.mu.Unlock()
	e.in.kick()
	delete(e.of.of.ends, e)
	if !silently {
		e.peer.in.shut()
	}
}

func (e *end) Read(b []byte) (int, error) {
	i := &e.in
	for {
		cut := e.of.of.isCut(way{e.peer.of.gate, e.of.gate})
		now := time.Now()
		wait := time.Minute
		i.mu.Lock()
		ready := len(i.chunks) > 0 && !cut
		switch {
		case i.muted, i.closed && len(i.chunks) == 0:
			i.mu.Unlock()
			return 0, io.EOF
		case ready && !i.chunks[0].at.After(now):
			n := copy(b, i.chunks[0].b)
			if i.chunks[0].b = i.chunks[0].b[n:]; len(i.chunks[0].b) == 0 {
				i.chunks = i.chunks[1:]
			}
			i.mu.Unlock()
			return n, nil
		case ready:
			wait = i.chunks[0].at.Sub(now)
		}
		if !i.deadline.IsZero() {
			if !i.deadline.After(now) {
				i.mu.Unlock()
				return 0, os.ErrDeadlineExceeded
			}
			wait = min(wait, i.deadline.Sub(now))
		}
		i.mu.Unlock()
		t := time.NewTimer(wait)
		select {
		case <-i.wake:
		case <-t.C:
		}
		t.Stop()
	}
}

func (e *end) Write(b []byte) (int, error) {
	n := e.of.of
	n.mu.Lock()
	took := n.passage(way{e.of.gate, e.peer.of.gate})
	n.mu.Unlock()
	e.in.mu.Lock()
	closed := e.in.closed
	e.in.mu.Unlock()
	if closed {
		return 0, net.ErrClosed
	}
	to := &e.peer.in
	to.mu.Lock()
	defer to.mu.Unlock()
	if to.muted {
		return len(b), nil // nobody hears it, and nobody says so
	}
	if to.closed {
		return 0, net.ErrClosed
	}
	if at := time.Now().Add(took); at.After(to.latest) {
		to.latest = at
	}
	to.chunks = append(to.chunks, chunk{append([]byte(nil), b...), to.latest})
	to.kick()
	return len(b), nil
}

func (e *end) Close() error {
	e.in.shut()
	e.in.mu.Lock()
	muted := e.in.muted
	e.in.mu.Unlock()
	if !muted {
		e.peer.in.shut()
	}
	e.of.of.mu.Lock()
	defer e.of.of.mu.Unlock()
	delete(e.of.of.ends, e)
	return nil
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.in.mu.Lock()
	e.in.deadline = t
	e.in.mu.Unlock()
	e.in.kick()
	return nil
}

func (e *end) SetDeadline(t time.Time) error    { return e.SetReadDeadline(t) }
func (e *end) SetWriteDeadline(time.Time) error { return nil }
func (e *end) LocalAddr() net.Addr              { return net.TCPAddrFromAddrPort(address(e.of.gate)) }

func (e *end) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(address(e.peer.of.gate)) }

// transports opens gossip's transport for one life of a gate, and shuts it when
// the gate goes off.
type transports struct {
	network *gossiptest.Network

	mu    sync.Mutex
	open  []gossip.Transport
	ended bool
}

func (t *transports) Open(at netip.AddrPort) (gossip.Transport, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return nil, net.ErrClosed
	}
	tr, err := t.network.Open(at)
	if err == nil {
		t.open = append(t.open, tr)
	}
	return tr, err
}

func (t *transports) shut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	for _, tr := range t.open {
		_ = tr.Shutdown() // of the network in memory, which cannot fail
	}
}
