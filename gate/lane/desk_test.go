package lane_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/identity"
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/ledger"
)

// expect scans and compares the verdict.
func expect(t *testing.T, d *lane.Desk, r gate.Reading, outcome gate.Outcome, reason gate.Reason) lane.Answer {
	t.Helper()
	a := d.Scan(t.Context(), r)
	if a.Verdict.Outcome != outcome || a.Verdict.Reason != reason {
		t.Fatalf("got %v because %v (%v), want %v because %v", a.Verdict.Outcome, a.Verdict.Reason, a.Err, outcome, reason)
	}
	if a.Verdict.Opens() != (len(a.Grants) > 0) {
		t.Fatalf("%v with grants %+v: what opens is on record, and nothing else", outcome, a.Grants)
	}
	return a
}

func TestSecondTimeIsRefusedWithTheFirst(t *testing.T) {
	v := newVenue(t)
	v.sell(4711)
	north, south := v.desk(northID), v.desk(southID)
	first := v.Now()
	a := expect(t, north, v.short(4711), gate.Admit, gate.ReasonAdmitted)
	if a.Holder.Masked != "张*" || a.Verdict.Entry != 1 {
		t.Errorf("staff see %+v, entry %d", a.Holder, a.Verdict.Entry)
	}
	same := v.short(4711)
	v.wait(3 * time.Second)
	again := expect(t, south, same, gate.Refuse, gate.ReasonAlreadyInside)
	p := again.Verdict.Previous
	if p == nil || p.Lane != northID || !p.At.Equal(first) {
		t.Errorf("the first entry is said to be %+v, want lane %d at %v", p, northID, first)
	}
	v.wait(20 * time.Second)
	expect(t, south, v.short(4711), gate.Refuse, gate.ReasonAlreadyInside)
}

func TestCodesThatAreNoGood(t *testing.T) {
	v := newVenue(t)
	v.sell(1)
	v.sell(2, func(k *gate.Ticket) { k.Status = gate.StatusRefunded })
	v.sell(3, func(k *gate.Ticket) { k.ZoneGroup = 9 })
	d := v.desk(northID)

	screenshot := v.short(1)
	v.wait(2 * time.Minute)
	if a := expect(t, d, screenshot, gate.Refuse, gate.ReasonCodeStale); a.Verdict.Ticket != 1 || a.Verdict.Skew != -2*time.Minute {
		t.Errorf("stale: ticket %v, skew %v", a.Verdict.Ticket, a.Verdict.Skew)
	}
	forged := v.short(1).Text.Reveal()
	expect(t, d, v.text(forged[:len(forged)-2]+"00"), gate.Refuse, gate.ReasonCodeInvalid)
	expect(t, d, v.text(forged[:20]), gate.Refuse, gate.ReasonMalformed)
	expect(t, d, v.short(2), gate.Refuse, gate.ReasonTicketRefunded)
	expect(t, d, v.short(3), gate.Refuse, gate.ReasonWrongZone)
	v.sellUnlisted(4, 1)
	if a := expect(t, d, v.short(4), gate.Refuse, gate.ReasonNewerThanPack); a.Verdict.Ticket != 0 || a.Verdict.Wants != gate.WantLongCode {
		t.Errorf("unknown: ticket %v, wants %b", a.Verdict.Ticket, a.Verdict.Wants)
	}
	expect(t, d, v.short(1), gate.Admit, gate.ReasonAdmitted)
}

func TestThingsPeopleHoldUpByMistake(t *testing.T) {
	v := newVenue(t)
	d := v.desk(northID)
	for text, want := range map[string]gate.Reason{
		"134567890123456789":           gate.ReasonPaymentCode, // WeChat Pay
		"2801234567890123456":          gate.ReasonPaymentCode, // Alipay
		"6212345678901234567":          gate.ReasonPaymentCode, // UnionPay
		"wxp://f2f0abcdef":             gate.ReasonPaymentCode,
		"https://example.com/ticket/1": gate.ReasonWebLink,
		"WIFI:T:WPA;S:venue;;":         gate.ReasonWebLink,
		"6901234567892":                gate.ReasonNotATicket, // a bottle of water
		"":                             gate.ReasonNotATicket,
		"VG1:":                         gate.ReasonMalformed,
		"vg1:!!!":                      gate.ReasonMalformed,
		strings.Repeat("9", 4096):      gate.ReasonNotATicket,
	} {
		a := d.Scan(t.Context(), v.text(text))
		if a.Verdict.Outcome != gate.Refuse || a.Verdict.Reason != want {
			t.Errorf("%q: %v because %v, want %v", text, a.Verdict.Outcome, a.Verdict.Reason, want)
		}
	}
}

func TestBoughtAMinuteAgo(t *testing.T) {
	v := newVenue(t)
	v.policy.AssumedClass = 42
	v.sellUnlisted(9, 1)
	d := v.desk(northID)
	a := expect(t, d, v.long(9), gate.Admit, gate.ReasonAdmitted)
	if !a.Verdict.Marks.Has(gate.MarkAssumed) || a.Holder.Class != 42 {
		t.Errorf("marks %b, class %d", a.Verdict.Marks, a.Holder.Class)
	}
	expect(t, v.desk(southID), v.long(9), gate.Refuse, gate.ReasonAlreadyInside)
}

func TestTransferredTicket(t *testing.T) {
	v := newVenue(t)
	v.sell(5, v.with(zhangCard))
	old := v.signed[5]
	v.sellUnlisted(5, 2) // Li has it now; the pack has not heard
	d := v.desk(northID)
	a := expect(t, d, v.long(5), gate.Admit, gate.ReasonAdmitted)
	if a.Holder.Masked != "" {
		t.Errorf("the new holder is shown as %q, the old one", a.Holder.Masked)
	}
	v.wait(time.Minute)
	v.signed[5] = old
	expect(t, d, v.short(5), gate.Refuse, gate.ReasonSuperseded)
}

func TestTicketOfAnotherEvent(t *testing.T) {
	v := newVenue(t)
	s, err := v.issuer.Sign(ticket.Body{
		Event: 8, Ticket: 77, Generation: 1, ZoneGroup: uint16(group),
		T0: uint32(noon.Add(-time.Hour).Unix()), Steps: 2000, Period: 10, Proof: ticket.ProofChain,
	})
	if err != nil {
		t.Fatal(err)
	}
	v.signed[77] = s
	expect(t, v.desk(northID), v.long(77), gate.Refuse, gate.ReasonWrongEvent)
}

func TestStaticTicketIsForPaper(t *testing.T) {
	v := newVenue(t)
	s, err := v.issuer.Sign(ticket.Body{Event: uint32(eventID), Ticket: 31, Generation: 1, ZoneGroup: uint16(group), Proof: ticket.ProofStatic})
	if err != nil {
		t.Fatal(err)
	}
	text, err := ticket.StaticText(&s)
	if err != nil {
		t.Fatal(err)
	}
	d := v.desk(northID)
	expect(t, d, v.text(text), gate.Admit, gate.ReasonAdmitted)
	v.wait(time.Hour)
	expect(t, d, v.text(text), gate.Refuse, gate.ReasonAlreadyInside)
	for i := range v.journal.records {
		if r := &v.journal.records[i]; r.Kind == ledger.KindGrant && r.Step != ledger.NoStep {
			t.Errorf("a paper ticket is on record with step %d", r.Step)
		}
	}
}

func TestDocumentAlone(t *testing.T) {
	v := newVenue(t)
	v.sell(1, v.with(zhangCard))
	v.sell(2, v.with(zhangCard), func(k *gate.Ticket) { k.Status = gate.StatusRefunded })
	d := v.desk(northID)
	expect(t, d, v.card(liCard), gate.Refuse, gate.ReasonDocumentUnknown)
	expect(t, d, v.card("110105194912310021"), gate.Refuse, gate.ReasonDocumentUnreadable)
	if a := expect(t, d, v.card(zhangCard), gate.Admit, gate.ReasonAdmitted); a.Verdict.Ticket != 1 {
		t.Errorf("the document opened for ticket %v, want the one that is valid", a.Verdict.Ticket)
	}
	if a := expect(t, d, v.card(zhangCard), gate.Refuse, gate.ReasonAlreadyInside); a.Verdict.Previous == nil {
		t.Error("a second time, and nothing is said of the first")
	}
}

// A record names the zones in the direction of its own passage.
func TestZonesOfAPassage(t *testing.T) {
	v := newVenue(t)
	v.policy.ReEntry = gate.ReEntryAfterExit
	v.sell(1, v.with(zhangCard))
	d := v.desk(bothID)
	if a := d.Scan(t.Context(), v.card(zhangCard)); a.Verdict.Outcome != gate.Admit {
		t.Fatalf("in: %+v", a.Verdict)
	}
	in := v.journal.newest()
	v.wait(time.Minute)
	if a := d.Scan(t.Context(), v.card(zhangCard)); a.Verdict.Outcome != gate.Exit {
		t.Fatalf("out: %+v", a.Verdict)
	}
	if out := v.journal.newest(); out.From != in.To || out.To != in.From || in.To != stand {
		t.Errorf("in from %d to %d, out from %d to %d", in.From, in.To, out.From, out.To)
	}
}

// Where an event wants no keepers asked, no grant says that one stands behind it.
func TestNoKeeperStandsBehindAGrant(t *testing.T) {
	v := newVenue(t)
	v.sell(1, v.with(zhangCard))
	v.sell(2, v.with(liCard))
	d := v.desk(northID)
	expect(t, d, v.card(zhangCard), gate.Admit, gate.ReasonAdmitted)
	if r := v.journal.newest(); r.Request == 0 {
		t.Error("a grant that was claimed does not say so")
	}
	v.policy.NoClaims = true
	expect(t, d, v.card(liCard), gate.Admit, gate.ReasonAdmitted)
	if r := v.journal.newest(); r.Request != 0 || r.Marks.Has(gate.MarkIsolated) {
		t.Errorf("a grant that no keeper was asked about: %+v", r)
	}
}

func TestSeveralTicketsForOneDocument(t *testing.T) {
	v := newVenue(t)
	v.sell(1, v.with(zhangCard))
	v.sell(2, v.with(zhangCard))
	expect(t, v.desk(northID), v.card(zhangCard), gate.Refer, gate.ReasonSeveralTickets)
	// Tonight's ticket and tomorrow's: the one that fits is taken.
	v.policy.Sessions = []gate.Session{
		{ID: 1, Doors: noon.Add(-time.Hour), Start: noon, End: noon.Add(time.Hour)},
		{ID: 2, Doors: noon.Add(23 * time.Hour), Start: noon.Add(24 * time.Hour), End: noon.Add(25 * time.Hour)},
	}
	for id, session := range map[gate.TicketID]gate.SessionID{1: 2, 2: 1} {
		k := v.tickets[id]
		k.Sessions = []gate.SessionID{session}
		v.tickets[id] = k
	}
	if a := expect(t, v.desk(northID), v.card(zhangCard), gate.Admit, gate.ReasonAdmitted); a.Verdict.Ticket != 2 {
		t.Errorf("ticket %v was taken, want tonight's", a.Verdict.Ticket)
	}
}

func TestCodeAndDocument(t *testing.T) {
	for _, order := range []string{"code first", "document first"} {
		t.Run(order, func(t *testing.T) {
			v := newVenue(t)
			v.policy.RealName = gate.RealNameCodeAndDocument
			v.sell(1, v.with(zhangCard))
			d := v.desk(northID)
			if order == "code first" {
				expect(t, d, v.short(1), gate.Refuse, gate.ReasonDocumentNeeded)
				if d.Waiting(v.Now()) != gate.WantDocument {
					t.Error("the desk does not wait for the document")
				}
				v.wait(9 * time.Second)
				expect(t, d, v.card(zhangCard), gate.Admit, gate.ReasonAdmitted)
			} else {
				expect(t, d, v.card(zhangCard), gate.Refuse, gate.ReasonCodeNeeded)
				v.wait(9 * time.Second)
				expect(t, d, v.short(1), gate.Admit, gate.ReasonAdmitted)
			}
			if d.Waiting(v.Now()) != 0 {
				t.Error("the desk waits for more after the visitor was admitted")
			}
		})
	}
}

func TestPairingIsForOneVisitor(t *testing.T) {
	v := newVenue(t)
	v.policy.RealName = gate.RealNameCodeAndDocument
	v.sell(1, v.with(zhangCard))
	v.sell(2, v.with(liCard))
	d := v.desk(northID)

	expect(t, d, v.short(1), gate.Refuse, gate.ReasonDocumentNeeded)
	v.wait(10 * time.Second)
	expect(t, d, v.card(zhangCard), gate.Refuse, gate.ReasonCodeNeeded) // too late: it starts anew
	expect(t, d, v.short(2), gate.Refuse, gate.ReasonDocumentNeeded)    // Li comes, and Zhang's card is let go
	expect(t, d, v.card(zhangCard), gate.Refuse, gate.ReasonCodeNeeded) // Zhang again, and Li's code is let go
	expect(t, d, v.short(1), gate.Admit, gate.ReasonAdmitted)
	expect(t, d, v.card(liCard), gate.Refuse, gate.ReasonCodeNeeded) // nothing of Zhang's is left
}

func TestSomebodyElsesDocument(t *testing.T) {
	v := newVenue(t)
	v.policy.RealName = gate.RealNameCodeAndDocument
	v.sell(1, v.with(zhangCard))
	d := v.desk(northID)
	expect(t, d, v.short(1), gate.Refuse, gate.ReasonDocumentNeeded)
	expect(t, d, v.card(liCard), gate.Refuse, gate.ReasonDocumentMismatch) // Li has no ticket
}

func TestForeignCode(t *testing.T) {
	v := newVenue(t)
	tag, err := identity.ForeignCodeTag(v.Secrets().CodeKey, "DM-2026-0815")
	if err != nil {
		t.Fatal(err)
	}
	v.sell(1, v.with(zhangCard), func(k *gate.Ticket) { k.Foreign = []gate.Tag{gate.Tag(tag)} })
	d := v.desk(northID)
	expect(t, d, v.text("DM-2026-0815"), gate.Refuse, gate.ReasonDocumentNeeded)
	expect(t, d, v.card(zhangCard), gate.Admit, gate.ReasonAdmitted)
	expect(t, d, v.text("DM-2026-9999"), gate.Refuse, gate.ReasonNotATicket)
}

func TestOnePersonOneEntry(t *testing.T) {
	v := newVenue(t)
	v.policy.OnePerson = true
	v.sell(1, v.with(zhangCard))
	v.sell(2, v.with(zhangCard, liCard)) // bought elsewhere, with two documents on file
	v.sell(3, v.with(liCard))
	expect(t, v.desk(northID), v.short(1), gate.Admit, gate.ReasonAdmitted)
	a := expect(t, v.desk(southID), v.short(2), gate.Refuse, gate.ReasonPersonAlreadyInside)
	if a.Verdict.Previous == nil || a.Verdict.Previous.Lane != northID {
		t.Errorf("the other entry is said to be %+v", a.Verdict.Previous)
	}
	expect(t, v.desk(southID), v.short(3), gate.Admit, gate.ReasonAdmitted)
}

func TestExitAndReEntry(t *testing.T) {
	v := newVenue(t)
	v.policy.ReEntry = gate.ReEntryAfterExit
	v.sell(1)
	d := v.desk(bothID)
	expect(t, d, v.short(1), gate.Admit, gate.ReasonAdmitted)
	v.wait(time.Minute)
	out := v.short(1)
	expect(t, d, out, gate.Exit, gate.ReasonExited)
	v.wait(5 * time.Second)
	expect(t, d, out, gate.Refuse, gate.ReasonCodeUsed)
	v.wait(20 * time.Second)
	expect(t, d, v.short(1), gate.Admit, gate.ReasonReAdmitted)
}

func TestSidesOfALaneForBoth(t *testing.T) {
	v := newVenue(t)
	v.sell(1)
	d := lane.NewDesk(lane.DeskOptions{
		Lane: bothID, Packs: v, Ledger: v.ledger, Claims: v.claims, Journal: v.journal, Clock: v,
		Sides: map[string]gate.Direction{"code": gate.DirectionExit, "card": gate.DirectionEntry},
	})
	expect(t, d, v.short(1), gate.Exit, gate.ReasonExitUnmatched)
}

func TestNothingOpensThatIsNotOnRecord(t *testing.T) {
	v := newVenue(t)
	v.sell(1)
	d := v.desk(northID)
	v.journal.broken(errDiskFull)
	a := expect(t, d, v.short(1), gate.Refer, gate.ReasonNotRecorded)
	if !errors.Is(a.Err, errDiskFull) {
		t.Errorf("the log hears %v, want the disk's error", a.Err)
	}
	v.journal.broken(nil)
	v.wait(10 * time.Second)
	expect(t, d, v.short(1), gate.Admit, gate.ReasonAdmitted) // the claim was given back
}

// nobody is a keeper that cannot be reached.
type nobody struct{}

func (nobody) Claim(context.Context, *gate.Claim) (gate.ClaimAnswer, error) {
	return gate.ClaimAnswer{}, context.DeadlineExceeded
}
func (nobody) Settle(uint64)  {}
func (nobody) Release(uint64) {}

func TestIsolated(t *testing.T) {
	for rule, want := range map[gate.Isolation]gate.Outcome{
		gate.IsolationAdmit: gate.Admit, gate.IsolationRefer: gate.Refer, gate.IsolationRefuse: gate.Refuse,
	} {
		v := newVenue(t)
		v.claims = nobody{}
		v.policy.Isolation = rule
		v.sell(1)
		a := v.desk(northID).Scan(t.Context(), v.short(1))
		if a.Verdict.Outcome != want || !a.Verdict.Marks.Has(gate.MarkIsolated) {
			t.Errorf("rule %d: %v with marks %b, want %v, marked", rule, a.Verdict.Outcome, a.Verdict.Marks, want)
		}
	}
}

func TestGateThatIsNotReady(t *testing.T) {
	v := newVenue(t)
	v.sell(1)
	expect(t, v.desk(99), v.short(1), gate.Refer, gate.ReasonLaneUnknown)
	v.empty = true
	expect(t, v.desk(northID), v.short(1), gate.Refer, gate.ReasonNoPack)
}

func TestClockThatNobodyVouchesFor(t *testing.T) {
	v := newVenue(t)
	v.trusted = false
	v.policy.UntrustedMargins = gate.Margins{Behind: 30, Ahead: 30}
	v.policy.UntrustedDocument = true
	v.sell(1, v.with(zhangCard))
	d := v.desk(northID)
	late := v.short(1)
	v.wait(4 * time.Minute)
	expect(t, d, late, gate.Refuse, gate.ReasonClockUntrusted)
	a := expect(t, d, v.card(zhangCard), gate.Admit, gate.ReasonAdmitted)
	if !a.Verdict.Marks.Has(gate.MarkClockUntrusted) {
		t.Error("the record does not say that the clock was not trusted")
	}
}

// Sixteen desks read the same ticket at the same time: one grant between them.
func TestManyLanesOneTicket(t *testing.T) {
	v := newVenue(t)
	v.sell(1)
	code := v.short(1)
	var lanes sync.WaitGroup
	var mu sync.Mutex
	var reasons []gate.Reason
	for range 16 {
		lanes.Go(func() {
			a := v.desk(northID).Scan(t.Context(), code)
			mu.Lock()
			defer mu.Unlock()
			reasons = append(reasons, a.Verdict.Reason)
		})
	}
	lanes.Wait()
	granted := 0
	for _, r := range reasons {
		switch r {
		case gate.ReasonAdmitted:
			granted++
		case gate.ReasonClaimedElsewhere, gate.ReasonAlreadyInside:
		default:
			t.Errorf("unexpected %v", r)
		}
	}
	if granted != 1 {
		t.Fatalf("%d grants, want 1: %v", granted, reasons)
	}
	if n := count(v.journal.kinds(), ledger.KindGrant); n != 1 {
		t.Errorf("%d grants on record", n)
	}
}

// leads makes class 9 one that brings its order along.
func (v *venue) leads() {
	v.policy.Classes = map[gate.ClassID]gate.ClassRule{9: {LeadsOrder: true, Hold: 20 * time.Second}}
}

func inOrder(order gate.OrderID, class gate.ClassID) func(*gate.Ticket) {
	return func(k *gate.Ticket) { k.Order, k.Class = order, class }
}

func TestLeaderBringsTheOrder(t *testing.T) {
	v := newVenue(t)
	v.leads()
	v.sell(1, inOrder(70, 9))
	for id := gate.TicketID(2); id <= 30; id++ {
		v.sell(id, inOrder(70, 1))
	}
	v.sell(31, inOrder(70, 1), func(k *gate.Ticket) { k.Status = gate.StatusRefunded })
	v.sell(32, inOrder(71, 1))
	d := v.desk(northID)
	expect(t, d, v.short(5), gate.Admit, gate.ReasonAdmitted) // came ahead of the others
	a := expect(t, d, v.short(1), gate.Admit, gate.ReasonAdmitted)
	if a.Verdict.Count != 29 || a.Verdict.Group != (gate.Group{Admitted: 29, Of: 30}) || len(a.Grants) != 29 {
		t.Fatalf("%d people, group %+v, %d grants", a.Verdict.Count, a.Verdict.Group, len(a.Grants))
	}
	if a.Verdict.Hold != 20*time.Second || a.Verdict.Ticket != 1 {
		t.Errorf("hold %v, ticket %v", a.Verdict.Hold, a.Verdict.Ticket)
	}
	v.wait(20 * time.Second)
	expect(t, d, v.short(17), gate.Refuse, gate.ReasonAlreadyInside)
	expect(t, d, v.short(32), gate.Admit, gate.ReasonAdmitted)
}

func count(kinds []ledger.Kind, which ledger.Kind) int {
	return len(slices.DeleteFunc(slices.Clone(kinds), func(k ledger.Kind) bool { return k != which }))
}

func TestRecordsNameNoPerson(t *testing.T) {
	v := newVenue(t)
	v.sell(1, v.with(zhangCard))
	d := v.desk(northID)
	expect(t, d, v.card(zhangCard), gate.Admit, gate.ReasonAdmitted)
	r := v.journal.records[len(v.journal.records)-1]
	if r.Person != v.tag(zhangCard).Person() {
		t.Errorf("person %x, want the document's tag", r.Person)
	}
	bytes, err := r.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(bytes), zhangCard[:6]) {
		t.Error("the record holds the document's number")
	}
}
