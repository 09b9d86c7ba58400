package gossip_test

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/sync/gossip"
	"github.com/venuegate/venuegate/sync/gossip/gossiptest"
)

var firstKey = bytes.Repeat([]byte{1}, gossip.KeySize)

// venue is gates on a network in memory, all in one synctest bubble.
type venue struct {
	t     *testing.T
	net   *gossiptest.Network
	list  *gossiptest.List
	gates map[gossip.Peer]*gate
}

type gate struct {
	*gossip.Node
	logs    *gossiptest.Logs
	keys    *gossip.Keys
	options gossip.Options
	cancel  context.CancelFunc
	done    chan struct{}
}

func at(p gossip.Peer) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(p)}), 7946)
}

func addresses(ps ...gossip.Peer) (all []netip.Addr) {
	for _, p := range ps {
		all = append(all, at(p).Addr())
	}
	return all
}

func newVenue(t *testing.T, size int) *venue {
	v := &venue{t: t, net: gossiptest.NewNetwork(1), list: gossiptest.NewList("roster", nil), gates: map[gossip.Peer]*gate{}}
	v.list = gossiptest.NewList("roster", map[gossip.Peer]netip.AddrPort{})
	for p := gossip.Peer(1); p <= gossip.Peer(size); p++ {
		v.list.Set(p, at(p))
	}
	for p := gossip.Peer(1); p <= gossip.Peer(size); p++ {
		v.start(p, gossiptest.NewLogs(), nil)
	}
	return v
}

// start switches a gate on.
func (v *venue) start(p gossip.Peer, logs *gossiptest.Logs, change func(*gossip.Options)) *gate {
	v.t.Helper()
	keys, err := gossip.NewKeys(firstKey)
	if err != nil {
		v.t.Fatal(err)
	}
	g := &gate{logs: logs, keys: keys, done: make(chan struct{})}
	g.options = gossip.Options{
		Gate: p, Venue: "hall", Keys: keys, Roster: v.list.Of(p), Store: logs,
		Advertise: at(p), Transport: v.net.Open,
	}
	if change != nil {
		change(&g.options)
	}
	g.Node, err = gossip.New(g.options)
	if err != nil {
		v.t.Fatal(err)
	}
	var ctx context.Context
	ctx, g.cancel = context.WithCancel(context.Background())
	go func() {
		defer close(g.done)
		_ = g.Run(ctx) // the context's error, since nothing else ends it
	}()
	v.gates[p] = g
	return g
}

// stop switches a gate off. Without a farewell it has crashed.
func (v *venue) stop(p gossip.Peer) {
	g := v.gates[p]
	delete(v.gates, p)
	g.cancel()
	<-g.done
}

func (v *venue) stopAll() {
	for p := range v.gates {
		v.stop(p)
	}
	time.Sleep(20 * time.Second) // what memberlist started has a deadline
	synctest.Wait()
}

// write has a gate write and announce records.
func (v *venue) write(p gossip.Peer, records int) {
	o := gossip.Origin{Gate: uint32(p), Epoch: 1}
	v.gates[p].Announce(o, v.gates[p].logs.Append(o, records))
}

// level reports how many records are missing somewhere.
func (v *venue) missing() (missing uint64) {
	all := gossip.Vector{}
	for _, g := range v.gates {
		for o, last := range g.logs.Vector() {
			all[o] = max(all[o], last)
		}
	}
	for _, g := range v.gates {
		for o, last := range all {
			missing += last - g.logs.Last(o)
		}
	}
	return missing
}

// levelWithin waits until everybody has everything, and returns how long that
// took.
func (v *venue) levelWithin(limit time.Duration) time.Duration {
	v.t.Helper()
	start := time.Now()
	for v.missing() > 0 {
		if time.Since(start) > limit {
			v.t.Fatalf("%d records are missing after %v", v.missing(), limit)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(start)
}

func (v *venue) within(limit time.Duration, what string, ok func() bool) time.Duration {
	v.t.Helper()
	start := time.Now()
	for !ok() {
		if time.Since(start) > limit {
			v.t.Fatalf("after %v not yet: %s", limit, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(start)
}

// members returns how many others all gates together think alive.
func (v *venue) members() (alive int) {
	for _, g := range v.gates {
		for _, p := range g.Snapshot().Peers {
			if p.Alive {
				alive++
			}
		}
	}
	return alive
}

func (v *venue) joined() bool { return v.members() == len(v.gates)*(len(v.gates)-1) }

// refused returns how often something was refused for a reason, at a gate.
func (g *gate) refused(r gossip.Reason) uint64 { return g.Snapshot().Refused[r] }

func percentile(ds []time.Duration, p int) time.Duration {
	slices.Sort(ds)
	return ds[(len(ds)*p+99)/100-1]
}

// muchGoingOn skips a test that the race detector does not survive.
func muchGoingOn(t *testing.T) {
	t.Helper()
	if raceDetector {
		t.Skip("too much for the race detector in one bubble")
	}
}

// inVenue runs a test in a bubble with a number of gates that have met.
func inVenue(t *testing.T, size int, test func(t *testing.T, v *venue)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, size)
		defer v.stopAll()
		v.within(20*time.Second, fmt.Sprintf("all %d gates know each other", size), v.joined)
		test(t, v)
	})
}
