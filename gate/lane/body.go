package lane

import (
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
)

// unheld are the body fields that a pack does not keep.
const unheld = ticket.FieldAlgorithm

// held fills in what the pack knows of a ticket in the form of a body. Of
// several documents it names the one that the code names, if it does.
func held(h *ticket.Held, t *gate.Ticket, code *ticket.Code) {
	c := &t.Code
	h.Highest = 0
	h.Lacks = unheld
	h.Body = ticket.Body{
		Version: ticket.Version, Algorithm: ticket.AlgorithmEd25519,
		KeyID: c.KeyID, Event: uint32(t.Event), Ticket: uint64(t.ID), Generation: t.Generation, Flags: flags(t),
		ZoneGroup: uint16(t.ZoneGroup), T0: c.T0, Steps: c.Steps, Period: c.Period,
		Proof: ticket.Proof(c.Proof), Anchor: c.Anchor, Holder: c.Holder,
	}
	for i := range t.Documents {
		key := t.Documents[i].Tag.Person()
		if i == 0 || key == gate.PersonKey(code.Body.DocumentTag) {
			h.Body.DocumentTag = key
		}
	}
	if len(t.Documents) == 0 || code.Body.DocumentTag == [ticket.DocumentTagSize]byte{} {
		h.Lacks |= ticket.FieldDocumentTag // one side names none
	}
	if c.KeyID == 0 {
		h.Lacks |= ticket.FieldKeyID
	}
}

// flags returns a ticket's properties as its body states them.
func flags(t *gate.Ticket) (f ticket.Flags) {
	if t.RealName {
		f |= ticket.FlagRealName
	}
	if t.ReEntry {
		f |= ticket.FlagReentry
	}
	if t.Party == 2 {
		f |= ticket.FlagCompanion
	}
	return f
}

// assume overlays a ticket with what a signed body says of it. What the pack
// says of an older generation stays where the body is silent.
func assume(t *gate.Ticket, b *ticket.Body, policy *gate.Policy) {
	if t.ID == 0 {
		t.Class = policy.AssumedClass
	}
	t.Assumed = true
	t.Event, t.ID, t.Generation = gate.EventID(b.Event), gate.TicketID(b.Ticket), b.Generation
	t.Status = gate.StatusValid
	t.ZoneGroup = gate.ZoneGroupID(b.ZoneGroup)
	t.ReEntry = b.Flags.Has(ticket.FlagReentry)
	t.RealName = b.Flags.Has(ticket.FlagRealName)
	t.Party = 1
	if b.Flags.Has(ticket.FlagCompanion) {
		t.Party = 2
	}
	// The former holder's papers do not open for the new one.
	t.Documents, t.Masked, t.Foreign = t.Documents[:0], "", t.Foreign[:0]
	t.Name, t.Birth, t.Phone = gate.Tag{}, gate.Tag{}, gate.Tag{}
	if b.DocumentTag != [ticket.DocumentTagSize]byte{} {
		var tag gate.Tag
		copy(tag[:], b.DocumentTag[:])
		t.Documents = append(t.Documents, gate.DocumentTag{Tag: tag, Short: true})
	}
}
