package appliance

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/web"
	"github.com/venuegate/venuegate/sync/claim"
	"github.com/venuegate/venuegate/sync/gossip"
)

// venueLook is what the page last saw of the venue as a whole. Many pages ask, and
// looking for conflicts is not free, so it is looked at a few times a second at
// most.
type venueLook struct {
	mu        sync.Mutex
	at        time.Time
	cluster   web.ClusterView
	conflicts []web.ConflictView
}

const lookAgain = 400 * time.Millisecond

// look makes the views anew where they are old.
func (l *venueLook) look(a *Appliance, r *roster) (web.ClusterView, []web.ConflictView) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at.IsZero() || time.Since(l.at) >= lookAgain {
		l.cluster = a.clusterForPage(r)
		l.conflicts = a.conflictsForPage(r, &l.cluster)
		l.at = time.Now()
	}
	return l.cluster, l.conflicts
}

// clusterForPage is how the gate stands among those of the roster.
func (a *Appliance) clusterForPage(r *roster) web.ClusterView {
	now, wall := a.clock.Now(), time.Now()
	// Others are measured by the machine's clock, which may not be the best.
	ours := func(at time.Time) time.Time { return now.Add(-wall.Sub(at)) }
	s := a.claims.State()
	v := web.ClusterView{
		Gates: len(r.gates), Role: string(s.Role), NoKeepers: len(r.gates) > 1 && len(r.keepers) == 0, Late: s.Lates,
	}
	if !s.Isolated.IsZero() && s.Role != claim.RoleAlone {
		v.Alone = ours(s.Isolated)
	}
	peers := map[gate.GateID]*gossip.PeerSnapshot{}
	if a.cluster != nil {
		heard, _ := a.cluster.snapshot()
		for i := range heard.Peers {
			peers[gate.GateID(heard.Peers[i].Gate)] = &heard.Peers[i]
		}
	}
	refused := a.refusedByGate()
	own := a.config().Gate.ID
	for i := range r.gates {
		id := gate.GateID(r.gates[i].ID)
		g := web.GateView{ID: id, Name: r.gateName(id), Self: id == own, Refused: refused[id]}
		keeper := slices.IndexFunc(s.Keepers, func(k claim.KeeperState) bool { return k.Server.Gate == id })
		if keeper >= 0 {
			g.Keeper, g.Down = true, !s.Keepers[keeper].Up && !g.Self
		}
		g.Leader = g.Keeper && s.Leader.Gate == id
		if p := peers[id]; p != nil && !g.Self {
			g.Lacks, g.Has = p.Behind, p.Ahead
			if !p.Heard.IsZero() {
				g.Heard = ours(p.Heard)
			}
			if age := wall.Sub(p.Clock.Measured); !p.Clock.Measured.IsZero() && age < freshOffset {
				apart := p.Clock.Ahead - now.Sub(wall)
				g.Offset = &apart
			}
		}
		g.Silent = !g.Self && (g.Heard.IsZero() || now.Sub(g.Heard) >= heardLately)
		if !g.Self && g.Heard.After(v.Heard) {
			v.Heard = g.Heard
		}
		v.Peers = append(v.Peers, g)
	}
	return v
}

// refusedByGate counts the records in a gate's name that were not believed.
func (a *Appliance) refusedByGate() map[gate.GateID]int {
	n := map[gate.GateID]int{}
	refused, _ := a.logs.Quarantined()
	for i := range refused {
		n[refused[i].Origin.Gate] += int(min(refused[i].Count, 1<<20))
	}
	return n
}

// conflictsForPage are the entries too many, the latest first.
func (a *Appliance) conflictsForPage(r *roster, c *web.ClusterView) []web.ConflictView {
	limits, done := a.limits()
	defer done()
	offsets := map[gate.GateID]*time.Duration{}
	for i := range c.Peers {
		g := &c.Peers[i]
		offsets[g.ID] = g.Offset
		if g.Self {
			offsets[g.ID] = new(time.Duration)
		}
	}
	var all []web.ConflictView
	for _, found := range a.ledger.Conflicts(0, limits) {
		all = append(all, conflictView(&found, r, offsets))
	}
	slices.SortStableFunc(all, func(a, b web.ConflictView) int {
		return cmp.Compare(b.Latest().UnixNano(), a.Latest().UnixNano())
	})
	return all
}

func conflictView(c *ledger.Conflict, r *roster, offsets map[gate.GateID]*time.Duration) web.ConflictView {
	v := web.ConflictView{Ticket: web.MaskTicket(c.Ticket), Excess: c.Excess, Claimed: c.AllClaimed}
	for i := range c.Grants {
		g := &c.Grants[i]
		one := web.ConflictGrantView{
			At: g.At, Gate: r.gateName(g.Position.Gate), Lane: r.laneName(g.Lane), Ticket: web.MaskTicket(g.Ticket),
			Count: g.Count, Out: g.Out, Excess: g.Excess, Offset: offsets[g.Position.Gate],
		}
		for _, m := range []struct {
			on   bool
			mark gate.Marks
		}{{g.Isolated, gate.MarkIsolated}, {g.Override, gate.MarkOverride}, {g.ClockUntrusted, gate.MarkClockUntrusted}} {
			if m.on {
				one.Marks |= m.mark
			}
		}
		v.Grants = append(v.Grants, one)
	}
	return v
}

// gateName returns what people call a gate, or its number.
func (r *roster) gateName(id gate.GateID) string {
	for i := range r.gates {
		if g := &r.gates[i]; gate.GateID(g.ID) == id && g.Name != "" {
			return g.Name
		}
	}
	return fmt.Sprint(id)
}
