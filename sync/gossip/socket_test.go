package gossip_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/venuegate/venuegate/sync/gossip"
	"github.com/venuegate/venuegate/sync/gossip/gossiptest"
)

// onSockets starts gates on UDP and TCP over the loopback interface, each at an
// address of its own, and waits until they know each other. arrived is called
// at every gate, with what it holds.
func onSockets(t testing.TB, size int, arrived func(p gossip.Peer, o gossip.Origin, last uint64)) map[gossip.Peer]*gate {
	t.Helper()
	port := freePort(t)
	gates := map[gossip.Peer]*gate{}
	roster := map[gossip.Peer]netip.AddrPort{}
	for p := gossip.Peer(1); p <= gossip.Peer(size); p++ {
		roster[p] = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 71, 3, byte(p)}), port)
	}
	list := gossiptest.NewList("roster", roster)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		for _, g := range gates {
			<-g.done
		}
	})
	for p, addr := range roster {
		keys, err := gossip.NewKeys(firstKey)
		if err != nil {
			t.Fatal(err)
		}
		g := &gate{logs: gossiptest.NewLogs(), done: make(chan struct{})}
		if arrived != nil {
			g.logs.Arrived = func(o gossip.Origin, last uint64) { arrived(p, o, last) }
		}
		g.Node, err = gossip.New(gossip.Options{Gate: p, Venue: "hall", Keys: keys, Roster: list.Of(p), Store: g.logs, Bind: addr})
		if err != nil {
			t.Fatal(err)
		}
		gates[p] = g
		go func() {
			defer close(g.done)
			_ = g.Run(ctx) // the context's error
		}()
	}
	eventually(t, "all gates know each other", func() bool {
		for _, g := range gates {
			s := g.Snapshot()
			if s.Problem != "" {
				t.Skipf("cannot listen on %v: %s", roster[s.Gate], s.Problem)
			}
			for _, p := range s.Peers {
				if !p.Alive {
					return false
				}
			}
		}
		return true
	})
	return gates
}

func freePort(t testing.TB) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.71.3.1:0")
	if err != nil {
		t.Skip("the loopback network has one address only")
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for start := time.Now(); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > 30*time.Second {
			t.Fatalf("not yet: %s", what)
		}
	}
}

// The real thing: five gates, records straight, ranges over TCP.
func TestSockets(t *testing.T) {
	if testing.Short() {
		t.Skip("takes sockets")
	}
	gates := onSockets(t, 5, nil)
	one := gossip.Origin{Gate: 1, Epoch: 1}
	for range 50 {
		gates[1].Announce(one, gates[1].logs.Append(one, 1))
		time.Sleep(time.Millisecond)
	}
	two := gossip.Origin{Gate: 2, Epoch: 3}
	gates[2].Announce(two, gates[2].logs.Append(two, 20_000))
	eventually(t, "all have all", func() bool {
		for _, g := range gates {
			if g.logs.Last(one) != 50 || g.logs.Last(two) != 20_000 {
				return false
			}
		}
		return true
	})
	for p, g := range gates {
		s := g.Snapshot()
		if p != 2 && s.StreamsIn == 0 {
			t.Errorf("gate %d got 20 000 records without a stream", p)
		}
		if r := s.Refused; r[gossip.ReasonKey]+r[gossip.ReasonLabel]+r[gossip.ReasonMeta]+r[gossip.ReasonField]+r[gossip.ReasonSignature] > 0 {
			t.Errorf("gate %d refused %v", p, r)
		}
	}
}

// BenchmarkSpread is how long it takes until every gate holds a record, from
// the moment it is announced.
func BenchmarkSpread(b *testing.B) {
	for _, size := range []int{8, 50} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var left atomic.Int64
			var wanted atomic.Uint64
			all := make(chan struct{}, 1)
			o := gossip.Origin{Gate: 1, Epoch: 1}
			gates := onSockets(b, size, func(_ gossip.Peer, _ gossip.Origin, last uint64) {
				if last == wanted.Load() && left.Add(-1) == 0 {
					all <- struct{}{}
				}
			})
			time.Sleep(2 * time.Second) // membership settles
			var times []time.Duration
			for b.Loop() {
				left.Store(int64(size - 1))
				last := gates[1].logs.Append(o, 1)
				wanted.Store(last)
				start := time.Now()
				gates[1].Announce(o, last)
				<-all
				times = append(times, time.Since(start))
				time.Sleep(5 * time.Millisecond)
			}
			b.ReportMetric(float64(percentile(times, 50).Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(percentile(times, 99).Microseconds())/1000, "p99-ms")
		})
	}
}

// BenchmarkCatchUp is how long a gate takes to fetch 200 000 records of a peer.
func BenchmarkCatchUp(b *testing.B) {
	const records = 200_000
	o := gossip.Origin{Gate: 1}
	done := make(chan struct{}, 1)
	var wanted atomic.Uint64 // epoch
	gates := onSockets(b, 2, func(_ gossip.Peer, o gossip.Origin, last uint64) {
		if last == records && uint64(o.Epoch) == wanted.Load() {
			done <- struct{}{}
		}
	})
	for b.Loop() {
		o.Epoch++
		wanted.Store(uint64(o.Epoch))
		gates[1].Announce(o, gates[1].logs.Append(o, records))
		<-done
	}
	b.ReportMetric(records*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
