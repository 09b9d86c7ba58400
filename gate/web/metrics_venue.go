package web

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/venuegate/venuegate/gate"
)

// roles are the parts that a gate may have in claims.
var roles = []string{"alone", "client", "follower", "candidate", "leader", "waiting"}

// venueDescs describe what is measured of the venue as a whole. Gates are told
// apart by their number on the roster, which bounds how many there are.
type venueDescs struct {
	gates, heard, lastHeard, isolated, since, role, late *prometheus.Desc
	peerHeard, peerBehind, peerAhead, peerOffset         *prometheus.Desc
	conflicts, excess, orders, zone                      *prometheus.Desc
	uplinkPending, uplinkAcked, uplinkHeard              *prometheus.Desc
}

func newVenueDescs(desc func(name, help string, labels ...string) *prometheus.Desc) venueDescs {
	return venueDescs{
		gates:         desc("gates", "Gates on the roster, this one counted."),
		heard:         desc("gates_heard", "Other gates that were heard lately."),
		lastHeard:     desc("gates_last_heard_timestamp_seconds", "When any other gate was heard last, Unix time; 0: never."),
		isolated:      desc("isolated", "1 while the keepers cannot be asked."),
		since:         desc("isolated_since_timestamp_seconds", "Since when the gate is isolated, Unix time; 0: it is not."),
		role:          desc("claims_role", "1 for the part that the gate has in claims.", "role"),
		late:          desc("late_records", "Records made alone that the keepers have yet to hear of."),
		peerHeard:     desc("peer_heard", "1 when the gate was heard lately.", "gate"),
		peerBehind:    desc("peer_records_behind", "Records that the gate lacked, by its last word.", "gate"),
		peerAhead:     desc("peer_records_ahead", "Records that this gate lacked, by the gate's last word.", "gate"),
		peerOffset:    desc("peer_clock_offset_seconds", "The gate's clock less this gate's best time, where it was measured lately.", "gate"),
		conflicts:     desc("conflicts", "Tickets and persons let in more often than allowed, as far as this gate has heard."),
		excess:        desc("conflict_grants", "Grants too many, over all conflicts."),
		orders:        desc("orders_in_force", "Supervisors' orders in force.", "kind"),
		zone:          desc("zone_inside", "People in a zone.", "zone"),
		uplinkPending: desc("uplink_pending_records", "Records that central has yet to take."),
		uplinkAcked:   desc("uplink_acked_records", "Records that central has."),
		uplinkHeard:   desc("uplink_last_heard_timestamp_seconds", "When central last answered as it should, Unix time; 0: never."),
	}
}

// collect sends what a state says of the venue.
func (d *venueDescs) collect(s *State, gauge func(d *prometheus.Desc, value float64, labels ...string)) {
	c := &s.Cluster
	_, heard := c.others()
	gauge(d.gates, float64(c.Gates))
	gauge(d.heard, float64(heard))
	gauge(d.lastHeard, unix(c.Heard))
	gauge(d.isolated, truth(!c.Alone.IsZero()))
	gauge(d.since, unix(c.Alone))
	gauge(d.late, float64(c.Late))
	for _, role := range roles {
		gauge(d.role, truth(c.Role == role), role)
	}
	for i := range c.Peers {
		g := &c.Peers[i]
		if g.Self {
			continue
		}
		id := strconv.FormatUint(uint64(g.ID), 10)
		gauge(d.peerHeard, truth(!g.Silent), id)
		gauge(d.peerBehind, float64(g.Lacks), id)
		gauge(d.peerAhead, float64(g.Has), id)
		if g.Offset != nil {
			gauge(d.peerOffset, g.Offset.Seconds(), id)
		}
	}
	found := conflictsForMachines(s.Conflicts)
	gauge(d.conflicts, float64(found.Count))
	gauge(d.excess, float64(found.Excess))
	on := map[gate.OrderKind]int{}
	for i := range s.Orders {
		if o := &s.Orders[i].Order; !s.Now.Before(o.From) {
			on[o.Kind]++
		}
	}
	for kind := gate.OrderDoors; kind <= gate.OrderEvacuate; kind++ {
		gauge(d.orders, float64(on[kind]), kind.String())
	}
	for _, z := range s.Counts.Zones {
		gauge(d.zone, float64(z.Inside), z.Name)
	}
	if u := s.Uplink; u != nil {
		gauge(d.uplinkPending, float64(u.Pending))
		gauge(d.uplinkAcked, float64(u.Acked))
		gauge(d.uplinkHeard, unix(u.Heard))
	}
}

// unix is a time in seconds, and 0 for no time.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix())
}
