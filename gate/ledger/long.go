package ledger

import "github.com/venuegate/venuegate/gate"

// long is the story of a ticket with more than few entries. It is kept, and
// brought up to date by what comes in order, so that somebody with ten thousand
// entries on one ticket does not slow down every scan of it.
type long struct {
	story
	index map[place]int      // grants by place
	named map[place]struct{} // what exits and voids refer to
	dirty bool               // to be folded anew before anybody reads it
}

// hold keeps the story of a chain that has become long, and counts it.
func (l *Ledger) hold(ticket gate.TicketID, kept *long) {
	var chain []int32
	kept.story, chain = l.fold(l.head(ticket), kept.story, nil, nil)
	kept.index, kept.dirty = l.indexOf(kept.of), false
	kept.named = map[place]struct{}{}
	for _, i := range chain {
		if e := l.entries.at(i); e.kind != KindGrant && e.ref != 0 {
			kept.named[e.ref] = struct{}{}
		}
	}
	l.long[ticket] = kept
	l.countStory(&kept.story, +1)
	l.suspect(ticket, &kept.story)
}

// soil takes a long story out of the counts until it is folded anew.
func (l *Ledger) soil(ticket gate.TicketID, kept *long) {
	if kept.dirty {
		return
	}
	l.countStory(&kept.story, -1)
	kept.dirty = true
	l.dirty = append(l.dirty, ticket)
}

// settle folds anew what has to be.
func (l *Ledger) settle() {
	if l.decrees.stale {
		l.judge()
	}
	for _, ticket := range l.dirty {
		l.hold(ticket, l.long[ticket])
	}
	l.dirty = l.dirty[:0]
}

// rlock locks for reading, with everything settled.
func (l *Ledger) rlock() {
	for {
		l.mu.RLock()
		if len(l.dirty) == 0 && !l.decrees.stale {
			return
		}
		l.mu.RUnlock()
		l.mu.Lock()
		l.settle()
		l.mu.Unlock()
	}
}

// follow brings a long story up to date with entry i, which is linked already.
// What does not simply come next is left to settle.
func (l *Ledger) follow(ticket gate.TicketID, kept *long, i int32) {
	e := l.entries.at(i)
	if kept.dirty || l.closed(e) {
		return
	}
	_, again := kept.index[e.at]
	_, wanted := kept.named[e.at]
	newest := l.tickets[ticket] == i
	g, found := kept.index[e.ref]
	switch {
	case again || wanted || l.past(e):
		l.soil(ticket, kept)
		return
	case e.kind == KindGrant && newest:
		kept.index[e.at] = len(kept.grants)
		kept.story = kept.with(l, e, i)
		l.countGrant(e, &kept.grants[len(kept.grants)-1], +1)
		l.suspect(ticket, &kept.story)
		return
	case e.kind == KindExit && newest && (found || e.ref == 0):
		if !found {
			g = -1
		}
		l.leaveNow(kept, e, g)
	case e.kind == KindVoided && found && kept.grants[g].Out == 0:
		// No exit took from it, so none can have relied on these people.
		grant := l.entries.at(kept.of[g])
		l.countGrant(grant, &kept.grants[g], -1)
		kept.grants[g].Count = max(0, kept.grants[g].Count-int(e.count))
		l.countGrant(grant, &kept.grants[g], +1)
	default:
		l.soil(ticket, kept)
		return
	}
	if e.ref != 0 {
		kept.named[e.ref] = struct{}{}
	}
}

// leaveNow lets the newest exit take its people off, and counts them.
func (l *Ledger) leaveNow(kept *long, exit *entry, named int) {
	kept.raise(exit)
	left := int(exit.count)
	from := func(g int) bool {
		grant, n := &kept.grants[g], left
		l.countGrant(l.entries.at(kept.of[g]), grant, -1)
		inside := grant.Inside()
		one := story{grants: kept.grants[g : g+1], of: kept.of[g : g+1]}
		l.leave(&one, exit, n, 0, 0)
		left -= inside - grant.Inside()
		l.countGrant(l.entries.at(kept.of[g]), grant, +1)
		return left > 0
	}
	if named >= 0 && !from(named) {
		return
	}
	for g := len(kept.grants) - 1; g >= 0; g-- {
		if kept.grants[g].Inside() > 0 && !from(g) {
			return
		}
	}
}
