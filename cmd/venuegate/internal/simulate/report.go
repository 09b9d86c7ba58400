package simulate

import (
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Report is what one seed showed. Times are of the simulated clock.
type Report struct {
	Seed                  uint64  `json:"seed"`
	Gates                 int     `json:"gates"`
	Keepers               int     `json:"keepers"`
	Presented             int     `json:"presented"`
	Granted               int     `json:"granted"`
	Refused               int     `json:"refused"`
	IsolatedGrants        int     `json:"isolated_grants"`
	DoubleGrantsConnected int     `json:"double_grants_connected"`
	DoubleGrantsIsolated  int     `json:"double_grants_isolated"`
	ConflictsReported     int     `json:"conflicts_reported"`
	LostRecords           int     `json:"lost_records"`
	LostWithDisk          int     `json:"lost_with_disk"`
	StrandedTickets       int     `json:"stranded_tickets"`
	FalseRefusals         int     `json:"false_refusals_connected"`
	Convergence           Times   `json:"convergence_ms"`
	Decision              Times   `json:"decision_ms"`
	ClaimsPerSecond       float64 `json:"claims_per_second"`
	Linearizable          bool    `json:"linearizable"`

	Details Details `json:"-"`
}

// Details are what people want to know besides.
type Details struct {
	Schedule string // names what the seed drew
	Faults   int    // how many it drew
	Exits    int
	Referred int
	NoAnswer int // the gate fell while somebody stood there
	Unknown  int // histories that could not be checked in time
	Judged   int // refusals that were held against the truth
	Settled  time.Duration
	// Broken says what did not hold, by ticket and moment; none: everything did.
	Broken []string
}

// Times are percentiles in milliseconds.
type Times struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

func timesOf(all []time.Duration) Times {
	if len(all) == 0 {
		return Times{}
	}
	slices.Sort(all)
	at := func(p int) float64 {
		return float64(all[(len(all)*p+99)/100-1].Microseconds()) / 1000
	}
	return Times{at(50), at(99)}
}

// counts is what visitors saw.
type counts struct {
	presented, granted, refused, exits, referred, unanswered int

	judged        int
	falseRefusals int
	decisions     []time.Duration
}

// entryReasons are those of a refusal because of who is inside.
func entryReason(r gate.Reason) bool {
	switch r {
	case gate.ReasonAlreadyInside, gate.ReasonNoReEntry, gate.ReasonEntriesUsedUp, gate.ReasonPartyComplete,
		gate.ReasonPersonAlreadyInside, gate.ReasonClaimedElsewhere, gate.ReasonCodeUsed, gate.ReasonEnteredByOldHolder:
		return true
	default:
		return false
	}
}
