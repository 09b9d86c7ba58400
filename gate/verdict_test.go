package gate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate"
)

func TestRefusalNamesTheFirstEntry(t *testing.T) {
	s := plainScene()
	s.cameIn("18:20", 400)
	v := s.decide()
	want := gate.Admission{At: at("18:20"), Gate: 1, Lane: 9, Ticket: 4711}
	if v.Previous == nil || *v.Previous != want {
		t.Fatalf("previous entry %+v, want %+v", v.Previous, want)
	}
	if v.Ticket != 4711 || v.Generation != 1 || v.Session != tonight {
		t.Errorf("verdict is about ticket %v generation %d session %d", v.Ticket, v.Generation, v.Session)
	}
}

func TestRefusalSaysWhenToComeBack(t *testing.T) {
	early := plainScene()
	early.now = at("17:00")
	if v := early.decide(); !v.NotBefore.Equal(at("18:00")) {
		t.Errorf("before doors: come back at %v, want 18:00", v.NotBefore)
	}
	pause := plainScene()
	pause.wentOut("18:05", "18:20", 300, 400)
	pause.policy.ReEntry, pause.policy.ReEntryPause = gate.ReEntryAfterExit, 15*time.Minute
	if v := pause.decide(); !v.NotBefore.Equal(at("18:35")) {
		t.Errorf("pause: come back at %v, want 18:35", v.NotBefore)
	}
}

func TestRefusalSaysWhatIsMissing(t *testing.T) {
	both := plainScene()
	both.policy.RealName = gate.RealNameCodeAndDocument
	if v := both.decide(); v.Wants != gate.WantDocument {
		t.Errorf("code alone: wants %b, want the document", v.Wants)
	}
	both.document(zhang)
	if v := both.decide(); v.Wants != gate.WantCode {
		t.Errorf("document alone: wants %b, want the code", v.Wants)
	}
	fresh := plainScene()
	fresh.shown.Check = gate.ReasonNewerThanPack
	if v := fresh.decide(); v.Wants != gate.WantLongCode {
		t.Errorf("newer than the pack: wants %b, want the full code", v.Wants)
	}
}

func TestPartyCounts(t *testing.T) {
	s := plainScene()
	s.ticket.Party = 5
	if v := s.decide(); v.Count != 1 {
		t.Errorf("one at a time: %d", v.Count)
	}
	s.shown.Count = 3
	if v := s.decide(); v.Count != 3 {
		t.Errorf("three asked for: %d", v.Count)
	}
	s.shown.Count = 9
	if v := s.decide(); v.Count != 5 {
		t.Errorf("more asked for than there are: %d", v.Count)
	}
	s.shown.Count, s.policy.PartyTogether = 0, true
	s.cameIn("18:20", 400).Count = 2
	v := s.decide()
	if v.Count != 3 {
		t.Errorf("the rest of the party: %d", v.Count)
	}
	if v.OpenLimit != 5 || v.EntryLimit != 5 {
		t.Errorf("claim limits %d inside, %d entries, want 5 and 5", v.OpenLimit, v.EntryLimit)
	}
}

// What Decide allows fits as a claim on the same history, and what happened in
// the meantime counts.
func TestClaimHoldsToTheSameRules(t *testing.T) {
	claimOf := func(s *scene, v gate.Verdict) *gate.Claim {
		return &gate.Claim{
			Ticket: v.Ticket, Generation: v.Generation, Session: v.Session, HasStep: s.shown.HasStep, Step: s.shown.Step,
			Count: v.Count, OpenLimit: v.OpenLimit, EntryLimit: v.EntryLimit, Follows: v.Follows,
		}
	}
	second := plainScene()
	second.ticket.Party = 2
	second.policy.ReEntry, second.policy.ReEntryPause = gate.ReEntryAfterPause, 20*time.Minute
	second.cameIn("18:29", 500)
	if v := second.decide(); v.Outcome != gate.Admit {
		t.Fatal(v.Reason)
	} else if fits, _ := claimOf(second, v).Fits(&second.history); !fits {
		t.Error("the second of a party on the same code: decided, and the claim does not fit")
	}
	single := plainScene()
	single.ticket.Party, single.ticket.EntriesInAll = 2, 1
	v := single.decide()
	single.cameIn("18:30", 499) // another lane was quicker
	if fits, by := claimOf(single, v).Fits(&single.history); fits || by == nil {
		t.Errorf("the one entry of a ticket is used, and the claim fits: %v, %v", fits, by)
	}
}

func TestExitOpensForThePartyAtMost(t *testing.T) {
	s := plainScene()
	s.lane.Kind, s.policy.PartyTogether = gate.LaneExit, true
	s.cameIn("18:10", 400).Session = tomorrow // never left, last time
	s.cameIn("18:20", 450)
	if v := s.decide(); v.Count != 1 {
		t.Errorf("the exit opens for %d on a ticket for one", v.Count)
	}
}

func TestAlone(t *testing.T) {
	good := gate.Verdict{Outcome: gate.Admit, Reason: gate.ReasonAdmitted, Count: 1}
	for _, c := range []struct {
		lane, event gate.Isolation
		want        gate.Outcome
	}{
		{gate.IsolationUnset, gate.IsolationUnset, gate.Refer},
		{gate.IsolationUnset, gate.IsolationAdmit, gate.Admit},
		{gate.IsolationUnset, gate.IsolationRefuse, gate.Refuse},
		{gate.IsolationRefuse, gate.IsolationAdmit, gate.Refuse},
		{gate.IsolationAdmit, gate.IsolationRefuse, gate.Admit},
		{gate.IsolationRefer, gate.IsolationAdmit, gate.Refer},
	} {
		v := good.Alone(&gate.Lane{Isolation: c.lane}, &gate.Policy{Isolation: c.event})
		if v.Outcome != c.want || !v.Marks.Has(gate.MarkIsolated) || v.Opens() != (v.Count > 0) {
			t.Errorf("lane %d, event %d: %v with marks %b for %d people, want %v", c.lane, c.event, v.Outcome, v.Marks, v.Count, c.want)
		}
	}
}

// However often and wherever a ticket is shown, no more people are inside on it
// than it admits, and without re-entry no more ever came in.
func TestNeverMoreInsideThanTheTicketAdmits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := plainScene()
		s.ticket.Party = rapid.Uint8Range(0, 3).Draw(t, "party")
		s.policy.ReEntry = rapid.SampledFrom([]gate.ReEntry{gate.ReEntryNone, gate.ReEntryAfterExit}).Draw(t, "re-entry")
		s.policy.PartyTogether = rapid.Bool().Draw(t, "together")
		s.lane.Kind = gate.LaneBoth
		step := uint32(100)
		for range rapid.IntRange(1, 12).Draw(t, "scans") {
			s.now = s.now.Add(time.Second)
			step += rapid.Uint32Range(0, 2).Draw(t, "steps on")
			s.shown = gate.Presented{Kind: gate.CredentialCode, Generation: 1, HasStep: true, Step: step, Direction: rapid.SampledFrom([]gate.Direction{gate.DirectionEntry, gate.DirectionExit, gate.DirectionUnknown}).Draw(t, "side")}
			v := s.decide()
			play(s, v)
			inside, ever := 0, 0
			for i := range s.history.Ticket {
				inside += s.history.Ticket[i].Inside()
				ever += s.history.Ticket[i].Count
			}
			if inside > s.ticket.PartySize() {
				t.Fatalf("%d inside on a ticket for %d after %v", inside, s.ticket.PartySize(), v.Reason)
			}
			if s.policy.ReEntry == gate.ReEntryNone && ever > s.ticket.PartySize() {
				t.Fatalf("%d came in on a ticket for %d", ever, s.ticket.PartySize())
			}
		}
	})
}

// play writes a verdict into the scene's history as the ledger would.
func play(s *scene, v gate.Verdict) {
	switch v.Outcome {
	case gate.Admit:
		g := gate.Grant{Ticket: v.Ticket, Session: v.Session, Generation: s.shown.Generation, HasStep: true, Step: s.shown.Step, Count: v.Count, At: s.now}
		s.history.Ticket = append(s.history.Ticket, g)
	case gate.Exit:
		left := v.Count
		for i := range s.history.Ticket {
			g := &s.history.Ticket[i]
			n := min(left, g.Inside())
			if n > 0 {
				g.Out, g.LastOut = g.Out+n, s.now
				left -= n
			}
		}
		s.history.HasOut, s.history.OutGeneration, s.history.OutStep = true, s.shown.Generation, s.shown.Step
	}
}

func TestEveryReasonIsSaidInBothLanguages(t *testing.T) {
	codes := map[string]gate.Reason{}
	for _, r := range gate.Reasons() {
		code := r.String()
		if other, taken := codes[code]; taken {
			t.Errorf("reasons %d and %d share the code %q", other, r, code)
		}
		codes[code] = r
		if strings.ToLower(code) != code || strings.ContainsAny(code, " -") {
			t.Errorf("code %q is not snake case", code)
		}
		if back, ok := gate.ReasonByCode(code); !ok || back != r {
			t.Errorf("code %q finds reason %d, want %d", code, back, r)
		}
		for who, text := range map[string]func(gate.Language) string{"staff": r.StaffText, "visitor": r.VisitorText} {
			if zh := text(gate.Chinese); !strings.ContainsFunc(zh, func(c rune) bool { return unicode.Is(unicode.Han, c) }) {
				t.Errorf("%s: no Chinese text for %s: %q", code, who, zh)
			}
			if en := text(gate.English); en == "" || strings.ContainsFunc(en, func(c rune) bool { return unicode.Is(unicode.Han, c) }) {
				t.Errorf("%s: no English text for %s: %q", code, who, en)
			}
		}
	}
	if _, ok := gate.ReasonByCode("no_such_reason"); ok {
		t.Error("found a reason that does not exist")
	}
}

func TestPrivateTextStaysPrivate(t *testing.T) {
	p := gate.Private("11010519491231002X")
	for _, verb := range []string{"%v", "%s", "%q", "%x", "%d", "%#v", "%+v"} {
		if got := fmt.Sprintf(verb, p); strings.Contains(got, "1101") || strings.Contains(got, "3131") {
			t.Errorf("%s prints %q", verb, got)
		}
	}
	r := gate.Reading{Text: p, Document: &gate.Document{Number: p, Name: p}}
	if got := fmt.Sprintf("%+v %+v", r, *r.Document); strings.Contains(got, "1101") {
		t.Errorf("a reading prints %q", got)
	}
	if text, err := p.MarshalText(); err != nil || string(text) != "[private]" {
		t.Errorf("marshals as %q, %v", text, err)
	}
	if p.Reveal() != "11010519491231002X" {
		t.Error("Reveal hides the text")
	}
}

func TestTagText(t *testing.T) {
	want := tag('z')
	text, err := want.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var got gate.Tag
	if err := got.UnmarshalText(text); err != nil || got != want {
		t.Errorf("%s reads back as %v, %v", text, got, err)
	}
	for _, bad := range []string{"", "00", strings.Repeat("g", 32), strings.Repeat("0", 33)} {
		if err := got.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a tag", bad)
		}
	}
}
