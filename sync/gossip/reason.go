package gossip

import (
	"errors"
	"fmt"
)

// Reason says why a packet, or what it held, was refused. Reasons are counted
// per peer and in all; see [Snapshot].
type Reason string

// The reasons of gossip itself.
const (
	ReasonShort     Reason = "short"      // ends before its fields do
	ReasonOversized Reason = "oversized"  // longer than its kind may be
	ReasonVersion   Reason = "version"    // of a protocol that is not spoken here
	ReasonKind      Reason = "kind"       // of no known kind
	ReasonField     Reason = "field"      // a field out of its bounds
	ReasonStranger  Reason = "stranger"   // from a gate that is not on the roster
	ReasonSelf      Reason = "self"       // from somebody who says to be this gate
	ReasonOrigin    Reason = "origin"     // about the log of a gate that was never on the roster
	ReasonReplayed  Reason = "replayed"   // the very packet came before
	ReasonKnown     Reason = "known"      // records that are held already
	ReasonUnasked   Reason = "unasked"    // a range that nobody asked for
	ReasonFull      Reason = "queue full" // no room; it will be asked for again
	ReasonLabel     Reason = "label"      // of another venue, or no packet of ours
	ReasonKey       Reason = "key"        // not encrypted with a key of the ring
	ReasonMeta      Reason = "meta"       // membership without a roster's signature
	ReasonConflict  Reason = "conflict"   // two addresses for one living gate
)

// The reasons of a Store; see [RefusedError].
const (
	ReasonSignature Reason = "signature" // a head that its gate did not sign
	ReasonChain     Reason = "chain"     // a record that does not follow the one before
	ReasonFork      Reason = "fork"      // another record is known at that place
	ReasonOldEpoch  Reason = "old epoch" // records after the known end of an epoch
	ReasonStore     Reason = "store"     // any other error of the Store
)

// ErrNotHeld is what [Store].Range returns for records that it cannot give.
var ErrNotHeld = errors.New("gossip: records are not held")

// RefusedError is an error of a [Store] that says why it did not take records. Any
// other error counts as ReasonStore.
type RefusedError struct {
	Reason Reason
	Err    error
}

// Error names the reason and the cause.
func (r *RefusedError) Error() string { return fmt.Sprintf("refused, %s: %v", r.Reason, r.Err) }

// Unwrap returns the cause.
func (r *RefusedError) Unwrap() error { return r.Err }

func reasonOf(err error) Reason {
	var refusal *RefusedError
	if errors.As(err, &refusal) {
		return refusal.Reason
	}
	var packet *PacketError
	if errors.As(err, &packet) {
		return packet.Reason
	}
	return ReasonStore
}

// PacketError says what is wrong with a packet, and where.
type PacketError struct {
	Kind    Kind // as far as it is known; 0: the packet ends before
	Field   string
	Offset  int // of the field in the packet
	Reason  Reason
	Problem string
}

// Error names the kind, the byte, the field and the problem.
func (e *PacketError) Error() string {
	return fmt.Sprintf("gossip: packet of kind %d, byte %d, %s: %s", e.Kind, e.Offset, e.Field, e.Problem)
}
