package gossiptest_test

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/sync/gossip"
	"github.com/venuegate/venuegate/sync/gossip/gossiptest"
)

var (
	a = netip.MustParseAddrPort("10.0.0.1:1")
	b = netip.MustParseAddrPort("10.0.0.2:1")
)

func pair(t *testing.T, seed uint64) (*gossiptest.Network, gossip.Transport, gossip.Transport) {
	t.Helper()
	n := gossiptest.NewNetwork(seed)
	from, err := n.Open(a)
	if err != nil {
		t.Fatal(err)
	}
	to, err := n.Open(b)
	if err != nil {
		t.Fatal(err)
	}
	return n, from, to
}

// arrivals sends 200 packets and returns which came, in the order that they did.
func arrivals(t *testing.T, seed uint64, f gossiptest.Faults) (came []byte) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n, from, to := pair(t, seed)
		n.SetFaults(f)
		for i := range 200 {
			if _, err := from.WriteTo([]byte{byte(i)}, b.String()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		for len(to.PacketCh()) > 0 {
			came = append(came, (<-to.PacketCh()).Buf[0])
		}
	})
	return came
}

func TestFaults(t *testing.T) {
	all := arrivals(t, 1, gossiptest.Faults{})
	if len(all) != 200 || !slices.IsSorted(all) {
		t.Errorf("without faults %d of 200 came, in order: %v", len(all), slices.IsSorted(all))
	}
	half := arrivals(t, 1, gossiptest.Faults{Loss: 0.5})
	if len(half) < 70 || len(half) > 130 {
		t.Errorf("with a loss of a half %d of 200 came", len(half))
	}
	twice := arrivals(t, 1, gossiptest.Faults{Duplicate: 1, Delay: time.Millisecond})
	if len(twice) != 400 {
		t.Errorf("with all twice %d of 200 came", len(twice))
	}
	late := arrivals(t, 1, gossiptest.Faults{Jitter: 10 * time.Millisecond})
	if len(late) != 200 || slices.IsSorted(late) {
		t.Errorf("with jitter %d of 200 came, in order: %v", len(late), slices.IsSorted(late))
	}
}

func TestSameSeedSameFaults(t *testing.T) {
	f := gossiptest.Faults{Loss: 0.3, Duplicate: 0.1, Delay: time.Millisecond, Jitter: 7 * time.Millisecond}
	first := arrivals(t, 7, f)
	if second := arrivals(t, 7, f); !slices.Equal(first, second) {
		t.Error("one seed, two fates")
	}
	if other := arrivals(t, 8, f); slices.Equal(first, other) {
		t.Error("two seeds, one fate")
	}
}

func TestCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, from, to := pair(t, 1)
		n.Cut(a.Addr(), b.Addr())
		send := func(by gossip.Transport, to netip.AddrPort) {
			if _, err := by.WriteTo([]byte{1}, to.String()); err != nil {
				t.Fatal(err)
			}
		}
		send(from, b)
		send(to, a)
		if len(to.PacketCh()) != 0 || len(from.PacketCh()) != 1 {
			t.Errorf("one way: %d there, %d back", len(to.PacketCh()), len(from.PacketCh()))
		}
		start := time.Now()
		if _, err := to.DialTimeout(a.String(), time.Second); err == nil || time.Since(start) != time.Second {
			t.Errorf("a stream over half a link: %v after %v", err, time.Since(start))
		}
		n.Heal()
		send(from, b)
		if len(to.PacketCh()) != 1 {
			t.Error("the cut did not heal")
		}
		if _, err := n.Open(a); err == nil {
			t.Error("two gates at one address")
		}
		if err := from.Shutdown(); err != nil {
			t.Fatal(err)
		}
		if _, err := to.DialTimeout(a.String(), time.Second); err == nil {
			t.Error("a stream to nobody")
		}
		if _, err := from.WriteTo([]byte{1}, b.String()); err == nil {
			t.Error("a packet from nobody")
		}
	})
}
