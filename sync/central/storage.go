package central

import (
	"errors"
	"iter"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/pack"
)

// Storage keeps the tickets of events. [Files] is one, [Bolt] another; a
// server's database is a third. What a method has answered for is on the disk.
// The package centraltest holds what every one of them must do.
type Storage interface {
	// Tickets returns an event's tickets by ascending id.
	Tickets(event gate.EventID) iter.Seq2[gate.Ticket, error]
	// Ticket returns one ticket, or ErrUnknownTicket.
	Ticket(event gate.EventID, id gate.TicketID) (gate.Ticket, error)
	// Add stores the tickets that produce returns, all or none. It is told the
	// highest id so far, zero when there is none; every new id must be above it.
	Add(event gate.EventID, produce func(last gate.TicketID) ([]gate.Ticket, error)) error
	// Change replaces one ticket by what change makes of it, unless that fails.
	Change(event gate.EventID, id gate.TicketID, change func(*gate.Ticket) error) error
	// Leased returns how far a ticket's generation has been leased; ok is false
	// when it never was.
	Leased(event gate.EventID, id gate.TicketID, generation uint8) (l Leased, ok bool, err error)
	// SetLeased notes leases, all or none. One that reaches less far than an earlier one of
	// the same ticket and generation changes nothing.
	SetLeased(event gate.EventID, given ...Leased) error
}

// ChangeLog is what a Storage may offer besides, so that a publication need not
// read every ticket for the few that changed.
type ChangeLog interface {
	// Changes returns what became of an event's tickets since they were last
	// settled, by ascending id, and a mark for Settle. It stops with
	// ErrManyChanges when there are more than most.
	Changes(event gate.EventID, most int) (changes []pack.Change, mark uint64, err error)
	// Mark returns the mark of now, before all tickets are read.
	Mark(event gate.EventID) (uint64, error)
	// Settle forgets the changes up to a mark: shards that hold them are
	// published.
	Settle(event gate.EventID, mark uint64) error
}

// Store is everything that a running central keeps. [Bolt] is one; the package
// centraltest holds what every one of them must do.
type Store interface {
	Storage
	ChangeLog
	People
	Wallets
	Journals
	Book
	Accounts
	// Close ends the use of it.
	Close() error
}

// ErrManyChanges is an overlay that would be too long: make new shards.
var ErrManyChanges = errors.New("more changes than an overlay should hold")

// Leased says how far a phone can show a ticket's codes without asking again.
type Leased struct {
	Ticket     gate.TicketID
	Generation uint8
	Last       uint32    // J, the last step that was leased
	At         time.Time // when
}

// ErrUnknownTicket is a ticket that the office never issued.
var ErrUnknownTicket = errors.New("no such ticket")
