package gossip

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// peers is the table of the gates on the roster, this one left out: where they
// are, and what was heard of them. Its size is the roster's.
type peers struct {
	self  Peer
	start int // of the next round of sends, so that nobody is always last

	mu      sync.Mutex
	table   map[Peer]*peerState
	order   []*peerState // by gate
	refused map[Reason]uint64
	changed bool // an address, since it was last remembered
}

type peerState struct {
	peer           Peer
	fixed, learned netip.AddrPort
	nodes          []*memberlist.Node // where to send, the likeliest first; never modified
	alive          bool
	heard          time.Time
	clock          Clock
	answered       time.Time // when its vector was last answered
	behind, ahead  uint64    // records, by its last vector
	partial        uint64    // behind, while its vector is coming in parts
	sent, received Count
	failed         uint64
	refused        map[Reason]uint64
}

// target is a peer and where to send to.
type target struct {
	peer  Peer
	nodes []*memberlist.Node
	alive bool
}

func newPeers(self Peer) *peers {
	return &peers{self: self, table: map[Peer]*peerState{}, refused: map[Reason]uint64{}}
}

// roster brings the table in line with the roster.
func (p *peers) roster(listed map[Peer]netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.table, func(peer Peer, _ *peerState) bool { _, ok := listed[peer]; return !ok })
	for peer, fixed := range listed {
		if peer == p.self {
			continue
		}
		s := p.table[peer]
		if s == nil {
			s = &peerState{peer: peer, refused: map[Reason]uint64{}}
			p.table[peer] = s
		}
		if s.fixed != fixed || s.nodes == nil {
			s.fixed = fixed
			s.place()
		}
	}
	p.order = slices.SortedFunc(maps.Values(p.table), func(a, b *peerState) int { return cmp.Compare(a.peer, b.peer) })
}

// place rebuilds where to send to.
func (s *peerState) place() {
	s.nodes = make([]*memberlist.Node, 0, 2)
	for i, a := range []netip.AddrPort{s.learned, s.fixed} {
		if a.IsValid() && (i == 0 || a != s.learned) {
			s.nodes = append(s.nodes, &memberlist.Node{Name: s.peer.String(), Addr: a.Addr().AsSlice(), Port: a.Port()})
		}
	}
}

// learn notes where membership says a peer is, and whether it is there.
func (p *peers) learn(peer Peer, addr netip.AddrPort, alive bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.table[peer]
	if s == nil {
		return
	}
	s.alive = alive
	if alive && addr.IsValid() && s.learned != addr {
		s.learned = addr
		s.place()
		p.changed = true
	}
}

// forgetAlive is for a membership that begins anew.
func (p *peers) forgetAlive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.order {
		s.alive = false
	}
}

// targets returns all peers, from another start each time.
func (p *peers) targets() []target {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]target, 0, len(p.order))
	p.start++
	for i := range p.order {
		s := p.order[(i+p.start)%len(p.order)]
		all = append(all, target{s.peer, s.nodes, s.alive})
	}
	return all
}

func (p *peers) target(peer Peer) (target, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.table[peer]; s != nil {
		return target{s.peer, s.nodes, s.alive}, true
	}
	return target{}, false
}

// some returns up to n random peers that are thought alive, and one that is
// not: membership may be wrong.
func (p *peers) some(n int) []target {
	all := p.targets()
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var picked []target
	others := 0
	for _, t := range all {
		switch {
		case len(t.nodes) == 0:
		case t.alive && n > 0:
			n--
			picked = append(picked, t)
		case !t.alive && others == 0:
			others++
			picked = append(picked, t)
		}
	}
	return picked
}

// known returns the addresses of all peers.
func (p *peers) known() []netip.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []netip.Addr
	for _, s := range p.order {
		for _, node := range s.nodes {
			if a, ok := netip.AddrFromSlice(node.Addr); ok {
				all = append(all, a.Unmap())
			}
		}
	}
	return all
}

// with calls f with a peer's state, if it is on the roster.
func (p *peers) with(peer Peer, f func(*peerState)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.table[peer]
	if s != nil {
		f(s)
	}
	return s != nil
}

// has reports whether a peer is on the roster.
func (p *peers) has(peer Peer) bool { return p.with(peer, func(*peerState) {}) }

// refuse counts something refused, to the peer too if it is one.
func (p *peers) refuse(peer Peer, reason Reason) {
	p.mu.Lock()
	defer p.mu.Unlock()
	count(p.refused, reason)
	if s := p.table[peer]; s != nil {
		count(s.refused, reason)
	}
}

// count bounds a table of reasons: a Store may make up its own.
func count(table map[Reason]uint64, reason Reason) {
	if _, ok := table[reason]; !ok && len(table) >= 64 {
		reason = ReasonStore
	}
	table[reason]++
}
