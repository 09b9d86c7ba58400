package web

import (
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/health"
)

// Source is what the page asks of the appliance. State is called from many
// goroutines, a few times a second for each open page; it returns promptly and
// hands over slices and maps that nobody changes afterwards.
type Source interface {
	State() State
}

// State is the gate as it is now.
type State struct {
	Now         time.Time      // the gate's best time
	Zone        *time.Location // of the venue, for every time on the page; nil: UTC
	Gate        string         // the gate's name
	Venue       string         // may be empty
	Event       string         // name of the event; empty without a pack
	ClockSource ClockSource    // where the time comes from
	Battery     *BatteryView   // of a handheld; nil: there is none
	Training    bool           // nothing here is for the books
	Lanes       []LaneView     // in the order of the configuration
	Counts      CountsView
	Pack        *PackView // nil: none is loaded
	Journal     JournalView
	Warnings    []health.Active // the most pressing first
	Cluster     ClusterView
	Conflicts   []ConflictView // the latest first
	Orders      []OrderView    // in force or to come, in the order in which they count
	Uplink      *UplinkView    // nil: there is no central
}

// ClockSource is where a gate's time comes from.
type ClockSource string

// The sources that the page has words for. Another one is shown as it is.
const (
	ClockUnknown ClockSource = ""
	ClockSystem  ClockSource = "NTP"         // something keeps the machine's clock right
	ClockPeers   ClockSource = "other gates" // they vouch for it, or lend theirs
)

// BatteryView is how much a handheld's battery has left.
type BatteryView struct {
	Percent  int
	Charging bool
}

// LaneView is one lane.
type LaneView struct {
	ID       gate.LaneID
	Name     string
	Kind     gate.LaneKind
	From, To string // names of zones; may be empty
	Ready    bool   // a visitor can be served now
	Closed   bool   // by order or by configuration
	Held     bool   // by order nobody is admitted for now
	Evacuate bool   // by order the barrier stands open
	Barrier  BarrierState
	Devices  []DeviceView

	Wants      gate.Want // what the visitor at the lane has still to show
	WantsUntil time.Time // how long the lane waits for it
	Case       *CaseView // a visitor who was referred to staff; nil: none
	Fire       bool      // a fire signal released the barrier, and nobody has put it back
	Mishaps    []MishapView
	// Isolation is what happens to rightful visitors while the gate is alone: one
	// rule, or where events differ, each of theirs once.
	Isolation []gate.Isolation
}

// CaseView is a visitor who waits for staff to decide. Only staff who are signed
// in see it.
type CaseView struct {
	ID      uint64 // another one for every case
	Verdict VerdictView
	Class   string // name of the ticket's class; may be empty
	Until   time.Time
	Refused bool // staff said yes already, and Verdict is why the answer was no
	Choices []ChoiceView
}

// ChoiceView is one of a visitor's several tickets.
type ChoiceView struct {
	Class, Session string // names; may be empty
	Ticket         string // the last four digits of its id
	Name           string // masked
	Seat           gate.Seat
}

// NewChoiceView makes the view of one ticket to choose.
func NewChoiceView(id gate.TicketID, masked string, seat gate.Seat, class, session string) ChoiceView {
	return ChoiceView{Class: class, Session: session, Ticket: MaskTicket(id), Name: masked, Seat: seat}
}

func (c ChoiceView) holderView() VerdictView {
	return VerdictView{Name: c.Name, Seat: c.Seat, Ticket: c.Ticket}
}

// MishapView is how often something happened at a lane's barrier that no grant
// was for, since the gate started.
type MishapView struct {
	Kind  gate.BarrierEventKind
	Count int
	Last  time.Time
}

// DeviceView is one device of a lane.
type DeviceView struct {
	Name  string
	Role  Role
	Up    bool
	Since time.Time // of the present state; may be zero
}

// Role says what a device does in its lane.
type Role uint8

// The roles of devices.
const (
	RoleReader Role = iota
	RoleDocument
	RoleBarrier
	RoleDisplay
)

// String returns the role's word.
func (r Role) String() string {
	switch r {
	case RoleReader:
		return "reader"
	case RoleDocument:
		return "document"
	case RoleBarrier:
		return "barrier"
	default:
		return "display"
	}
}

// BarrierState is what is known of a lane's barrier.
type BarrierState uint8

// The states of a barrier.
const (
	BarrierNone     BarrierState = iota // the lane has none, or staff work it
	BarrierShut                         // and ready
	BarrierOpen                         // released for somebody who may pass
	BarrierUnknown                      // nobody knows how the last opening ended
	BarrierDown                         // does not answer
	BarrierReleased                     // held open from outside, such as by the fire signal
)

// String returns the state's word.
func (b BarrierState) String() string {
	switch b {
	case BarrierShut:
		return "shut"
	case BarrierOpen:
		return "open"
	case BarrierUnknown:
		return "unknown"
	case BarrierDown:
		return "down"
	case BarrierReleased:
		return "released"
	default:
		return "none"
	}
}

// CountsView is how many people came and went, in the event's present session
// or day. In, Out and Inside count people; Refused and Referred count verdicts.
type CountsView struct {
	In, Out, Inside   int
	Refused, Referred int
	Reasons           map[gate.Reason]int // of refusals and referrals
	Since             time.Time           // counting began; may be zero
	Reset             time.Time           // everybody was counted out by order; zero: never
	Zones             []ZoneView          // none: there is but one, or nobody came yet
}

// PackView is the pack in use.
type PackView struct {
	Version uint32
	Tickets int
	Made    time.Time // when central signed it
	Expires time.Time // zero: never
}

// JournalView is the state of the gate's own journal.
type JournalView struct {
	OK       bool // records can be appended
	Epoch    uint32
	Sequence uint64 // of the last record in this epoch
}

// VerdictView is one verdict as staff see it. NewVerdictView fills it so that
// nothing is in it that staff need not see.
type VerdictView struct {
	At       time.Time
	Lane     gate.LaneID
	LaneName string
	Outcome  gate.Outcome
	Reason   gate.Reason
	Ticket   string     // the last four digits of its id; empty: unknown
	Entry    int        // the number of this entry of the ticket; 0: none
	Count    int        // people that may pass
	Group    gate.Group // where a leader brought the order
	Name     string     // masked, as the pack has it (张*)
	Seat     gate.Seat
	Previous *PreviousView // the earlier entry that stands in the way
	Wants    gate.Want
	Skew     time.Duration // phone's clock less ours
	Back     time.Time     // when to come back; zero: no such time
	Entrance string        // where to go instead; empty: nowhere in particular
	Marks    gate.Marks
	Took     time.Duration // from the last byte read to the durable decision
}

// PreviousView is an earlier entry.
type PreviousView struct {
	At       time.Time
	LaneName string
}

// NewVerdictView makes the view of a verdict. Ticket is nil when none is
// known; previousLane is the name of the lane of v.Previous, if there is one.
func NewVerdictView(at time.Time, lane gate.LaneID, laneName string, v *gate.Verdict, ticket *gate.Ticket, previousLane string, took time.Duration) VerdictView {
	view := VerdictView{
		At: at, Lane: lane, LaneName: laneName,
		Outcome: v.Outcome, Reason: v.Reason, Ticket: MaskTicket(v.Ticket),
		Entry: v.Entry, Count: v.Count, Group: v.Group, Wants: v.Wants,
		Skew: v.Skew, Back: v.NotBefore, Marks: v.Marks, Took: took,
	}
	if ticket != nil {
		view.Name, view.Seat = ticket.Masked, ticket.Seat
	}
	if v.Previous != nil {
		view.Previous = &PreviousView{At: v.Previous.At, LaneName: previousLane}
	}
	return view
}

// MaskTicket returns the last four digits of a ticket's id, by which staff
// tell apart the tickets of one group, and nothing for no ticket.
func MaskTicket(id gate.TicketID) string {
	if id == 0 {
		return ""
	}
	digits := id.String()
	return digits[max(0, len(digits)-4):]
}
