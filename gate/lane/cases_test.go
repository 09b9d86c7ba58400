package lane_test

import (
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// change edits a listed ticket, as a new pack does.
func (v *venue) change(id gate.TicketID, edit func(*gate.Ticket)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := v.tickets[id]
	edit(&k)
	v.tickets[id] = k
}

// A person with a ticket for each of two sessions leaves by ID card: by the one
// that they came in on.
func TestLeavingByDocumentWithTwoTickets(t *testing.T) {
	v := newVenue(t)
	v.policy.Sessions = []gate.Session{
		{ID: 1, Doors: noon.Add(-time.Hour), Start: noon, End: noon.Add(2 * time.Hour)},
		{ID: 2, Doors: noon.Add(23 * time.Hour), Start: noon.Add(24 * time.Hour), End: noon.Add(26 * time.Hour)},
	}
	for id, session := range map[gate.TicketID]gate.SessionID{1: 1, 2: 2} {
		v.sell(id, v.with(zhangCard), func(k *gate.Ticket) { k.Sessions = []gate.SessionID{session} })
	}
	expect(t, v.desk(northID), v.card(zhangCard), gate.Admit, gate.ReasonAdmitted)
	v.wait(time.Minute)
	if a := expect(t, v.desk(bothID), v.card(zhangCard), gate.Exit, gate.ReasonExited); a.Verdict.Ticket != 1 {
		t.Errorf("left on ticket %v, want 1", a.Verdict.Ticket)
	}
}

// Two tickets of one person for the same evening, bought on two platforms: one
// of them lets the person in, where one person has one entry.
func TestTwoChannelsOnePerson(t *testing.T) {
	v := newVenue(t)
	v.policy.OnePerson = true
	v.sell(1, v.with(zhangCard))
	v.sell(2, v.with(zhangCard))
	d := v.desk(northID)
	expect(t, d, v.card(zhangCard), gate.Admit, gate.ReasonAdmitted)
	v.wait(10 * time.Second)
	for id := gate.TicketID(1); id <= 2; id++ {
		if a := d.Scan(t.Context(), v.short(id)); a.Verdict.Outcome != gate.Refuse {
			t.Errorf("ticket %v, after the card: %v", id, a.Verdict.Outcome)
		}
	}
}

// A signed code that the pack does not know yet, bound to the second document of
// somebody who is inside.
func TestOnePersonOnACodeThatIsNotListed(t *testing.T) {
	v := newVenue(t)
	v.policy.OnePerson = true
	v.sell(1, v.with(liCard, zhangCard))
	d := v.desk(northID)
	expect(t, d, v.short(1), gate.Admit, gate.ReasonAdmitted)
	v.sellBound(3, zhangCard)
	expect(t, d, v.long(3), gate.Refuse, gate.ReasonPersonAlreadyInside)
}

// sellBound issues a ticket to a document; the pack has not heard of it.
func (v *venue) sellBound(id gate.TicketID, number string) {
	s := v.sellUnlisted(id, 1)
	body := s.Body
	body.DocumentTag = v.tag(number).Person()
	signed, err := v.issuer.Sign(body)
	if err != nil {
		v.t.Fatal(err)
	}
	v.signed[id] = signed
}

// What a new pack says counts for a code that waits for its document.
func TestPackChangesWhileACodeWaits(t *testing.T) {
	v := newVenue(t)
	v.policy.RealName = gate.RealNameCodeAndDocument
	v.sell(1, v.with(zhangCard))
	d := v.desk(northID)
	expect(t, d, v.short(1), gate.Refuse, gate.ReasonDocumentNeeded)
	v.change(1, func(k *gate.Ticket) { k.Generation = 2 })
	expect(t, d, v.card(zhangCard), gate.Refuse, gate.ReasonSuperseded)

	v.sellBound(2, liCard)
	expect(t, d, v.long(2), gate.Refuse, gate.ReasonDocumentNeeded)
	signed := v.signed[2]
	v.sell(2, v.with(liCard), func(k *gate.Ticket) { k.Status, k.Code.Anchor = gate.StatusVoid, signed.Body.Anchor })
	expect(t, d, v.card(liCard), gate.Refuse, gate.ReasonTicketVoid)
}

// A leader who comes back brings nobody who is not there.
func TestLeaderComesBackAlone(t *testing.T) {
	v := newVenue(t)
	v.policy.ReEntry = gate.ReEntryAfterExit
	v.leads()
	v.sell(1, inOrder(55, 9))
	v.sell(2, inOrder(55, 1))
	d, both := v.desk(northID), v.desk(bothID)
	expect(t, d, v.short(1), gate.Admit, gate.ReasonAdmitted)
	v.wait(time.Minute)
	for id := gate.TicketID(1); id <= 2; id++ {
		expect(t, both, v.short(id), gate.Exit, gate.ReasonExited)
	}
	v.wait(20 * time.Second)
	if a := expect(t, d, v.short(1), gate.Admit, gate.ReasonReAdmitted); a.Verdict.Count != 1 {
		t.Errorf("the leader's return lets %d in", a.Verdict.Count)
	}
	v.wait(20 * time.Second)
	expect(t, d, v.short(2), gate.Admit, gate.ReasonReAdmitted)
}
