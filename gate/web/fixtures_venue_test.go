package web

import (
	"time"

	"github.com/venuegate/venuegate/gate"
)

func apart(d time.Duration) *time.Duration { return &d }

// venueGate is a gate among five others, of which all is well.
func venueGate() *fakeGate {
	g := quietGate()
	s := &g.state
	for i := range s.Lanes {
		s.Lanes[i].Isolation = []gate.Isolation{gate.IsolationAdmit}
	}
	s.Cluster = ClusterView{Gates: 6, Role: "client", Heard: evening}
	for i, name := range []string{"北门 1", "北门 2", "北门 3", "南门 1", "南门 2", "东门"} {
		s.Cluster.Peers = append(s.Cluster.Peers, GateView{
			ID: gate.GateID(i + 1), Name: name, Self: i == 2, Heard: evening, Offset: apart(200 * time.Millisecond),
			Keeper: i%2 == 0 && i != 2, Leader: i == 0,
		})
	}
	s.Counts.Zones = []ZoneView{{"看台", 9120, 201, 8919}, {"内场", 3720, 110, 3610}}
	s.Uplink = &UplinkView{State: "sending", Acked: 12480, Pending: 17632, Left: 2 * time.Minute, Heard: evening}
	return g
}

// aloneGate is one that cannot ask the others since some minutes ago.
func aloneGate() *fakeGate {
	g := venueGate()
	c := &g.state.Cluster
	c.Alone, c.Heard, c.Late = evening.Add(-11*time.Minute), evening.Add(-10*time.Minute), 24
	for i := range c.Peers {
		p := &c.Peers[i]
		if p.Self {
			continue
		}
		p.Silent, p.Heard, p.Offset, p.Down, p.Leader = true, c.Heard, nil, p.Keeper, false
	}
	c.Peers[1].Silent = false
	c.Peers[1].Heard = evening
	c.Peers[5].Heard = time.Time{}
	return g
}

// twice is a ticket that came in at two gates while one was alone.
func twice() ConflictView {
	return ConflictView{Ticket: "1234", Excess: 1, Grants: []ConflictGrantView{
		{At: evening.Add(-9 * time.Minute), Gate: "北门 1", Lane: "北 1", Ticket: "1234", Count: 1, Offset: apart(200 * time.Millisecond)},
		{
			At: evening.Add(-8 * time.Minute), Gate: "北门 3", Lane: "北 5", Ticket: "1234", Count: 1, Excess: true,
			Marks: gate.MarkIsolated, Offset: apart(-2300 * time.Millisecond),
		},
	}}
}

// ordered are orders of every kind.
func ordered() []OrderView {
	by := func(o gate.Order) OrderView {
		o.ID, o.Staff, o.Issued = 7, 12, evening.Add(-time.Hour)
		return OrderView{Order: o, By: "王主管", Gate: "北门 1", Recorded: evening.Add(-time.Hour), Signed: true}
	}
	doors := by(gate.Order{Kind: gate.OrderDoors, At: evening.Add(33 * time.Minute), Event: 1})
	doors.Event = "秋季音乐节"
	entrance := by(gate.Order{Kind: gate.OrderEntrance, Entrance: 3, To: 2, Until: evening.Add(time.Hour)})
	entrance.Entrance, entrance.To = "C", "B"
	hold := by(gate.Order{Kind: gate.OrderHold, Lane: 1, From: evening.Add(5 * time.Minute)})
	hold.Lane = "北 1"
	closed := by(gate.Order{Kind: gate.OrderLaneClosed, Lane: 2})
	closed.Lane = "北 2"
	kind := by(gate.Order{Kind: gate.OrderLaneKind, Lane: 2, LaneKind: gate.LaneExit})
	kind.Lane = "北 2"
	last := by(gate.Order{Kind: gate.OrderLastEntry, At: evening.Add(3 * time.Hour), Event: 1, Session: 2})
	last.Event, last.Session = "秋季音乐节", "周六"
	return []OrderView{
		doors, last, entrance, kind, closed, hold,
		by(gate.Order{Kind: gate.OrderBlockTicket, Ticket: 900018835678}),
		by(gate.Order{Kind: gate.OrderBlockDocument, Person: gate.PersonKey{1}}),
	}
}

// evacuation is an order that nobody has signed.
func evacuation() OrderView {
	return OrderView{
		Order: gate.Order{Kind: gate.OrderEvacuate, ID: 9, Staff: 2, Issued: evening.Add(-time.Minute)},
		By:    "supervisor", Gate: "北门 3", Recorded: evening.Add(-time.Minute),
	}
}
