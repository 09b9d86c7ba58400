package appliance

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/journal"
	"github.com/venuegate/venuegate/gate/store/logs"
	"github.com/venuegate/venuegate/sync/claim"
)

// openClaims readies the asking of the keepers, and tells it what is on record.
func (a *Appliance) openClaims(_ context.Context, o *Options) error {
	dataDir := o.Config.Gate.DataDir
	var network claim.Network = nobody{}
	var alive func(gate.GateID) bool
	if a.cluster != nil {
		network, alive = a.cluster, a.cluster.alive
	}
	times := claim.DefaultTimes()
	times.Claim = time.Duration(o.Config.Cluster.Deadline)
	left := &departed{now: a.packs.roster, clock: a.clock.Now, trusted: a.clock.Trusted}
	node, err := claim.New(claim.Options{
		Gate: o.Config.Gate.ID, Incarnation: a.incarnation(), Epoch: a.epoch(),
		Roster: a.keepers, Network: network, Signer: a.key, Keys: a.neighbours.keyOf,
		Records: a.ledger, LedgerEmpty: a.nobodyAdmitted, Hear: a.hear,
		Held:  func() iter.Seq[*ledger.Record] { return a.held(dataDir) },
		Order: a.ledger.WouldCount,
		Over:  left.over,
		// A box that is made anew has no earlier epochs: what it claimed before it
		// lost its disk may be grants that nobody else has heard of.
		PreviousIntact: !a.journalDamaged && len(a.journal.Vector()) > 1,
		Dir:            filepath.Join(dataDir, "claims"), Alive: alive,
		Log: slog.New(newZerologHandler(a.log)), Times: times,
	})
	if err != nil {
		return err
	}
	for rec := range a.held(dataDir) {
		node.Recorded(rec)
	}
	a.claims = node
	a.claimer = &claimer{keepers: node, local: claim.NewAlone(a.ledger), noClaims: a.noClaims}
	return nil
}

// departed is the events that were over when this gate let go of their packs:
// dropEvents removes no others. Nobody needs to know any more who was inside.
// Only the keepers' node asks, one goroutine.
type departed struct {
	now     func() *roster
	clock   func() time.Time
	trusted func() bool

	last *roster
	seen map[gate.EventID]*gate.Policy
}

// over returns them. An event that is back is not among them, nor is one while
// the clock cannot be trusted.
func (d *departed) over() []gate.EventID {
	r := d.now()
	if r != d.last {
		if d.last = r; d.seen == nil {
			d.seen = map[gate.EventID]*gate.Policy{}
		}
		for _, p := range r.packs {
			d.seen[p.Event()] = &gate.Policy{Event: p.Event(), Sessions: slices.Clone(p.Policy().Sessions)}
		}
	}
	now, trusted := d.clock(), d.trusted()
	var events []gate.EventID
	for e, p := range d.seen {
		in := slices.ContainsFunc(r.packs, func(p lane.Pack) bool { return p.Event() == e })
		if !in && trusted && over(p, now) {
			events = append(events, e)
		}
	}
	return events
}

// claimer asks the keepers, or where the event wants none asked, only sees to it
// that this gate's own lanes do not let one ticket in twice.
type claimer struct {
	keepers  *claim.Node
	local    *claim.Alone
	noClaims func(gate.EventID) bool
}

// isLocal is set in the number of a claim that no keeper has heard of.
const isLocal = 1 << 63

// Claim implements lane.Claimer.
func (c *claimer) Claim(ctx context.Context, of *gate.Claim) (gate.ClaimAnswer, error) {
	if !c.noClaims(of.Event) {
		return c.keepers.Claim(ctx, of)
	}
	answer, err := c.local.Claim(ctx, of)
	answer.Request |= isLocal
	return answer, err
}

// Settle implements lane.Claimer.
func (c *claimer) Settle(request uint64) {
	if request&isLocal != 0 {
		c.local.Settle(request &^ isLocal)
		return
	}
	c.keepers.Settle(request)
}

// Release implements lane.Claimer.
func (c *claimer) Release(request uint64) {
	if request&isLocal != 0 {
		c.local.Release(request &^ isLocal)
		return
	}
	c.keepers.Release(request)
}

// noClaims reports whether an event wants no keepers asked.
func (a *Appliance) noClaims(event gate.EventID) bool {
	for _, p := range a.packs.roster().packs {
		if p.Event() == event {
			return p.Policy().NoClaims
		}
	}
	return false
}

// epoch returns the epoch of the journal, or while the disk has no room for one,
// the one that it will open.
func (a *Appliance) epoch() uint32 {
	if e := a.journal.Head().Position.Epoch; e != 0 {
		return e
	}
	next := a.logs.HighestEpoch(a.config().Gate.ID)
	for o := range a.journal.Vector() {
		next = max(next, o.Epoch)
	}
	return next + 1
}

// keepers is what the roster in use says about keepers.
func (a *Appliance) keepers() claim.Roster {
	r := a.packs.roster()
	out := claim.Roster{Version: r.latest, Gates: len(r.gates)}
	known := a.neighbours.now().gates
	for _, id := range r.keepers {
		if g, ok := known[gate.GateID(id)]; ok && len(out.Keepers) < claim.MaxKeepers {
			out.Keepers = append(out.Keepers, claim.Server{Gate: gate.GateID(id), Incarnation: g.Incarnation})
		}
	}
	return out
}

// nobodyAdmitted reports whether the ledger holds nothing that keepers should
// know of.
func (a *Appliance) nobodyAdmitted() bool {
	for _, e := range a.packs.roster().events {
		if a.ledger.Total(e).Admitted > 0 {
			return false
		}
	}
	return true
}

// held gives all records that are on this gate's disk, log by log in order.
func (a *Appliance) held(dataDir string) iter.Seq[*ledger.Record] {
	return func(yield func(*ledger.Record) bool) {
		stopped := errors.New("enough")
		_, err := journal.Read(filepath.Join(dataDir, "journal"), func(r *ledger.Record, _ ledger.Hash) error {
			if !yield(r) {
				return stopped
			}
			return nil
		})
		if errors.Is(err, stopped) {
			return
		}
		if err != nil {
			a.log.Error().Err(err).Msg("read the journal again")
		}
		own := a.config().Gate.ID
		for origin, last := range a.logs.Vector() {
			if origin.Gate == own {
				if epochs, _ := a.journal.Vector()[origin]; epochs > 0 {
					continue // it is in the journal
				}
			}
			if !a.heldOf(origin, last, yield) {
				return
			}
		}
	}
}

// heldOf gives the records of another gate's log.
func (a *Appliance) heldOf(origin ledger.Origin, last uint64, yield func(*ledger.Record) bool) bool {
	var rec ledger.Record
	for from := uint64(1); from <= last; {
		chunk, _, err := a.logs.Range(origin, from, last, logs.MaxChunk)
		n := logs.Records(len(chunk))
		if err != nil || n == 0 {
			return true // what cannot be read now comes again from peers
		}
		for i := range n {
			if rec.Decode(chunk[i*ledger.Size:(i+1)*ledger.Size]) != nil {
				return true
			}
			if !yield(&rec) {
				return false
			}
		}
		from += uint64(n)
	}
	return true
}

// checkClaims makes the warnings about keepers those of now.
func (a *Appliance) checkClaims(now time.Time) {
	s := a.claims.State()
	if s.Isolated.IsZero() {
		a.health.Clear(now, health.Isolated, "")
	} else {
		a.health.Set(now, health.Isolated, "", health.Detail{At: s.Isolated, Cause: s.Problem})
	}
	keeper := slices.ContainsFunc(s.Keepers, func(k claim.KeeperState) bool { return k.Server == s.Self })
	if keeper && s.Role == claim.RoleClient && s.Problem != "" {
		a.health.Set(now, health.KeeperStopped, "", health.Detail{Cause: s.Problem})
	} else {
		a.health.Clear(now, health.KeeperStopped, "")
	}
}

// nobody is the network of a gate that has none.
type nobody struct{}

var errNoNetwork = errors.New("this gate has no way to other gates: set cluster.listen in its configuration")

// Dial implements claim.Network.
func (nobody) Dial(context.Context, gate.GateID) (net.Conn, error) { return nil, errNoNetwork }

// Accept implements claim.Network.
func (nobody) Accept(ctx context.Context) (net.Conn, gate.GateID, error) {
	<-ctx.Done()
	return nil, 0, ctx.Err()
}
