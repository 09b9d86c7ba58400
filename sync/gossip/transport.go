package gossip

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	maxStreams  = 64      // open at a time, from others
	maxCalls    = 16      // of those, from one address
	maxStream   = 1 << 20 // bytes that one may bring
	dialTimeout = 2 * time.Second
	streamTime  = 10 * time.Second // for all that is said on a stream that we opened
	// maxReceived is the longest datagram that is looked at. memberlist wraps some
	// of its own a little beyond what it aims at.
	maxReceived = 2048
)

var errStreamTooLong = errors.New("gossip: stream is too long")

// bounded is a transport with limits that memberlist has not: on the number
// and the length of streams, on the time that writing one may take, and on the
// length of packets. It counts what goes by.
type bounded struct {
	memberlist.Transport
	label   string
	refuse  func(Reason)
	traffic *traffic

	packets chan *memberlist.Packet
	streams chan net.Conn
	closing chan struct{} // nobody may read any more: what comes is dropped
	done    chan struct{}
	once    sync.Once
	workers sync.WaitGroup

	mu    sync.Mutex
	open  map[*stream]struct{} // that this gate opened; nil after Shutdown
	calls map[string]int       // open streams from others, by address
	total int
}

type traffic struct {
	packetsIn, packetsOut, bytesIn, bytesOut, streamsIn, streamsOut atomic.Uint64
}

func newBounded(inner memberlist.Transport, label string, t *traffic, refuse func(Reason)) *bounded {
	b := &bounded{
		Transport: inner, label: label, refuse: refuse, traffic: t,
		packets: make(chan *memberlist.Packet, 256),
		streams: make(chan net.Conn),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
		open:    map[*stream]struct{}{},
		calls:   map[string]int{},
	}
	b.workers.Go(b.forwardPackets)
	b.workers.Go(b.forwardStreams)
	return b
}

func (b *bounded) PacketCh() <-chan *memberlist.Packet { return b.packets }
func (b *bounded) StreamCh() <-chan net.Conn           { return b.streams }

func (b *bounded) forwardPackets() {
	for {
		select {
		case <-b.done:
			return
		case p := <-b.Transport.PacketCh():
			b.traffic.packetsIn.Add(1)
			b.traffic.bytesIn.Add(uint64(len(p.Buf)))
			if reason := b.look(p.Buf); reason != "" {
				b.refuse(reason)
				continue
			}
			select {
			case b.packets <- p:
			case <-b.closing:
			}
		}
	}
}

// look says what is wrong with a packet before anything is spent on it.
func (b *bounded) look(packet []byte) Reason {
	if len(packet) > maxReceived {
		return ReasonOversized
	}
	if _, label, err := memberlist.RemoveLabelHeaderFromPacket(packet); err != nil || label != b.label {
		return ReasonLabel
	}
	return ""
}

func (b *bounded) forwardStreams() {
	for {
		select {
		case <-b.done:
			return
		case c := <-b.Transport.StreamCh():
			b.traffic.streamsIn.Add(1)
			release, ok := b.admit(c)
			if !ok {
				b.refuse(ReasonFull)
				_ = c.Close()
				continue
			}
			in := &stream{Conn: c, traffic: b.traffic, left: maxStream, release: release}
			select {
			case b.streams <- in:
			case <-b.closing:
				_ = in.Close()
			}
		}
	}
}

// admit counts a stream from another, if there is room for it.
func (b *bounded) admit(c net.Conn) (release func(), ok bool) {
	host, _, err := net.SplitHostPort(c.RemoteAddr().String())
	if err != nil {
		return nil, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.total >= maxStreams || b.calls[host] >= maxCalls {
		return nil, false
	}
	b.total++
	b.calls[host]++
	return sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.total--
		if b.calls[host]--; b.calls[host] == 0 {
			delete(b.calls, host)
		}
	}), true
}

func (b *bounded) WriteTo(p []byte, addr string) (time.Time, error) {
	b.traffic.packetsOut.Add(1)
	b.traffic.bytesOut.Add(uint64(len(p)))
	return b.Transport.WriteTo(p, addr)
}

func (b *bounded) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	c, err := b.Transport.DialTimeout(addr, min(timeout, dialTimeout))
	if err != nil {
		return nil, err
	}
	b.traffic.streamsOut.Add(1)
	// memberlist sets no deadline where it only writes: half a connection would
	// hold the writer for a quarter of an hour.
	if err := c.SetDeadline(time.Now().Add(streamTime)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	out := &stream{Conn: c, traffic: b.traffic, left: maxStream}
	out.release = func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.open, out)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == nil {
		return nil, errors.Join(net.ErrClosed, c.Close())
	}
	b.open[out] = struct{}{}
	return out, nil
}

// Shutdown also ends the streams that this gate opened, so that nobody waits
// for a peer that went away.
func (b *bounded) Shutdown() error {
	b.mu.Lock()
	open := b.open
	b.open = nil
	b.mu.Unlock()
	for s := range open {
		_ = s.Conn.Close()
	}
	var err error
	b.once.Do(func() {
		close(b.closing)
		err = b.Transport.Shutdown() // it may wait until its last packet is taken
		close(b.done)
	})
	b.workers.Wait()
	return err
}

// stream counts what it carries and ends before it brings too much.
type stream struct {
	net.Conn
	traffic *traffic
	left    int
	release func()
}

func (s *stream) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, errStreamTooLong
	}
	n, err := s.Conn.Read(p[:min(len(p), s.left)])
	s.left -= n
	s.traffic.bytesIn.Add(uint64(n))
	return n, err
}

func (s *stream) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	s.traffic.bytesOut.Add(uint64(n))
	return n, err
}

func (s *stream) Close() error {
	defer s.release()
	return s.Conn.Close()
}
