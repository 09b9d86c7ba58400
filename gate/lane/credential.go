package lane

import (
	"time"

	"github.com/venuegate/venuegate/crypto/identity"
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
)

// shownCode is a code that was read and verified. It outlives its scan only
// until the document that belongs to it is shown.
type shownCode struct {
	event   gate.EventID
	ticket  gate.TicketID // zero: none that the pack knows
	shown   gate.Presented
	assumed *ticket.Body // the signed body that stands in for the pack
	number  bool         // typed: the ticket's number, which proves nothing

	// The code and when it was shown, to be verified again when its document
	// comes: the pack may be another one by then.
	code *ticket.Code
	at   time.Time
}

// shownDocument is a document that was read, as one tag for each event: the
// keys of two events have nothing in common.
type shownDocument []eventTag

type eventTag struct {
	event gate.EventID
	tag   gate.Tag
}

func (d shownDocument) of(event gate.EventID) []gate.Tag {
	for i := range d {
		if d[i].event == event {
			return []gate.Tag{d[i].tag}
		}
	}
	return nil
}

// readText makes a code of what a barcode reader delivered. It returns a reason
// when the text cannot be any ticket.
func (d *Desk) readText(now time.Time, text string, packs []Pack) (shownCode, gate.Reason, error) {
	if !ticket.IsVG1(text) {
		return d.readForeign(text, packs)
	}
	code, err := ticket.Parse(text)
	if err != nil {
		return shownCode{}, gate.ReasonMalformed, nil //nolint:nilerr // the reason is the error, and names no text
	}
	return d.verify(now, &code, packs)
}

func (d *Desk) verify(now time.Time, code *ticket.Code, packs []Pack) (shownCode, gate.Reason, error) {
	pack, known, err := d.find(code, packs)
	if err != nil || pack == nil {
		return shownCode{}, gate.ReasonWrongEvent, err
	}
	var onFile *ticket.Held
	if known {
		held(&d.held, &d.ticket, code)
		onFile = &d.held
	}
	v := ticket.Verifier{Keys: pack.Keys(), Events: func(e uint32) bool { return gate.EventID(e) == pack.Event() }}
	margins, untrusted := d.margins(pack.Policy())
	r := v.Verify(code, onFile, now, margins)
	out := shownCode{
		event: pack.Event(), code: code, at: now,
		shown: gate.Presented{
			Kind: gate.CredentialCode, Generation: code.Generation,
			HasStep: code.Form != ticket.FormStatic, Step: code.Step,
			Skew:           time.Duration(r.SkewSeconds) * time.Second,
			ClockUntrusted: untrusted,
		},
	}
	if known || r.OK {
		out.ticket = gate.TicketID(code.Ticket)
	}
	if !r.OK {
		out.shown.Check = reasonOf(r.Reason)
		return out, gate.ReasonNone, nil
	}
	if r.StandsIn {
		body := r.Body
		out.assumed = &body
	}
	return out, gate.ReasonNone, nil
}

// find looks for the pack that answers for a code, and in it for the ticket,
// which it leaves in d.ticket. A code that no pack knows is answered by the pack
// of its event, or by the first when it names none.
func (d *Desk) find(code *ticket.Code, packs []Pack) (Pack, bool, error) {
	id := gate.TicketID(code.Ticket)
	for _, p := range packs {
		ok, err := p.Ticket(id, &d.ticket)
		if ok || err != nil {
			return p, ok, err
		}
	}
	for _, p := range packs {
		if code.Form == ticket.FormShort || uint32(p.Event()) == code.Body.Event {
			return p, false, nil
		}
	}
	// A ticket of an event that is not on here: any pack's keys can tell a
	// forged one from one that is merely in the wrong place.
	return packs[0], false, nil
}

func (d *Desk) margins(p *gate.Policy) (m ticket.Margins, untrusted bool) {
	untrusted = !d.clock.Trusted()
	m = ticket.DefaultMargins()
	chosen := p.Margins
	if untrusted && p.UntrustedMargins != (gate.Margins{}) {
		chosen = p.UntrustedMargins
	}
	if chosen != (gate.Margins{}) {
		m = ticket.Margins{Behind: uint16(chosen.Behind), Ahead: uint16(chosen.Ahead)}
	}
	return m, untrusted
}

func (d *Desk) readForeign(text string, packs []Pack) (shownCode, gate.Reason, error) {
	for _, p := range packs {
		key := p.Secrets().CodeKey
		if len(key) == 0 {
			continue
		}
		tag, err := identity.ForeignCodeTag(key, text)
		if err != nil {
			continue // not a text that any platform's code could be
		}
		id, ok, err := p.ByForeign(gate.Tag(tag))
		if err != nil {
			return shownCode{}, gate.ReasonNone, err
		}
		if ok {
			return shownCode{event: p.Event(), ticket: id, shown: gate.Presented{Kind: gate.CredentialForeign}}, gate.ReasonNone, nil
		}
	}
	return shownCode{}, recognise(text), nil
}

// readDocument makes keyed tags of a document, one for each event of the day.
func (d *Desk) readDocument(doc *gate.Document, packs []Pack) (shownDocument, gate.Reason) {
	var out shownDocument
	for _, p := range packs {
		key := p.Secrets().DocumentKey
		if len(key) == 0 {
			continue
		}
		tag, err := identity.Tag(key, identity.Type(doc.Type), doc.Country, doc.Number.Reveal())
		if err != nil {
			return nil, gate.ReasonDocumentUnreadable
		}
		out = append(out, eventTag{p.Event(), gate.Tag(tag)})
	}
	if out == nil {
		return nil, gate.ReasonDocumentUnknown
	}
	return out, gate.ReasonNone
}

// reasonOf translates a verification's reason into the verdict's.
func reasonOf(r ticket.Reason) gate.Reason {
	if found, ok := gate.ReasonByCode(string(r)); ok {
		return found
	}
	return gate.ReasonCodeInvalid
}
