package central

import (
	"errors"
	"iter"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Storage keeps the tickets of events. [Files] is one; a server's database is
// another. What a method has answered for is on the disk.
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

// Leased says how far a phone can show a ticket's codes without asking again.
type Leased struct {
	Ticket     gate.TicketID
	Generation uint8
	Last       uint32    // J, the last step that was leased
	At         time.Time // when
}

// ErrUnknownTicket is a ticket that the office never issued.
var ErrUnknownTicket = errors.New("no such ticket")
