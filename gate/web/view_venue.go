package web

import (
	"time"

	"github.com/venuegate/venuegate/gate"
)

// ClusterView is how the gate stands among the venue's other gates.
type ClusterView struct {
	Gates int // on the roster, this one counted; 0: there is no roster yet
	// Alone is since when the keepers cannot be asked. Zero: they can, or the gate
	// is its own keeper and need not ask anybody.
	Alone time.Time
	// Heard is when any other gate was heard last; zero: never, or there is none.
	Heard time.Time
	Role  string // claims: alone, client, follower, candidate, leader, waiting
	// NoKeepers: there are other gates, and the roster names nobody to ask. Each
	// gate then decides by what it has heard.
	NoKeepers bool
	Late      int // records made alone that the keepers have yet to hear of
	Peers     []GateView
}

// others is how many gates there are besides this one, and how many are heard.
func (c *ClusterView) others() (all, heard int) {
	for i := range c.Peers {
		if g := &c.Peers[i]; !g.Self {
			all++
			if !g.Silent {
				heard++
			}
		}
	}
	return all, heard
}

// lost is when any gate that is not heard now was heard last; zero: never.
func (c *ClusterView) lost() (last time.Time) {
	for i := range c.Peers {
		if g := &c.Peers[i]; g.Silent && g.Heard.After(last) {
			last = g.Heard
		}
	}
	return last
}

// GateView is one gate of the roster.
type GateView struct {
	ID     gate.GateID
	Name   string
	Self   bool
	Silent bool      // not heard lately
	Heard  time.Time // zero: never
	Lacks  uint64    // records that it lacked, by its last word
	Has    uint64    // records of its last word that this gate lacked
	// Offset is its clock less this gate's best time; nil: not measured lately.
	Offset  *time.Duration
	Keeper  bool
	Down    bool // a keeper that cannot be asked from here
	Leader  bool // of the keepers
	Refused int  // records in its name that were not believed
}

// ConflictView is a ticket, or a person, that was let in more often than allowed.
type ConflictView struct {
	Ticket string // the last four digits of its id; empty: one person, several tickets
	Excess int    // grants too many
	// Claimed: the keepers stand behind every one of the grants, which must not be.
	Claimed bool
	Grants  []ConflictGrantView // in the order in which they count
}

// Latest is when the last of the grants was made.
func (c *ConflictView) Latest() (at time.Time) {
	for i := range c.Grants {
		if g := &c.Grants[i]; g.At.After(at) {
			at = g.At
		}
	}
	return at
}

// ConflictGrantView is one grant of a conflict.
type ConflictGrantView struct {
	At     time.Time // by its gate's own clock
	Gate   string
	Lane   string
	Ticket string // the last four digits of its id
	Count  int    // people
	Out    int    // of them, who left
	Marks  gate.Marks
	Excess bool
	// Offset is the gate's clock less this one's best time, as measured lately;
	// nil: nobody knows.
	Offset *time.Duration
}

// OrderView is an order that is in force, or will be.
type OrderView struct {
	Order gate.Order
	// Names of what the order is about; empty where it names none.
	Event, Session, Zone, Entrance, To, Lane string
	By                                       string // who gave it; empty: nobody signed in
	Gate                                     string // where it was recorded
	Recorded                                 time.Time
	Signed                                   bool
}

// ZoneView is how many people came into one zone and are there.
type ZoneView struct {
	Name            string
	In, Out, Inside int
}

// UplinkView is how far central has the records.
type UplinkView struct {
	State   string // starting, idle, sending, waiting
	Pending uint64
	Acked   uint64
	Left    time.Duration // until everything is sent; negative: nobody can tell
	Retry   time.Time     // while waiting
	Heard   time.Time     // when central last answered as it should; zero: never
}
