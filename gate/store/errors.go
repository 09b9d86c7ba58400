package store

import (
	"errors"
	"fmt"

	"github.com/venuegate/venuegate/gate"
)

// ErrInstalled says that the version offered is the one in use.
var ErrInstalled = errors.New("pack is installed already")

// ErrNoPrevious says that there is no pack to roll back to.
var ErrNoPrevious = errors.New("no previous pack")

// ErrNoPack says that no pack of the event is installed.
var ErrNoPack = errors.New("no pack of this event")

// ErrNotOnBase says that changes cannot be laid over what is installed, because
// they are to another base, or too many. Install the pack whole.
var ErrNotOnBase = errors.New("not a patch of the pack that is installed")

// DamagedError is a pack file that is not what was written: shortened, changed
// or unreadable. Nothing that it holds is believed.
type DamagedError struct {
	File string
	What string
	Err  error // may be nil
}

// Error names the file and what is wrong with it.
func (e *DamagedError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("pack %s is damaged: %s: %v", e.File, e.What, e.Err)
	}
	return fmt.Sprintf("pack %s is damaged: %s", e.File, e.What)
}

// Unwrap returns the cause.
func (e *DamagedError) Unwrap() error { return e.Err }

// OlderError is a pack that is older than one that was installed before.
type OlderError struct {
	Event         gate.EventID
	Offered, Have uint64
	// RolledBack is true when the offered version itself was in use before and
	// staff went back from it. A newer one is welcome.
	RolledBack bool
}

// Error says which version was offered and which one the gate has had.
func (e *OlderError) Error() string {
	if e.RolledBack {
		return fmt.Sprintf("event %d: version %d was rolled back by hand; only a newer one replaces it", e.Event, e.Offered)
	}
	return fmt.Sprintf("event %d: version %d is older than version %d", e.Event, e.Offered, e.Have)
}

// TicketError is a ticket that cannot be stored.
type TicketError struct {
	Ticket gate.TicketID
	Field  string
	Why    string
}

// Error names the ticket and the field, never the value.
func (e *TicketError) Error() string {
	return fmt.Sprintf("ticket %s: %s: %s", e.Ticket, e.Field, e.Why)
}
