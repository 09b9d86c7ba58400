package uplink_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/uplink"
)

// box is a gate and its key.
type box struct {
	id  gate.GateID
	key *keyring.Gate
}

func newBox(t testing.TB, id gate.GateID) *box {
	t.Helper()
	key, err := keyring.NewGate(bytes.NewReader(bytes.Repeat([]byte{byte(id)}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return &box{id, key}
}

// log is one epoch of a gate's journal.
type log struct {
	origin ledger.Origin
	key    *keyring.Gate
	data   []byte
	last   ledger.Hash
	clock  ledger.Clock
}

func (b *box) log(epoch uint32) *log {
	return &log{origin: ledger.Origin{Gate: b.id, Epoch: epoch}, key: b.key}
}

func (l *log) len() uint64 { return uint64(len(l.data) / ledger.Size) }

// add appends n records: grants of different tickets, as a queue makes them.
func (l *log) add(t testing.TB, n int) {
	t.Helper()
	for range n {
		seq := l.len() + 1
		at := time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC).Add(time.Duration(seq) * 1700 * time.Millisecond)
		l.clock = l.clock.Next(at)
		rec := ledger.Record{
			Kind: ledger.KindGrant, Position: ledger.Position{Origin: l.origin, Sequence: seq}, Clock: l.clock, Wall: at,
			Event: 1, Ticket: gate.TicketID(1_000_000_000 + seq*2654435761%700_000), Generation: 1, Step: uint32(seq % 9000),
			Count: 1, Entry: 1, Lane: 3, From: 1, To: 2, Outcome: gate.Admit, Pack: 9, Prev: l.last,
		}
		if seq == 1 {
			rec = ledger.Record{Kind: ledger.KindEpoch, Position: rec.Position, Clock: rec.Clock, Wall: at, Step: ledger.NoStep}
		}
		var err error
		if l.data, err = rec.AppendBinary(l.data); err != nil {
			t.Fatal(err)
		}
		l.last = ledger.HashEncoded(l.data[len(l.data)-ledger.Size:])
	}
}

// shelf is the logs that a gate holds.
type shelf struct {
	mu   sync.Mutex
	logs map[ledger.Origin]*log
	fail map[ledger.Origin]error // of Range
}

func newShelf(logs ...*log) *shelf {
	s := &shelf{logs: map[ledger.Origin]*log{}, fail: map[ledger.Origin]error{}}
	for _, l := range logs {
		s.logs[l.origin] = l
	}
	return s
}

func (s *shelf) add(t testing.TB, l *log, n int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logs[l.origin] = l
	l.add(t, n)
}

func (s *shelf) Vector() ledger.Vector {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := ledger.Vector{}
	for o, l := range s.logs {
		if n := l.len(); n > 0 {
			v[o] = n
		}
	}
	return v
}

var errNotHeld = errors.New("not held")

func (s *shelf) Range(o ledger.Origin, from, to uint64, limit int) ([]byte, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.logs[o]
	if l == nil || from == 0 || from > l.len() || limit < ledger.Size+ledger.HeadSize {
		return nil, 0, errNotHeld
	}
	if err := s.fail[o]; err != nil {
		return nil, 0, err
	}
	last := min(to, l.len(), from-1+uint64((limit-ledger.HeadSize)/ledger.Size))
	chunk := bytes.Clone(l.data[(from-1)*ledger.Size : last*ledger.Size])
	head := ledger.Head{Position: ledger.Position{Origin: o, Sequence: last}, Hash: ledger.HashEncoded(chunk[len(chunk)-ledger.Size:])}
	copy(head.Signature[:], l.key.Sign(head.SigningBytes()))
	chunk, err := head.AppendBinary(chunk)
	return chunk, last, err
}

// network is a central behind connections in memory, which can be cut.
type network struct {
	server *http.Server
	accept chan net.Conn
	closed chan struct{}

	mu   sync.Mutex
	down bool
	open []net.Conn
	made int // attempts
}

func newNetwork(t *testing.T, h http.Handler) *network {
	n := &network{server: &http.Server{Handler: h}, accept: make(chan net.Conn), closed: make(chan struct{})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = n.server.Serve(n)
	}()
	t.Cleanup(func() {
		_ = n.server.Close()
		<-served
	})
	return n
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.accept:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error   { close(n.closed); return nil }
func (n *network) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

var errDown = errors.New("network is unreachable")

func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.made++
	if n.down {
		return nil, errDown
	}
	ours, theirs := net.Pipe()
	select {
	case n.accept <- theirs:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	n.open = append(n.open, ours)
	return ours, nil
}

// cut takes the network away or gives it back.
func (n *network) cut(down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
	if down {
		for _, c := range n.open {
			_ = c.Close()
		}
		n.open = nil
	}
}

func (n *network) attempts() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.made
}

// client is a gate's way to central; it ends with the test.
func (n *network) client(t *testing.T) *http.Client {
	tr := &http.Transport{DialContext: n.dial}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// run starts an uplink that ends with the test.
func run(t *testing.T, b *box, logs uplink.Logs, n *network, change ...func(*uplink.Options)) *uplink.Uplink {
	t.Helper()
	o := uplink.Options{
		URL: "http://central.test/base", Client: n.client(t), Gate: b.id, Logs: logs,
		Sign: func(method, target string, body []byte) string {
			return keyring.SignCall(b.key, uint32(b.id), method, target, time.Now(), body)
		},
	}
	for _, c := range change {
		c(&o)
	}
	u, err := uplink.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		u.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return u
}
