package claim

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"
)

// link is the connection of this gate to one keeper. It is made anew for ever.
type link struct {
	to     Server
	cancel context.CancelFunc

	// Under Node.mu.
	up      bool
	heard   time.Time // the last frame from there
	welcome welcome
	suspect time.Time // it left a request unanswered: others are asked until then
	why     string    // why it is not up
	out     chan outFrame
}

type outFrame struct {
	kind byte
	body []byte
}

const (
	pingEvery   = time.Second     // a keeper says at least this often that it is there
	deadAfter   = 3 * time.Second // without a word a connection is given up
	retryFirst  = 50 * time.Millisecond
	retryAtMost = time.Second
)

// manageLinks keeps one link to every keeper of the roster.
func (n *Node) manageLinks(ctx context.Context, roster *Roster) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if roster.alone() {
		roster = &Roster{}
	}
	for s, l := range n.links {
		if !slices.Contains(roster.Keepers, s) {
			l.cancel()
			delete(n.links, s)
		}
	}
	for _, s := range roster.Keepers {
		if n.links[s] != nil || s == n.self {
			continue
		}
		ctx, cancel := context.WithCancel(ctx)
		l := &link{to: s, cancel: cancel, why: "not called yet"}
		n.links[s] = l
		n.tasks.Go(func() { n.keepLink(ctx, l) })
	}
}

func (n *Node) keepLink(ctx context.Context, l *link) {
	wait := retryFirst
	for ctx.Err() == nil {
		began := time.Now()
		err := n.serveLink(ctx, l)
		n.linkDown(l, err)
		if time.Since(began) > deadAfter {
			wait = retryFirst
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait = min(2*wait, retryAtMost)
	}
}

// serveLink makes the connection and reads from it until it breaks.
func (n *Node) serveLink(ctx context.Context, l *link) error {
	n.mu.Lock()
	known := n.memory.cluster
	n.mu.Unlock()
	callCtx, cancel := context.WithTimeout(ctx, helloTime)
	conn, w, err := n.call(callCtx, connClient, l.to.Gate, known)
	cancel()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer func() { _ = conn.Close() }()
	if w.self != l.to {
		return fmt.Errorf("claim: gate %d is keeper %s, the roster says %s", l.to.Gate, w.self, l.to)
	}
	if w.has(isRefused) {
		return fmt.Errorf("claim: keeper %s refuses this gate", l.to)
	}
	out := make(chan outFrame, 64)
	n.linkUp(l, w, out)
	done := make(chan struct{})
	n.tasks.Go(func() { writeLink(conn, out, done) })
	defer close(done)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(deadAfter))
		kind, body, err := readFrame(conn, maxAnswer)
		if err != nil {
			return err
		}
		if err := n.hear(l, kind, body); err != nil {
			return err
		}
	}
}

// maxAnswer is the longest frame that a keeper sends.
const maxAnswer = 1 << 20

func writeLink(conn net.Conn, out <-chan outFrame, done <-chan struct{}) {
	for {
		select {
		case f := <-out:
			_ = conn.SetWriteDeadline(time.Now().Add(deadAfter))
			if writeFrame(conn, f.kind, f.body) != nil {
				_ = conn.Close()
				return
			}
		case <-done:
			return
		}
	}
}

func (n *Node) linkUp(l *link, w welcome, out chan outFrame) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l.up, l.welcome, l.out, l.heard, l.why = true, w, out, time.Now(), ""
	n.learn(l)
	n.kick()
}

func (n *Node) linkDown(l *link, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l.up, l.out = false, nil
	if err != nil {
		l.why = err.Error()
	}
	n.unanswered(l.to)
	n.kick()
}

// hear takes a frame from a keeper.
func (n *Node) hear(l *link, kind byte, body []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	l.heard = time.Now()
	switch kind {
	case frameWelcome:
		w, err := parseWelcome(body)
		if err != nil {
			return err
		}
		if w.self != l.to {
			return fmt.Errorf("claim: keeper %s calls itself %s", l.to, w.self)
		}
		l.welcome = w
		n.learn(l)
	case frameAnswer:
		a, err := parseAnswer(body)
		if err != nil {
			return err
		}
		n.answered(l.to, a)
	case frameStanding:
		return n.toldStanding(body)
	case frameForwarded:
		return n.forwardAnswered(body)
	default:
		return fmt.Errorf("claim: keeper %s sent a frame of kind %d", l.to, kind)
	}
	return nil
}

// learn takes note of what a keeper says about itself.
func (n *Node) learn(l *link) {
	w := &l.welcome
	if w.has(isMember) && !w.cluster.isZero() && n.memory.member == (Server{}) &&
		(n.memory.cluster.isZero() || w.cluster.Generation > n.memory.cluster.Generation) {
		if err := n.remember(remembered{cluster: w.cluster}); err != nil {
			n.say(err.Error())
		}
	}
	n.follow()
}

// follow finds out who leads, and lets the pump know.
func (n *Node) follow() {
	var best leadership
	consider := func(l leadership) {
		if l.leader != (Server{}) && l.term > best.term {
			best = l
		}
	}
	for _, l := range n.links {
		if l.up && n.speaksForUs(l) {
			consider(l.welcome.lead)
		}
	}
	if n.keeper != nil {
		consider(n.keeper.lead())
	}
	if best.leader != n.lead.leader {
		n.unanswered(n.lead.leader)
	}
	n.lead = best
	n.kick()
}

func (n *Node) speaksForUs(l *link) bool {
	return l.welcome.has(isMember) && l.welcome.cluster == n.memory.cluster && !n.memory.cluster.isZero()
}

// send hands a frame to a link without waiting.
func (l *link) send(kind byte, body []byte) bool {
	if !l.up {
		return false
	}
	select {
	case l.out <- outFrame{kind, body}:
		return true
	default:
		return false
	}
}
