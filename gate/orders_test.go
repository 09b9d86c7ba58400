package gate_test

import (
	"slices"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// ordered decides the scene under orders, the latest last.
func (s *scene) ordered(orders ...gate.Order) gate.Verdict {
	for i := range orders {
		o := &orders[i]
		if o.ID == 0 {
			o.ID = uint64(i + 1)
		}
		o.Staff, o.Issued = 12, at("17:00")
		if err := o.Check(); err != nil {
			panic(err)
		}
	}
	set := gate.NewOrders(orders)
	lane := set.Lane(s.now, s.lane)
	return gate.Decide(s.now, &lane, &s.shown, s.ticket, &s.history, set.Policy(s.now, &s.policy))
}

func TestDecideUnderOrders(t *testing.T) {
	doors := func(clock string) gate.Order { return gate.Order{Kind: gate.OrderDoors, Event: 7, At: at(clock)} }
	last := func(clock string) gate.Order { return gate.Order{Kind: gate.OrderLastEntry, Event: 7, At: at(clock)} }
	moved := gate.Order{Kind: gate.OrderEntrance, Entrance: south, To: north}
	hold := gate.Order{Kind: gate.OrderHold}
	evacuate := gate.Order{Kind: gate.OrderEvacuate}
	block := gate.Order{Kind: gate.OrderBlockTicket, Ticket: 4711}
	blockZhang := gate.Order{Kind: gate.OrderBlockDocument, Person: zhang.Person()}
	cancel := gate.Order{Kind: gate.OrderCancel, Cancels: 1}
	type orders = []gate.Order
	none := func(*scene) {}
	now := func(clock string) func(*scene) { return func(s *scene) { s.now = at(clock) } }
	atEntrance := func(id gate.EntranceID, ticket gate.EntranceID) func(*scene) {
		return func(s *scene) { s.lane.Entrance, s.ticket.Entrance = id, ticket }
	}
	inside := func(kind gate.LaneKind) func(*scene) {
		return func(s *scene) { s.cameIn("18:10", 400); s.lane.Kind = kind }
	}
	tests := []struct {
		name   string
		orders orders
		change func(s *scene)
		want   gate.Outcome
		reason gate.Reason
	}{
		{"doors late", orders{doors("18:45")}, none, gate.Refuse, gate.ReasonDoorsNotOpen},
		{"doors early", orders{doors("17:30")}, now("17:40"), gate.Admit, gate.ReasonAdmitted},
		{"doors late, then earlier again", orders{doors("18:45"), doors("18:15")}, none, gate.Admit, gate.ReasonAdmitted},
		{"doors of another event", orders{{Kind: gate.OrderDoors, Event: 8, At: at("18:45")}}, none, gate.Admit, gate.ReasonAdmitted},
		{"doors of another session", orders{{Kind: gate.OrderDoors, Event: 7, Session: tomorrow, At: at("42:30")}}, none, gate.Admit, gate.ReasonAdmitted},
		{"doors of this session", orders{{Kind: gate.OrderDoors, Event: 7, Session: tonight, At: at("18:45")}}, none, gate.Refuse, gate.ReasonDoorsNotOpen},
		{"doors late, cancelled", orders{doors("18:45"), cancel}, none, gate.Admit, gate.ReasonAdmitted},
		{"an order whose time has not come", orders{but(hold, func(o *gate.Order) { o.From = at("18:31") })}, none, gate.Admit, gate.ReasonAdmitted},
		{"an order whose time is up", orders{but(hold, func(o *gate.Order) { o.Until = at("18:30") })}, none, gate.Admit, gate.ReasonAdmitted},
		{"last entry later", orders{last("20:30")}, now("20:20"), gate.Admit, gate.ReasonAdmitted},
		{"last entry later than the end", orders{last("22:00")}, now("21:45"), gate.Admit, gate.ReasonAdmitted},
		{"last entry earlier", orders{last("18:20")}, none, gate.Refuse, gate.ReasonLastEntryPassed},
		{"an entrance's visitors, where they are sent", orders{moved}, atEntrance(north, south), gate.Admit, gate.ReasonAdmitted},
		{"an entrance's visitors, where they belong", orders{moved}, atEntrance(south, south), gate.Refuse, gate.ReasonEntranceMoved},
		{"the other entrance's own visitors", orders{moved}, atEntrance(north, north), gate.Admit, gate.ReasonAdmitted},
		{"visitors for any entrance", orders{moved}, atEntrance(south, 0), gate.Admit, gate.ReasonAdmitted},
		{"a third entrance", orders{moved}, atEntrance(3, south), gate.Refuse, gate.ReasonWrongEntrance},
		{"the lane becomes an exit", orders{{Kind: gate.OrderLaneKind, Lane: 3, LaneKind: gate.LaneExit}}, inside(gate.LaneEntry), gate.Exit, gate.ReasonExited},
		{"another lane becomes an exit", orders{{Kind: gate.OrderLaneKind, Lane: 4, LaneKind: gate.LaneExit}}, none, gate.Admit, gate.ReasonAdmitted},
		{"the lane is closed", orders{{Kind: gate.OrderLaneClosed, Lane: 3}}, none, gate.Refuse, gate.ReasonLaneClosed},
		{"closed, then made an entry", orders{{Kind: gate.OrderLaneClosed, Lane: 3}, {Kind: gate.OrderLaneKind, Lane: 3}}, none, gate.Admit, gate.ReasonAdmitted},
		{"the queue is held everywhere", orders{hold}, none, gate.Refuse, gate.ReasonLaneHeld},
		{"the queue is held at this entrance", orders{{Kind: gate.OrderHold, Entrance: north}}, none, gate.Refuse, gate.ReasonLaneHeld},
		{"the queue is held at another entrance", orders{{Kind: gate.OrderHold, Entrance: south}}, none, gate.Admit, gate.ReasonAdmitted},
		{"the queue is held into this zone", orders{{Kind: gate.OrderHold, Zone: stand}}, none, gate.Refuse, gate.ReasonLaneHeld},
		{"the queue is held, and somebody leaves", orders{hold}, inside(gate.LaneExit), gate.Exit, gate.ReasonExited},
		{"the same where both ways are one lane", orders{hold}, inside(gate.LaneBoth), gate.Exit, gate.ReasonExited},
		{"the queue is held, and somebody comes where both ways are one lane", orders{hold}, func(s *scene) { s.lane.Kind = gate.LaneBoth }, gate.Refuse, gate.ReasonLaneHeld},
		{"a pre-check goes on while the queue is held", orders{hold}, func(s *scene) { s.lane.Kind = gate.LanePreCheck }, gate.Admit, gate.ReasonPreChecked},
		{"the hold is lifted", orders{hold, cancel}, none, gate.Admit, gate.ReasonAdmitted},
		{"a blocked ticket", orders{block}, none, gate.Refuse, gate.ReasonTicketBlocked},
		{"another ticket", orders{{Kind: gate.OrderBlockTicket, Ticket: 4712}}, none, gate.Admit, gate.ReasonAdmitted},
		{"a blocked ticket leaves", orders{block}, inside(gate.LaneExit), gate.Exit, gate.ReasonExited},
		{"a blocked ticket, unblocked", orders{block, cancel}, none, gate.Admit, gate.ReasonAdmitted},
		{"a blocked holder, by code", orders{blockZhang}, none, gate.Refuse, gate.ReasonDocumentBlocked},
		{"a blocked holder, by document", orders{blockZhang}, func(s *scene) { s.document(zhang) }, gate.Refuse, gate.ReasonDocumentBlocked},
		{"a blocked person on somebody else's ticket", orders{blockZhang}, func(s *scene) {
			s.ticket.Documents[0].Tag = li
			s.codeAndDocument(zhang)
		}, gate.Refuse, gate.ReasonDocumentBlocked},
		{"evacuation: nobody comes in", orders{evacuate}, none, gate.Refuse, gate.ReasonEvacuation},
		{"evacuation: whatever else is wrong", orders{evacuate}, func(s *scene) { s.ticket = nil }, gate.Refuse, gate.ReasonEvacuation},
		{"evacuation: people leave by an entry", orders{evacuate}, inside(gate.LaneEntry), gate.Exit, gate.ReasonExited},
		{"evacuation: a closed lane too", orders{{Kind: gate.OrderLaneClosed, Lane: 3}, evacuate}, inside(gate.LaneEntry), gate.Exit, gate.ReasonExited},
		{"evacuation of another zone", orders{{Kind: gate.OrderEvacuate, Zone: lounge}}, none, gate.Admit, gate.ReasonAdmitted},
		{"back to normal", orders{evacuate, hold, {Kind: gate.OrderNormal}}, none, gate.Admit, gate.ReasonAdmitted},
		{"back to normal, and evacuated again", orders{{Kind: gate.OrderNormal}, evacuate}, none, gate.Refuse, gate.ReasonEvacuation},
		{"back to normal was a mistake", orders{but(evacuate, func(o *gate.Order) { o.ID = 9 }), but(gate.Order{Kind: gate.OrderNormal}, func(o *gate.Order) { o.ID = 1 }), but(cancel, func(o *gate.Order) { o.ID = 5 })}, none, gate.Refuse, gate.ReasonEvacuation},
		{"back to normal leaves what is blocked", orders{block, {Kind: gate.OrderNormal}}, none, gate.Refuse, gate.ReasonTicketBlocked},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := plainScene()
			test.change(s)
			if v := s.ordered(slices.Clone(test.orders)...); v.Outcome != test.want || v.Reason != test.reason {
				t.Errorf("got %v, %v, want %v, %v", v.Outcome, v.Reason, test.want, test.reason)
			}
		})
	}
}

func but(o gate.Order, change func(o *gate.Order)) gate.Order {
	change(&o)
	return o
}

func TestVisitorsAreSentToTheirEntrance(t *testing.T) {
	s := plainScene()
	s.lane.Entrance, s.ticket.Entrance = south, south
	if v := s.ordered(gate.Order{Kind: gate.OrderEntrance, Entrance: south, To: north}); v.Entrance != north {
		t.Errorf("sent to entrance %d, want %d", v.Entrance, north)
	}
	s.lane.Entrance = north
	if v := s.decide(); v.Reason != gate.ReasonWrongEntrance || v.Entrance != south {
		t.Errorf("%v: sent to entrance %d, want %d", v.Reason, v.Entrance, south)
	}
}

func TestNoOrdersChangeNothing(t *testing.T) {
	s := plainScene()
	for _, set := range []*gate.Orders{nil, gate.NewOrders(nil)} {
		if set.Policy(s.now, &s.policy) != &s.policy || set.InForce(s.now) != nil || set.Blocked(s.now, 4711, zhang.Person()) {
			t.Error("no orders, and something is different")
		}
		if got := set.Lane(s.now, s.lane); got != s.lane || set.Evacuating(s.now, &s.lane) {
			t.Errorf("the lane is %+v", got)
		}
	}
}

// A policy is made once for as long as it holds.
func TestPolicyIsMadeOnce(t *testing.T) {
	s := plainScene()
	set := gate.NewOrders([]gate.Order{{
		Kind: gate.OrderDoors, ID: 1, Staff: 1, Issued: at("17:00"), Event: 7, At: at("18:45"), From: at("18:10"), Until: at("18:20"),
	}})
	doorsAt := func(clock string) (*gate.Policy, time.Time) {
		p := set.Policy(at(clock), &s.policy)
		return p, p.Sessions[0].Doors
	}
	before, when := doorsAt("18:09")
	if !when.Equal(at("18:00")) {
		t.Errorf("before the order: %v", when)
	}
	first, when := doorsAt("18:10")
	if !when.Equal(at("18:45")) {
		t.Errorf("under the order: %v", when)
	}
	if second, _ := doorsAt("18:19"); second != first {
		t.Error("made twice")
	}
	if _, when := doorsAt("18:20"); !when.Equal(at("18:00")) {
		t.Errorf("after the order: %v", when)
	}
	if again, _ := doorsAt("18:05"); again != before || !s.policy.Sessions[0].Doors.Equal(at("18:00")) {
		t.Error("an older one was made again, or the pack's own has changed")
	}
}
