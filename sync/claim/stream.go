package claim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/venuegate/venuegate/gate"
)

// streamLayer gives Raft's transport the connections that are for Raft. It
// knows all that are open, because the transport does not close them.
type streamLayer struct {
	node     *Node
	cluster  cluster
	incoming chan net.Conn
	closed   chan struct{}

	mu    sync.Mutex
	done  bool
	conns map[*raftConn]struct{}
}

func newStreamLayer(n *Node, c cluster) *streamLayer {
	return &streamLayer{
		node: n, cluster: c, incoming: make(chan net.Conn), closed: make(chan struct{}),
		conns: map[*raftConn]struct{}{},
	}
}

type raftConn struct {
	net.Conn
	layer *streamLayer
}

func (c *raftConn) Close() error {
	c.layer.mu.Lock()
	delete(c.layer.conns, c)
	c.layer.mu.Unlock()
	return c.Conn.Close()
}

func (l *streamLayer) track(conn net.Conn) (net.Conn, error) {
	c := &raftConn{conn, l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done {
		return nil, errors.Join(net.ErrClosed, conn.Close())
	}
	l.conns[c] = struct{}{}
	return c, nil
}

// give hands over a connection that another keeper made, and reports whether
// somebody took it.
func (l *streamLayer) give(ctx context.Context, conn net.Conn) bool {
	c, err := l.track(conn)
	if err != nil {
		return false
	}
	select {
	case l.incoming <- c:
		return true
	case <-l.closed:
	case <-ctx.Done():
	}
	_ = c.Close()
	return false
}

// Accept waits for a connection that another keeper made.
func (l *streamLayer) Accept() (net.Conn, error) {
	select {
	case c := <-l.incoming:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Dial connects to a keeper, and makes sure that it is the one that is meant
// and takes part in the same cluster.
func (l *streamLayer) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	to, err := ParseServer(string(address))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(l.node.ctx, timeout)
	defer cancel()
	conn, w, err := l.node.call(ctx, connRaft, to.Gate, l.cluster)
	if err != nil {
		return nil, err
	}
	if w.has(isRefused) || w.self != to || w.cluster != l.cluster {
		return nil, errors.Join(fmt.Errorf("claim: gate %d is not keeper %s of this cluster, or refuses", to.Gate, to), conn.Close())
	}
	return l.track(conn)
}

// Close ends Accept.
func (l *streamLayer) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.done {
		l.done = true
		close(l.closed)
	}
	return nil
}

// shut closes every connection.
func (l *streamLayer) shut() {
	l.mu.Lock()
	open := l.conns
	l.conns = map[*raftConn]struct{}{}
	l.mu.Unlock()
	for c := range open {
		_ = c.Conn.Close()
	}
}

// Addr names this keeper.
func (l *streamLayer) Addr() net.Addr { return serverAddr(l.node.self) }

type serverAddr Server

func (serverAddr) Network() string  { return "keeper" }
func (a serverAddr) String() string { return Server(a).String() }

// raftLog passes on what Raft logs, all of it for developers but errors.
func raftLog(to *slog.Logger) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Name: "raft", Level: hclog.Info, Output: logWriter{to}, DisableTime: true})
}

type logWriter struct{ log *slog.Logger }

// Write logs one line.
func (w logWriter) Write(b []byte) (int, error) {
	w.log.Debug(string(trimNewline(b)))
	return len(b), nil
}

func trimNewline(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == '\n' {
		b = b[:len(b)-1]
	}
	return b
}

// call connects to a gate and exchanges hello and welcome.
func (n *Node) call(ctx context.Context, kind byte, to gate.GateID, c cluster) (net.Conn, welcome, error) {
	conn, err := n.opts.Network.Dial(ctx, to)
	if err != nil {
		return nil, welcome{}, fmt.Errorf("claim: call gate %d: %w", to, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	h := hello{kind: kind, self: n.self, cluster: c}
	b := make([]byte, welcomeSize)
	_, err = conn.Write(h.bytes())
	if err == nil {
		_, err = io.ReadFull(conn, b)
	}
	var w welcome
	if err == nil {
		w, err = parseWelcome(b)
	}
	if err == nil && w.self.Gate != to {
		err = fmt.Errorf("it calls itself gate %d", w.self.Gate)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, welcome{}, fmt.Errorf("claim: call gate %d: %w", to, errors.Join(err, conn.Close()))
	}
	return conn, w, nil
}
