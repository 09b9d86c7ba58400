package central

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/venuegate/venuegate/crypto/identity"
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/pack"
)

// Order is a ticket that somebody bought. Of what is private only keyed tags
// and a masked name are kept.
type Order struct {
	Event      gate.EventID     // zero: the venue's only one
	Class      gate.ClassID     // zero: the event's first
	ZoneGroup  gate.ZoneGroupID // zero: the event's first
	Sessions   []gate.SessionID // nil: the session that is on, else the next
	AnySession bool             // good for every session; Sessions is nil then
	Party      uint8            // people; zero is one
	NoReEntry  bool             // may not come back, whatever the event allows
	Proof      ticket.Proof     // the zero value is a static ticket
	HolderKey  [ticket.HolderKeySize]byte
	Holder     Holder
	Foreign    []gate.Private // other platforms' codes for this ticket
	Channel    gate.ChannelID
	Order      gate.OrderID
	Seat       gate.Seat
	Language   string
}

// Holder is who a ticket is for, in the clear. It lives for the moment of one
// call.
type Holder struct {
	Documents []Document
	Name      gate.Private
}

// Document is one of a holder's documents.
type Document struct {
	Type    identity.Type
	Country string
	Number  gate.Private
}

// Issued is a ticket with what its wallet needs.
type Issued struct {
	Ticket gate.Ticket
	Signed ticket.Signed
	// Lease is what a phone may show now, for a ticket with a chain; it is zero
	// when the codes begin later than a lease reaches.
	Lease ticket.Lease
}

// OrderError is an order that cannot be filled. It quotes nothing private.
type OrderError struct {
	Field string
	Why   string
}

// Error names the field.
func (e *OrderError) Error() string { return "order: " + e.Field + ": " + e.Why }

// idsPerEvent separates the ticket ids of events: ids are unique over all.
const idsPerEvent = 1_000_000_000

// FirstTicket returns the id of an event's first ticket.
func FirstTicket(event gate.EventID) gate.TicketID { return gate.TicketID(event)*idsPerEvent + 1 }

const period = 10 // seconds of a step

// beforeDoors is how long before doors codes can be shown, and after the end.
const beforeDoors = time.Hour

// Issue adds tickets to the list of their event, all or none, and leases those
// with a chain. Every order must be of the same event.
func (o *Office) Issue(now time.Time, orders ...Order) ([]Issued, error) {
	issued, err := o.Sell(now, orders...)
	if err != nil || len(issued) == 0 {
		return nil, err
	}
	e, err := o.event(orders[0].Event)
	if err != nil {
		return nil, err
	}
	return issued, o.lease(e, issued, now)
}

// Sell is Issue without leases: a phone asks for its own.
func (o *Office) Sell(now time.Time, orders ...Order) ([]Issued, error) {
	if len(orders) == 0 {
		return nil, nil
	}
	e, err := o.event(orders[0].Event)
	if err != nil {
		return nil, err
	}
	issuer, err := o.issuer(e)
	if err != nil {
		return nil, err
	}
	tickets := make([]gate.Ticket, len(orders))
	for i := range orders {
		if id := orders[i].Event; id != 0 && id != e.id() {
			return nil, &OrderError{"event", "orders of two events at once"}
		}
		if tickets[i], err = e.ticketOf(&orders[i], now); err != nil {
			return nil, err
		}
	}
	issued := make([]Issued, len(orders))
	err = o.storage.Add(e.id(), func(last gate.TicketID) ([]gate.Ticket, error) {
		next := max(last+1, FirstTicket(e.id()))
		// A chain is thousands of hashes, so a large order takes all cores.
		var signing errgroup.Group
		signing.SetLimit(runtime.GOMAXPROCS(0))
		for i := range tickets {
			signing.Go(func() error {
				tickets[i].ID = next + gate.TicketID(i)
				signed, err := sign(issuer, &tickets[i])
				issued[i] = Issued{Ticket: tickets[i], Signed: signed}
				return err
			})
		}
		return tickets, signing.Wait()
	})
	if err != nil {
		return nil, err
	}
	return issued, nil
}

// ticketOf makes a ticket of an order, all but its id and what is signed.
func (e *event) ticketOf(order *Order, now time.Time) (gate.Ticket, error) {
	t := gate.Ticket{
		Event: e.id(), Generation: 1, Class: order.Class, ZoneGroup: order.ZoneGroup, Party: max(order.Party, 1),
		ReEntry: !order.NoReEntry && e.Rules.ReEntry != "" && e.Rules.ReEntry != "none",
		Channel: order.Channel, Order: order.Order, Seat: order.Seat, Language: order.Language,
	}
	if t.Class == 0 {
		t.Class = gate.ClassID(e.Classes[0].ID)
	}
	if t.ZoneGroup == 0 {
		t.ZoneGroup = gate.ZoneGroupID(e.ZoneGroups[0].ID)
	}
	switch {
	case !slices.ContainsFunc(e.Classes, func(c pack.Class) bool { return c.ID == uint16(t.Class) }):
		return t, &OrderError{"class", fmt.Sprintf("the event has no class %d", t.Class)}
	case !slices.ContainsFunc(e.ZoneGroups, func(g pack.ZoneGroup) bool { return g.ID == uint16(t.ZoneGroup) }):
		return t, &OrderError{"zone group", fmt.Sprintf("the event has no zone group %d", t.ZoneGroup)}
	case t.Channel != 0 && !slices.ContainsFunc(e.Channels, func(c pack.Channel) bool { return c.ID == uint16(t.Channel) }):
		return t, &OrderError{"channel", fmt.Sprintf("the event has no channel %d", t.Channel)}
	case order.Proof > ticket.ProofHolder:
		return t, &OrderError{"proof", "unknown"}
	case order.Proof == ticket.ProofHolder && order.HolderKey == [ticket.HolderKeySize]byte{}:
		return t, &OrderError{"holder key", "missing"}
	}
	if err := e.sessionsOf(&t, order, now); err != nil {
		return t, err
	}
	if err := e.codeOf(&t, order.Proof, order.HolderKey, now); err != nil {
		return t, err
	}
	if err := e.holderOf(&t, order.Holder); err != nil {
		return t, err
	}
	for _, text := range order.Foreign {
		tag, err := identity.ForeignCodeTag(e.secrets.CodeKey, text.Reveal())
		if err != nil {
			return t, fmt.Errorf("order: foreign code: %w", err)
		}
		t.Foreign = append(t.Foreign, tag)
	}
	return t, nil
}

func (e *event) sessionsOf(t *gate.Ticket, order *Order, now time.Time) error {
	switch {
	case order.AnySession && order.Sessions != nil:
		return &OrderError{"sessions", "some, and any as well"}
	case order.AnySession, len(e.Sessions) == 0 && order.Sessions == nil:
		return nil
	case order.Sessions == nil:
		s := e.sessionAt(now)
		if s == nil {
			return &OrderError{"sessions", "all of the event's are over"}
		}
		t.Sessions = []gate.SessionID{gate.SessionID(s.ID)}
		return nil
	}
	for _, id := range order.Sessions {
		if e.session(id) == nil {
			return &OrderError{"sessions", fmt.Sprintf("the event has no session %d", id)}
		}
	}
	t.Sessions = slices.Clone(order.Sessions)
	return nil
}

func (e *event) session(id gate.SessionID) *pack.Session {
	for i := range e.Sessions {
		if e.Sessions[i].ID == uint16(id) {
			return &e.Sessions[i]
		}
	}
	return nil
}

// sessionAt returns the session that is on, else the next one. Where one ends
// as another opens, the later is on.
func (e *event) sessionAt(now time.Time) *pack.Session {
	var found *pack.Session
	for i := range e.Sessions {
		s := &e.Sessions[i]
		if now.Before(s.End) && (found == nil || s.Doors.Before(found.Doors)) {
			found = s
		}
	}
	return found
}

// codeOf sets when the ticket's code runs: from an hour before its first
// session's doors to an hour after its last one's end.
func (e *event) codeOf(t *gate.Ticket, proof ticket.Proof, holder [ticket.HolderKeySize]byte, now time.Time) error {
	t.Code = gate.CodeParams{Proof: gate.Proof(proof)}
	if proof == ticket.ProofStatic {
		return nil
	}
	from, until := e.span(t, now)
	steps := (int64(until.Sub(from)/time.Second) + period - 1) / period
	if steps > 1<<16-1 {
		return &OrderError{"sessions", fmt.Sprintf(
			"they span %d days, and a rotating code lasts %d at most; sell a ticket for each day",
			until.Sub(from)/(24*time.Hour), (1<<16-1)*period*time.Second/(24*time.Hour))}
	}
	t.Code.T0, t.Code.Steps, t.Code.Period = uint32(from.Unix()), uint16(steps), period
	if proof == ticket.ProofHolder {
		t.Code.Holder = holder
	}
	return nil
}

func (e *event) span(t *gate.Ticket, now time.Time) (from, until time.Time) {
	for i := range e.Sessions {
		s := &e.Sessions[i]
		if !t.ForSession(gate.SessionID(s.ID)) {
			continue
		}
		if from.IsZero() || s.Doors.Before(from) {
			from = s.Doors
		}
		if s.End.After(until) {
			until = s.End
		}
	}
	if from.IsZero() { // an event without sessions
		return now.Truncate(time.Second), now.Truncate(time.Second).Add(24 * time.Hour)
	}
	return from.Add(-beforeDoors), until.Add(beforeDoors)
}

// holderOf binds the ticket to a holder: tags and a masked name.
func (e *event) holderOf(t *gate.Ticket, h Holder) error {
	t.Documents, t.Name, t.Masked = nil, gate.Tag{}, ""
	for _, d := range h.Documents {
		tag, err := identity.Tag(e.secrets.DocumentKey, d.Type, d.Country, d.Number.Reveal())
		if err != nil {
			return fmt.Errorf("order: %w", err)
		}
		t.Documents = append(t.Documents, gate.DocumentTag{Type: gate.DocumentType(d.Type), Tag: tag})
	}
	t.RealName = len(t.Documents) > 0
	if h.Name == "" {
		return nil
	}
	tag, err := nameTag(e.secrets.DocumentKey, h.Name.Reveal())
	if err != nil {
		return fmt.Errorf("order: %w", err)
	}
	t.Name, t.Masked = tag, identity.Mask(h.Name.Reveal())
	return nil
}

// nameTag takes a name that transliterates for Latin, any other for Chinese.
func nameTag(key []byte, name string) (gate.Tag, error) {
	script := identity.Latin
	if _, err := identity.Name(identity.Latin, name); err != nil {
		script = identity.Chinese
	}
	tag, err := identity.NameTag(key, script, name)
	return tag, err
}
