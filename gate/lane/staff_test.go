package lane_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/ledger"
)

// steward is who types and decides in these tests.
const steward = 12

// newest returns the latest record.
func (j *memoryJournal) newest() ledger.Record {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.records[len(j.records)-1]
}

func (v *venue) standing(d *lane.Desk) *lane.Standing {
	s := lane.StandingOf(d, v.Now())
	return &s
}

func typed(t *testing.T, d *lane.Desk, r gate.Reading, outcome gate.Outcome, reason gate.Reason) lane.Answer {
	t.Helper()
	a := d.Typed(t.Context(), steward, r)
	if a.Verdict.Outcome != outcome || a.Verdict.Reason != reason {
		t.Fatalf("typed: %v because %v (%v), want %v because %v", a.Verdict.Outcome, a.Verdict.Reason, a.Err, outcome, reason)
	}
	return a
}

func decide(t *testing.T, d *lane.Desk, id uint64, word lane.Word, outcome gate.Outcome, reason gate.Reason) lane.Answer {
	t.Helper()
	a, err := d.Decide(t.Context(), steward, id, word)
	if err != nil || a.Verdict.Outcome != outcome || a.Verdict.Reason != reason {
		t.Fatalf("decided: %v because %v (%v, %v), want %v because %v", a.Verdict.Outcome, a.Verdict.Reason, a.Err, err, outcome, reason)
	}
	return a
}

// What staff type is read as a reader's text is, and digits are a ticket's number
// where they are nobody's code.
func TestTyping(t *testing.T) {
	v := newVenue(t)
	v.sell(4711, v.with(zhangCard))
	v.sell(2, func(k *gate.Ticket) { k.Status = gate.StatusRefunded })
	d := v.desk(northID)

	typed(t, d, v.short(4711), gate.Admit, gate.ReasonAdmitted)
	if r := v.journal.newest(); r.Staff != steward || r.Kind != ledger.KindGrant {
		t.Errorf("on record: %v by staff %d, want a grant by %d", r.Kind, r.Staff, steward)
	}
	for text, want := range map[string]gate.Reason{
		"4711":               gate.ReasonAlreadyInside, // said at once: no use in looking at the document
		" 47-11 ":            gate.ReasonAlreadyInside,
		"４７１１":               gate.ReasonAlreadyInside,
		"2":                  gate.ReasonTicketRefunded,
		"999":                gate.ReasonUnknownTicket,
		"0":                  gate.ReasonNotATicket,
		"-":                  gate.ReasonNotATicket,
		"4711 or so":         gate.ReasonNotATicket,
		"VG1:!!!":            gate.ReasonMalformed,
		"134567890123456789": gate.ReasonUnknownTicket, // perhaps a payment code; typed, it is a number
	} {
		typed(t, d, v.text(text), gate.Refuse, want)
	}
	if a := d.Scan(t.Context(), v.text("4711")); a.Verdict.Reason != gate.ReasonNotATicket {
		t.Errorf("a reader that delivers a ticket's number: %v, want %v", a.Verdict.Reason, gate.ReasonNotATicket)
	}
}

// A number proves nothing: the holder's document does.
func TestTypedNumberAndThenTheDocument(t *testing.T) {
	v := newVenue(t)
	v.sell(4711, v.with(zhangCard))
	d := v.desk(northID)
	a := typed(t, d, v.text("4711"), gate.Refer, gate.ReasonDocumentNeeded)
	if a.Holder.Masked != "张*" || a.Verdict.Wants != gate.WantDocument || a.Verdict.Ticket != 4711 {
		t.Errorf("staff see %+v, ticket %v, wants %b", a.Holder, a.Verdict.Ticket, a.Verdict.Wants)
	}
	if s := v.standing(d); s.Wants != gate.WantDocument || s.Until != v.Now().Add(10*time.Second) || s.Case == nil {
		t.Errorf("the lane stands at %+v", s)
	}
	v.wait(3 * time.Second)
	expect(t, d, v.card(zhangCard), gate.Admit, gate.ReasonAdmitted)
	if r := v.journal.newest(); r.Staff != steward || r.Marks.Has(gate.MarkOverride) {
		t.Errorf("on record: staff %d, marks %b; want who typed, and no override", r.Staff, r.Marks)
	}
	if s := v.standing(d); s.Wants != 0 || s.Case != nil {
		t.Errorf("once admitted, the lane still stands at %+v", s)
	}
}

// The case outlives the wait for the document, and somebody else's card does not
// open it.
func TestTypedNumberAndSomebodyElsesDocument(t *testing.T) {
	v := newVenue(t)
	v.sell(4711, v.with(zhangCard))
	d := v.desk(northID)
	typed(t, d, v.text("4711"), gate.Refer, gate.ReasonDocumentNeeded)
	expect(t, d, v.card(liCard), gate.Refuse, gate.ReasonDocumentMismatch)
	v.wait(20 * time.Second)
	s := v.standing(d)
	if s.Wants != 0 || s.Case == nil {
		t.Fatalf("after 20 s the lane stands at %+v, want the case alone", s)
	}
	decide(t, d, s.Case.ID, lane.Refuse, gate.Refuse, gate.ReasonDocumentNeeded)
	if r := v.journal.newest(); r.Staff != steward || !r.Marks.Has(gate.MarkOverride) || r.Kind != ledger.KindRefusal {
		t.Errorf("on record: %v, staff %d, marks %b", r.Kind, r.Staff, r.Marks)
	}
	if s := v.standing(d); s.Case != nil {
		t.Error("the case is open after it was decided")
	}
}

func TestTypedNumberWhereNoneNeedsProof(t *testing.T) {
	v := newVenue(t)
	v.policy.ForeignUnproved = true
	v.sell(4711)
	typed(t, v.desk(northID), v.text("4711"), gate.Admit, gate.ReasonAdmitted)
}

// A typed document is one that staff have looked at.
func TestTypedDocument(t *testing.T) {
	v := newVenue(t)
	v.sell(4711, v.with(zhangCard))
	typed(t, v.desk(northID), v.card(zhangCard), gate.Admit, gate.ReasonAdmitted)
	if r := v.journal.newest(); r.Staff != steward {
		t.Errorf("on record: staff %d, want %d", r.Staff, steward)
	}
}

func TestStaffAdmit(t *testing.T) {
	v := newVenue(t)
	v.sell(4711)
	north, south := v.desk(northID), v.desk(southID)
	typed(t, north, v.text("4711"), gate.Refer, gate.ReasonNoDocumentOnFile)
	id := v.standing(north).Case.ID
	if _, err := north.Decide(t.Context(), steward, id, lane.Insist); !errors.Is(err, lane.ErrOver) {
		t.Errorf("insisting before anybody said no: %v", err)
	}
	if _, err := north.Decide(t.Context(), steward, id+1, lane.Admit); !errors.Is(err, lane.ErrOver) {
		t.Errorf("another visitor's case: %v", err)
	}
	a := decide(t, north, id, lane.Admit, gate.Admit, gate.ReasonOverridden)
	r := v.journal.newest()
	if !a.Verdict.Marks.Has(gate.MarkOverride) || r.Staff != steward || !r.Marks.Has(gate.MarkOverride) || r.Request == 0 {
		t.Errorf("on record: staff %d, marks %b, claim %d: want who, what and the claim", r.Staff, r.Marks, r.Request)
	}
	if _, err := north.Decide(t.Context(), steward, id, lane.Admit); !errors.Is(err, lane.ErrOver) {
		t.Errorf("twice: %v", err)
	}
	expect(t, south, v.short(4711), gate.Refuse, gate.ReasonAlreadyInside)
}

// Everybody's records say no meanwhile: a steward hears why, and only one who
// insists goes on. That is on record too.
func TestStaffInsist(t *testing.T) {
	v := newVenue(t)
	v.sell(4711)
	north, south := v.desk(northID), v.desk(southID)
	typed(t, north, v.text("4711"), gate.Refer, gate.ReasonNoDocumentOnFile)
	id := v.standing(north).Case.ID
	expect(t, south, v.short(4711), gate.Admit, gate.ReasonAdmitted)
	v.wait(time.Second)
	a := decide(t, north, id, lane.Admit, gate.Refuse, gate.ReasonAlreadyInside)
	if c := v.standing(north).Case; c == nil || !c.Refused || c.ID != id || a.Verdict.Previous == nil {
		t.Fatalf("the case is %+v, previous %+v", c, a.Verdict.Previous)
	}
	a = decide(t, north, id, lane.Insist, gate.Admit, gate.ReasonOverridden)
	r := v.journal.newest()
	if a.Verdict.Previous == nil || r.Request != 0 || !r.Marks.Has(gate.MarkOverride) || r.Staff != steward {
		t.Errorf("on record: claim %d, marks %b, staff %d; previous %+v", r.Request, r.Marks, r.Staff, a.Verdict.Previous)
	}
}

// refusing is a keeper that has given the ticket to another gate.
type refusing struct{ asked int }

func (k *refusing) Claim(context.Context, *gate.Claim) (gate.ClaimAnswer, error) {
	k.asked++
	return gate.ClaimAnswer{By: &gate.Admission{At: noon, Gate: 2, Lane: 9}}, nil
}
func (*refusing) Settle(uint64)  {}
func (*refusing) Release(uint64) {}

func TestStaffInsistBeyondARefusedClaim(t *testing.T) {
	v := newVenue(t)
	keeper := &refusing{}
	v.claims = keeper
	v.sell(4711)
	d := v.desk(northID)
	typed(t, d, v.text("4711"), gate.Refer, gate.ReasonNoDocumentOnFile)
	id := v.standing(d).Case.ID
	a := decide(t, d, id, lane.Admit, gate.Refuse, gate.ReasonClaimedElsewhere)
	if a.Verdict.Previous == nil || a.Verdict.Previous.Gate != 2 {
		t.Errorf("staff are told of %+v, want gate 2", a.Verdict.Previous)
	}
	decide(t, d, id, lane.Insist, gate.Admit, gate.ReasonOverridden)
	if r := v.journal.newest(); keeper.asked != 2 || r.Request != 0 || r.Kind != ledger.KindGrant || r.Staff != steward {
		t.Errorf("asked %d times; on record: %v, claim %d, staff %d", keeper.asked, r.Kind, r.Request, r.Staff)
	}
}

// unreachable are keepers that nobody can reach.
type unreachable struct{}

func (unreachable) Claim(context.Context, *gate.Claim) (gate.ClaimAnswer, error) {
	return gate.ClaimAnswer{}, context.DeadlineExceeded
}
func (unreachable) Settle(uint64)  {}
func (unreachable) Release(uint64) {}

func TestStaffAdmitWhileIsolated(t *testing.T) {
	v := newVenue(t)
	v.claims = unreachable{}
	v.sell(4711)
	d := v.desk(northID)
	expect(t, d, v.short(4711), gate.Refer, gate.ReasonIsolated)
	decide(t, d, v.standing(d).Case.ID, lane.Admit, gate.Admit, gate.ReasonOverridden)
	if r := v.journal.newest(); !r.Marks.Has(gate.MarkIsolated | gate.MarkOverride) {
		t.Errorf("marks %b, want isolated and override", r.Marks)
	}
}

// Somebody came in on the ticket before it was transferred. The rules have no
// answer, a steward has; the claim still counts heads.
func TestStaffAdmitTheNewHolder(t *testing.T) {
	v := newVenue(t)
	v.sell(4711)
	d := v.desk(northID)
	expect(t, d, v.short(4711), gate.Admit, gate.ReasonAdmitted)
	v.sellUnlisted(4711, 2)
	v.change(4711, func(k *gate.Ticket) { k.Generation, k.Code.Anchor = 2, v.signed[4711].Body.Anchor })
	v.wait(time.Minute)
	reading := v.short(4711)
	expect(t, d, reading, gate.Refer, gate.ReasonEnteredByOldHolder)
	id := v.standing(d).Case.ID
	decide(t, d, id, lane.Admit, gate.Refuse, gate.ReasonClaimedElsewhere)
	decide(t, d, id, lane.Insist, gate.Admit, gate.ReasonOverridden)
	expect(t, d, reading, gate.Refer, gate.ReasonEnteredByOldHolder) // whoever comes next on it is looked at again
}

func TestCasesEnd(t *testing.T) {
	v := newVenue(t)
	v.sell(1)
	v.sell(2)
	d := v.desk(northID)
	typed(t, d, v.text("1"), gate.Refer, gate.ReasonNoDocumentOnFile)
	first := v.standing(d).Case.ID
	expect(t, d, v.short(2), gate.Admit, gate.ReasonAdmitted) // the next visitor; the talk goes on
	if c := v.standing(d).Case; c == nil || c.ID != first {
		t.Errorf("the case is %+v, want %d still", c, first)
	}
	v.wait(3 * time.Minute)
	if _, err := d.Decide(t.Context(), steward, first, lane.Admit); !errors.Is(err, lane.ErrOver) {
		t.Errorf("three minutes later: %v", err)
	}
	typed(t, d, v.text("1"), gate.Refer, gate.ReasonNoDocumentOnFile)
	v.empty = true // no pack any more
	if _, err := d.Decide(t.Context(), steward, v.standing(d).Case.ID, lane.Admit); !errors.Is(err, lane.ErrOver) {
		t.Errorf("without a pack: %v", err)
	}
}

func TestChoosingATicket(t *testing.T) {
	v := newVenue(t)
	v.sell(1, v.with(zhangCard), func(k *gate.Ticket) { k.Seat.Seat = "7" })
	v.sell(2, v.with(zhangCard), func(k *gate.Ticket) { k.Seat.Seat = "8" })
	v.sell(3, v.with(liCard))
	d := v.desk(northID)
	expect(t, d, v.card(zhangCard), gate.Refer, gate.ReasonSeveralTickets)
	c := v.standing(d).Case
	if c == nil || len(c.Choices) != 2 || c.Until != v.Now().Add(10*time.Second) {
		t.Fatalf("the case is %+v, want two tickets for 10 s", c)
	}
	for _, choice := range c.Choices {
		if choice.Holder.Masked != "张*" || choice.Holder.Seat.Seat != map[gate.TicketID]string{1: "7", 2: "8"}[choice.Ticket] {
			t.Errorf("staff see %+v", choice)
		}
	}
	if _, err := d.Choose(t.Context(), steward, c.ID, 3); !errors.Is(err, lane.ErrOver) {
		t.Errorf("somebody else's ticket: %v", err)
	}
	if _, err := d.Decide(t.Context(), steward, c.ID, lane.Admit); !errors.Is(err, lane.ErrOver) {
		t.Errorf("admitted without a ticket: %v", err)
	}
	a, err := d.Choose(t.Context(), steward, c.ID, 2)
	if err != nil || a.Verdict.Outcome != gate.Admit || a.Verdict.Ticket != 2 {
		t.Fatalf("chosen: %+v, %v", a.Verdict, err)
	}
	if r := v.journal.newest(); r.Staff != steward || r.Marks.Has(gate.MarkOverride) || r.Reason != gate.ReasonAdmitted {
		t.Errorf("on record: staff %d, marks %b, %v", r.Staff, r.Marks, r.Reason)
	}
	if _, err := d.Choose(t.Context(), steward, c.ID, 1); !errors.Is(err, lane.ErrOver) {
		t.Errorf("both of them: %v", err)
	}
}

func TestChoosingTooLate(t *testing.T) {
	v := newVenue(t)
	v.sell(1, v.with(zhangCard))
	v.sell(2, v.with(zhangCard))
	d := v.desk(northID)
	expect(t, d, v.card(zhangCard), gate.Refer, gate.ReasonSeveralTickets)
	id := v.standing(d).Case.ID
	v.wait(10 * time.Second)
	if _, err := d.Choose(t.Context(), steward, id, 1); !errors.Is(err, lane.ErrOver) {
		t.Errorf("after 10 s: %v", err)
	}
	expect(t, d, v.card(zhangCard), gate.Refer, gate.ReasonSeveralTickets)
	decide(t, d, v.standing(d).Case.ID, lane.Refuse, gate.Refuse, gate.ReasonSeveralTickets)
}

// A running lane takes words between two visitors.
func TestLaneTakesCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t)
		v.sell(1)
		v.sell(2)
		in, a, b := &hand{readings: make(chan gate.Reading)}, newArm(), &board{}
		l := lane.New(lane.Options{
			DeskOptions: lane.DeskOptions{Lane: northID, Packs: v, Ledger: v.ledger, Claims: v.claims, Journal: v.journal, Clock: v},
			Readers:     []lane.Reader{in}, Barrier: a, Display: b,
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); l.Run(ctx) }()

		if err := l.Type(ctx, steward, v.text("1")); err != nil {
			t.Fatal(err)
		}
		s := l.Standing(v.Now())
		if s.Case == nil || b.last().Verdict.Reason != gate.ReasonNoDocumentOnFile {
			t.Fatalf("the lane stands at %+v and shows %+v", s, b.last())
		}
		if got := l.Standing(v.Now().Add(time.Hour)); got.Case != nil {
			t.Error("an hour later the case is still shown")
		}
		if err := l.Decide(ctx, steward, s.Case.ID, lane.Admit); err != nil {
			t.Fatal(err)
		}
		<-a.opened
		if err := l.Type(ctx, steward, v.text("2")); !errors.Is(err, lane.ErrBusy) {
			t.Errorf("typed while somebody goes through: %v", err)
		}
		a.ends <- gate.Passage{Result: gate.PassagePassed, Passed: 1}
		synctest.Wait()
		if err := l.Decide(ctx, steward, s.Case.ID, lane.Admit); !errors.Is(err, lane.ErrOver) {
			t.Errorf("decided twice: %v", err)
		}
		if l.Standing(v.Now()).Case != nil {
			t.Error("a case is open after it was decided")
		}
		stop()
		<-done
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := l.Type(late, steward, v.text("2")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("typed at a lane that stopped: %v", err)
		}
	})
}

// The arm did not move for somebody whose ticket is good: staff may say so, and
// it is tried again.
func TestLaneTriesAgainWhenTheBarrierFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t)
		v.sell(1)
		in, a, b := &hand{readings: make(chan gate.Reading)}, newArm(), &board{}
		l := lane.New(lane.Options{
			DeskOptions: lane.DeskOptions{Lane: northID, Packs: v, Ledger: v.ledger, Claims: v.claims, Journal: v.journal, Clock: v},
			Readers:     []lane.Reader{in}, Barrier: a, Display: b,
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); l.Run(ctx) }()
		in.readings <- v.short(1)
		<-a.opened
		a.ends <- gate.Passage{Result: gate.PassageNotOpened}
		synctest.Wait()
		c := l.Standing(v.Now()).Case
		if c == nil || c.Verdict.Reason != gate.ReasonBarrierFailed || c.Holder.Masked != "张*" {
			t.Fatalf("the case is %+v", c)
		}
		v.wait(11 * time.Second)
		if err := l.Decide(ctx, steward, c.ID, lane.Admit); err != nil {
			t.Fatal(err)
		}
		<-a.opened
		a.ends <- gate.Passage{Result: gate.PassagePassed, Passed: 1}
		synctest.Wait()
		stop()
		<-done
		want := []ledger.Kind{ledger.KindGrant, ledger.KindVoided, ledger.KindGrant, ledger.KindPassed}
		if got := v.journal.kinds(); len(got) != len(want) || got[2] != want[2] || got[3] != want[3] {
			t.Errorf("on record: %v, want %v", got, want)
		}
	})
}

// Whoever was counted while a fire held the way open may be anybody: all of a
// group's grants stay used, and none is said to have passed.
func TestLaneDoesNotBelievePassagesInAFire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t)
		v.policy.PartyTogether = true
		v.sell(1, func(k *gate.Ticket) { k.Party = 3 })
		in, a, b := &hand{readings: make(chan gate.Reading)}, newArm(), &board{}
		l := lane.New(lane.Options{
			DeskOptions: lane.DeskOptions{Lane: northID, Packs: v, Ledger: v.ledger, Claims: v.claims, Journal: v.journal, Clock: v},
			Readers:     []lane.Reader{in}, Barrier: a, Display: b,
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); l.Run(ctx) }()
		in.readings <- v.short(1)
		<-a.opened
		a.ends <- gate.Passage{Result: gate.PassagePassed, Passed: 1, Fire: true}
		synctest.Wait()
		stop()
		<-done
		if r := v.journal.newest(); r.Kind != ledger.KindUnknown || r.Count != 3 {
			t.Errorf("on record: %v for %d, want unknown for 3; records %v", r.Kind, r.Count, v.journal.kinds())
		}
	})
}

func newArm() *arm {
	return &arm{opened: make(chan gate.Opening), ends: make(chan gate.Passage)}
}
