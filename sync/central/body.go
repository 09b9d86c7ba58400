package central

import (
	"fmt"

	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
)

// bodyOf returns what the issuer signs of a ticket. One ticket and generation
// gives one body, for ever.
func bodyOf(t *gate.Ticket) ticket.Body {
	b := ticket.Body{
		Event: uint32(t.Event), Ticket: uint64(t.ID), Generation: t.Generation, ZoneGroup: uint16(t.ZoneGroup),
		T0: t.Code.T0, Steps: t.Code.Steps, Period: t.Code.Period,
		Proof: ticket.Proof(t.Code.Proof), Holder: t.Code.Holder,
	}
	if t.RealName {
		b.Flags |= ticket.FlagRealName
	}
	if t.ReEntry {
		b.Flags |= ticket.FlagReentry
	}
	if t.Party == 2 {
		b.Flags |= ticket.FlagCompanion
	}
	if len(t.Documents) > 0 {
		b.DocumentTag = t.Documents[0].Tag.Person()
	}
	return b
}

// sign signs a new generation of a ticket and notes the key and the anchor.
func sign(is ticket.Issuer, t *gate.Ticket) (ticket.Signed, error) {
	signed, err := is.Sign(bodyOf(t))
	if err != nil {
		return ticket.Signed{}, fmt.Errorf("ticket %s: %w", t.ID, err)
	}
	t.Code.KeyID, t.Code.Anchor = signed.Body.KeyID, signed.Body.Anchor
	return signed, nil
}

// signed makes the signed body of a ticket on the list again: Ed25519 gives
// the same signature every time.
func (o *Office) signed(t *gate.Ticket) (ticket.Issuer, ticket.Signed, error) {
	is, ok := o.issuers[t.Code.KeyID]
	if !ok {
		return is, ticket.Signed{}, fmt.Errorf("ticket %s: the private key of issuer %d is not here", t.ID, t.Code.KeyID)
	}
	s, err := is.Sign(bodyOf(t))
	if err != nil {
		return is, s, fmt.Errorf("ticket %s: %w", t.ID, err)
	}
	if s.Body.Anchor != t.Code.Anchor {
		return is, s, fmt.Errorf("ticket %s: its chain does not end as the list says; the keys of issuer %d are others now", t.ID, is.KeyID)
	}
	return is, s, nil
}
