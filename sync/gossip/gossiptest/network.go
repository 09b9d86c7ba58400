// Package gossiptest is a network in memory for gossip, with faults, and a
// store and a roster to go with it. Tests and simulations use it; the faults
// that befall the n-th packet from one gate to another depend on the seed alone.
package gossiptest

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/venuegate/venuegate/sync/gossip"
)

// Faults is what befalls packets. Streams lose nothing, as with TCP: what would
// be lost comes later.
type Faults struct {
	Loss      float64       // of packets, 0 to 1
	Duplicate float64       // of packets, 0 to 1
	Delay     time.Duration // of all
	Jitter    time.Duration // at random on top, so that packets overtake each other
}

// Network connects transports. All methods may be called at any time.
type Network struct {
	seed uint64

	mu     sync.Mutex
	faults Faults
	ends   map[netip.AddrPort]*end
	links  map[link]*rand.Rand
	cuts   map[link]bool
}

type link struct {
	from, to netip.Addr
	stream   bool // a fate of its own
}

// NewNetwork returns a network without faults.
func NewNetwork(seed uint64) *Network {
	return &Network{seed: seed, ends: map[netip.AddrPort]*end{}, links: map[link]*rand.Rand{}, cuts: map[link]bool{}}
}

// Open attaches a transport at an address; it fits gossip.Options.Transport.
func (n *Network) Open(addr netip.AddrPort) (gossip.Transport, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ends[addr] != nil {
		return nil, fmt.Errorf("gossiptest: %v is in use", addr)
	}
	e := &end{
		network: n, addr: addr,
		packets: make(chan *memberlist.Packet, 4096), streams: make(chan net.Conn, 64), done: make(chan struct{}),
	}
	n.ends[addr] = e
	return e, nil
}

// SetFaults sets the faults of all links from now on.
func (n *Network) SetFaults(f Faults) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = f
}

// Cut lets nothing pass from one machine to another, one way.
func (n *Network) Cut(from, to netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cuts[link{from: from, to: to}] = true
}

// Split lets nothing pass between machines of different groups.
func (n *Network) Split(groups ...[]netip.Addr) {
	for i, group := range groups {
		for j, other := range groups {
			for _, a := range group {
				for _, b := range other {
					if i != j {
						n.Cut(a, b)
					}
				}
			}
		}
	}
}

// Heal undoes every cut.
func (n *Network) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.cuts)
}

// Inject delivers a packet at once, whoever from.
func (n *Network) Inject(b []byte, from, to netip.AddrPort) {
	n.mu.Lock()
	e := n.ends[to]
	n.mu.Unlock()
	if e != nil {
		e.deliver(b, from)
	}
}

// fate draws what becomes of the next packet of a link: how long each copy of
// it takes. n.mu is held.
func (n *Network) fate(l link) (copies []time.Duration) {
	r := n.links[l]
	if r == nil {
		h := fnv.New64a()
		_, _ = fmt.Fprint(h, l)
		r = rand.New(rand.NewPCG(n.seed, h.Sum64()))
		n.links[l] = r
	}
	// Always four draws: whether a fault is on must not shift those that follow.
	lost, twice, first, second := r.Float64(), r.Float64(), r.Float64(), r.Float64()
	if n.cuts[link{from: l.from, to: l.to}] || lost < n.faults.Loss {
		return nil
	}
	delay := func(x float64) time.Duration { return n.faults.Delay + time.Duration(x*float64(n.faults.Jitter)) }
	copies = append(copies, delay(first))
	if twice < n.faults.Duplicate {
		copies = append(copies, delay(second))
	}
	return copies
}

// passage is how long something on a stream takes, lost packets sent again, or
// false while nothing passes.
func (n *Network) passage(l link) (time.Duration, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cuts[link{from: l.from, to: l.to}] {
		return 0, false
	}
	resend := 200 * time.Millisecond
	var waited time.Duration
	for range 8 {
		if copies := n.fate(l); len(copies) > 0 {
			return waited + copies[0], true
		}
		waited += resend
		resend = min(2*resend, 2*time.Second)
	}
	return waited, true
}

// end is one transport.
type end struct {
	network *Network
	addr    netip.AddrPort
	packets chan *memberlist.Packet
	streams chan net.Conn
	done    chan struct{}
	once    sync.Once
}

var errShut = errors.New("gossiptest: transport is shut down")

func (e *end) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return e.addr.Addr().AsSlice(), int(e.addr.Port()), nil
}

func (e *end) PacketCh() <-chan *memberlist.Packet { return e.packets }
func (e *end) StreamCh() <-chan net.Conn           { return e.streams }

func (e *end) WriteTo(b []byte, addr string) (time.Time, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return time.Time{}, fmt.Errorf("gossiptest: %w", err)
	}
	select {
	case <-e.done:
		return time.Time{}, errShut
	default:
	}
	n := e.network
	n.mu.Lock()
	target := n.ends[to]
	copies := n.fate(link{from: e.addr.Addr(), to: to.Addr()})
	n.mu.Unlock()
	for _, delay := range copies {
		if target == nil {
			break
		}
		b := append([]byte(nil), b...)
		if delay <= 0 {
			target.deliver(b, e.addr)
		} else {
			time.AfterFunc(delay, func() { target.deliver(b, e.addr) })
		}
	}
	return time.Now(), nil
}

// deliver hands a packet over; with the queue full it is lost, as on a socket.
func (e *end) deliver(b []byte, from netip.AddrPort) {
	select {
	case <-e.done:
	case e.packets <- &memberlist.Packet{Buf: b, From: net.UDPAddrFromAddrPort(from), Timestamp: time.Now()}:
	default:
	}
}

func (e *end) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("gossiptest: %w", err)
	}
	n := e.network
	out, back := link{e.addr.Addr(), to.Addr(), true}, link{to.Addr(), e.addr.Addr(), true}
	there, ok := n.passage(out)
	again, ok2 := n.passage(back)
	if took := there + again; !ok || !ok2 || took > timeout {
		time.Sleep(timeout)
		return nil, fmt.Errorf("gossiptest: %v does not answer", to)
	}
	time.Sleep(there + again)
	n.mu.Lock()
	target := n.ends[to]
	n.mu.Unlock()
	if target == nil {
		return nil, fmt.Errorf("gossiptest: %v refuses", to)
	}
	near, far := net.Pipe()
	select {
	case target.streams <- &conn{Conn: far, network: n, out: back, local: to, remote: e.addr, closed: make(chan struct{})}:
		return &conn{Conn: near, network: n, out: out, local: e.addr, remote: to, closed: make(chan struct{})}, nil
	case <-target.done:
		return nil, errors.Join(errShut, near.Close())
	}
}

func (e *end) Shutdown() error {
	e.once.Do(func() {
		e.network.mu.Lock()
		if e.network.ends[e.addr] == e {
			delete(e.network.ends, e.addr)
		}
		e.network.mu.Unlock()
		close(e.done)
		for {
			select {
			case c := <-e.streams:
				_ = c.Close()
			default:
				return
			}
		}
	})
	return nil
}

// conn is one side of a stream.
type conn struct {
	net.Conn
	network       *Network
	out           link
	local, remote netip.AddrPort

	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex
	deadline time.Time
}

func (c *conn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

func (c *conn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	c.deadline = t
	c.mu.Unlock()
	return c.Conn.SetDeadline(t)
}

func (c *conn) Write(b []byte) (int, error) {
	for {
		took, ok := c.network.passage(c.out)
		if !ok {
			took = 50 * time.Millisecond // and look again
		}
		if err := c.wait(took); err != nil {
			return 0, err
		}
		if ok {
			return c.Conn.Write(b)
		}
	}
}

// wait lets time pass, but not beyond the deadline or the end of the stream.
func (c *conn) wait(d time.Duration) error {
	c.mu.Lock()
	left := time.Until(c.deadline)
	late := !c.deadline.IsZero() && left < d
	c.mu.Unlock()
	if late {
		d = max(left, 0)
	}
	select {
	case <-c.closed:
		return net.ErrClosed
	case <-time.After(d):
	}
	if late {
		return fmt.Errorf("gossiptest: write to %v: %w", c.remote, os.ErrDeadlineExceeded)
	}
	return nil
}

func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
