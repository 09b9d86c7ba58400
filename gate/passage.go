package gate

import "time"

// Direction is the way people move through a lane.
type Direction uint8

// The directions of a lane, and of one reader or passage in it.
const (
	DirectionUnknown Direction = iota
	DirectionEntry
	DirectionExit
	DirectionBoth
)

// Opening is the request to let people through a barrier once.
type Opening struct {
	Direction Direction     // entry or exit
	Count     int           // people that may pass on this grant, at least 1
	Hold      time.Duration // how long to wait for them; zero for the barrier's own default
}

// Passage is how an opening ended.
type Passage struct {
	Result PassageResult
	Passed int // people seen passing, where the barrier can tell
}

// PassageResult says what is known of an opening.
type PassageResult uint8

// The ends of an opening.
const (
	// PassageUnknown: the barrier cannot tell, or lost contact meanwhile. The
	// grant stays used.
	PassageUnknown PassageResult = iota
	// PassagePassed: at least one person went through.
	PassagePassed
	// PassageTimedOut: nobody went through, and the barrier was ready and heard
	// throughout, so the grant may be given back.
	PassageTimedOut
	// PassageNotOpened: the barrier was certainly not opened; nothing was sent.
	PassageNotOpened
)

// String returns the result's word: passed, timed_out, not_opened or unknown.
func (r PassageResult) String() string {
	switch r {
	case PassagePassed:
		return "passed"
	case PassageTimedOut:
		return "timed_out"
	case PassageNotOpened:
		return "not_opened"
	default:
		return "unknown"
	}
}
