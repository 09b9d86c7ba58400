package claim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
)

const (
	maxFlights  = 8                      // requests under way
	maxBody     = 48 << 10               // of a request, so that what comes last still fits
	flightLimit = 400 * time.Millisecond // without an answer a request is sent again, another way if there is one
)

// client is a gate's side of its claims: what it asks, what is under way, and
// what it has to hand in. All of it is under Node.mu.
type client struct {
	request  uint64    // number of the last claim of this start
	number   uint64    // of the last request or question
	queue    []*asked  // claims
	releases spans     // claims to be given back; in a long isolation they follow one another
	denied   time.Time // releases wait until then: the keepers did not take some
	flights  map[uint64]*flight
	lead     leadership
	pause    time.Time // nothing is sent until then: the leader is busy

	isolated time.Time // zero: it is not
	healing  time.Time // what was recorded before then must be accepted first; zero: nobody has answered since
	trouble  time.Time // the first deadline since an answer

	shelf     shelf
	knowledge knowledge
	orders    orders
}

func newClient(of gate.GateID) client {
	return client{flights: map[uint64]*flight{}, shelf: newShelf(of), orders: newOrders()}
}

// asked is a claim on its way to the keepers and back.
type asked struct {
	item   item
	answer chan result // with room for one
	given  bool        // up: nobody waits any more
}

// flight is a request that is not answered yet.
type flight struct {
	to    Server
	since time.Time
	// What the request holds, in this order.
	runs     []shelved
	orders   []placedOrder
	releases []span
	items    []*asked
}

func (f *flight) len() int { return len(f.runs) + len(f.orders) + len(f.releases) + len(f.items) }

// ask claims from the keepers.
func (n *Node) ask(ctx context.Context, c *gate.Claim, roster *Roster) (gate.ClaimAnswer, error) {
	n.mu.Lock()
	n.request++
	id := uint64(n.opts.Epoch)<<32 | n.request
	a := &asked{item: item{kind: itemClaim, request: id, claim: *c}, answer: make(chan result, 1)}
	if a.item.claim.At.IsZero() {
		a.item.claim.At = time.Now()
	}
	a.item.claim.Persons, a.item.claim.Others = slices.Clone(c.Persons), slices.Clone(c.Others)
	n.queue = append(n.queue, a)
	n.mu.Unlock()
	n.sendNow()
	began := time.Now()
	deadline := time.NewTimer(n.opts.Times.Claim)
	defer deadline.Stop()
	for {
		select {
		case r := <-a.answer:
			return n.answerOf(id, &r)
		case <-ctx.Done():
			return n.giveUp(a, fmt.Errorf("claim of ticket %v: %w", c.Ticket, ctx.Err()))
		case now := <-deadline.C:
			if left := n.opts.Times.Failover - now.Sub(began); left > 0 && n.electing(roster, now) {
				deadline.Reset(min(left, n.opts.Times.Claim))
				continue
			}
			return n.giveUp(a, nil)
		}
	}
}

func (n *Node) answerOf(id uint64, r *result) (gate.ClaimAnswer, error) {
	switch r.code {
	case resultGranted:
		n.opts.Hear(r.after)
		return gate.ClaimAnswer{Granted: true, Request: id, Entry: r.entry}, nil
	case resultRefused:
		return gate.ClaimAnswer{By: r.by}, nil
	}
	n.release(id)
	why := "the keepers have lost what they knew and wait for staff: venuegate cluster recover"
	if r.code == resultFull {
		why = "the keepers hold as much as they may"
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return gate.ClaimAnswer{}, n.isolate(time.Now(), why)
}

// giveUp ends the wait for an answer, and gives the claim back in case it was
// or will be granted. Without an error of another kind the gate is isolated.
func (n *Node) giveUp(a *asked, err error) (gate.ClaimAnswer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case r := <-a.answer: // after all, in the same instant
		if r.code == resultRefused {
			return gate.ClaimAnswer{By: r.by}, nil
		}
		if r.code == resultGranted && err == nil {
			n.opts.Hear(r.after)
			return gate.ClaimAnswer{Granted: true, Request: a.item.request, Entry: r.entry}, nil
		}
	default:
	}
	a.given = true
	n.queue = slices.DeleteFunc(n.queue, func(x *asked) bool { return x == a })
	n.queueRelease(a.item.request)
	if err == nil {
		now := time.Now()
		if n.trouble.IsZero() {
			n.trouble = now
		}
		err = n.isolate(now, n.whyAlone())
	}
	return gate.ClaimAnswer{}, err
}

func (n *Node) isolate(now time.Time, why string) error {
	if n.isolated.IsZero() {
		n.isolated = now
		n.opts.Log.Warn("claims: isolated", "why", why)
	}
	n.healing = time.Time{}
	return &IsolatedError{Since: n.isolated, Why: why}
}

// whyAlone says what seems to be the matter.
func (n *Node) whyAlone() string {
	up, of := n.reached()
	switch {
	case n.problem != "":
		return n.problem
	case 2*up <= of:
		return fmt.Sprintf("%d of %d keepers are reached", up, of)
	case n.lead.leader == (Server{}):
		return "the keepers have no leader"
	default:
		return fmt.Sprintf("keeper %s does not answer", n.lead.leader)
	}
}

// reached returns how many keepers there is a connection to, itself included.
func (n *Node) reached() (up, of int) {
	of = len(n.links)
	for _, l := range n.links {
		if l.up {
			up++
		}
	}
	if n.keeper != nil {
		return up + 1, of + 1
	}
	return up, of
}

// electing reports whether it is worth waiting longer: a majority of the
// keepers seems to be alive, and the trouble is young enough to be an election.
func (n *Node) electing(roster *Roster, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.trouble.IsZero() && now.Sub(n.trouble) > n.opts.Times.Failover {
		return false
	}
	alive := 0
	for _, s := range roster.Keepers {
		l := n.links[s]
		switch {
		case s == n.self:
			alive++
		case n.opts.Alive != nil:
			if n.opts.Alive(s.Gate) {
				alive++
			}
		case l != nil && l.up && now.Sub(l.heard) < 2*pingEvery:
			alive++
		}
	}
	return 2*alive > len(roster.Keepers)
}

func (n *Node) release(request uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.queueRelease(request)
}

func (n *Node) queueRelease(request uint64) {
	n.releases = n.releases.add(request, request)
	n.kick()
}

// pump sends what there is to send, until ctx ends.
func (n *Node) pump(ctx context.Context) {
	tick := time.NewTicker(n.opts.Times.Linger)
	defer tick.Stop()
	for {
		n.sendAll()
		select {
		case <-n.kicks:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// sendNow sends from here what there is to send, which is quicker than waking
// the pump, unless somebody is at it.
func (n *Node) sendNow() {
	if !n.sending.TryLock() {
		n.kick()
		return
	}
	for n.sendOne() {
	}
	n.sending.Unlock()
}

// sendAll is sendNow for the pump. Requests leave in the order in which they
// were built: what a gate recorded goes before what it claims next.
func (n *Node) sendAll() {
	n.sending.Lock()
	defer n.sending.Unlock()
	for n.sendOne() {
	}
}

// sendOne builds one request and sends it to the leader. It reports whether
// there may be more to send.
func (n *Node) sendOne() bool {
	now := time.Now()
	n.mu.Lock()
	n.expire(now)
	k := n.keeper
	l, local := n.route(now)
	if l == nil && !local {
		n.mu.Unlock()
		return false
	}
	n.askStanding(now, l, k, local)
	if len(n.flights) >= maxFlights || now.Before(n.pause) {
		n.mu.Unlock()
		return false
	}
	q, f := n.build(now)
	if q == nil {
		n.mu.Unlock()
		return false
	}
	if f.to = n.self; !local {
		f.to = l.to
	}
	n.flights[q.number] = f
	n.mu.Unlock()

	body := q.sign(n.opts.Signer)
	if local {
		n.agree(k, q, body, func(st status, results []result) {
			a := &answer{number: q.number, status: st, lead: k.lead(), results: results}
			n.mu.Lock()
			defer n.mu.Unlock()
			n.answered(n.self, a)
		})
		return true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if !l.send(frameRequest, body) {
		n.requeue(q.number)
		return false
	}
	return true
}

// route returns the way to the leader: none, this gate itself, the link to it,
// or one to a keeper that hears it.
func (n *Node) route(now time.Time) (l *link, local bool) {
	if n.lead.leader == (Server{}) {
		return nil, false
	}
	if n.keeper != nil && n.lead.leader == n.self {
		return nil, true
	}
	usable := func(l *link) bool { return l != nil && l.up && n.speaksForUs(l) }
	direct := n.links[n.lead.leader]
	if usable(direct) && now.After(direct.suspect) {
		return direct, false
	}
	for _, l := range n.links {
		if l != direct && usable(l) && now.After(l.suspect) && l.welcome.lead.leader == n.lead.leader {
			return l, false
		}
	}
	if usable(direct) {
		return direct, false
	}
	return nil, false
}

// build takes what is to be sent now off the queue and the shelf.
func (n *Node) build(now time.Time) (*request, *flight) {
	f := &flight{since: now}
	size := 256
	f.orders = n.orders.pick(now, maxOrderItems, n.counts)
	size += len(f.orders) * (1 + gate.SignedOrderSize + markSize)
	if !now.Before(n.denied) {
		k := min(len(n.releases), maxItems/16)
		f.releases, n.releases = slices.Clone(n.releases[:k]), slices.Delete(n.releases, 0, k)
		size += k * 17
	}
	for len(n.queue) > 0 && len(f.items) < maxItems/4 && size < maxBody {
		a := n.queue[0]
		n.queue = n.queue[1:]
		if a.given {
			continue // it is given back
		}
		size += 64 + 8*(len(a.item.claim.Persons)+len(a.item.claim.Others))
		f.items = append(f.items, a)
	}
	if n.knowledge.known {
		f.runs = n.shelf.pick(now, n.opts.Times.Linger, len(f.items)+len(f.releases)+len(f.orders) > 0, maxBody-size)
	}
	if len(f.items)+len(f.runs)+len(f.releases)+len(f.orders) == 0 {
		return nil, nil
	}
	n.number++
	q := &request{
		gate: n.opts.Gate, incarnation: n.opts.Incarnation, epoch: n.opts.Epoch,
		number: n.number, cluster: n.memory.cluster.ID,
	}
	// Records first: what this gate recorded bears on what it claims next.
	for i := range f.runs {
		q.items = append(q.items, item{kind: itemRecords, run: f.runs[i].run})
	}
	for i := range f.orders {
		q.items = append(q.items, item{kind: itemOrder, order: f.orders[i]})
	}
	for _, s := range f.releases {
		q.items = append(q.items, item{kind: itemRelease, request: s.First, last: s.Last})
	}
	for _, a := range f.items {
		q.items = append(q.items, a.item)
	}
	return q, f
}

// expire sends again what was not answered for long.
func (n *Node) expire(now time.Time) {
	for number, f := range n.flights {
		if now.Sub(f.since) > flightLimit {
			n.requeue(number)
			if l := n.links[f.to]; l != nil {
				l.suspect = now.Add(suspectFor)
			}
		}
	}
}

// suspectFor is how long a link that left a request unanswered is avoided.
const suspectFor = 2 * time.Second

// unanswered sends again what a keeper did not answer.
func (c *client) unanswered(by Server) {
	numbers := make([]uint64, 0, len(c.flights))
	for number, f := range c.flights {
		if f.to == by {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	slices.Reverse(numbers) // each goes to the front
	for _, number := range numbers {
		c.requeue(number)
	}
	c.knowledge.asked = time.Time{}
}

func (c *client) requeue(number uint64) {
	f := c.flights[number]
	delete(c.flights, number)
	if f == nil {
		return
	}
	c.queue = append(slices.Clone(f.items), c.queue...)
	for _, s := range f.releases {
		c.releases = c.releases.add(s.First, s.Last)
	}
	for i := range f.orders {
		c.orders.settled(&f.orders[i], false, false)
	}
	c.shelf.putBack(f.runs)
}

// answered takes the answer to a request.
func (n *Node) answered(by Server, a *answer) {
	defer n.kick()
	f := n.flights[a.number]
	if f == nil || f.to != by {
		return
	}
	if a.status != statusOK {
		n.pause = time.Now().Add(n.opts.Times.Linger / 2)
	}
	if a.status != statusOK || len(a.results) != f.len() {
		n.requeue(a.number)
		if a.status == statusNotLeader && n.lead.leader == by {
			n.lead = leadership{}
			if a.lead.leader != by && a.lead.leader != (Server{}) {
				n.lead = a.lead
			}
		}
		return
	}
	delete(n.flights, a.number)
	n.trouble = time.Time{}
	if !n.isolated.IsZero() && n.healing.IsZero() {
		n.healing = time.Now().Add(n.opts.Times.Linger)
	}
	for i := range f.runs {
		if a.results[i].code != resultDone {
			n.say("the keepers hold as much as they may: records are not accepted")
		}
	}
	results := a.results[len(f.runs):]
	for i := range f.orders {
		n.orders.settled(&f.orders[i], results[i].code == resultDone, true)
	}
	results = results[len(f.orders):]
	for i, s := range f.releases {
		if results[i].code != resultDone {
			n.releases = n.releases.add(s.First, s.Last)
			n.denied = time.Now().Add(time.Second)
		}
	}
	results = results[len(f.releases):]
	for i, one := range f.items {
		if !one.given {
			one.answer <- results[i]
		}
	}
	n.settleEarlier()
	n.settleIsolation()
}

// settleIsolation ends the isolation once somebody has answered and all that
// this gate recorded until then is accepted, and all that it claimed in vain is
// given back.
func (n *Node) settleIsolation() {
	if n.isolated.IsZero() || n.healing.IsZero() || time.Now().Before(n.healing) || !n.knowledge.known || n.knowledge.reading {
		return
	}
	if n.shelf.waiting(n.healing) || n.inFlight(n.healing) || len(n.releases) > 0 {
		return
	}
	n.opts.Log.Info("claims: no longer isolated", "since", n.isolated)
	n.isolated, n.healing = time.Time{}, time.Time{}
}

// inFlight reports whether records from before a time, or claims given back,
// are under way.
func (n *Node) inFlight(before time.Time) bool {
	for _, f := range n.flights {
		if slices.ContainsFunc(f.runs, func(r shelved) bool { return len(r.records) > 0 && r.since.Before(before) }) ||
			len(f.releases) > 0 || slices.ContainsFunc(f.items, func(a *asked) bool { return a.given }) {
			return true
		}
	}
	return false
}
