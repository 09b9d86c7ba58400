package lane

import (
	"context"
	"fmt"
	"time"

	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// Reader delivers what visitors hold up. Run outlives unplugged devices and
// returns when ctx ends.
type Reader interface {
	Name() string
	Run(ctx context.Context, deliver func(gate.Reading)) error
}

// Barrier lets people through. Open returns when they have passed, or when it
// is settled that nobody will.
type Barrier interface {
	Run(ctx context.Context) error
	Open(ctx context.Context, o gate.Opening) (gate.Passage, error)
}

// Display is told of everything that happens at the lane. It must not block.
type Display interface {
	Show(Event)
}

// Recorder is the gate's journal. Both calls fill in the record's position and
// clock.
type Recorder interface {
	// Append returns once the record is durable and in the ledger.
	Append(ctx context.Context, r *ledger.Record) (ledger.Position, error)
	// Note hands over a record that nobody waits for.
	Note(ctx context.Context, r *ledger.Record) error
}

// Ledger is everybody's admissions.
type Ledger interface {
	History(h *gate.History, id gate.TicketID)
	Person(dst []gate.Grant, key gate.PersonKey, except gate.TicketID) []gate.Grant
}

// Claimer is asked before a grant. An error means that nobody could answer in
// time: the gate is isolated.
type Claimer interface {
	Claim(ctx context.Context, c *gate.Claim) (gate.ClaimAnswer, error)
	Settle(request uint64)
	Release(request uint64)
}

// Packs hands out the packs in force. What Acquire returns stays valid until it
// is released, also when a new pack is installed meanwhile.
type Packs interface {
	Acquire() View
}

// View is the packs in force during one scan, one for each event of the day.
type View interface {
	Packs() []Pack
	// Lane returns where a lane leads, by the venue's roster.
	Lane(id gate.LaneID) (gate.Lane, bool)
	Release()
}

// Pack is one event's tickets and rules.
type Pack interface {
	Event() gate.EventID
	Version() uint64
	Policy() *gate.Policy
	Keys() ticket.KeyFinder
	Secrets() Secrets
	// Ticket fills in a ticket, re-using what memory it has.
	Ticket(id gate.TicketID, into *gate.Ticket) (bool, error)
	ByDocument(tag gate.Tag, dst []gate.TicketID) ([]gate.TicketID, error)
	ByPerson(key gate.PersonKey, dst []gate.TicketID) ([]gate.TicketID, error)
	ByOrder(order gate.OrderID, dst []gate.TicketID) ([]gate.TicketID, error)
	ByForeign(tag gate.Tag) (gate.TicketID, bool, error)
}

// Secrets are an event's keys for making tags. They cannot make a ticket.
type Secrets struct {
	DocumentKey []byte
	CodeKey     []byte
}

// Format keeps the keys out of logs, whatever the verb.
func (Secrets) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, "[event keys]") }

// Clock is the gate's best idea of the time.
type Clock interface {
	Now() time.Time
	Trusted() bool
}
