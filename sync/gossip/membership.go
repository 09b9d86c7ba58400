package gossip

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	leaveTime    = 500 * time.Millisecond
	addressEvery = 2 * time.Second
	rejoinEvery  = 5 * time.Second
	rejoinAtOnce = 16
)

var errNoMembership = errors.New("gossip: not on the network")

// membership is this gate's memberlist. One cannot change its address, so a new
// one takes over when that has to be.
type membership struct {
	mu      sync.RWMutex
	list    *memberlist.Memberlist
	hooks   *hooks
	address netip.AddrPort
}

func (m *membership) current() (*memberlist.Memberlist, netip.AddrPort) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.list, m.address
}

// open starts membership at an address, in place of the one before.
func (n *Node) open(address netip.AddrPort) error {
	n.shut()
	n.membership.mu.Lock()
	defer n.membership.mu.Unlock()
	transport, err := n.transport(address)
	if err != nil {
		return fmt.Errorf("gossip: listen: %w", err)
	}
	h := &hooks{node: n, address: address}
	h.active.Store(true)
	list, err := memberlist.Create(n.settings(transport, h))
	if err != nil {
		return fmt.Errorf("gossip: membership at %v: %w", address, errors.Join(err, transport.Shutdown()))
	}
	n.membership.list, n.membership.hooks, n.membership.address = list, h, address
	return nil
}

// shut leaves the network, if this gate is on it.
func (n *Node) shut() {
	n.membership.mu.Lock()
	list, h := n.membership.list, n.membership.hooks
	n.membership.list, n.membership.hooks = nil, nil
	n.membership.mu.Unlock()
	if list == nil {
		return
	}
	h.active.Store(false)
	// Whoever misses the farewell finds out by probing.
	if err := list.Leave(leaveTime); err != nil {
		n.options.Log.Debug("left without a farewell", "error", err)
	}
	if err := list.Shutdown(); err != nil {
		n.options.Log.Warn("cannot shut down membership", "error", err)
	}
	n.peers.forgetAlive()
}

func (n *Node) transport(address netip.AddrPort) (Transport, error) {
	open := n.options.Transport
	if open == nil {
		open = func(netip.AddrPort) (Transport, error) { return openSockets(n.options.Bind) }
	}
	inner, err := open(address)
	if err != nil {
		return nil, err
	}
	return newBounded(inner, n.options.Venue, &n.traffic, func(r Reason) { n.peers.refuse(n.options.Gate, r) }), nil
}

func (n *Node) settings(transport Transport, h *hooks) *memberlist.Config {
	c := memberlist.DefaultLANConfig()
	c.Name = n.options.Gate.String()
	c.Label = n.options.Venue
	c.Keyring = n.options.Keys.ring
	c.Transport = transport
	c.BindAddr, c.BindPort = h.address.Addr().String(), int(h.address.Port())
	c.AdvertiseAddr, c.AdvertisePort = c.BindAddr, c.BindPort
	if n.options.Bind.IsValid() {
		c.BindAddr, c.BindPort = n.options.Bind.Addr().String(), int(n.options.Bind.Port())
	}
	c.Delegate, c.Events, c.Alive, c.Conflict, c.Ping = h, h, h, h, h
	c.Logger = n.logger()

	// A dead gate is known in about two seconds.
	c.ProbeInterval, c.ProbeTimeout = 300*time.Millisecond, 150*time.Millisecond
	c.SuspicionMult, c.SuspicionMaxTimeoutMult = 3, 2
	c.GossipInterval = 50 * time.Millisecond
	c.PushPullInterval = 30 * time.Second
	c.TCPTimeout = 5 * time.Second
	c.DeadNodeReclaimTime = 5 * time.Second
	c.EnableCompression = false // records do not shrink, and bombs do not open
	c.UDPBufferSize = MaxDatagram
	c.HandoffQueueDepth = 4096
	return c
}

// hooks is what memberlist calls. It must not block.
type hooks struct {
	node    *Node
	address netip.AddrPort
	active  atomic.Bool
}

func (h *hooks) NodeMeta(limit int) []byte {
	meta := h.node.options.Roster.Meta(h.address)
	if len(meta) > limit {
		h.node.options.Log.Error("this gate's word about itself is too long", "bytes", len(meta), "limit", limit)
		return nil
	}
	return meta
}

func (h *hooks) NotifyMsg(b []byte) {
	if h.active.Load() {
		h.node.enqueue(bytes.Clone(b))
	}
}

func (h *hooks) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState is the vector, never the logs.
func (h *hooks) LocalState(bool) []byte {
	p := h.node.vector(MaxState)[0]
	return h.node.seal(&p)
}

func (h *hooks) MergeRemoteState(b []byte, _ bool) { h.NotifyMsg(b) }

func (h *hooks) NotifyAlive(node *memberlist.Node) error {
	addr, ok := addressOf(node)
	if node.Name == h.node.options.Gate.String() {
		return nil // memberlist refutes what is wrong about this gate
	}
	peer, isPeer := peerNamed(node.Name)
	err := errors.New("not on the roster")
	if ok && isPeer && h.node.peers.has(peer) {
		err = h.node.options.Roster.Verify(node.Meta, node.Name, addr)
	}
	if err != nil {
		h.node.peers.refuse(peer, ReasonMeta)
	}
	return err
}

func (h *hooks) NotifyJoin(node *memberlist.Node)   { h.saw(node, true) }
func (h *hooks) NotifyUpdate(node *memberlist.Node) { h.saw(node, true) }
func (h *hooks) NotifyLeave(node *memberlist.Node)  { h.saw(node, false) }

func (h *hooks) saw(node *memberlist.Node, alive bool) {
	peer, ok := peerNamed(node.Name)
	if addr, valid := addressOf(node); ok && valid && h.active.Load() {
		h.node.peers.learn(peer, addr, alive)
	}
}

func (h *hooks) NotifyConflict(existing, _ *memberlist.Node) {
	peer, _ := peerNamed(existing.Name)
	h.node.peers.refuse(peer, ReasonConflict)
}

func addressOf(node *memberlist.Node) (netip.AddrPort, bool) {
	a, ok := netip.AddrFromSlice(node.Addr)
	return netip.AddrPortFrom(a.Unmap(), node.Port), ok && node.Port != 0
}

// logger takes memberlist's lines. They are an engineer's, so they are debug;
// some are the only trace of something refused.
func (n *Node) logger() *log.Logger { return log.New(&lines{n}, "", 0) }

type lines struct{ node *Node }

func (l *lines) Write(line []byte) (int, error) {
	switch {
	case bytes.Contains(line, []byte("Decrypt packet failed")),
		bytes.Contains(line, []byte("no installed keys could decrypt")),
		bytes.Contains(line, []byte("remote state is not encrypted")):
		l.node.peers.refuse(l.node.options.Gate, ReasonKey)
	case bytes.Contains(line, []byte("handler queue full")):
		l.node.peers.refuse(l.node.options.Gate, ReasonFull)
	case bytes.Contains(line, []byte("unacceptable label")):
		l.node.peers.refuse(l.node.options.Gate, ReasonLabel)
	}
	l.node.options.Log.Debug(string(bytes.TrimSpace(line)))
	return len(line), nil
}
