package gossip

import (
	"maps"
	"net/netip"
	"time"
)

// Count is what went one way.
type Count struct {
	Packets, Bytes, Records uint64
}

func (c *Count) add(bytes int, records uint64) {
	c.Packets++
	c.Bytes += uint64(bytes)
	c.Records += records
}

// Snapshot is how things stand.
type Snapshot struct {
	Gate    Peer
	Address netip.AddrPort // that others are told; zero: not on the network
	Problem string         // why not
	Vector  Vector
	Peers   []PeerSnapshot    // by gate
	Refused map[Reason]uint64 // of peers, strangers and the network

	// All that went over the network, membership included, without the headers of
	// UDP, TCP and below.
	PacketsIn, PacketsOut, BytesIn, BytesOut uint64
	StreamsIn, StreamsOut                    uint64

	Fetching int // logs that peers hold more of
	Held     int // bytes of records that wait for ones before them
}

// PeerSnapshot is how things stand with one gate of the roster. All of it comes
// from whoever has the network key.
type PeerSnapshot struct {
	Gate      Peer
	Addresses []netip.AddrPort // where packets are sent to
	Alive     bool             // by membership
	Heard     time.Time        // last packet or answer to a probe; zero: never
	Clock     Clock
	Sent      Count  // Records counts repetitions too
	Received  Count  // Records counts new ones
	Failed    uint64 // packets and streams that could not be sent
	Behind    uint64 // records that it lacked, by its last vector
	Ahead     uint64 // records that this gate lacked then
	Refused   map[Reason]uint64
}

// Snapshot returns how things stand. It is a copy.
func (n *Node) Snapshot() Snapshot {
	list, address := n.membership.current()
	if list == nil {
		address = netip.AddrPort{}
	}
	t := &n.traffic
	s := Snapshot{
		Gate: n.options.Gate, Address: address, Problem: n.problem.Load().(string),
		PacketsIn: t.packetsIn.Load(), PacketsOut: t.packetsOut.Load(),
		BytesIn: t.bytesIn.Load(), BytesOut: t.bytesOut.Load(),
		StreamsIn: t.streamsIn.Load(), StreamsOut: t.streamsOut.Load(),
	}
	n.mu.Lock()
	s.Vector, s.Fetching, s.Held = maps.Clone(n.have), len(n.fetches), n.held.bytes
	n.mu.Unlock()
	n.peers.mu.Lock()
	defer n.peers.mu.Unlock()
	s.Refused = maps.Clone(n.peers.refused)
	for _, p := range n.peers.order {
		s.Peers = append(s.Peers, p.snapshot())
	}
	return s
}

func (s *peerState) snapshot() PeerSnapshot {
	p := PeerSnapshot{
		Gate: s.peer, Alive: s.alive, Heard: s.heard, Clock: s.clock, Sent: s.sent, Received: s.received,
		Failed: s.failed, Behind: s.behind, Ahead: s.ahead, Refused: maps.Clone(s.refused),
	}
	for _, node := range s.nodes {
		if a, ok := addressOf(node); ok {
			p.Addresses = append(p.Addresses, a)
		}
	}
	return p
}
