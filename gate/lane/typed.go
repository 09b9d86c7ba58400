package lane

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
)

// Typed answers what one of the staff typed for a visitor: a code, a document or
// the number of a ticket. It is a reading like any other, but that staff are on
// record with it, and that digits which are nobody's code may be a ticket's
// number.
//
// A number finds its ticket and proves nothing. It counts as another platform's
// code does: with the holder's document it opens; alone only where the event
// lets such codes in without one. Otherwise the visitor is referred with what
// is known of the ticket, and staff decide.
func (d *Desk) Typed(ctx context.Context, staff uint32, r gate.Reading) Answer {
	return d.scan(ctx, r, staff)
}

// readTyped reads a text that a person typed.
func (d *Desk) readTyped(now time.Time, text string, packs []Pack) (shownCode, gate.Reason, error) {
	code, reason, err := d.readText(now, text, packs)
	if err != nil || reason == gate.ReasonNone || ticket.IsVG1(text) {
		return code, reason, err
	}
	id, ok := ticketNumber(text)
	if !ok {
		return code, reason, nil
	}
	for _, p := range packs {
		found, err := p.Ticket(id, &d.ticket)
		if err != nil {
			return shownCode{}, gate.ReasonNone, err
		}
		if found {
			return shownCode{event: p.Event(), ticket: id, number: true, shown: gate.Presented{Kind: gate.CredentialForeign}}, gate.ReasonNone, nil
		}
	}
	return shownCode{}, gate.ReasonUnknownTicket, nil
}

// ticketNumber reads a ticket's number as people type it: digits, perhaps in
// groups, perhaps full-width ones.
func ticketNumber(text string) (gate.TicketID, bool) {
	const most = 40 // 20 digits and what may stand between them
	if len(text) > 3*most {
		return 0, false
	}
	digits := strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-' || r == '\u3000' || r == '\u00a0':
			return -1
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		}
		return r
	}, text)
	id, err := strconv.ParseUint(digits, 10, 64)
	return gate.TicketID(id), err == nil && id != 0
}

// unproved is the verdict on a number that nothing proves yet. What would keep
// the ticket out even if it were proven is said at once.
func (d *Desk) unproved(now time.Time, pack Pack, v gate.Verdict, shown *gate.Presented, known *gate.Ticket) gate.Verdict {
	if v.Reason != gate.ReasonDocumentNeeded && v.Reason != gate.ReasonNoDocumentOnFile {
		return v
	}
	proven := d.decideBy(now, pack, vouched(pack.Policy()), shown, known)
	if !proven.Opens() {
		return proven
	}
	proven.Outcome, proven.Reason, proven.Wants, proven.Count = gate.Refer, v.Reason, v.Wants, 0
	return proven
}

// vouched are an event's rules where one of the staff answers for who the
// visitor is.
func vouched(p *gate.Policy) *gate.Policy {
	q := *p
	q.RealName, q.ForeignUnproved, q.NoDocumentAlone, q.UntrustedDocument = gate.RealNameNone, true, false, false
	return &q
}
