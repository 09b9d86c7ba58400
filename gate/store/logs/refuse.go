package logs

import (
	"errors"
	"fmt"

	"github.com/venuegate/venuegate/gate/ledger"
)

// ErrNotHeld is returned by Range for records that it cannot give.
var ErrNotHeld = errors.New("logs: records are not held")

// Why says why records were refused.
type Why string

// The reasons of a Refusal.
const (
	WhyFormat    Why = "format"    // not records of this log and a head, or too many
	WhyRoster    Why = "roster"    // of a gate that was never on the roster
	WhySignature Why = "signature" // a head that its gate did not sign
	WhyChain     Why = "chain"     // records that do not follow one another up to the head
	WhyGap       Why = "gap"       // records before them are missing here
	WhyFork      Why = "fork"      // signed, and another signed record is known there
	WhyOldEpoch  Why = "old epoch" // signed, and after the end that the next epoch names
	WhyFuture    Why = "future"    // signed, and later than this gate's clock allows
	WhyOwn       Why = "own"       // signed, and of this gate's own log, which does not hold them
)

// proven reports whether a gate of the roster has signed what was refused.
func (w Why) proven() bool {
	return w == WhyFork || w == WhyOldEpoch || w == WhyFuture || w == WhyOwn
}

// Refusal is the error of Receive for records that are not taken.
type Refusal struct { //nolint:errname // it is what a gate answers, and what the quarantine counts
	Why      Why
	Position ledger.Position // the first record that was refused
	Err      error           // what exactly; nil: Why says it all

	before bool // of a fork: it is the record before Position that differs
}

// Error names the record and the reason.
func (r *Refusal) Error() string {
	text := fmt.Sprintf("logs: gate %d, epoch %d, record %d is refused: %s",
		r.Position.Gate, r.Position.Epoch, r.Position.Sequence, r.Why)
	if r.Err != nil {
		text += ": " + r.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Err }

func refuse(why Why, o ledger.Origin, seq uint64, format string, args ...any) *Refusal {
	return &Refusal{Why: why, Position: ledger.Position{Origin: o, Sequence: seq}, Err: fmt.Errorf(format, args...)}
}
