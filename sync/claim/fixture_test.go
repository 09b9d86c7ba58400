package claim_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/claim"
)

// wires is a network in memory. What is cut neither arrives nor fails: it hangs,
// as packets do that nobody answers.
type wires struct {
	mu    sync.Mutex
	ports map[gate.GateID]*port
	cuts  map[[2]gate.GateID]bool // one way
	conns map[*end]struct{}
	delay time.Duration
	hear  map[[2]gate.GateID]func([]byte)
	sent  map[gate.GateID]int // bytes that a gate sent
}

// listen overhears what goes from one gate to another.
func (w *wires) listen(a, b gate.GateID, hear func([]byte)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hear[[2]gate.GateID{a, b}] = hear
}

func newWires() *wires {
	return &wires{ports: map[gate.GateID]*port{}, cuts: map[[2]gate.GateID]bool{}, conns: map[*end]struct{}{}, hear: map[[2]gate.GateID]func([]byte){}, sent: map[gate.GateID]int{}}
}

// port is one gate's place in the network.
type port struct {
	of       *wires
	gate     gate.GateID
	incoming chan *end
	gone     chan struct{} // closed when the gate is off
}

func (w *wires) port(g gate.GateID) *port {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &port{of: w, gate: g, incoming: make(chan *end), gone: make(chan struct{})}
	w.ports[g] = p
	return p
}

// cut stops what goes from one gate to another; both ways with both.
func (w *wires) cut(a, b gate.GateID, is bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cuts[[2]gate.GateID{a, b}] = is
	for e := range w.conns {
		e.half.kick()
	}
}

func (w *wires) both(a, b gate.GateID, is bool) { w.cut(a, b, is); w.cut(b, a, is) }

func (w *wires) isCut(a, b gate.GateID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cuts[[2]gate.GateID{a, b}]
}

// off makes a gate silent without closing its connections, and its port anew.
func (w *wires) off(g gate.GateID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.ports[g]; p != nil {
		close(p.gone)
	}
	delete(w.ports, g)
}

func (p *port) Dial(ctx context.Context, to gate.GateID) (net.Conn, error) {
	p.of.mu.Lock()
	other, cut := p.of.ports[to], p.of.cuts[[2]gate.GateID{p.gate, to}] || p.of.cuts[[2]gate.GateID{to, p.gate}]
	p.of.mu.Unlock()
	if other == nil || cut {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	here, there := newEnds(p.of, p.gate, to)
	select {
	case other.incoming <- there:
		return here, nil
	case <-other.gone:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *port) Accept(ctx context.Context) (net.Conn, gate.GateID, error) {
	select {
	case e := <-p.incoming:
		return e, e.to, nil
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
}

// end is one end of a connection; half is what arrives there.
type end struct {
	of       *wires
	from, to gate.GateID
	half     *half
	peer     *end
}

func newEnds(w *wires, a, b gate.GateID) (*end, *end) {
	x, y := &end{of: w, from: a, to: b, half: newHalf()}, &end{of: w, from: b, to: a, half: newHalf()}
	x.peer, y.peer = y, x
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns[x], w.conns[y] = struct{}{}, struct{}{}
	return x, y
}

type half struct {
	mu       sync.Mutex
	chunks   []chunk
	closed   bool
	deadline time.Time
	wake     chan struct{}
}

type chunk struct {
	b  []byte
	at time.Time
}

func newHalf() *half { return &half{wake: make(chan struct{}, 1)} }

func (h *half) kick() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (e *end) Read(b []byte) (int, error) {
	h := e.half
	for {
		cut := e.of.isCut(e.to, e.from)
		now := time.Now()
		h.mu.Lock()
		wait := time.Hour
		switch {
		case h.closed && (len(h.chunks) == 0 || cut):
			h.mu.Unlock()
			return 0, io.EOF
		case len(h.chunks) > 0 && !cut && !h.chunks[0].at.After(now):
			n := copy(b, h.chunks[0].b)
			if h.chunks[0].b = h.chunks[0].b[n:]; len(h.chunks[0].b) == 0 {
				h.chunks = h.chunks[1:]
			}
			h.mu.Unlock()
			return n, nil
		case len(h.chunks) > 0 && !cut:
			wait = h.chunks[0].at.Sub(now)
		}
		if !h.deadline.IsZero() {
			if !h.deadline.After(now) {
				h.mu.Unlock()
				return 0, os.ErrDeadlineExceeded
			}
			wait = min(wait, h.deadline.Sub(now))
		}
		h.mu.Unlock()
		t := time.NewTimer(wait)
		select {
		case <-h.wake:
		case <-t.C:
		}
		t.Stop()
	}
}

func (e *end) Write(b []byte) (int, error) {
	e.of.mu.Lock()
	e.of.sent[e.from] += len(b)
	if hear := e.of.hear[[2]gate.GateID{e.from, e.to}]; hear != nil {
		hear(b)
	}
	e.of.mu.Unlock()
	h := e.peer.half
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed { // closing either end closes both
		return 0, net.ErrClosed
	}
	h.chunks = append(h.chunks, chunk{append([]byte(nil), b...), time.Now().Add(e.of.delay)})
	h.kick()
	return len(b), nil
}

func (e *end) Close() error {
	for _, x := range []*end{e, e.peer} {
		x.half.mu.Lock()
		x.half.closed = true
		x.half.mu.Unlock()
		x.half.kick()
	}
	e.of.mu.Lock()
	delete(e.of.conns, e)
	e.of.mu.Unlock()
	return nil
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.half.mu.Lock()
	e.half.deadline = t
	e.half.mu.Unlock()
	e.half.kick()
	return nil
}

func (e *end) SetDeadline(t time.Time) error    { return e.SetReadDeadline(t) }
func (e *end) SetWriteDeadline(time.Time) error { return nil }
func (e *end) LocalAddr() net.Addr              { return addr(e.from) }
func (e *end) RemoteAddr() net.Addr             { return addr(e.to) }

type addr gate.GateID

func (addr) Network() string  { return "wires" }
func (a addr) String() string { return fmt.Sprint("gate ", uint32(a)) }

// key is a gate's key; it signs.
type key struct{ private ed25519.PrivateKey }

func keyOf(g gate.GateID) key {
	seed := make([]byte, ed25519.SeedSize)
	seed[0], seed[1] = byte(g), 77
	return key{ed25519.NewKeyFromSeed(seed)}
}

func (k key) Sign(m []byte) []byte { return ed25519.Sign(k.private, m) }

// venue is gates in memory.
type venue struct {
	t      testing.TB
	wires  *wires
	roster atomic.Pointer[claim.Roster]
	gates  map[gate.GateID]*box
	times  claim.Times
	log    *slog.Logger
}

// box is one gate: what it has on disk, and the node that runs.
type box struct {
	v           *venue
	id          gate.GateID
	incarnation uint32
	epoch       uint32
	disk        *claim.Memory
	dir         string
	ledger      *ledger.Ledger
	records     []*ledger.Record
	sequence    uint64
	clock       ledger.Clock
	prev        ledger.Hash
	mu          sync.Mutex
	slow        time.Duration // its clock is so far behind

	node   *claim.Node
	cancel context.CancelFunc
	ended  chan struct{}
}

// newVenue makes a venue of gates 1 to n, of which the first k are keepers. It
// starts them.
func newVenue(t testing.TB, n, k int) *venue {
	v := &venue{t: t, wires: newWires(), gates: map[gate.GateID]*box{}}
	if os.Getenv("CLAIM_LOG") != "" {
		v.log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	r := &claim.Roster{Version: 1, Gates: n}
	for i := 1; i <= k; i++ {
		r.Keepers = append(r.Keepers, claim.Server{Gate: gate.GateID(i), Incarnation: 1})
	}
	v.roster.Store(r)
	for i := 1; i <= n; i++ {
		v.add(gate.GateID(i))
	}
	return v
}

func (v *venue) add(id gate.GateID) *box {
	b := &box{v: v, id: id, incarnation: 1, disk: claim.NewMemory(), ledger: ledger.New()}
	b.ledger.Trust(ledger.Authority{Staff: staff})
	v.gates[id] = b
	return b
}

func (v *venue) start() {
	for _, b := range v.gates {
		b.start()
	}
}

func (v *venue) stop() {
	for _, b := range v.gates {
		b.stop()
	}
}

func (b *box) options() claim.Options {
	return claim.Options{
		Gate: b.id, Incarnation: b.incarnation, Epoch: b.epoch,
		Roster: func() claim.Roster { return *b.v.roster.Load() }, Network: b.v.wires.port(b.id), Signer: keyOf(b.id),
		Keys: func(g gate.GateID) ed25519.PublicKey {
			if g > 100 {
				return nil
			}
			return keyOf(g).private.Public().(ed25519.PublicKey)
		},
		Records: b.ledger, PreviousIntact: true, Memory: b.disk, Dir: b.dir, Times: b.v.times, Log: b.v.log,
		Order: b.ledger.WouldCount,
	}
}

func (b *box) start(change ...func(*claim.Options)) {
	b.v.t.Helper()
	b.epoch++
	b.mu.Lock()
	b.sequence, b.prev = 0, ledger.Hash{}
	b.mu.Unlock()
	o := b.options()
	for _, c := range change {
		c(&o)
	}
	node, err := claim.New(o)
	if err != nil {
		b.v.t.Fatal(err)
	}
	for _, r := range b.records {
		node.Recorded(r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.node, b.cancel, b.ended = node, cancel, make(chan struct{})
	b.write(&ledger.Record{Kind: ledger.KindEpoch})
	go func() {
		defer close(b.ended)
		if err := node.Run(ctx); err != nil {
			b.v.t.Error(err)
		}
	}()
}

func (b *box) stop() {
	if b.cancel == nil {
		return
	}
	b.v.wires.off(b.id)
	b.cancel()
	<-b.ended
	b.cancel = nil
}

// write makes a record durable, as a journal does, and returns its position.
func (b *box) write(r *ledger.Record) ledger.Position {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sequence++
	b.clock = b.clock.Next(time.Now().Add(-b.slow))
	if r.Wall.IsZero() {
		r.Wall = time.Now().UTC().Truncate(time.Millisecond)
	}
	if r.Step == 0 && r.Kind != ledger.KindOrder && r.Kind != ledger.KindProof {
		r.Step = ledger.NoStep
	}
	r.Clock, r.Prev = b.clock, b.prev
	r.Position = ledger.Position{Origin: ledger.Origin{Gate: b.id, Epoch: b.epoch}, Sequence: b.sequence}
	b.prev = r.Hash()
	if err := b.ledger.Add(r); err != nil {
		b.v.t.Error(err)
	}
	b.records = append(b.records, r)
	b.node.Recorded(r)
	return r.Position
}

// staff member 12 is the supervisor.
func staff(id uint32) (key ed25519.PublicKey, supervisor, known bool) {
	return keyOf(112).private.Public().(ed25519.PublicKey), id == 12, id == 12
}

// order records an order, signed by gate 112's key unless it is another's.
func (b *box) order(o gate.Order, signer key) {
	b.v.t.Helper()
	o.Staff, o.Issued = 12, time.Now().UTC().Truncate(time.Millisecond)
	signed, err := o.Sign(signer.private)
	if err != nil {
		b.v.t.Fatal(err)
	}
	records, err := ledger.OrderRecords(&signed)
	if err != nil {
		b.v.t.Fatal(err)
	}
	for i := range records {
		b.write(&records[i])
	}
}

// admit does what a lane does: claim, record, settle.
func (b *box) admit(c *gate.Claim) (gate.ClaimAnswer, ledger.Position, error) {
	if c.At.IsZero() {
		c.At = time.Now().UTC().Truncate(time.Millisecond)
	}
	a, err := b.node.Claim(context.Background(), c)
	if err != nil || !a.Granted {
		return a, ledger.Position{}, err
	}
	at := b.write(grantOf(c, a.Request, 0))
	b.node.Settle(a.Request)
	return a, at, nil
}

func grantOf(c *gate.Claim, request uint64, marks gate.Marks) *ledger.Record {
	r := &ledger.Record{
		Kind: ledger.KindGrant, Event: c.Event, Ticket: c.Ticket, Generation: c.Generation, Session: c.Session,
		Step: ledger.NoStep, Count: uint8(c.Count), Lane: c.Lane, Outcome: gate.Admit, Reason: gate.ReasonAdmitted,
		Request: request, Marks: marks,
	}
	if c.HasStep {
		r.Step = c.Step
	}
	if len(c.Persons) > 0 {
		r.Person = c.Persons[0]
	}
	return r
}

// leave does what a lane does: somebody opens the way out and goes through.
func (b *box) leave(exit *ledger.Record) {
	at := b.write(exit)
	b.write(endOf(ledger.KindPassed, exit, at, int(exit.Count)))
}

// endOf is how an exit ended for some of its people.
func endOf(kind ledger.Kind, exit *ledger.Record, at ledger.Position, count int) *ledger.Record {
	return &ledger.Record{
		Kind: kind, Ref: at, Event: exit.Event, Ticket: exit.Ticket, Generation: exit.Generation, Session: exit.Session,
		Step: ledger.NoStep, Count: uint8(count), Lane: exit.Lane, Outcome: gate.Exit, Reason: gate.ReasonExited,
	}
}

func exitOf(c *gate.Claim) *ledger.Record {
	return &ledger.Record{
		Kind: ledger.KindExit, Event: c.Event, Ticket: c.Ticket, Generation: c.Generation, Session: c.Session,
		Count: uint8(c.Count), Lane: c.Lane, Outcome: gate.Exit, Reason: gate.ReasonExited,
	}
}

// await waits for something that must come to be, in the bubble's own time.
func (v *venue) await(what string, limit time.Duration, is func() bool) {
	v.t.Helper()
	for end := time.Now().Add(limit); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			v.t.Fatalf("after %v still not: %s\n%s", limit, what, v.describe())
		}
	}
}

func (v *venue) describe() string {
	s := ""
	for id := gate.GateID(1); id < 20; id++ {
		if b := v.gates[id]; b != nil && b.cancel != nil {
			s += fmt.Sprintf("gate %d: %+v\n", id, b.node.State())
		}
	}
	return s
}

func (v *venue) leader() *box {
	for _, b := range v.gates {
		if b.cancel != nil && b.node.State().Role == claim.RoleLeader {
			return b
		}
	}
	return nil
}

// ready waits until every gate that runs knows who leads.
func (v *venue) ready() {
	v.t.Helper()
	v.await("everybody knows the leader", 10*time.Second, func() bool {
		l := v.leader()
		for _, b := range v.gates {
			if b.cancel != nil && (l == nil || b.node.State().Leader.Gate != l.id) {
				return false
			}
		}
		return true
	})
}
