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
	Hold      time.Duration // how long each of them has, where that is longer than the barrier's own time
}

// Passage is how an opening ended.
type Passage struct {
	Result PassageResult
	Passed int // people seen passing, where the barrier can tell

	// Fire: the barrier stood released because of a fire or an evacuation, at
	// least for a part of the opening. It was not this opening that let people
	// through.
	Fire bool
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

// BarrierEvent is something that happened at a barrier besides how an opening
// ended. It names nobody.
type BarrierEvent struct {
	Barrier   string // its name in the configuration
	Kind      BarrierEventKind
	At        time.Time
	Direction Direction // which way somebody went; unknown where the barrier cannot tell
}

// BarrierEventKind says what happened at a barrier.
type BarrierEventKind uint8

// The kinds of events. Each passage event is one person.
const (
	// BarrierForced: somebody went through without a grant.
	BarrierForced BarrierEventKind = iota + 1
	// BarrierWrongWay: somebody went through against the direction of the grant.
	BarrierWrongWay
	// BarrierTailgate: one more person than were granted went through.
	BarrierTailgate
	// BarrierFire: the fire signal was sensed. The barrier is released until a
	// person ends it.
	BarrierFire
	// BarrierFireQuiet: the fire signal went away. The barrier is still released.
	BarrierFireQuiet
	// BarrierFirePassage: somebody went through while the barrier was released.
	BarrierFirePassage
	// BarrierFireEnded: a person ended the release.
	BarrierFireEnded
	// BarrierEvacuation: the barrier was opened both ways by order, until another
	// order ends it.
	BarrierEvacuation
	// BarrierEvacuationPassage: somebody went through meanwhile.
	BarrierEvacuationPassage
	// BarrierEvacuationEnded: the barrier is no longer open by order.
	BarrierEvacuationEnded
	// BarrierButton: somebody pressed the button that orders an evacuation.
	BarrierButton
	// BarrierButtonReleased: the button is as it was before.
	BarrierButtonReleased
)

// String returns the kind's word: forced, wrong_way, tailgate, fire, fire_quiet,
// fire_passage, fire_ended, evacuation, evacuation_passage, evacuation_ended,
// evacuation_button, evacuation_button_released or unknown.
func (k BarrierEventKind) String() string {
	switch k {
	case BarrierForced:
		return "forced"
	case BarrierWrongWay:
		return "wrong_way"
	case BarrierTailgate:
		return "tailgate"
	case BarrierFire:
		return "fire"
	case BarrierFireQuiet:
		return "fire_quiet"
	case BarrierFirePassage:
		return "fire_passage"
	case BarrierFireEnded:
		return "fire_ended"
	case BarrierEvacuation:
		return "evacuation"
	case BarrierEvacuationPassage:
		return "evacuation_passage"
	case BarrierEvacuationEnded:
		return "evacuation_ended"
	case BarrierButton:
		return "evacuation_button"
	case BarrierButtonReleased:
		return "evacuation_button_released"
	default:
		return "unknown"
	}
}
