package appliance

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/sync/enrol"
)

// Place completes a configuration by what the box was enrolled as: number, name,
// central, and the port for other gates, each where it says nothing. A box that
// is not enrolled keeps gate.id 0, unless the configuration says one; it can be
// enrolled with [Enrol]. The error is a [config.Errors] where the two disagree.
func Place(c *config.Config) error {
	place, err := enrol.Load(c.Gate.DataDir)
	if errors.Is(err, enrol.ErrNotEnrolled) {
		return nil
	}
	if err != nil {
		return err
	}
	if c.Gate.ID != 0 && c.Gate.ID != place.Gate {
		return wrongID("is %d, but this box is enrolled as gate %d (%s): leave gate.id out, or use the data directory of gate %d",
			c.Gate.ID, place.Gate, place.Name, c.Gate.ID)
	}
	c.Gate.ID = place.Gate
	if c.Gate.Name == "" {
		c.Gate.Name = place.Name
	}
	if c.Central.URL == "" {
		c.Central.URL = place.Central
	}
	if c.Cluster.Listen == "" {
		for _, text := range place.Addresses {
			if at, err := netip.ParseAddrPort(text); err == nil {
				c.Cluster.Listen = netip.AddrPortFrom(anyAddress(at.Addr()), at.Port()).String()
				break
			}
		}
	}
	return c.Validate()
}

// anyAddress is where to listen for what comes to an address: the network may
// give the box another one, but loopback stays loopback.
func anyAddress(at netip.Addr) netip.Addr {
	switch {
	case at.IsLoopback():
		return at
	case at.Is6() && !at.Is4In6():
		return netip.IPv6Unspecified()
	default:
		return netip.IPv4Unspecified()
	}
}

// loadPlace reads what the gate was enrolled as; zero where it was set up by
// hand.
func (a *Appliance) loadPlace(dataDir string) error {
	place, err := enrol.Load(dataDir)
	if err != nil && !errors.Is(err, enrol.ErrNotEnrolled) {
		return err
	}
	a.place = place
	return nil
}

// venue returns the number of the venue: the roster's, and before there is one,
// that of the enrolment.
func (a *Appliance) venue() uint32 {
	if r := a.packs.roster(); r.gates != nil {
		return r.venueID
	}
	return a.place.Venue
}

// incarnation returns which box with this gate's number this is: the roster's
// word where it has this box's key, before that the enrolment's.
func (a *Appliance) incarnation() uint32 {
	if g := a.neighbours.now().gates[a.config().Gate.ID]; g != nil && a.key.Public().Equal(ed25519.PublicKey(g.Key)) {
		return g.Incarnation
	}
	return max(1, a.place.Incarnation)
}

// number gives the lanes of a configuration that does not say which they are the
// numbers of the gate's lanes in the roster, in its order. Those that the roster
// does not have are left out.
func (r *roster) number(of gate.GateID, lanes []config.Lane) []config.Lane {
	if !unnumbered(lanes) {
		return lanes
	}
	for _, g := range r.gates {
		if g.ID != uint32(of) {
			continue
		}
		lanes = slices.Clone(lanes[:min(len(lanes), len(g.Lanes))])
		for i := range lanes {
			lanes[i].ID = gate.LaneID(g.Lanes[i].ID)
		}
		return lanes
	}
	return nil
}

func unnumbered(lanes []config.Lane) bool { return len(lanes) > 0 && lanes[0].ID == 0 }

// numberLanes starts the lanes that could not be started before the roster said
// which they are, and restarts those that it now calls otherwise.
func (a *Appliance) numberLanes() {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	c := a.config()
	if !unnumbered(c.Lanes) || a.lanesCtx == nil || a.lanesCtx.Err() != nil {
		return
	}
	lanes := a.packs.roster().number(c.Gate.ID, c.Lanes)
	if err := a.lanes.apply(a.lanesCtx, lanes); err != nil {
		a.log.Error().Err(err).Msg("lanes")
	}
}

// unlisted returns a word on each lane of the configuration that the roster does
// not have, by its place in the configuration.
func (r *roster) unlisted(of gate.GateID, lanes []config.Lane) map[string]string {
	if r.gates == nil {
		return nil
	}
	out := map[string]string{}
	for i := len(r.number(of, lanes)); i < len(lanes); i++ {
		out["#"+strconv.Itoa(i+1)] = fmt.Sprintf("the configuration has %d lanes, the roster %d", len(lanes), len(r.number(of, lanes)))
	}
	return out
}
