package gate

// Lane is one physical passage as the rules see it.
type Lane struct {
	ID        LaneID
	Kind      LaneKind
	From, To  ZoneID // in the direction of entry
	Entrance  EntranceID
	Isolation Isolation // unset: the event's
	Closed    bool      // by order or by configuration

	// Set by Orders.Lane.
	Held       bool // nobody is admitted for now
	Evacuating bool // the barrier stands open for people to leave
}

// LaneKind says what a lane is for.
type LaneKind uint8

// The kinds of lane.
const (
	LaneEntry    LaneKind = iota
	LaneExit              // people leave
	LaneBoth              // the side of the reader, or the holder's state, tells which
	LanePreCheck          // verifies and consumes nothing
)
