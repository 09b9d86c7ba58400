package central

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
)

// StatusError is a ticket whose status does not allow what was asked.
type StatusError struct {
	Ticket gate.TicketID
	Status gate.Status
}

// Error names the ticket and its status.
func (e *StatusError) Error() string {
	return fmt.Sprintf("ticket %s is %s", e.Ticket, StatusWord(e.Status))
}

// StatusWord returns the word for a status: valid, void, refunded or used up.
func StatusWord(s gate.Status) string {
	switch s {
	case gate.StatusValid:
		return "valid"
	case gate.StatusVoid:
		return "void"
	case gate.StatusRefunded:
		return "refunded"
	case gate.StatusUsedUp:
		return "used up"
	}
	return fmt.Sprintf("of status %d", s)
}

// ErrLastGeneration is a ticket that can change no more: void it and issue
// another.
var ErrLastGeneration = errors.New("the ticket has had its last generation")

// Changed is a ticket that was changed.
type Changed struct {
	Ticket gate.Ticket
	// DarkAt is when a phone that is offline can no longer be admitted with the
	// old code, even at a gate whose pack is old. It is zero where only a new
	// pack helps: static tickets, holders' keys.
	DarkAt time.Time
}

// Void takes a ticket out of use.
func (o *Office) Void(id gate.TicketID) (Changed, error) { return o.end(id, gate.StatusVoid) }

// Refund takes a ticket out of use whose price was paid back.
func (o *Office) Refund(id gate.TicketID) (Changed, error) { return o.end(id, gate.StatusRefunded) }

func (o *Office) end(id gate.TicketID, status gate.Status) (Changed, error) {
	e, _, err := o.find(id)
	if err != nil {
		return Changed{}, err
	}
	var c Changed
	err = o.storage.Change(e.id(), id, func(t *gate.Ticket) error {
		if t.Status != gate.StatusValid {
			return &StatusError{id, t.Status}
		}
		t.Status = status
		c.Ticket = *t
		return nil
	})
	if err != nil {
		return Changed{}, err
	}
	c.DarkAt, err = o.darkAt(e, &c.Ticket)
	return c, err
}

// Transfer gives a ticket to another holder, whose phone has another key where
// the proof is one. The generation rises, so the old holder's code is refused
// by every gate with the new pack, and a chain's goes dark by itself.
func (o *Office) Transfer(id gate.TicketID, to Holder, key [ticket.HolderKeySize]byte, now time.Time) (Issued, Changed, error) {
	issued, c, err := o.HandOver(id, to, key)
	if err != nil {
		return issued, c, err
	}
	e, err := o.event(issued.Ticket.Event)
	if err != nil {
		return issued, c, err
	}
	list := []Issued{issued}
	err = o.lease(e, list, now)
	return list[0], c, err
}

// HandOver is Transfer without a lease: the new holder's phone asks for its own.
func (o *Office) HandOver(id gate.TicketID, to Holder, key [ticket.HolderKeySize]byte) (Issued, Changed, error) {
	e, old, err := o.find(id)
	if err != nil {
		return Issued{}, Changed{}, err
	}
	issuer, err := o.issuer(e)
	if err != nil {
		return Issued{}, Changed{}, err
	}
	if old.Code.Proof == gate.ProofHolder && key == [ticket.HolderKeySize]byte{} {
		return Issued{}, Changed{}, &OrderError{"holder key", "missing"}
	}
	var issued Issued
	var before gate.Ticket
	err = o.storage.Change(e.id(), id, func(t *gate.Ticket) error {
		switch {
		case t.Status != gate.StatusValid:
			return &StatusError{id, t.Status}
		case t.Generation == math.MaxUint8:
			return fmt.Errorf("%s: %w", id, ErrLastGeneration)
		}
		before = clone(t)
		t.Generation++
		t.Foreign = nil // the old holder's codes on other platforms
		if t.Code.Proof == gate.ProofHolder {
			t.Code.Holder = key
		}
		if err := e.holderOf(t, to); err != nil {
			return err
		}
		issued.Signed, err = sign(issuer, t)
		issued.Ticket = *t
		return err
	})
	if err != nil {
		return Issued{}, Changed{}, err
	}
	c := Changed{Ticket: issued.Ticket}
	c.DarkAt, err = o.darkAt(e, &before)
	return issued, c, err
}

// darkAt says when a chain that was leased can no longer be admitted.
func (o *Office) darkAt(e *event, t *gate.Ticket) (time.Time, error) {
	if t.Code.Proof != gate.ProofChain {
		return time.Time{}, nil
	}
	l, ok, err := o.storage.Leased(e.id(), t.ID, t.Generation)
	if err != nil || !ok {
		return time.Time{}, err
	}
	b := bodyOf(t)
	return b.DarkAt(l.Last, e.margins()).UTC(), nil
}

func (e *event) margins() ticket.Margins {
	if m := e.Rules.Margins; m != nil {
		return ticket.Margins{Behind: m.Behind, Ahead: m.Ahead}
	}
	return ticket.DefaultMargins()
}

// find finds a ticket in any of the venue's events.
func (o *Office) find(id gate.TicketID) (*event, gate.Ticket, error) {
	for _, e := range o.all() {
		t, err := o.storage.Ticket(e.id(), id)
		if err == nil || !errors.Is(err, ErrUnknownTicket) {
			return e, t, err
		}
	}
	return nil, gate.Ticket{}, fmt.Errorf("%s: %w", id, ErrUnknownTicket)
}
