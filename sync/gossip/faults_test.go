package gossip_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/sync/gossip"
	"github.com/venuegate/venuegate/sync/gossip/gossiptest"
)

func TestPartition(t *testing.T) {
	muchGoingOn(t)
	inVenue(t, 8, func(t *testing.T, v *venue) {
		v.net.SetFaults(gossiptest.Faults{Delay: time.Millisecond})
		v.net.Split(addresses(1, 2, 3), addresses(4, 5, 6, 7, 8))
		v.within(10*time.Second, "each side thinks the other dead", func() bool { return v.members() == 3*2+5*4 })
		for range 30 { // five minutes
			v.write(1, 5)
			v.write(8, 5)
			time.Sleep(10 * time.Second)
		}
		if v.missing() == 0 {
			t.Fatal("records got through a partition")
		}
		v.net.Heal()
		v.within(15*time.Second, "all know each other again", v.joined)
		v.levelWithin(10 * time.Second)
	})
}

// Where packets pass one way only, records take another way round.
func TestOneWayPartition(t *testing.T) {
	inVenue(t, 5, func(t *testing.T, v *venue) {
		v.net.Cut(at(1).Addr(), at(2).Addr())
		v.net.Cut(at(3).Addr(), at(1).Addr())
		for p := range v.gates {
			v.write(p, 40)
		}
		v.levelWithin(10 * time.Second)
	})
}

// Membership is a hint: a gate that others think dead is sent to all the same.
func TestThoughtDead(t *testing.T) {
	inVenue(t, 3, func(t *testing.T, v *venue) {
		for p := gossip.Peer(1); p <= 2; p++ {
			v.net.Cut(at(3).Addr(), at(p).Addr()) // gate 3 hears and is not heard
		}
		v.within(10*time.Second, "gate 3 is thought dead", func() bool { return !v.gates[1].Alive(3) && !v.gates[2].Alive(3) })
		v.write(1, 1)
		if took := v.levelWithin(5 * time.Second); took > 10*time.Millisecond {
			t.Errorf("it took %v: nothing was sent straight", took)
		}
	})
}

func TestDeadGateIsKnownSoon(t *testing.T) {
	inVenue(t, 8, func(t *testing.T, v *venue) {
		v.net.Split(addresses(8), addresses(1, 2, 3, 4, 5, 6, 7))
		took := v.within(10*time.Second, "gate 8 is thought dead", func() bool { return !v.gates[1].Alive(8) })
		t.Logf("known after %v", took)
		if took > 5*time.Second {
			t.Errorf("known after %v", took)
		}
	})
}

// A gate that was off gets what it missed in ranges.
func TestLagging(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults gossiptest.Faults
		within time.Duration
	}{
		{"wire", gossiptest.Faults{Delay: 2 * time.Millisecond, Jitter: time.Millisecond}, 10 * time.Second},
		{"bad radio", gossiptest.Faults{Loss: 0.2, Delay: 10 * time.Millisecond, Jitter: 20 * time.Millisecond}, 30 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			inVenue(t, 4, func(t *testing.T, v *venue) {
				v.net.SetFaults(c.faults)
				v.stop(4)
				for range 20 {
					v.write(1, 1000)
					time.Sleep(100 * time.Millisecond)
				}
				v.start(4, gossiptest.NewLogs(), nil)
				t.Logf("20 000 records after %v", v.levelWithin(c.within))
				if s := v.gates[4].Snapshot(); s.StreamsIn == 0 {
					t.Error("it took no streams")
				}
				v.within(10*time.Second, "others know that it lags no more", func() bool {
					for _, p := range v.gates[1].Snapshot().Peers {
						if p.Behind+p.Ahead != 0 {
							return false
						}
					}
					return true
				})
			})
		})
	}
}

// The last thing known of peers survives a restart, also where the roster has
// no addresses.
func TestRestartWithMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, 0)
		defer v.stopAll()
		memory := filepath.Join(t.TempDir(), "peers.json")
		remember := func(o *gossip.Options) { o.Memory = memory }
		v.list.Set(1, at(1)) // the one address that all are told
		v.list.Set(2, netip.AddrPort{})
		v.list.Set(3, netip.AddrPort{})
		v.start(1, gossiptest.NewLogs(), nil)
		v.start(2, gossiptest.NewLogs(), nil)
		three := v.start(3, gossiptest.NewLogs(), remember)
		v.within(20*time.Second, "all know each other", v.joined)
		v.stop(3)
		v.stop(1)
		b, err := os.ReadFile(memory)
		if err != nil || !bytes.Contains(b, []byte("10.0.0.2:7946")) {
			t.Fatalf("remembered %q, %v", b, err)
		}
		v.list.Set(1, netip.AddrPort{})
		v.start(3, three.logs, remember)
		v.within(10*time.Second, "gate 3 finds gate 2 alone", v.joined)
		v.write(2, 1)
		v.levelWithin(time.Second)
	})
}

func TestDamagedMemoryIsNoReasonToStayDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, 2)
		defer v.stopAll()
		v.stop(2)
		memory := filepath.Join(t.TempDir(), "peers.json")
		if err := os.WriteFile(memory, []byte("{\x00"), 0o600); err != nil {
			t.Fatal(err)
		}
		v.start(2, gossiptest.NewLogs(), func(o *gossip.Options) { o.Memory = memory })
		v.within(10*time.Second, "they meet", v.joined)
	})
}

// Keys change while records flow; whoever has only the old one is out.
func TestKeyRotation(t *testing.T) {
	inVenue(t, 5, func(t *testing.T, v *venue) {
		second := bytes.Repeat([]byte{2}, gossip.KeySize)
		left := v.gates[5].keys // gate 5 is struck off: nobody tells it the new key
		each := func(step func(*gossip.Keys) error) {
			for _, g := range v.gates {
				if g.keys == left {
					continue
				}
				if err := step(g.keys); err != nil {
					t.Fatal(err)
				}
				v.write(1, 2) // between any two steps
				time.Sleep(50 * time.Millisecond)
			}
		}
		each(func(k *gossip.Keys) error { return k.Add(second) })
		each(func(k *gossip.Keys) error { return k.Use(second) })
		each(func(k *gossip.Keys) error { return k.Remove(firstKey) })
		out := v.gates[5]
		v.within(10*time.Second, "gate 5 is out", func() bool { return !v.gates[1].Alive(5) })
		before := out.logs.Last(gossip.Origin{Gate: 1, Epoch: 1})
		v.write(1, 1)
		time.Sleep(3 * time.Second)
		if after := out.logs.Last(gossip.Origin{Gate: 1, Epoch: 1}); after != before {
			t.Errorf("gate 5 still got record %d", after)
		}
		if v.gates[1].refused(gossip.ReasonKey) == 0 {
			t.Error("packets under the old key were not counted")
		}
		v.stop(5)
		v.levelWithin(time.Second)
		if !v.joined() {
			t.Error("the others lost each other")
		}
	})
}

// A gate whose address changes tells the others and goes on.
func TestAddressChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, 3)
		defer v.stopAll()
		v.stop(3)
		cards := make(chan []netip.Prefix, 1)
		own := func(s ...string) (list []netip.Prefix) {
			for _, p := range s {
				list = append(list, netip.MustParsePrefix(p))
			}
			return list
		}
		cards <- own("127.0.0.1/8")
		v.start(3, gossiptest.NewLogs(), func(o *gossip.Options) {
			o.Advertise = netip.AddrPort{}
			o.Bind = netip.MustParseAddrPort("0.0.0.0:7946")
			o.Interfaces = func() ([]netip.Prefix, error) {
				now := <-cards
				cards <- now
				return now, nil
			}
		})
		time.Sleep(10 * time.Second)
		if s := v.gates[3].Snapshot(); s.Problem == "" || s.Address.IsValid() {
			t.Fatalf("with no card: at %v, problem %q", s.Address, s.Problem)
		}
		<-cards
		cards <- own("127.0.0.1/8", "192.168.9.4/24", "10.0.0.3/24")
		v.within(20*time.Second, "they meet", v.joined)
		if got := v.gates[3].Snapshot().Address; got != at(3) {
			t.Fatalf("gate 3 is at %v, not on the network that the others are on", got)
		}
		<-cards
		cards <- own("127.0.0.1/8", "10.0.0.77/24")
		took := v.within(30*time.Second, "gate 3 is known at its new address", func() bool {
			return v.joined() && v.gates[3].Snapshot().Address.Addr() == netip.MustParseAddr("10.0.0.77") &&
				v.gates[1].Snapshot().Peers[1].Addresses[0].Addr() == netip.MustParseAddr("10.0.0.77")
		})
		t.Logf("after %v", took)
		v.write(1, 1)
		v.write(3, 1)
		v.levelWithin(time.Second)
	})
}

// A gate that starts with somebody else's address in the way keeps trying.
func TestAddressInUse(t *testing.T) {
	inVenue(t, 2, func(t *testing.T, v *venue) {
		taken, err := v.net.Open(at(9))
		if err != nil {
			t.Fatal(err)
		}
		v.list.Set(9, at(9))
		v.start(9, gossiptest.NewLogs(), nil)
		time.Sleep(5 * time.Second)
		if v.gates[9].Snapshot().Problem == "" {
			t.Fatal("it does not say why it is not on the network")
		}
		if err := taken.Shutdown(); err != nil {
			t.Fatal(err)
		}
		v.within(20*time.Second, "they meet", v.joined)
	})
}

// Probes measure peers' clocks, which in one bubble are all right.
func TestClocks(t *testing.T) {
	inVenue(t, 3, func(t *testing.T, v *venue) {
		v.stop(3)
		v.start(3, gossiptest.NewLogs(), func(o *gossip.Options) { o.Synchronised = func() bool { return true } })
		v.net.SetFaults(gossiptest.Faults{Delay: 10 * time.Millisecond})
		v.within(20*time.Second, "they meet", v.joined)
		time.Sleep(3 * time.Second)
		for _, p := range v.gates[1].Snapshot().Peers {
			c := p.Clock
			if time.Since(c.Measured) > 2*time.Second || c.RoundTrip != 20*time.Millisecond || c.Ahead.Abs() > time.Microsecond {
				t.Errorf("clock of gate %d: %+v", p.Gate, c)
			}
			if c.Synchronised != (p.Gate == 3) {
				t.Errorf("clock of gate %d is synchronised: %v", p.Gate, c.Synchronised)
			}
		}
	})
}

// A log that the Store will not have is asked for now and then, and does not
// stop the others.
func TestQuarantine(t *testing.T) {
	muchGoingOn(t)
	inVenue(t, 4, func(t *testing.T, v *venue) {
		v.stop(4)
		bad := gossip.Origin{Gate: 2, Epoch: 1}
		store := &picky{Logs: gossiptest.NewLogs(), bad: bad}
		four := v.start(4, store.Logs, func(o *gossip.Options) { o.Store = store })
		v.within(20*time.Second, "they meet", v.joined)
		v.write(2, 5000)
		v.write(1, 5000)
		v.within(5*time.Second, "the good log is there", func() bool {
			return four.logs.Last(gossip.Origin{Gate: 1, Epoch: 1}) == 5000
		})
		before := four.Snapshot()
		time.Sleep(time.Minute)
		after := four.Snapshot()
		refused := after.Refused[gossip.ReasonFork] - before.Refused[gossip.ReasonFork]
		if refused == 0 || refused > 4*3*8 { // three peers, every 8 s, a few datagrams
			t.Errorf("refused %d times in a minute", refused)
		}
		if bytes := after.BytesIn - before.BytesIn; bytes > 600_000 {
			t.Errorf("%d bytes came in a minute", bytes)
		}
		if four.logs.Last(bad) != 0 {
			t.Error("the bad log was taken")
		}
	})
}

type picky struct {
	*gossiptest.Logs
	bad gossip.Origin
}

func (p *picky) Receive(from gossip.Peer, o gossip.Origin, first uint64, chunk []byte) (uint64, error) {
	if o == p.bad {
		return 1, fmt.Errorf("ledger: %w", &gossip.RefusedError{Reason: gossip.ReasonFork, Err: errors.New("another record is known")})
	}
	return p.Logs.Receive(from, o, first, chunk)
}

// Everybody writes all the time while packets get lost: repair does not feed on
// itself.
func TestBusy(t *testing.T) {
	muchGoingOn(t)
	inVenue(t, 8, func(t *testing.T, v *venue) {
		v.net.SetFaults(gossiptest.Faults{Loss: 0.2, Delay: time.Millisecond, Jitter: 3 * time.Millisecond})
		before := v.gates[1].Snapshot()
		const seconds, rate = 20, 10
		for range seconds * rate {
			for p := range v.gates {
				v.write(p, 1)
			}
			time.Sleep(time.Second / rate)
		}
		after := v.gates[1].Snapshot()
		v.levelWithin(5 * time.Second)
		sent := float64(after.BytesOut-before.BytesOut) / seconds
		least := float64(rate * 7 * (gossiptest.RecordSize + 112)) // one record alone in a packet, to each
		t.Logf("%.0f B/s each, %.1f times the records", sent, sent/least)
		if sent > 4*least {
			t.Errorf("%.0f B/s each for %.0f B/s of records", sent, least)
		}
	})
}

// On a slow network new records keep to the pace, and none is lost by it.
func TestPace(t *testing.T) {
	inVenue(t, 3, func(t *testing.T, v *venue) {
		v.stop(1)
		v.start(1, gossiptest.NewLogs(), func(o *gossip.Options) { o.Pace = 20_000 })
		v.within(20*time.Second, "they meet", v.joined)
		before := v.gates[1].Snapshot().BytesOut
		for range 100 {
			v.write(1, 1)
			time.Sleep(2 * time.Millisecond)
		}
		// Unpaced, 100 packets of 256 bytes would have gone to two peers at once.
		if sent := v.gates[1].Snapshot().BytesOut - before; sent > 20_000 {
			t.Errorf("%d bytes in 200 ms", sent)
		}
		v.levelWithin(5 * time.Second)
	})
}
