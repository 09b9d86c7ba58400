package claim

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Bounds of what others may open here.
const (
	maxConns        = 512
	maxConnsOfOne   = 16
	maxBehind       = 256 // answers that a gate has not read yet
	acceptRetryWait = 100 * time.Millisecond
)

// accept takes connections from other gates until ctx ends.
func (n *Node) accept(ctx context.Context) {
	open := map[gate.GateID]int{}
	total := 0
	ended := make(chan gate.GateID)
	incoming := make(chan accepted)
	n.tasks.Go(func() { n.listen(ctx, incoming) })
	for {
		select {
		case c, ok := <-incoming:
			if !ok {
				for total > 0 { // their connections end with ctx
					<-ended
					total--
				}
				return
			}
			if total >= maxConns || open[c.from] >= maxConnsOfOne {
				n.refuse("too many connections", c.from)
				_ = c.conn.Close()
				continue
			}
			total++
			open[c.from]++
			n.tasks.Go(func() {
				n.serve(ctx, c.conn, c.from)
				ended <- c.from
			})
		case from := <-ended:
			total--
			if open[from]--; open[from] == 0 {
				delete(open, from)
			}
		}
	}
}

type accepted struct {
	conn net.Conn
	from gate.GateID
}

func (n *Node) listen(ctx context.Context, to chan<- accepted) {
	defer close(to)
	for ctx.Err() == nil {
		conn, from, err := n.opts.Network.Accept(ctx)
		if err != nil {
			select {
			case <-time.After(acceptRetryWait):
			case <-ctx.Done():
			}
			continue
		}
		to <- accepted{conn, from}
	}
}

// serve talks to one gate.
func (n *Node) serve(ctx context.Context, conn net.Conn, from gate.GateID) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(helloTime))
	b := make([]byte, helloSize)
	if _, err := io.ReadFull(conn, b); err != nil {
		_ = conn.Close()
		return
	}
	h, err := parseHello(b)
	switch {
	case err != nil:
		n.refuse("hello", from)
		_ = conn.Close()
		return
	case h.self.Gate != from:
		n.refuse("another gate's name", from)
		_ = conn.Close()
		return
	}
	w, layer, reason := n.greet(&h)
	if reason != "" {
		n.refuse(reason, from)
		w.flags |= isRefused
	}
	_, err = conn.Write(w.bytes())
	if err != nil || reason != "" {
		_ = conn.Close()
		return
	}
	_ = conn.SetDeadline(time.Time{})
	if h.kind == connRaft {
		if layer.give(ctx, conn) {
			stop()
		}
		return
	}
	n.serveClient(ctx, conn, &h)
}

// greet decides whether to talk, and returns what this gate says about itself.
func (n *Node) greet(h *hello) (w welcome, layer *streamLayer, reason string) {
	roster := n.opts.Roster()
	n.mu.Lock()
	defer n.mu.Unlock()
	w = n.standingOf()
	if h.kind != connRaft {
		if n.opts.Keys(h.self.Gate) == nil {
			return w, nil, "not on the roster"
		}
		if h.cluster.Generation > n.memory.cluster.Generation {
			n.hearsay = max(n.hearsay, h.cluster.Generation)
		}
		if n.keeper != nil && h.cluster.Generation > n.keeper.cluster.Generation {
			n.say("gates know of later keepers than this one takes part in")
			return w, nil, "superseded"
		}
		return w, nil, ""
	}
	switch {
	case n.keeper == nil:
		return w, nil, "no keeper here"
	case h.cluster != n.keeper.cluster:
		return w, nil, "another cluster"
	case !slices.Contains(roster.Keepers, h.self) && !n.keeper.has(h.self) && n.keeper.members() > 0:
		return w, nil, "not a keeper"
	}
	return w, n.keeper.layer, ""
}

// standingOf returns what this gate says about itself.
func (n *Node) standingOf() welcome {
	w := welcome{self: n.self}
	if n.memory.member == n.self {
		w.flags |= isMember
	}
	w.cluster = n.memory.cluster
	if n.opts.LedgerEmpty() {
		w.flags |= ledgerEmpty
	}
	if n.keeper != nil {
		w.lead = n.keeper.lead()
		st := n.keeper.fsm.state()
		w.applied = n.keeper.raft.AppliedIndex()
		if st.seeded {
			w.flags |= isReady
		}
	}
	return w
}

// leaderChanged is called when who leads may have changed.
func (n *Node) leaderChanged() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.follow()
	n.tellWatchers()
}

func (n *Node) tellWatchers() {
	for c := range n.watchers {
		select {
		case c.changed <- struct{}{}:
		default:
		}
	}
}

// serverConn is one gate's connection to this keeper.
type serverConn struct {
	conn    net.Conn
	from    Server
	changed chan struct{}
	out     chan outFrame
	done    chan struct{}
}

func (n *Node) serveClient(ctx context.Context, conn net.Conn, h *hello) {
	c := &serverConn{
		conn: conn, from: h.self, changed: make(chan struct{}, 1),
		out: make(chan outFrame, maxBehind), done: make(chan struct{}),
	}
	n.mu.Lock()
	n.watchers[c] = struct{}{}
	n.mu.Unlock()
	written := make(chan struct{})
	n.tasks.Go(func() {
		defer close(written)
		n.writeClient(c)
	})
	n.readClient(ctx, c)
	n.mu.Lock()
	delete(n.watchers, c)
	n.mu.Unlock()
	close(c.done)
	_ = conn.Close()
	<-written
}

func (n *Node) writeClient(c *serverConn) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		var f outFrame
		select {
		case f = <-c.out:
		case <-c.changed:
			f = n.welcomeFrame()
		case <-ping.C:
			f = n.welcomeFrame()
		case <-c.done:
			return
		}
		_ = c.conn.SetWriteDeadline(time.Now().Add(deadAfter))
		if writeFrame(c.conn, f.kind, f.body) != nil {
			_ = c.conn.Close()
			return
		}
	}
}

func (n *Node) welcomeFrame() outFrame {
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.standingOf()
	return outFrame{frameWelcome, w.bytes()}
}

// send hands a frame to the gate. One that does not read is hung up on.
func (c *serverConn) send(kind byte, body []byte) {
	select {
	case c.out <- outFrame{kind, body}:
	case <-c.done:
	default:
		_ = c.conn.Close()
	}
}

func (n *Node) readClient(ctx context.Context, c *serverConn) {
	for ctx.Err() == nil {
		kind, body, err := readFrame(c.conn, maxFrame)
		if err != nil {
			var wrong *MessageError
			if errors.As(err, &wrong) {
				n.refuse("frame", c.from.Gate)
			}
			return
		}
		if !n.serveFrame(c, kind, body) {
			return
		}
	}
}

func (n *Node) serveFrame(c *serverConn, kind byte, body []byte) bool {
	switch kind {
	case frameRequest:
		return n.serveRequest(c.from, body, false, func(a []byte) { c.send(frameAnswer, a) })
	case frameStanding:
		q, err := parseQuestion(body)
		if err != nil {
			n.refuse("question", c.from.Gate)
			return false
		}
		c.send(frameStanding, n.standingAnswer(c.from.Gate, &q))
		return true
	case frameForward:
		return n.serveForward(c, body)
	case frameTake:
		if !n.serveTake(c.from, body) {
			return false
		}
		f := n.welcomeFrame()
		c.send(f.kind, f.body)
		return true
	default:
		n.refuse("frame", c.from.Gate)
		return false
	}
}

// serveRequest checks a request and puts it into the log. It reports whether
// the sender is worth listening to further.
func (n *Node) serveRequest(from Server, body []byte, passedOn bool, reply func([]byte)) bool {
	q, err := parseRequest(body)
	if err != nil {
		n.refuse("request", from.Gate)
		return false
	}
	if !passedOn && (q.gate != from.Gate || q.incarnation != from.Incarnation) {
		n.refuse("another gate's request", from.Gate)
		return false
	}
	if !verifyRequest(body, n.opts.Keys(q.gate)) {
		n.refuse("signature", from.Gate)
		return false
	}
	for i := range q.items {
		if it := &q.items[i]; it.kind == itemRecords && n.opts.Keys(it.run.origin.Gate) == nil {
			n.refuse("records of an unknown gate", from.Gate)
			return false
		}
	}
	n.mu.Lock()
	k := n.keeper
	n.mu.Unlock()
	if k == nil {
		reply((&answer{number: q.number, status: statusStopped}).bytes())
		return true
	}
	if q.cluster != k.cluster.ID {
		n.refuse("another cluster", from.Gate)
		return false
	}
	if lead := k.lead(); !passedOn && lead.leader != k.self && lead.leader != (Server{}) &&
		n.forward(lead.leader, body, reply) {
		return true
	}
	n.agree(k, q, body, func(st status, results []result) {
		a := answer{number: q.number, status: st, lead: k.lead(), results: results}
		reply(a.bytes())
	})
	return true
}

// standingAnswer answers a question: its number, and what is known.
func (n *Node) standingAnswer(from gate.GateID, q *question) []byte {
	n.mu.Lock()
	k := n.keeper
	n.mu.Unlock()
	b := appendU64([]byte{Version, 0}, q.number)
	if k == nil {
		return b
	}
	b[1] = 1
	s := k.fsm.standing(from, q)
	return s.append(b)
}
