package gossip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// socketBuffer is how many bytes of datagrams the kernel is asked to keep while
// this process is busy.
const socketBuffer = 2 << 20

// sockets is the transport of real life: UDP and TCP on one port. memberlist
// has one too, which takes 64 KiB for each datagram that it reads.
type sockets struct {
	udp     *net.UDPConn
	tcp     *net.TCPListener
	packets chan *memberlist.Packet
	streams chan net.Conn
	done    chan struct{}
	close   func() error
	workers sync.WaitGroup
}

func openSockets(bind netip.AddrPort) (*sockets, error) {
	udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(bind))
	if err != nil {
		return nil, err
	}
	// A kernel that gives less loses more in a burst, which is repaired.
	_ = udp.SetReadBuffer(socketBuffer)
	port := udp.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	tcp, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(bind.Addr(), port)))
	if err != nil {
		return nil, errors.Join(err, udp.Close())
	}
	s := &sockets{
		udp: udp, tcp: tcp,
		packets: make(chan *memberlist.Packet, 64), streams: make(chan net.Conn), done: make(chan struct{}),
	}
	s.close = sync.OnceValue(func() error {
		close(s.done)
		return errors.Join(udp.Close(), tcp.Close())
	})
	s.workers.Go(s.readPackets)
	s.workers.Go(s.acceptStreams)
	return s, nil
}

func (s *sockets) readPackets() {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			if s.pause(err) {
				continue
			}
			return
		}
		if n == 0 {
			continue
		}
		p := &memberlist.Packet{Buf: append([]byte(nil), buf[:n]...), From: net.UDPAddrFromAddrPort(from), Timestamp: time.Now()}
		select {
		case s.packets <- p:
		case <-s.done:
			return
		}
	}
}

func (s *sockets) acceptStreams() {
	for {
		c, err := s.tcp.Accept()
		if err != nil {
			if s.pause(err) {
				continue
			}
			return
		}
		select {
		case s.streams <- c:
		case <-s.done:
			_ = c.Close()
			return
		}
	}
}

// pause reports whether to go on after an error, which is until the socket is
// closed. Others pass: no file descriptors left, a network that went down.
func (s *sockets) pause(err error) bool {
	if errors.Is(err, net.ErrClosed) {
		return false
	}
	select {
	case <-s.done:
		return false
	case <-time.After(10 * time.Millisecond):
		return true
	}
}

func (s *sockets) FinalAdvertiseAddr(ip string, port int) (net.IP, int, error) {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return nil, 0, fmt.Errorf("gossip: advertise: %w", err)
	}
	return a.AsSlice(), port, nil
}

func (s *sockets) WriteTo(b []byte, addr string) (time.Time, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return time.Time{}, fmt.Errorf("gossip: send: %w", err)
	}
	_, err = s.udp.WriteToUDPAddrPort(b, to)
	return time.Now(), err
}

func (s *sockets) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return net.DialTimeout("tcp", addr, timeout)
}

func (s *sockets) PacketCh() <-chan *memberlist.Packet { return s.packets }
func (s *sockets) StreamCh() <-chan net.Conn           { return s.streams }

func (s *sockets) Shutdown() error {
	err := s.close()
	s.workers.Wait()
	return err
}
