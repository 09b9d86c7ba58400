package claim_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/claim"
)

// BenchmarkClaim is a claim of a gate that is no keeper, at three keepers with
// their logs on disk, and beside it a bare Raft apply: the same store, as many
// keepers, the same run, the same network, at the leader itself.
func BenchmarkClaim(b *testing.B) {
	v := newVenue(b, 4, 3)
	v.times = claim.Times{Founding: time.Millisecond}
	for id := gate.GateID(1); id <= 3; id++ {
		v.gates[id].dir = b.TempDir()
	}
	v.start()
	defer v.stop()
	v.ready()
	ticket := gate.TicketID(0)
	var mu sync.Mutex
	claimOne := func(int) error {
		mu.Lock()
		ticket++
		c := single(ticket)
		mu.Unlock()
		c.At = time.Now()
		a, err := v.gates[4].node.Claim(context.Background(), c)
		if err == nil && !a.Granted {
			err = fmt.Errorf("ticket %v refused: %+v", c.Ticket, a.By)
		}
		if err == nil {
			v.gates[4].write(grantOf(c, a.Request, 0)) // goes with the next claim
		}
		return err
	}
	leader := bareRaft(b)
	b.Run("one at a time", func(b *testing.B) {
		// By turns, so that both meet the same disk and the same neighbours.
		var bare, ours []time.Duration
		for i := range b.N {
			began := time.Now()
			if err := leader.Apply(make([]byte, 250), time.Second).Error(); err != nil {
				b.Fatal(err)
			}
			bare = append(bare, time.Since(began))
			began = time.Now()
			if err := claimOne(i); err != nil {
				b.Fatal(err)
			}
			ours = append(ours, time.Since(began))
		}
		slices.Sort(bare)
		slices.Sort(ours)
		at := func(list []time.Duration, percent int) float64 {
			return float64(list[len(list)*percent/100].Microseconds())
		}
		b.ReportMetric(at(bare, 50), "bare-p50-µs")
		b.ReportMetric(at(bare, 99), "bare-p99-µs")
		b.ReportMetric(at(ours, 50), "p50-µs")
		b.ReportMetric(at(ours, 99), "p99-µs")
		b.ReportMetric(at(ours, 50)/at(bare, 50), "p50-ratio")
		b.ReportMetric(at(ours, 99)/at(bare, 99), "p99-ratio")
	})
	b.Run("32 at once", func(b *testing.B) { atOnce(b, 32, claimOne) })
	b.Run("bare, 32 at once", func(b *testing.B) {
		atOnce(b, 32, func(int) error { return leader.Apply(make([]byte, 250), time.Second).Error() })
	})
}

// atOnce runs f b.N times, n at once.
func atOnce(b *testing.B, n int, f func(int) error) {
	next := make(chan int)
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for i := range next {
				if err := f(i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.ResetTimer()
	for i := range b.N {
		next <- i
	}
	close(next)
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "claims/s")
}

type nothing struct{ raft.MockFSM }

func (*nothing) Apply(*raft.Log) any { return nil }

// bareLayer is Raft's transport on the network of the tests.
type bareLayer struct {
	*port
	ctx    context.Context
	cancel context.CancelFunc
}

func (l *bareLayer) Accept() (net.Conn, error) {
	c, _, err := l.port.Accept(l.ctx)
	return c, err
}

func (l *bareLayer) Dial(a raft.ServerAddress, d time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(l.ctx, d)
	defer cancel()
	return l.port.Dial(ctx, gate.GateID(a[0]-'0'))
}

func (l *bareLayer) Close() error   { l.cancel(); return nil }
func (l *bareLayer) Addr() net.Addr { return bareAddr(fmt.Sprint(l.gate)) }

type bareAddr string

func (bareAddr) Network() string  { return "wires" }
func (a bareAddr) String() string { return string(a) }

func bareRaft(b *testing.B) *raft.Raft {
	w := newWires()
	var servers raft.Configuration
	for i := 1; i <= 3; i++ {
		servers.Servers = append(servers.Servers, raft.Server{ID: raft.ServerID(fmt.Sprint(i)), Address: raft.ServerAddress(fmt.Sprint(i))})
	}
	t := claim.DefaultTimes()
	var rafts []*raft.Raft
	for i := 1; i <= 3; i++ {
		ctx, cancel := context.WithCancel(context.Background())
		conf := raft.DefaultConfig()
		conf.LocalID = servers.Servers[i-1].ID
		conf.HeartbeatTimeout, conf.ElectionTimeout, conf.LeaderLeaseTimeout, conf.CommitTimeout = t.Heartbeat, t.Election, t.Lease, t.Commit
		conf.BatchApplyCh, conf.MaxAppendEntries = true, 256
		conf.Logger = hclog.NewNullLogger()
		store, err := raftboltdb.NewBoltStore(b.TempDir() + "/log.db")
		if err != nil {
			b.Fatal(err)
		}
		trans := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Stream: &bareLayer{w.port(gate.GateID(i)), ctx, cancel}, MaxPool: 2, Timeout: time.Second, Logger: conf.Logger,
		})
		snaps := raft.NewInmemSnapshotStore()
		if err := raft.BootstrapCluster(conf, store, store, snaps, trans, servers); err != nil {
			b.Fatal(err)
		}
		r, err := raft.NewRaft(conf, &nothing{}, store, store, snaps, trans)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := r.Shutdown().Error(); err != nil {
				b.Error(err)
			}
			trans.CloseStreams()
			_ = trans.Close()
			_ = store.Close()
		})
		rafts = append(rafts, r)
	}
	for {
		for _, r := range rafts {
			if r.State() == raft.Leader && r.Barrier(time.Second).Error() == nil {
				return r
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}
