package appliance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/logs"
	"github.com/venuegate/venuegate/sync/gossip"
)

// cluster is this gate among the venue's others: records by gossip, and the
// link for claims and packs. Without the network's keys it waits for them.
type cluster struct {
	listen     netip.AddrPort
	advertise  netip.AddrPort
	pace       int
	memory     string
	venue      func() uint32
	neighbours *neighbours
	logs       *logs.Logs
	link       *link
	mirror     http.Handler // of packs, for other gates
	clock      *systemClock
	log        *slog.Logger
	problem    func(error) // what keeps the gate off the network; nil: nothing

	node  atomic.Pointer[gossip.Node]
	fresh chan [][]byte // the network's keys, the one to use first
}

// openCluster opens the link to other gates, where the configuration has one.
func (a *Appliance) openCluster(_ context.Context, o *Options) error {
	c := &o.Config.Cluster
	if c.Listen == "" {
		return nil
	}
	listen, err := netip.ParseAddrPort(c.Listen)
	if err != nil {
		return config.Errors{{Path: "cluster.listen", Problem: err.Error()}}
	}
	var advertise netip.AddrPort
	if c.Advertise != "" {
		if advertise, err = netip.ParseAddrPort(c.Advertise); err != nil {
			return config.Errors{{Path: "cluster.advertise", Problem: err.Error()}}
		}
	}
	l, err := newLink(a.key, a.neighbours, listen)
	if err != nil {
		return err
	}
	a.onClose("peer port", l.Close)
	a.cluster = &cluster{
		listen: listen, advertise: advertise, pace: c.Pace,
		memory:     filepath.Join(o.Config.Gate.DataDir, "peers.json"),
		venue:      a.venue,
		neighbours: a.neighbours, logs: a.logs, link: l, clock: a.clock, mirror: a.mirror.Handler(),
		log: slog.New(newZerologHandler(a.log)), problem: a.networkTrouble,
		fresh: make(chan [][]byte, 1),
	}
	a.ways.addressOf = a.cluster.addressOf
	clocks := a.cluster.clocks
	a.clock.clocks.Store(&clocks)
	a.cluster.setKeys(a.vault.network())
	return nil
}

// setKeys hands over the keys of the network, the one to use first.
func (c *cluster) setKeys(keys [][]byte) {
	if len(keys) == 0 {
		return
	}
	select {
	case <-c.fresh: // older ones that nobody has taken yet
	default:
	}
	c.fresh <- keys
}

// run keeps the gate among the others until ctx ends.
func (c *cluster) run(ctx context.Context) {
	var parts sync.WaitGroup
	defer parts.Wait()
	parts.Go(func() {
		if err := c.link.Run(ctx); err != nil {
			c.log.Error("peer port", "error", err)
			c.problem(err)
		}
	})
	parts.Go(func() { c.serveMirror(ctx) })
	node, ring, keys := c.open(ctx)
	if node == nil {
		return
	}
	c.node.Store(node)
	parts.Go(func() {
		if err := node.Run(ctx); err != nil && ctx.Err() == nil {
			c.problem(err)
		}
	})
	c.turnKeys(ctx, ring, keys)
}

// tryAgain is how long a gate waits whose way to the others could not be opened.
const tryAgain = 5 * time.Second

// open waits for the network's keys and makes the node that uses them. The node
// is nil when ctx has ended.
func (c *cluster) open(ctx context.Context) (*gossip.Node, *gossip.Keys, [][]byte) {
	var keys [][]byte
	again := make(<-chan time.Time)
	for {
		select {
		case keys = <-c.fresh:
		case <-again:
		case <-ctx.Done():
			return nil, nil, nil
		}
		ring, err := gossip.NewKeys(keys[0], keys[1:]...)
		if err == nil {
			var node *gossip.Node
			if node, err = c.newNode(ring); err == nil {
				return node, ring, keys
			}
		}
		c.log.Error("gossip", "error", err)
		c.problem(err)
		again = time.After(tryAgain)
	}
}

// serveMirror gives this gate's packs to the other gates until ctx ends.
func (c *cluster) serveMirror(ctx context.Context) {
	server := &http.Server{
		Handler: c.mirror, ReadHeaderTimeout: handshakePatience, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(c.log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(&c.link.mirrors); ctx.Err() == nil {
		c.problem(err)
	}
}

func (c *cluster) newNode(ring *gossip.Keys) (*gossip.Node, error) {
	return gossip.New(gossip.Options{
		Gate: gossip.Peer(c.neighbours.self), Venue: fmt.Sprintf("venue %d", c.venue()), Keys: ring,
		Roster: c.neighbours, Store: gossipStore{c.logs},
		Bind: c.listen, Advertise: c.advertise, Memory: c.memory, Pace: c.pace,
		Synchronised: kernelSynchronised, Log: c.log,
	})
}

// pauseOfKeys is how long a new key is only understood before it is used, and
// how long the one before is still understood after that: gates get a new key
// within seconds of each other, by the pack that it came with.
const pauseOfKeys = 15 * time.Second

// turnKeys changes the ring when new keys arrive, in the three steps that leave
// no gate unheard.
func (c *cluster) turnKeys(ctx context.Context, ring *gossip.Keys, first [][]byte) {
	had := map[string]bool{} // on the ring
	for _, k := range first {
		had[string(k)] = true
	}
	var want [][]byte
	step := func() {}
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	for {
		select {
		case want = <-c.fresh:
			for _, k := range want {
				if err := ring.Add(k); err != nil {
					c.problem(err)
				}
				had[string(k)] = true
			}
			step = func() {
				if err := ring.Use(want[0]); err != nil {
					c.problem(err)
				}
				step = func() {
					for k := range had {
						if !slices.ContainsFunc(want, func(w []byte) bool { return string(w) == k }) && ring.Remove([]byte(k)) == nil {
							delete(had, k)
						}
					}
				}
				timer.Reset(pauseOfKeys)
			}
			timer.Reset(pauseOfKeys)
		case <-timer.C:
			step()
		case <-ctx.Done():
			return
		}
	}
}

// announce tells the others that this gate's own log has grown.
func (c *cluster) announce(o ledger.Origin, last uint64) {
	if node := c.node.Load(); node != nil {
		node.Announce(gossip.Origin{Gate: uint32(o.Gate), Epoch: o.Epoch}, last)
	}
}

// snapshot returns how things stand among the gates; ok is false before this one
// has the network's keys.
func (c *cluster) snapshot() (s gossip.Snapshot, ok bool) {
	if node := c.node.Load(); node != nil {
		return node.Snapshot(), true
	}
	return s, false
}

// alive is membership's opinion of a gate: a hint.
func (c *cluster) alive(id gate.GateID) bool {
	node := c.node.Load()
	return node != nil && node.Alive(gossip.Peer(id))
}

// address returns where gossip would send to a gate.
func (c *cluster) address(id gate.GateID) netip.AddrPort {
	if s, ok := c.snapshot(); ok {
		for i := range s.Peers {
			if p := &s.Peers[i]; p.Gate == gossip.Peer(id) && len(p.Addresses) > 0 {
				return p.Addresses[0]
			}
		}
	}
	return c.neighbours.now().listed[gossip.Peer(id)]
}

// addressOf returns the peer port of a gate as text.
func (c *cluster) addressOf(id gate.GateID) (string, bool) {
	at := c.address(id)
	if !at.IsValid() {
		return "", false
	}
	return peerPort(at).String(), true
}

// Dial implements claim.Network.
func (c *cluster) Dial(ctx context.Context, to gate.GateID) (net.Conn, error) {
	return c.link.dial(ctx, to, c.address(to), claimProtocol)
}

// Accept implements claim.Network.
func (c *cluster) Accept(ctx context.Context) (net.Conn, gate.GateID, error) {
	for {
		select {
		case conn := <-c.link.claims.conns:
			if id, ok := c.link.peerOf(conn); ok {
				return conn, id, nil
			}
			_ = conn.Close() // struck off since its handshake
		case <-c.link.claims.done:
			return nil, 0, net.ErrClosed
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
}

// clocks returns the peers' clocks as they were measured last.
func (c *cluster) clocks() []peerClock {
	s, _ := c.snapshot()
	all := make([]peerClock, 0, len(s.Peers))
	for i := range s.Peers {
		k := &s.Peers[i].Clock
		all = append(all, peerClock{k.Ahead, k.Synchronised, k.Measured})
	}
	return all
}

// gossipStore gives gossip the logs in its own words.
type gossipStore struct{ logs *logs.Logs }

func (s gossipStore) Vector() gossip.Vector {
	held := s.logs.Vector()
	v := make(gossip.Vector, len(held))
	for o, last := range held {
		v[gossip.Origin{Gate: uint32(o.Gate), Epoch: o.Epoch}] = last
	}
	return v
}

func (s gossipStore) Range(o gossip.Origin, from, to uint64, limit int) ([]byte, uint64, error) {
	chunk, last, err := s.logs.Range(ledger.Origin{Gate: gate.GateID(o.Gate), Epoch: o.Epoch}, from, to, limit)
	if errors.Is(err, logs.ErrNotHeld) {
		err = gossip.ErrNotHeld
	}
	return chunk, last, err
}

// refusals are gossip's words for what logs do not take.
var refusals = map[logs.Why]gossip.Reason{
	logs.WhyFormat: gossip.ReasonChain, logs.WhyRoster: gossip.ReasonOrigin, logs.WhySignature: gossip.ReasonSignature,
	logs.WhyChain: gossip.ReasonChain, logs.WhyGap: gossip.ReasonChain, logs.WhyFork: gossip.ReasonFork,
	logs.WhyOldEpoch: gossip.ReasonOldEpoch, logs.WhyFuture: gossip.ReasonStore, logs.WhyOwn: gossip.ReasonFork,
}

func (s gossipStore) Receive(from gossip.Peer, o gossip.Origin, first uint64, chunk []byte) (uint64, error) {
	next, err := s.logs.Receive(gate.GateID(from), ledger.Origin{Gate: gate.GateID(o.Gate), Epoch: o.Epoch}, first, chunk)
	var refused *logs.Refusal
	if errors.As(err, &refused) {
		if reason, ok := refusals[refused.Why]; ok {
			err = &gossip.RefusedError{Reason: reason, Err: err}
		}
	}
	return next, err
}

func sortedOrigins(v ledger.Vector) []ledger.Origin {
	return slices.SortedFunc(maps.Keys(v), ledger.Origin.Compare)
}
