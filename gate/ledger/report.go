package ledger

import (
	"strconv"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// ConflictReport is a conflict as pages, tools and the control socket show it:
// ids that may be large are decimal strings. Persons are not named.
type ConflictReport struct {
	Event         gate.EventID   `json:"event"`
	Session       gate.SessionID `json:"session"`
	Ticket        string         `json:"ticket,omitempty"` // absent: one person, several tickets
	Open          int            `json:"open_limit"`
	Entries       int            `json:"entry_limit"`
	Excess        int            `json:"excess"`
	ExcessClaimed bool           `json:"excess_claimed"`
	AllClaimed    bool           `json:"all_claimed"`
	Grants        []GrantReport  `json:"grants"`
}

// GrantReport is one grant of a conflict.
type GrantReport struct {
	Record         string      `json:"record"` // gate-epoch/sequence
	Gate           gate.GateID `json:"gate"`
	Lane           gate.LaneID `json:"lane"`
	Time           time.Time   `json:"time"`   // the gate's own clock
	Hybrid         time.Time   `json:"hybrid"` // by which grants are ordered
	Ticket         string      `json:"ticket"`
	Generation     uint8       `json:"generation"`
	Count          int         `json:"count"`
	Out            int         `json:"out"`
	Request        string      `json:"request,omitempty"`
	Isolated       bool        `json:"isolated"`
	Override       bool        `json:"override"`
	ClockUntrusted bool        `json:"clock_untrusted"`
	Excess         bool        `json:"excess"`
}

// Report returns the conflict as it is shown.
func (c *Conflict) Report() ConflictReport {
	r := ConflictReport{
		Event: c.Event, Session: c.Session, Open: c.Open, Entries: c.Entries, Excess: c.Excess,
		ExcessClaimed: c.ExcessClaimed, AllClaimed: c.AllClaimed,
	}
	if c.Ticket != 0 {
		r.Ticket = c.Ticket.String()
	}
	for i := range c.Grants {
		g := &c.Grants[i]
		line := GrantReport{
			Record: g.Position.String(), Gate: g.Position.Gate, Lane: g.Lane, Time: g.At, Hybrid: g.Clock.Time(),
			Ticket: g.Ticket.String(), Generation: g.Generation, Count: g.Count, Out: g.Out, Isolated: g.Isolated,
			Override: g.Override, ClockUntrusted: g.ClockUntrusted, Excess: g.Excess,
		}
		if g.Request != 0 {
			line.Request = strconv.FormatUint(g.Request, 10)
		}
		r.Grants = append(r.Grants, line)
	}
	return r
}

// String returns the position as gate-epoch/sequence.
func (p Position) String() string {
	return strconv.FormatUint(uint64(p.Gate), 10) + "-" + strconv.FormatUint(uint64(p.Epoch), 10) + "/" +
		strconv.FormatUint(p.Sequence, 10)
}

// OrderReport is an order as pages, tools and the control socket show it. A
// blocked document is not named.
type OrderReport struct {
	ID       string          `json:"id"`
	Kind     string          `json:"kind"`
	Staff    uint32          `json:"staff"`
	Issued   time.Time       `json:"issued"`
	From     time.Time       `json:"from,omitzero"`
	Until    time.Time       `json:"until,omitzero"`
	Event    gate.EventID    `json:"event,omitempty"`
	Session  gate.SessionID  `json:"session,omitempty"`
	Zone     gate.ZoneID     `json:"zone,omitempty"`
	Entrance gate.EntranceID `json:"entrance,omitempty"`
	Lane     gate.LaneID     `json:"lane,omitempty"`
	At       time.Time       `json:"at,omitzero"`
	To       gate.EntranceID `json:"to,omitempty"`
	LaneKind string          `json:"lane_kind,omitempty"`
	Ticket   string          `json:"ticket,omitempty"`
	Cancels  string          `json:"cancels,omitempty"`
	Record   string          `json:"record"` // gate-epoch/sequence
	Recorded time.Time       `json:"recorded"`
	Proven   bool            `json:"proven"`
	Ended    bool            `json:"ended"`
	Ignored  string          `json:"ignored,omitempty"`
}

// Report returns the order as it is shown.
func (s *OrderState) Report() OrderReport {
	o := &s.Order
	r := OrderReport{
		ID: strconv.FormatUint(o.ID, 10), Kind: o.Kind.String(), Staff: o.Staff, Issued: o.Issued, From: o.From, Until: o.Until,
		Event: o.Event, Session: o.Session, Zone: o.Zone, Entrance: o.Entrance, Lane: o.Lane, At: o.At, To: o.To,
		Record: s.Position.String(), Recorded: s.Clock.Time(), Proven: s.Proven, Ended: s.Ended, Ignored: s.Ignored,
	}
	if o.Kind == gate.OrderLaneKind {
		r.LaneKind = o.LaneKind.String()
	}
	if o.Ticket != 0 {
		r.Ticket = o.Ticket.String()
	}
	if o.Cancels != 0 {
		r.Cancels = strconv.FormatUint(o.Cancels, 10)
	}
	return r
}
