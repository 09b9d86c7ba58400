package gossip

import (
	"context"
	"slices"
	"time"
)

const (
	// reorder is how long a gap is left to close by itself: packets that were sent
	// together arrive in any order.
	reorder = 3 * time.Millisecond
	// flowing is how long the rest of an answer is waited for once a part is here.
	flowing    = 20 * time.Millisecond
	askAgain   = 60 * time.Millisecond // datagrams; doubled after the third time, up to askAtMost
	askAtMost  = time.Second
	maxTries   = 6 // without progress, and the peers' word is forgotten until they repeat it
	maxFetches = 1024
	maxSources = 4
	maxLong    = 4 // ranges under way at a time

	// A range is asked for again after four times what one took lately.
	rangeTime    = 150 * time.Millisecond // at the beginning
	rangeAtLeast = 150 * time.Millisecond
	rangeAtMost  = 4 * time.Second

	// few is how many records are answered with datagrams.
	few = 32

	maxBars  = 1024
	barLeast = time.Second
	barMost  = 8 * time.Second
)

// fetch is a log that peers hold more of than this gate.
type fetch struct {
	sources []source
	due     time.Time // when to ask, or to ask again
	tries   int       // since there was progress
	turn    int
	from    uint64 // what was asked for last; 0: nothing
	to      uint64
	long    bool // that was as a range
	asked   time.Time
}

// source is a peer that says it holds a log up to last.
type source struct {
	peer   Peer
	last   uint64
	asked  bool
	proven bool // it did have what it said
}

// bar keeps a peer from being asked for a log for a while, after what it sent
// was refused. It is short, since senders can be forged.
type bar struct {
	until time.Time
	time  time.Duration
}

type barKey struct {
	peer   Peer
	origin Origin
}

func (f *fetch) target() (last uint64) {
	for _, s := range f.sources {
		last = max(last, s.last)
	}
	return last
}

// claim notes that a peer says it holds a log up to e.last. n.mu is held.
func (n *Node) claim(peer Peer, e entry, now time.Time) {
	have := n.have[e.origin]
	if e.last <= have || n.barred(peer, e.origin, now) {
		return
	}
	f := n.fetches[e.origin]
	if f == nil {
		if len(n.fetches) >= maxFetches && !n.makeRoom() {
			return // a vector will say so again
		}
		f = &fetch{due: now.Add(reorder)}
		n.fetches[e.origin] = f
	}
	for i := range f.sources {
		if f.sources[i].peer == peer {
			f.sources[i].last = max(f.sources[i].last, e.last)
			return
		}
	}
	if len(f.sources) == maxSources {
		i := slices.IndexFunc(f.sources, func(s source) bool { return !s.asked })
		if i < 0 {
			return
		}
		f.sources = slices.Delete(f.sources, i, i+1)
	}
	f.sources = append(f.sources, source{peer: peer, last: e.last})
}

// makeRoom drops any one fetch that nothing has come of yet. n.mu is held.
func (n *Node) makeRoom() bool {
	for origin, f := range n.fetches {
		if !slices.ContainsFunc(f.sources, func(s source) bool { return s.proven }) {
			n.abandon(origin)
			return true
		}
	}
	return false
}

// abandon ends a fetch, and lets go of what waits for it: nobody may ever have
// had what comes before. n.mu is held.
func (n *Node) abandon(origin Origin) {
	delete(n.fetches, origin)
	n.held.drop(origin)
}

// awaits reports whether a peer was asked for records of a log. n.mu is held.
func (n *Node) awaits(origin Origin, peer Peer) bool {
	f := n.fetches[origin]
	return f != nil && slices.ContainsFunc(f.sources, func(s source) bool { return s.peer == peer && s.asked })
}

// progress notes that a chunk was taken. n.mu is held.
func (n *Node) progress(p packet, have uint64, now time.Time) {
	delete(n.bars, barKey{p.sender, p.origin})
	f := n.fetches[p.origin]
	if f == nil {
		return
	}
	f.tries = 0
	for i := range f.sources {
		f.sources[i].proven = f.sources[i].proven || f.sources[i].peer == p.sender
	}
	switch {
	case have >= f.target():
		delete(n.fetches, p.origin)
	case f.to > 0 && have >= f.to:
		f.due = now
	case !f.long && f.due.Before(now.Add(flowing)):
		f.due = now.Add(flowing)
	}
}

// bar keeps a peer from being asked for a log, if what it was asked for was
// refused. n.mu is held.
func (n *Node) bar(peer Peer, origin Origin, now time.Time) {
	if !n.awaits(origin, peer) {
		return
	}
	key := barKey{peer, origin}
	b, known := n.bars[key]
	if !known && len(n.bars) >= maxBars {
		for k, old := range n.bars {
			if now.After(old.until) {
				delete(n.bars, k)
			}
		}
		if len(n.bars) >= maxBars {
			return
		}
	}
	b.time = min(max(2*b.time, barLeast), barMost)
	b.until = now.Add(b.time)
	n.bars[key] = b
	if f := n.fetches[origin]; f != nil {
		f.sources = slices.DeleteFunc(f.sources, func(s source) bool { return s.peer == peer })
		f.due = now
		if len(f.sources) == 0 {
			n.abandon(origin)
		}
	}
}

func (n *Node) barred(peer Peer, origin Origin, now time.Time) bool {
	b, ok := n.bars[barKey{peer, origin}]
	return ok && now.Before(b.until)
}

// askOn asks for what follows a range at once, of the peer that sent it.
func (n *Node) askOn(p packet, now time.Time) {
	n.mu.Lock()
	f := n.fetches[p.origin]
	var ask []want
	if f != nil {
		if f.long && f.from == p.first {
			n.rangeTime = (7*n.rangeTime + min(now.Sub(f.asked), rangeAtMost)) / 8
		}
		i := slices.IndexFunc(f.sources, func(s source) bool { return s.peer == p.sender })
		if i >= 0 && f.sources[i].last > p.last && f.from <= p.last {
			w := want{p.origin, p.last + 1, f.sources[i].last}
			f.ask(w, true, now, n.patience())
			ask = []want{w}
		}
	}
	n.mu.Unlock()
	n.ask(p.sender, ask)
}

// fetchAll asks for what this gate lacks.
func (n *Node) fetchAll(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.lacking:
		case <-timer.C:
		}
		asks, next := n.dueFetches(time.Now())
		for peer, wants := range asks {
			n.ask(peer, wants)
		}
		timer.Reset(next)
	}
}

// dueFetches decides whom to ask for what now, and when to look again.
func (n *Node) dueFetches(now time.Time) (asks map[Peer][]want, next time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	asks, next = map[Peer][]want{}, time.Hour
	long := 0
	for _, f := range n.fetches {
		if f.long && f.due.After(now) {
			long++
		}
	}
	for origin, f := range n.fetches {
		have := n.have[origin]
		f.sources = slices.DeleteFunc(f.sources, func(s source) bool { return s.last <= have })
		if len(f.sources) == 0 || f.tries >= maxTries && !f.due.After(now) {
			n.abandon(origin)
			continue
		}
		if !f.due.After(now) {
			s := &f.sources[f.turn%len(f.sources)]
			w := want{origin, have + 1, s.last}
			if waiting := n.held.chunks[origin]; len(waiting) > 0 && waiting[0].first > have+1 {
				w.to = min(w.to, waiting[0].first-1)
			}
			if !s.proven || f.tries > 0 {
				w.to = min(w.to, w.from+few-1) // a lie is to cost little
			}
			isLong := w.to-w.from >= few
			switch {
			case isLong && long >= maxLong:
				f.due = now.Add(flowing)
			case len(asks[s.peer]) >= MaxWants:
				f.due = now.Add(reorder)
			default:
				patience := min(askAgain<<max(0, f.tries-2), askAtMost)
				if isLong {
					patience = n.patience()
					long++
				}
				f.ask(w, isLong, now, patience)
				f.turn++
				f.tries++
				s.asked = true
				asks[s.peer] = append(asks[s.peer], w)
			}
		}
		next = min(next, f.due.Sub(now))
	}
	return asks, max(next, time.Millisecond)
}

// ask notes what is being asked for.
func (f *fetch) ask(w want, long bool, now time.Time, patience time.Duration) {
	f.from, f.to, f.long, f.asked, f.due = w.from, w.to, long, now, now.Add(patience)
}

// patience is how long a range is waited for. n.mu is held.
func (n *Node) patience() time.Duration {
	return min(max(4*n.rangeTime, rangeAtLeast), rangeAtMost)
}

func (n *Node) ask(peer Peer, wants []want) {
	if t, ok := n.peers.target(peer); ok && len(wants) > 0 {
		n.send(t, n.seal(&packet{kind: KindWant, wants: wants}), 0)
	}
}
