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

var laneKinds = [...]string{"entry", "exit", "both", "pre_check"}

// String returns the kind's word, as in venue.json.
func (k LaneKind) String() string {
	if int(k) < len(laneKinds) {
		return laneKinds[k]
	}
	return "unknown"
}

// ParseLaneKind finds the kind of a word.
func ParseLaneKind(word string) (LaneKind, bool) {
	for i, w := range laneKinds {
		if w == word {
			return LaneKind(i), true
		}
	}
	return 0, false
}
