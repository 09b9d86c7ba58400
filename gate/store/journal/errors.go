package journal

import (
	"errors"
	"fmt"

	"github.com/venuegate/venuegate/gate"
)

// ErrClosed is returned for an append to a closed journal.
var ErrClosed = errors.New("journal: closed")

// LockedError is returned when another process has the journal open.
type LockedError struct {
	Dir string
	PID int // zero when unknown
}

// Error names the directory and says what to do.
func (e *LockedError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("%s is in use by %s: stop that one first, or give this gate a data directory of its own", e.Dir, who)
}

// ForeignError is returned for a journal directory that holds the records of
// another gate.
type ForeignError struct {
	Dir         string
	Want, Found gate.GateID
}

// Error names both gates and says what to do.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("journal: %s holds epochs of gate %d, and this is gate %d: every gate needs a data directory of its own",
		e.Dir, e.Found, e.Want)
}

// AppendError is returned for a record that could not be made durable. It is
// not acknowledged and will not be: the journal goes on in a new epoch, which
// leaves it out.
type AppendError struct {
	Epoch uint32
	Doing string // "write", "flush", "next segment"
	Err   error
}

// Error names the epoch and what failed.
func (e *AppendError) Error() string {
	return fmt.Sprintf("journal: epoch %d: %s: %v", e.Epoch, e.Doing, e.Err)
}

// Unwrap returns the cause.
func (e *AppendError) Unwrap() error { return e.Err }

// UnavailableError is returned while no epoch can be opened; the journal tries
// again every second.
type UnavailableError struct {
	Epoch uint32 // the one that could not be opened
	Err   error
}

// Error names the epoch and the cause.
func (e *UnavailableError) Error() string {
	return fmt.Sprintf("journal: cannot open epoch %d: %v", e.Epoch, e.Err)
}

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// PrepareError says that the next segment could not be made ready. Appends go
// on while the current one has room.
type PrepareError struct {
	Epoch   uint32
	Segment int
	Err     error
}

// Error names the segment and the cause.
func (e *PrepareError) Error() string {
	return fmt.Sprintf("journal: epoch %d: cannot make segment %d ready: %v", e.Epoch, e.Segment, e.Err)
}

// Unwrap returns the cause.
func (e *PrepareError) Unwrap() error { return e.Err }

// HeadError says that a signed head could not be stored. No record is affected.
type HeadError struct {
	Epoch uint32
	Err   error
}

// Error names the epoch and the cause.
func (e *HeadError) Error() string {
	return fmt.Sprintf("journal: epoch %d: cannot store the signed head: %v", e.Epoch, e.Err)
}

// Unwrap returns the cause.
func (e *HeadError) Unwrap() error { return e.Err }

// LostError is returned by Close when records that nobody waited for could not
// be written.
type LostError struct {
	Records int
	Err     error
}

// Error says how many, and the cause.
func (e *LostError) Error() string {
	return fmt.Sprintf("journal: %d refusals or pre-checks are not recorded: %v", e.Records, e.Err)
}

// Unwrap returns the cause.
func (e *LostError) Unwrap() error { return e.Err }
