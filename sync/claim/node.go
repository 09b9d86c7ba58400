package claim

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// Node claims admissions for one gate, and is a keeper where the roster says
// so. Its methods may be called by many goroutines.
type Node struct {
	opts  Options
	self  Server
	disk  disk
	alone *Alone
	ctx   context.Context // of Run
	kicks chan struct{}

	sending sync.Mutex // held while requests are built and sent; before mu
	tasks   sync.WaitGroup

	mu        sync.Mutex
	memory    remembered
	running   bool
	problem   string // what staff should know about the keepers
	links     map[Server]*link
	keeper    *keeper
	keeping   context.CancelFunc // ends the keeper that runs
	kept      chan struct{}      // closed when it has ended
	resumeAt  time.Time          // a keeper that failed is tried again then
	watchers  map[*serverConn]struct{}
	refused   map[string]uint64
	forwards  forwards
	joining   *take
	hearsay   uint32    // the latest generation of keepers that another gate remembers
	foundAt   time.Time // not before then
	rereading bool      // a goroutine reads what the gate holds
	client
}

// New returns a Node for one start of a gate. Records that the gate holds
// already may be handed to Recorded before Run.
func New(o Options) (*Node, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	n := &Node{
		opts: o, self: Server{o.Gate, o.Incarnation}, alone: NewAlone(o.Records),
		kicks: make(chan struct{}, 1), links: map[Server]*link{}, watchers: map[*serverConn]struct{}{},
		refused: map[string]uint64{}, client: newClient(o.Gate), forwards: forwards{open: map[uint64]forwarded{}},
	}
	n.disk = o.Memory
	if o.Dir != "" {
		n.disk = folder(o.Dir)
	}
	memory, err := n.disk.load()
	if err != nil {
		return nil, err
	}
	if memory.member != (Server{}) && memory.member != n.self {
		memory = remembered{} // the disk of a box that this one was before
	}
	n.memory = memory
	return n, nil
}

// ErrRunning is returned by a second Run.
var ErrRunning = errors.New("claim: the node runs already")

// Run takes part until ctx ends: it keeps connections to the keepers, hands in
// records, and is a keeper if the roster says so. It returns once everything it
// started has ended.
func (n *Node) Run(ctx context.Context) error {
	n.mu.Lock()
	if n.running {
		n.mu.Unlock()
		return ErrRunning
	}
	n.running = true
	ctx, cancel := context.WithCancel(ctx)
	n.ctx = ctx
	n.mu.Unlock()
	n.tasks.Go(func() { n.accept(ctx) })
	n.tasks.Go(func() { n.manage(ctx) })
	n.tasks.Go(func() { n.pump(ctx) })
	<-ctx.Done()
	cancel()
	n.tasks.Wait()
	return nil
}

// manage follows the roster: links to keepers, and being one.
func (n *Node) manage(ctx context.Context) {
	tick := time.NewTicker(manageEvery)
	defer tick.Stop()
	for round := 0; ; round++ {
		roster := n.opts.Roster()
		n.manageLinks(ctx, &roster)
		n.join(ctx)
		n.manageKeeper(ctx, &roster)
		n.manageRecords(ctx)
		if round%10 == 0 {
			n.forgetOver()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			n.stopKeeper()
			return
		}
	}
}

const manageEvery = 100 * time.Millisecond

// manageRecords sees to what must be read again or handed in for others.
func (n *Node) manageRecords(ctx context.Context) {
	n.handInOthers(time.Now())
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sweepForwards(time.Now())
	k := &n.knowledge
	if n.shelf.dropped && n.opts.Held != nil && k.known && n.shelf.count < maxShelved/4 {
		n.shelf.dropped, k.reading = false, true
	}
	if k.reading && !n.rereading {
		n.rereading = true
		n.tasks.Go(func() {
			n.readHeld(ctx)
			n.mu.Lock()
			n.rereading = false
			n.mu.Unlock()
		})
	}
	n.settleEarlier()
	n.settleIsolation()
}

// Claim asks the keepers whether a ticket may be admitted. The error is an
// *IsolatedError where they gave no answer in time, and otherwise that of ctx
// or of a claim that no message holds.
func (n *Node) Claim(ctx context.Context, c *gate.Claim) (gate.ClaimAnswer, error) {
	roster := n.opts.Roster()
	if roster.alone() {
		return n.alone.Claim(ctx, c)
	}
	if err := checkClaim(c); err != nil {
		return gate.ClaimAnswer{}, err
	}
	return n.ask(ctx, c, &roster)
}

// Settle ends a granted claim whose grant is on record. The record itself
// tells the keepers, through Recorded.
func (n *Node) Settle(request uint64) {
	if request>>32 == 0 {
		n.alone.Settle(request)
	}
}

// Release gives back a granted claim that will not become a grant. It is
// repeated until the keepers have taken it.
func (n *Node) Release(request uint64) {
	if request>>32 == 0 {
		n.alone.Release(request)
		return
	}
	n.release(request)
}

// Recorded hands in a durable record: one of this gate, or another's that came
// by gossip. Each log's records come in order. It never blocks and keeps
// nothing of rec.
func (n *Node) Recorded(rec *ledger.Record) {
	n.mu.Lock()
	defer n.mu.Unlock()
	order := n.orders.see(rec)
	if n.shelf.put(rec, time.Now()) || order {
		n.kick()
	}
}

// kick makes the pump look at what there is to send.
func (n *Node) kick() {
	select {
	case n.kicks <- struct{}{}:
	default:
	}
}

// remember keeps what is known of the keepers over a restart.
func (n *Node) remember(r remembered) error {
	if r == n.memory {
		return nil
	}
	if err := n.disk.save(r); err != nil {
		return err
	}
	if r.cluster != n.memory.cluster {
		n.knowledge.forgetStanding()
		n.orders.forget()
	}
	n.memory = r
	return nil
}

func (n *Node) say(problem string) {
	if n.problem != problem && problem != "" {
		n.opts.Log.Warn("claims: " + problem)
	}
	n.problem = problem
}

func (n *Node) refuse(reason string, from gate.GateID) {
	n.mu.Lock()
	n.refused[reason]++
	n.mu.Unlock()
	n.opts.Log.Debug("claims: refused", "reason", reason, "gate", from)
}
