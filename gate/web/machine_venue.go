package web

import (
	"time"

	"github.com/venuegate/venuegate/gate"
)

// What machines get of the venue as a whole, see machine.go. Gates are told apart
// by their number; tickets and staff are not in it.

type clusterJSON struct {
	Gates     int        `json:"gates"`       // on the roster, this one counted
	Heard     int        `json:"gates_heard"` // others, lately
	LastHeard time.Time  `json:"last_heard,omitzero"`
	Isolated  time.Time  `json:"isolated_since,omitzero"` // absent: the gate is not isolated
	Role      string     `json:"claims_role"`             // alone, client, follower, candidate, leader, waiting
	NoKeepers bool       `json:"no_keepers"`              // there are other gates, and nobody to ask
	Late      int        `json:"records_to_hand_in"`      // made alone
	Peers     []peerJSON `json:"peers"`
}

type peerJSON struct {
	Gate    gate.GateID `json:"gate"`
	Name    string      `json:"name"`
	Heard   bool        `json:"heard"`
	Last    time.Time   `json:"last_heard,omitzero"`
	Behind  uint64      `json:"records_behind"` // that it lacked, by its last word
	Ahead   uint64      `json:"records_ahead"`  // that this gate lacked then
	Offset  *float64    `json:"clock_offset_seconds,omitempty"`
	Keeper  bool        `json:"keeper"`
	Leader  bool        `json:"leader"`
	Refused int         `json:"records_refused"`
}

type conflictsJSON struct {
	Count  int `json:"count"`         // tickets, and persons
	Excess int `json:"excess_grants"` // in all
}

type orderJSON struct {
	Kind   string    `json:"kind"`
	From   time.Time `json:"from,omitzero"`
	Until  time.Time `json:"until,omitzero"`
	Signed bool      `json:"signed"`
}

type uplinkJSON struct {
	State   string    `json:"state"` // starting, idle, sending, waiting
	Pending uint64    `json:"pending"`
	Acked   uint64    `json:"acked"`
	Heard   time.Time `json:"last_heard,omitzero"`
}

type zoneJSON struct {
	Zone   string `json:"zone"`
	In     int    `json:"in"`
	Out    int    `json:"out"`
	Inside int    `json:"inside"`
}

func clusterForMachines(c *ClusterView) clusterJSON {
	_, heard := c.others()
	out := clusterJSON{
		Gates: c.Gates, Heard: heard, LastHeard: c.Heard.UTC(), Isolated: c.Alone.UTC(), Role: c.Role,
		NoKeepers: c.NoKeepers, Late: c.Late, Peers: []peerJSON{},
	}
	for i := range c.Peers {
		g := &c.Peers[i]
		if g.Self {
			continue
		}
		one := peerJSON{
			Gate: g.ID, Name: g.Name, Heard: !g.Silent, Last: g.Heard.UTC(), Behind: g.Lacks, Ahead: g.Has,
			Keeper: g.Keeper, Leader: g.Leader, Refused: g.Refused,
		}
		if g.Offset != nil {
			seconds := g.Offset.Seconds()
			one.Offset = &seconds
		}
		out.Peers = append(out.Peers, one)
	}
	return out
}

func conflictsForMachines(all []ConflictView) conflictsJSON {
	out := conflictsJSON{Count: len(all)}
	for i := range all {
		out.Excess += all[i].Excess
	}
	return out
}

func ordersForMachines(all []OrderView) []orderJSON {
	out := []orderJSON{}
	for i := range all {
		o := &all[i].Order
		out = append(out, orderJSON{o.Kind.String(), o.From.UTC(), o.Until.UTC(), all[i].Signed})
	}
	return out
}

func uplinkForMachines(u *UplinkView) *uplinkJSON {
	if u == nil {
		return nil
	}
	return &uplinkJSON{u.State, u.Pending, u.Acked, u.Heard.UTC()}
}

func zonesForMachines(all []ZoneView) []zoneJSON {
	out := []zoneJSON{}
	for _, z := range all {
		out = append(out, zoneJSON{z.Name, z.In, z.Out, z.Inside})
	}
	return out
}
