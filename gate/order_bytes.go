package gate

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"time"
)

// The form of an order in records and on its way to a gate;
// docs/protocol/journal.md describes it byte for byte.
const (
	// OrderSize is the length of an order in bytes.
	OrderSize = 72
	// SignedOrderSize is the length of an order with its signature.
	SignedOrderSize = OrderSize + ed25519.SignatureSize
)

// AppendBinary appends the order, OrderSize bytes, to b. The error is an
// *OrderError; b is unchanged then.
func (o *Order) AppendBinary(b []byte) ([]byte, error) {
	if err := o.Check(); err != nil {
		return b, err
	}
	be := binary.BigEndian
	ms := func(t time.Time) uint64 {
		if t.IsZero() {
			return 0
		}
		return uint64(t.UnixMilli())
	}
	b = append(b, byte(o.Kind), byte(o.LaneKind))
	b = be.AppendUint16(b, uint16(o.Session))
	b = be.AppendUint32(b, uint32(o.Event))
	b = be.AppendUint64(b, o.ID)
	b = be.AppendUint32(b, o.Staff)
	b = be.AppendUint16(b, uint16(o.Lane))
	b = be.AppendUint16(b, uint16(o.Zone))
	b = be.AppendUint16(b, uint16(o.Entrance))
	b = be.AppendUint16(b, uint16(o.To))
	b = be.AppendUint32(b, 0)
	for _, t := range []time.Time{o.Issued, o.From, o.Until, o.At} {
		b = be.AppendUint64(b, ms(t))
	}
	switch o.Kind {
	case OrderBlockDocument:
		return append(b, o.Person[:]...), nil
	case OrderCancel:
		return be.AppendUint64(b, o.Cancels), nil
	default:
		return be.AppendUint64(b, uint64(o.Ticket)), nil
	}
}

// Decode reads an order and checks it. The error is an *OrderError; o is
// undefined then.
func (o *Order) Decode(b []byte) error {
	if len(b) != OrderSize {
		return &OrderError{"bytes", fmt.Sprintf("are %d, want %d", len(b), OrderSize)}
	}
	be := binary.BigEndian
	var err error
	at := func(name string, b []byte) time.Time {
		ms := be.Uint64(b)
		if ms == 0 {
			return time.Time{}
		}
		if ms > maxOrderTime && err == nil {
			err = &OrderError{name, "is out of bounds"}
		}
		return time.UnixMilli(int64(ms & maxOrderTime)).UTC()
	}
	*o = Order{
		Kind: OrderKind(b[0]), LaneKind: LaneKind(b[1]),
		Session: SessionID(be.Uint16(b[2:])), Event: EventID(be.Uint32(b[4:])),
		ID: be.Uint64(b[8:]), Staff: be.Uint32(b[16:]),
		Lane: LaneID(be.Uint16(b[20:])), Zone: ZoneID(be.Uint16(b[22:])),
		Entrance: EntranceID(be.Uint16(b[24:])), To: EntranceID(be.Uint16(b[26:])),
		Issued: at("issued", b[32:]), From: at("from", b[40:]), Until: at("until", b[48:]), At: at("at", b[56:]),
	}
	switch o.Kind {
	case OrderBlockDocument:
		o.Person = PersonKey(b[64:72])
	case OrderCancel:
		o.Cancels = be.Uint64(b[64:])
	default:
		o.Ticket = TicketID(be.Uint64(b[64:]))
	}
	if err != nil {
		return err
	}
	if be.Uint32(b[28:]) != 0 {
		return &OrderError{"reserved bytes", "are not zero"}
	}
	return o.Check()
}

// AppendBinary appends the order, and its signature if it has one, to b.
func (s *SignedOrder) AppendBinary(b []byte) ([]byte, error) {
	b, err := s.Order.AppendBinary(b)
	if err != nil || !s.IsSigned() {
		return b, err
	}
	return append(b, s.Signature[:]...), nil
}

// ParseSignedOrder reads what SignedOrder.AppendBinary wrote: OrderSize bytes
// without a signature, SignedOrderSize with one. It does not verify it. The
// error is an *OrderError.
func ParseSignedOrder(b []byte) (SignedOrder, error) {
	var s SignedOrder
	switch len(b) {
	case OrderSize:
	case SignedOrderSize:
		s.Signature = [ed25519.SignatureSize]byte(b[OrderSize:])
		if !s.IsSigned() {
			return s, &OrderError{"signature", "is all zeros; leave it away"}
		}
	default:
		return s, &OrderError{"bytes", fmt.Sprintf("are %d, want %d, or %d with a signature", len(b), OrderSize, SignedOrderSize)}
	}
	return s, s.Decode(b[:OrderSize])
}
