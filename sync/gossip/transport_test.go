package gossip

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
)

// loopback opens sockets with limits, as a node does.
func loopback(t *testing.T) (*bounded, netip.AddrPort, func() map[Reason]int) {
	t.Helper()
	inner, err := openSockets(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Skip("no sockets: ", err)
	}
	var mu sync.Mutex
	refused := map[Reason]int{}
	b := newBounded(inner, "hall", &traffic{}, func(r Reason) {
		mu.Lock()
		defer mu.Unlock()
		refused[r]++
	})
	t.Cleanup(func() {
		if err := b.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	return b, netip.MustParseAddrPort(inner.tcp.Addr().String()), func() map[Reason]int {
		mu.Lock()
		defer mu.Unlock()
		return map[Reason]int{ReasonFull: refused[ReasonFull], ReasonLabel: refused[ReasonLabel], ReasonOversized: refused[ReasonOversized]}
	}
}

func dial(t *testing.T, addr netip.AddrPort) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestStreamIsBounded(t *testing.T) {
	b, addr, _ := loopback(t)
	out := dial(t, addr)
	in := <-b.StreamCh()
	var writer sync.WaitGroup
	writer.Go(func() {
		_, _ = out.Write(make([]byte, maxStream+1000)) // it may fail: nobody reads all of it
	})
	n, err := io.Copy(io.Discard, in)
	if n != maxStream || !errors.Is(err, errStreamTooLong) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	writer.Wait()
}

// One address cannot take all the streams, and gets room as it closes some.
func TestStreamsAreBounded(t *testing.T) {
	b, addr, refused := loopback(t)
	var taken []net.Conn
	for range maxCalls {
		dial(t, addr)
		taken = append(taken, <-b.StreamCh())
	}
	if _, err := dial(t, addr).Read(make([]byte, 1)); err == nil {
		t.Error("one too many was not closed")
	}
	if refused()[ReasonFull] != 1 {
		t.Errorf("refused %v", refused())
	}
	for range 2 { // twice, as memberlist may
		_ = taken[0].Close()
	}
	dial(t, addr)
	if err := (<-b.StreamCh()).Close(); err != nil {
		t.Error(err)
	}
}

func TestPacketsAreLookedAt(t *testing.T) {
	b, addr, refused := loopback(t)
	sender, err := net.Dial("udp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sender.Close() })
	labelled := func(label, text string) []byte {
		p, err := memberlist.AddLabelHeaderToPacket([]byte(text), label)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, p := range [][]byte{
		labelled("stadium", "of another venue"), []byte("of nobody"), make([]byte, 3000), {}, labelled("hall", "of ours"),
	} {
		if _, err := sender.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	got := <-b.PacketCh()
	if string(got.Buf) != string(labelled("hall", "of ours")) || got.From.String() != sender.LocalAddr().String() {
		t.Errorf("%q from %v", got.Buf, got.From)
	}
	if r := refused(); r[ReasonLabel] != 2 || r[ReasonOversized] != 1 {
		t.Errorf("refused %v", r)
	}
}

// Shutting down does not wait for anybody to read.
func TestShutdownWithUnread(t *testing.T) {
	b, addr, _ := loopback(t)
	p, err := memberlist.AddLabelHeaderToPacket([]byte("x"), "hall")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * cap(b.packets) {
		if _, err := b.WriteTo(p, addr.String()); err != nil {
			t.Fatal(err)
		}
	}
	dial(t, addr)
	if _, err := b.DialTimeout(addr.String(), time.Second); err != nil {
		t.Fatal(err)
	}
	if err := b.Shutdown(); err != nil {
		t.Error(err)
	}
	if _, err := b.DialTimeout(addr.String(), time.Second); err == nil {
		t.Error("a stream after the end")
	}
}

func TestAnswer(t *testing.T) {
	n := &Node{peers: newPeers(1)}
	n.peers.roster(map[Peer]netip.AddrPort{2: {}})
	h := &hooks{node: n}
	h.active.Store(true)
	other := &memberlist.Node{Name: "2"}
	there := clockAnswer{time.Now().Add(5*time.Second - 10*time.Millisecond), true}
	h.NotifyPingComplete(other, 20*time.Millisecond, there.encode())
	h.NotifyPingComplete(other, time.Second, []byte("no clock"))
	n.peers.with(2, func(s *peerState) {
		if c := s.clock; c.Ahead > 5*time.Second || c.Ahead < 4*time.Second || !c.Synchronised || c.RoundTrip != 20*time.Millisecond {
			t.Errorf("clock %+v", c)
		}
		if s.refused[ReasonField] != 1 {
			t.Errorf("refused %v", s.refused)
		}
	})
}
