package appliance

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
)

// The protocols of the peer port, as ALPN has them.
const (
	claimProtocol = "venuegate-claim/1"
	packProtocol  = "http/1.1"
)

// handshakePatience is how long a caller has to prove who it is, and how many
// may be at it at a time: whoever is on the network can open connections.
const (
	handshakePatience = 3 * time.Second
	handshakesAtOnce  = 64
)

// link is the port on which gates talk in private: TLS, both sides proved by
// the roster's keys. The protocol that a caller offers says what it wants.
type link struct {
	self       *keyring.Gate
	neighbours *neighbours
	listener   net.Listener
	claims     inbox // connections of keepers and their clients
	mirrors    inbox // connections of gates that want packs
	server     *tls.Config
}

// peerPort is the port of the link: the one after that of gossip.
func peerPort(at netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(at.Addr(), at.Port()+1) }

func newLink(self *keyring.Gate, n *neighbours, at netip.AddrPort) (*link, error) {
	known := func(key ed25519.PublicKey) bool {
		_, ok := n.gateOf(key)
		return ok
	}
	server, err := keyring.ServerTLS(self, known, claimProtocol, packProtocol)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", peerPort(at).String())
	if err != nil {
		return nil, fmt.Errorf("peer port: %w\nIs another program using it? Change cluster.listen in the configuration; the port after it is needed too", err)
	}
	return &link{
		self: self, neighbours: n, listener: l, server: server,
		claims: newInbox(l.Addr()), mirrors: newInbox(l.Addr()),
	}, nil
}

// Close ends accepting. Connections that were handed over are their owners'.
func (l *link) Close() error {
	err := l.listener.Close()
	l.claims.close()
	l.mirrors.close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Run accepts connections until ctx ends.
func (l *link) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var shakes sync.WaitGroup
	defer shakes.Wait()
	room := make(chan struct{}, handshakesAtOnce)
	for {
		conn, err := l.listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("peer port: %w", err)
		}
		select {
		case room <- struct{}{}:
		default:
			_ = conn.Close() // too many strangers at the door
			continue
		}
		shakes.Go(func() {
			defer func() { <-room }()
			l.admit(ctx, conn)
		})
	}
}

// admit lets a caller prove itself, and hands the connection over.
func (l *link) admit(ctx context.Context, conn net.Conn) {
	shaking, cancel := context.WithTimeout(ctx, handshakePatience)
	defer cancel()
	secured := tls.Server(conn, l.server)
	if err := secured.HandshakeContext(shaking); err != nil {
		_ = conn.Close()
		return
	}
	to := &l.mirrors
	if secured.ConnectionState().NegotiatedProtocol == claimProtocol {
		to = &l.claims
	}
	// Whoever should take it may be at something else; the door is not held up.
	if !to.put(shaking, l.bound(secured)) {
		_ = secured.Close()
	}
}

// errStruckOff ends a connection to a gate whose key the roster has no more.
var errStruckOff = errors.New("the gate at the other end is not on the roster any more")

// rosterConn is a connection that lasts as long as the roster has the key that
// the other side has proved: a gate that is struck off, or was replaced, does not
// talk on over what it had opened before.
type rosterConn struct {
	net.Conn
	known func() bool
}

func (l *link) bound(conn *tls.Conn) *rosterConn {
	return &rosterConn{conn, func() bool {
		key, ok := keyring.PeerKey(conn.ConnectionState())
		if ok {
			_, ok = l.neighbours.gateOf(key)
		}
		return ok
	}}
}

// Read implements net.Conn.
func (c *rosterConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && !c.known() {
		return 0, errors.Join(errStruckOff, c.Close())
	}
	return n, err
}

// Write implements net.Conn.
func (c *rosterConn) Write(b []byte) (int, error) {
	if !c.known() {
		return 0, errors.Join(errStruckOff, c.Close())
	}
	return c.Conn.Write(b)
}

// errNoAddress is a gate that nobody knows how to reach yet.
var errNoAddress = errors.New("its address is not known")

// dial opens a connection to a gate at an address of gossip's.
func (l *link) dial(ctx context.Context, to gate.GateID, at netip.AddrPort, protocol string) (net.Conn, error) {
	key := l.neighbours.keyOf(to)
	if key == nil {
		return nil, fmt.Errorf("gate %d is not on the roster", to)
	}
	if !at.IsValid() {
		return nil, fmt.Errorf("gate %d: %w", to, errNoAddress)
	}
	client, err := keyring.ClientTLS(l.self, key, protocol)
	if err != nil {
		return nil, err
	}
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: handshakePatience}, Config: client}
	conn, err := dialer.DialContext(ctx, "tcp", peerPort(at).String())
	if err != nil {
		return nil, fmt.Errorf("gate %d: %w", to, err)
	}
	return l.bound(conn.(*tls.Conn)), nil // as tls.Dialer says
}

// peerOf says which gate is at the other end of a connection of the link.
func (l *link) peerOf(conn net.Conn) (gate.GateID, bool) {
	if held, ok := conn.(*rosterConn); ok {
		conn = held.Conn
	}
	secured, ok := conn.(*tls.Conn)
	if !ok {
		return 0, false
	}
	key, ok := keyring.PeerKey(secured.ConnectionState())
	if !ok {
		return 0, false
	}
	return l.neighbours.gateOf(key)
}

// inbox is a net.Listener of connections that somebody else accepted.
type inbox struct {
	at    net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  *sync.Once
}

func newInbox(at net.Addr) inbox {
	return inbox{at: at, conns: make(chan net.Conn), done: make(chan struct{}), once: &sync.Once{}}
}

func (i *inbox) put(ctx context.Context, conn net.Conn) bool {
	select {
	case i.conns <- conn:
		return true
	case <-i.done:
	case <-ctx.Done():
	}
	return false
}

func (i *inbox) close() { i.once.Do(func() { close(i.done) }) }

// Accept implements net.Listener.
func (i *inbox) Accept() (net.Conn, error) {
	select {
	case c := <-i.conns:
		return c, nil
	case <-i.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (i *inbox) Close() error {
	i.close()
	return nil
}

// Addr implements net.Listener.
func (i *inbox) Addr() net.Addr { return i.at }
