package gate

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Order is what a supervisor decrees for the venue, an event or a lane, until
// somebody lifts it or its time is up. Which fields an order of a kind may have
// is what Check says.
type Order struct {
	Kind   OrderKind
	ID     uint64 // names the order, drawn at random; not 0
	Staff  uint32 // who gives it; 0: nobody signed in, for an evacuation only
	Issued time.Time
	From   time.Time // in force from here; zero: at once
	Until  time.Time // and up to here; zero: until it is lifted

	Event    EventID   // 0: every event
	Session  SessionID // 0: every session
	Zone     ZoneID    // lanes that lead into it or out of it; 0: any
	Entrance EntranceID
	Lane     LaneID // 0: any

	At       time.Time  // doors, last_entry: the new time
	To       EntranceID // entrance: where its visitors go instead
	LaneKind LaneKind   // lane_kind
	Ticket   TicketID   // block_ticket
	Person   PersonKey  // block_document: of the document's tag
	Cancels  uint64     // cancel: the order that ends
}

// OrderKind says what an order changes. The numbers stand in journals and never
// change meaning.
type OrderKind uint8

// The kinds of order.
const (
	OrderDoors         OrderKind = 1  // doors open at another time
	OrderLastEntry     OrderKind = 2  // last entry is at another time
	OrderEntrance      OrderKind = 3  // an entrance's visitors go to another one
	OrderLaneKind      OrderKind = 4  // a lane becomes an entry, an exit, both, or a pre-check
	OrderLaneClosed    OrderKind = 5  // a lane is closed
	OrderHold          OrderKind = 6  // nobody is admitted for now; exits work
	OrderBlockTicket   OrderKind = 7  // a ticket admits nobody
	OrderBlockDocument OrderKind = 8  // the holder of a document is not admitted
	OrderEvacuate      OrderKind = 9  // every barrier opens
	OrderNormal        OrderKind = 10 // ends evacuations and holds; everybody counts as out and may come in once more
	OrderCancel        OrderKind = 11 // ends one order
)

var orderKinds = [...]string{
	"", "doors", "last_entry", "entrance", "lane_kind", "lane_closed", "hold", "block_ticket", "block_document",
	"evacuate", "normal", "cancel",
}

// String returns the kind's word, such as "last_entry".
func (k OrderKind) String() string {
	if k == 0 || int(k) >= len(orderKinds) {
		return fmt.Sprintf("order_%d", uint8(k))
	}
	return orderKinds[k]
}

// MarshalText writes the kind's word.
func (k OrderKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// ParseOrderKind finds the kind of a word.
func ParseOrderKind(word string) (OrderKind, bool) {
	i := slices.Index(orderKinds[:], word)
	return OrderKind(max(0, i)), i > 0
}

// OrderError says which field of an order is wrong.
type OrderError struct {
	Field   string
	Problem string
}

// Error names the field and the problem.
func (e *OrderError) Error() string { return "order: " + e.Field + " " + e.Problem }

// OrderMaxSkew is how far the time of issue may be from the hybrid time of the
// record that an order comes in. Older orders are not believed, so that nobody
// can bring back last season's.
const OrderMaxSkew = 24 * time.Hour

// maxOrderTime bounds the times in an order, as the hybrid clock is bounded.
const maxOrderTime = 1<<48 - 1

// orderField is one field of an order besides kind, id, staff and issue.
type orderField struct {
	name string
	set  func(o *Order) bool
	// must and may name the kinds that need it and those that can do without.
	must, may []OrderKind
}

func orderFields() []orderField {
	var (
		hours  = []OrderKind{OrderDoors, OrderLastEntry}
		lanes  = []OrderKind{OrderHold, OrderEvacuate}
		window = []OrderKind{
			OrderDoors, OrderLastEntry, OrderEntrance, OrderLaneKind, OrderLaneClosed, OrderHold, OrderBlockTicket,
			OrderBlockDocument, OrderEvacuate,
		}
	)
	return []orderField{
		{"event", func(o *Order) bool { return o.Event != 0 }, hours, []OrderKind{OrderEntrance, OrderNormal}},
		{"session", func(o *Order) bool { return o.Session != 0 }, nil, hours},
		{"zone", func(o *Order) bool { return o.Zone != 0 }, nil, lanes},
		{"entrance", func(o *Order) bool { return o.Entrance != 0 }, []OrderKind{OrderEntrance}, lanes},
		{"lane", func(o *Order) bool { return o.Lane != 0 }, []OrderKind{OrderLaneKind, OrderLaneClosed}, lanes},
		{"at", func(o *Order) bool { return !o.At.IsZero() }, hours, nil},
		{"to", func(o *Order) bool { return o.To != 0 }, []OrderKind{OrderEntrance}, nil},
		{"lane kind", func(o *Order) bool { return o.LaneKind != 0 }, nil, []OrderKind{OrderLaneKind}},
		{"ticket", func(o *Order) bool { return o.Ticket != 0 }, []OrderKind{OrderBlockTicket}, nil},
		{"person", func(o *Order) bool { return !o.Person.IsZero() }, []OrderKind{OrderBlockDocument}, nil},
		{"cancels", func(o *Order) bool { return o.Cancels != 0 }, []OrderKind{OrderCancel}, nil},
		{"from", func(o *Order) bool { return !o.From.IsZero() }, nil, window},
		{"until", func(o *Order) bool { return !o.Until.IsZero() }, nil, window},
	}
}

// Check reports what is wrong with an order. The error is an *OrderError.
func (o *Order) Check() error {
	if o.Kind == 0 || o.Kind > OrderCancel {
		return &OrderError{"kind", fmt.Sprintf("%d is unknown", uint8(o.Kind))}
	}
	for _, f := range orderFields() {
		switch must := slices.Contains(f.must, o.Kind); {
		case must && !f.set(o):
			return &OrderError{f.name, "is missing; " + o.Kind.String() + " needs it"}
		case !must && f.set(o) && !slices.Contains(f.may, o.Kind):
			return &OrderError{f.name, "does not go with " + o.Kind.String()}
		}
	}
	for name, at := range map[string]time.Time{"issued": o.Issued, "from": o.From, "until": o.Until, "at": o.At} {
		if at.IsZero() {
			continue
		}
		if ms := at.UnixMilli(); ms < 1 || ms > maxOrderTime || !at.Equal(time.UnixMilli(ms)) {
			return &OrderError{name, "is out of bounds, or has more than milliseconds"}
		}
	}
	switch {
	case o.ID == 0:
		return &OrderError{"id", "is missing"}
	case o.Issued.IsZero():
		return &OrderError{"issued", "is missing"}
	case o.Staff == 0 && o.Kind != OrderEvacuate:
		return &OrderError{"staff", "is missing; only an evacuation needs none"}
	case o.Kind == OrderEntrance && o.To == o.Entrance:
		return &OrderError{"to", "is the entrance itself"}
	case o.LaneKind > LanePreCheck:
		return &OrderError{"lane kind", fmt.Sprintf("%d is unknown", o.LaneKind)}
	case !o.Until.IsZero() && !o.From.Before(o.Until):
		return &OrderError{"until", "is not after from"}
	}
	return nil
}

// inForce reports whether an order's time has come and is not over.
func (o *Order) inForce(now time.Time) bool {
	return !now.Before(o.From) && (o.Until.IsZero() || now.Before(o.Until))
}

// concerns reports whether an order's zone, entrance and lane fit a lane.
func (o *Order) concerns(l *Lane) bool {
	return (o.Lane == 0 || o.Lane == l.ID) &&
		(o.Entrance == 0 || o.Entrance == l.Entrance) &&
		(o.Zone == 0 || o.Zone == l.From || o.Zone == l.To)
}

// SignedOrder is an order as it travels from who gives it to a gate.
type SignedOrder struct {
	Order
	Signature [ed25519.SignatureSize]byte // zero: nobody signed in
}

// ErrOrderSignature is returned for an order that its staff member did not sign.
var ErrOrderSignature = errors.New("order: signature does not verify")

// orderDomain keeps a signed order from being taken for anything else signed
// with a staff key.
const orderDomain = "VG1 order\x00"

// SigningBytes returns what the staff key signs: the domain and the order's
// bytes.
func (o *Order) SigningBytes() ([]byte, error) {
	b, err := o.AppendBinary([]byte(orderDomain))
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Sign returns the order with the signature of its staff member.
func (o *Order) Sign(key ed25519.PrivateKey) (SignedOrder, error) {
	b, err := o.SigningBytes()
	if err != nil {
		return SignedOrder{}, err
	}
	return SignedOrder{Order: *o, Signature: [ed25519.SignatureSize]byte(ed25519.Sign(key, b))}, nil
}

// IsSigned reports whether there is a signature, whatever it is worth.
func (s *SignedOrder) IsSigned() bool { return s.Signature != [ed25519.SignatureSize]byte{} }

// Verify returns ErrOrderSignature unless key signed the order.
func (s *SignedOrder) Verify(key ed25519.PublicKey) error {
	b, err := s.SigningBytes()
	if err != nil {
		return err
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, b, s.Signature[:]) {
		return ErrOrderSignature
	}
	return nil
}
