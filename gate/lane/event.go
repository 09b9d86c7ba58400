package lane

import (
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Event is one thing that happened at a lane. At most one of Verdict, Passage and
// Busy is set; with none of them a driver stopped, and Err says why.
type Event struct {
	Lane    gate.LaneID
	At      time.Time
	Verdict *gate.Verdict
	Holder  Holder        // with Verdict, where the ticket is known
	Took    time.Duration // with Verdict: from the reading to the durable decision
	Reader  string        // with Verdict: which reader it answers, where one does
	Passage *gate.Passage
	Err     error // what went wrong, fit for a log
	Busy    bool  // somebody scanned while a passage was pending
}

// Holder is what staff may know of whom a ticket belongs to.
type Holder struct {
	Masked   string
	Class    gate.ClassID
	Seat     gate.Seat
	Party    int
	Language string
}
