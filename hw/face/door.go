package face

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// mostConns is how many connections there may be at a time.
const mostConns = 16

// door is a listener that lets in only the terminals, and not too many.
type door struct {
	net.Listener
	from    []netip.Addr // none: the gate itself
	refused func()
	open    atomic.Int32
}

// Accept waits for the next connection that may come in.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if !d.lets(c.RemoteAddr()) || d.open.Load() >= mostConns {
			_ = c.Close() // it was never ours
			d.refused()
			continue
		}
		d.open.Add(1)
		return &guest{Conn: c, door: d}, nil
	}
}

func (d *door) lets(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return false
	}
	from := tcp.AddrPort().Addr().Unmap()
	if len(d.from) == 0 {
		return from.IsLoopback()
	}
	return slices.Contains(d.from, from.WithZone(""))
}

// guest is a connection that was let in.
type guest struct {
	net.Conn
	door *door
	once sync.Once
}

// Close makes room for the next.
func (g *guest) Close() error {
	g.once.Do(func() { g.door.open.Add(-1) })
	return g.Conn.Close()
}
