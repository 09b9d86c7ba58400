package gossip

import (
	"context"
	"hash/maphash"
	"maps"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	packetQueue = 2048 // datagrams, so 2.6 MB at most
	rangeQueue  = 16   // ranges and vectors of pushes, so 4 MB at most
)

// Node is this gate among the others. Announce and Snapshot may be called at
// any time, by anybody.
type Node struct {
	options Options
	peers   *peers
	traffic traffic
	number  atomic.Uint64 // of packets

	membership membership
	problem    atomic.Value // string: why this gate is not on the network, or ""

	packets   chan []byte
	ranges    chan []byte
	announced chan struct{}
	lacking   chan struct{}
	opened    chan struct{} // the network, anew
	ready     chan Peer     // peers whose wants wait

	replays replays // of the goroutines that take packets

	mu       sync.Mutex
	have     Vector // what the Store holds, as far as it is known here
	started  Vector // what it held at the beginning: nothing to announce
	outgoing map[Origin]*outgoing
	fetches  map[Origin]*fetch
	// rangeTime is how long ranges take, from asking to arrival.
	rangeTime time.Duration
	bars      map[barKey]bar
	held      held
	wants     map[Peer]*orders
}

// New returns a node that is not on the network before Run.
func New(o Options) (*Node, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	n := &Node{
		options: o, peers: newPeers(o.Gate),
		packets: make(chan []byte, packetQueue), ranges: make(chan []byte, rangeQueue),
		announced: make(chan struct{}, 1), lacking: make(chan struct{}, 1), opened: make(chan struct{}, 1),
		ready: make(chan Peer, 1024),
		have:  Vector{}, outgoing: map[Origin]*outgoing{}, fetches: map[Origin]*fetch{}, rangeTime: rangeTime,
		bars: map[barKey]bar{}, held: held{chunks: map[Origin][]packet{}}, wants: map[Peer]*orders{},
	}
	n.replays.seed = maphash.MakeSeed()
	n.number.Store(rand.Uint64()) // so that a restart repeats no packet
	n.problem.Store("")
	n.peers.roster(o.Roster.Peers())
	if err := n.peers.recall(o.Memory); err != nil {
		o.Log.Warn("cannot recall where peers were", "error", err)
	}
	n.refresh()
	n.started = maps.Clone(n.have)
	return n, nil
}

// Run keeps the gate on the network until ctx ends, whatever the network does,
// and returns when everything that it started has ended.
func (n *Node) Run(ctx context.Context) error {
	n.goOn(n.advertised(netip.AddrPort{}))
	var workers sync.WaitGroup
	for _, work := range []func(context.Context){
		func(ctx context.Context) { n.takeAll(ctx, n.packets) },
		func(ctx context.Context) { n.takeAll(ctx, n.ranges) },
		n.spreadAll, n.fetchAll, n.exchangeAll, n.rejoinAll, n.watchAddress,
	} {
		workers.Go(func() { work(ctx) })
	}
	for range servers {
		workers.Go(func() { n.serveAll(ctx) })
	}
	<-ctx.Done()
	// Workers that wait for the network are let go before they are waited for.
	n.shut()
	workers.Wait()
	n.shut() // should the address have changed meanwhile
	if err := n.peers.remember(n.options.Memory); err != nil {
		n.options.Log.Warn("cannot remember where peers are", "error", err)
	}
	return ctx.Err()
}

// goOn opens the network at an address; without one, or when that fails, the
// gate is alone until the next attempt.
func (n *Node) goOn(address netip.AddrPort) {
	problem := ""
	if !address.IsValid() {
		problem = "no network address"
	} else if err := n.open(address); err != nil {
		problem = err.Error()
	} else {
		wake(n.opened)
	}
	if before := n.problem.Swap(problem); before != problem && problem != "" {
		n.options.Log.Warn("this gate is not on the network", "problem", problem)
	}
}

// watchAddress opens the network anew when this gate's address changes.
func (n *Node) watchAddress(ctx context.Context) {
	every(ctx, addressEvery, func() {
		list, before := n.membership.current()
		if now := n.advertised(before); ctx.Err() == nil && (list == nil || now != before) {
			n.options.Log.Info("going on the network", "address", now, "before", before)
			n.goOn(now)
		}
	})
}

// rejoinAll calls every gate that is not thought alive, for ever: memberlist
// does not find together again by itself once each side thinks the other dead.
func (n *Node) rejoinAll(ctx context.Context) {
	for {
		n.rejoin(ctx)
		timer := time.NewTimer(vary(rejoinEvery))
		select {
		case <-ctx.Done():
		case <-n.opened:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

func (n *Node) rejoin(ctx context.Context) {
	list, _ := n.membership.current()
	if list == nil {
		return
	}
	var callers sync.WaitGroup
	slots := make(chan struct{}, rejoinAtOnce)
	for _, t := range n.peers.targets() {
		for _, node := range t.nodes {
			if t.alive || ctx.Err() != nil {
				break
			}
			slots <- struct{}{}
			callers.Go(func() {
				defer func() { <-slots }()
				if _, err := list.Join([]string{node.Address()}); err != nil {
					n.options.Log.Debug("no answer", "gate", t.peer, "address", node.Address(), "error", err)
				}
			})
		}
	}
	callers.Wait()
}

// Announce says that this gate's own log has grown. It never waits: the records
// are fetched from the Store's Range and sent in a few milliseconds.
func (n *Node) Announce(origin Origin, last uint64) {
	if origin.Epoch == 0 || last == 0 || last > MaxSequence {
		return
	}
	n.mu.Lock()
	o := n.outgoing[origin]
	if o == nil {
		n.tidyOutgoing()
		o = &outgoing{sent: n.started[origin], repeat: len(repeats)}
		n.outgoing[origin] = o
	}
	o.last = max(o.last, last)
	n.have[origin] = max(n.have[origin], last)
	n.mu.Unlock()
	wake(n.announced)
}

// Alive reports whether membership thinks that a gate is on the network. It is
// a hint: whoever has the network key can forge it.
func (n *Node) Alive(gate Peer) bool {
	t, _ := n.peers.target(gate)
	return t.alive
}

// refresh asks the Store what it holds.
func (n *Node) refresh() {
	v := n.options.Store.Vector()
	n.mu.Lock()
	defer n.mu.Unlock()
	for o, last := range v {
		n.have[o] = max(n.have[o], last)
	}
}

// enqueue takes a packet from the network. It never waits; what has no room is
// asked for again.
func (n *Node) enqueue(b []byte) {
	queue := n.packets
	switch {
	case len(b) > KindRange.maxSize():
		n.peers.refuse(n.options.Gate, ReasonOversized)
		return
	case len(b) > MaxDatagram:
		queue = n.ranges
	}
	select {
	case queue <- b:
	default:
		n.peers.refuse(n.options.Gate, ReasonFull)
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// every calls f in intervals until ctx ends.
func every(ctx context.Context, interval time.Duration, f func()) {
	for {
		timer := time.NewTimer(vary(interval))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			f()
		}
	}
}

// vary changes an interval by up to a twentieth, so that gates that started
// together do not stay in step.
func vary(d time.Duration) time.Duration { return d - d/20 + rand.N(d/10) }
