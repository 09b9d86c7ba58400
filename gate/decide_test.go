package gate_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// The evening that the table plays on: one match with doors at 18:00, kick-off
// at 19:30, last entry at 20:00, end at 21:30; another match the day after.
const (
	tonight  gate.SessionID = 1
	tomorrow gate.SessionID = 2

	stand  gate.ZoneID = 10
	lounge gate.ZoneID = 20

	standTickets  gate.ZoneGroupID = 1
	loungeTickets gate.ZoneGroupID = 2

	north gate.EntranceID = 1
	south gate.EntranceID = 2
)

var (
	evening = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	zhang   = tag('z')
	li      = tag('l')
)

func at(clock string) time.Time {
	var h, m int
	if _, err := fmt.Sscanf(clock, "%d:%d", &h, &m); err != nil {
		panic(err)
	}
	return evening.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute)
}

func tag(b byte) (t gate.Tag) {
	for i := range t {
		t[i] = b
	}
	return t
}

// scene is one visitor at one lane. Each row of the table changes what differs
// from the plain case: a good code for tonight's stand, shown at 18:30.
type scene struct {
	now     time.Time
	lane    gate.Lane
	shown   gate.Presented
	ticket  *gate.Ticket
	history gate.History
	policy  gate.Policy
}

func plainScene() *scene {
	return &scene{
		now:   at("18:30"),
		lane:  gate.Lane{ID: 3, Kind: gate.LaneEntry, From: 1, To: stand, Entrance: north},
		shown: gate.Presented{Kind: gate.CredentialCode, Generation: 1, HasStep: true, Step: 500},
		ticket: &gate.Ticket{
			Event: 7, ID: 4711, Generation: 1, ZoneGroup: standTickets,
			Sessions: []gate.SessionID{tonight}, ReEntry: true,
			Documents: []gate.DocumentTag{{Type: gate.DocumentResident, Tag: zhang}},
		},
		policy: gate.Policy{
			Event: 7,
			Sessions: []gate.Session{
				{ID: tonight, Doors: at("18:00"), Start: at("19:30"), LastEntry: at("20:00"), End: at("21:30")},
				{ID: tomorrow, Doors: at("42:00"), Start: at("43:30"), LastEntry: at("44:00"), End: at("45:30")},
			},
			ZoneGroups: map[gate.ZoneGroupID][]gate.ZoneID{
				standTickets:  {stand},
				loungeTickets: {stand, lounge},
			},
		},
	}
}

// cameIn puts an entry on record, with the code of the given step.
func (s *scene) cameIn(clock string, step uint32) *gate.Grant {
	s.history.Ticket = append(s.history.Ticket, gate.Grant{
		Ticket: 4711, Session: tonight, Generation: 1, HasStep: true, Step: step,
		Count: 1, At: at(clock), Gate: 1, Lane: 9,
	})
	s.history.Floor = 1
	return &s.history.Ticket[len(s.history.Ticket)-1]
}

// wentOut puts an entry and the exit of everybody of it on record.
func (s *scene) wentOut(in, out string, inStep, outStep uint32) {
	g := s.cameIn(in, inStep)
	g.Out, g.LastOut = g.Count, at(out)
	s.history.HasOut, s.history.OutGeneration, s.history.OutStep = true, g.Generation, outStep
}

func (s *scene) document(tags ...gate.Tag) {
	s.shown = gate.Presented{Kind: gate.CredentialDocument, Documents: tags}
}

func (s *scene) codeAndDocument(tags ...gate.Tag) {
	s.shown.Kind, s.shown.Documents = s.shown.Kind.WithDocument(), tags
}

func (s *scene) foreignCode() {
	s.shown = gate.Presented{Kind: gate.CredentialForeign}
}

func (s *scene) decide() gate.Verdict {
	return gate.Decide(s.now, &s.lane, &s.shown, s.ticket, &s.history, &s.policy)
}

func TestDecide(t *testing.T) {
	type row struct {
		name   string
		change func(s *scene)
		want   gate.Outcome
		reason gate.Reason
	}
	parts := []struct {
		part string
		rows []row
	}{
		{"the plain case", []row{
			{"a good code", func(*scene) {}, gate.Admit, gate.ReasonAdmitted},
			{"a good document", func(s *scene) { s.document(zhang) }, gate.Admit, gate.ReasonAdmitted},
			{"a code and its document", func(s *scene) { s.codeAndDocument(zhang) }, gate.Admit, gate.ReasonAdmitted},
		}},
		{"the code", []row{
			{"a screenshot", func(s *scene) { s.shown.Check = gate.ReasonCodeStale }, gate.Refuse, gate.ReasonCodeStale},
			{"a forgery", func(s *scene) { s.shown.Check = gate.ReasonSignatureInvalid }, gate.Refuse, gate.ReasonSignatureInvalid},
			{"bought a minute ago", func(s *scene) { s.shown.Check = gate.ReasonNewerThanPack }, gate.Refuse, gate.ReasonNewerThanPack},
			{"not on the list", func(s *scene) { s.ticket = nil }, gate.Refuse, gate.ReasonUnknownTicket},
			{"another event", func(s *scene) { s.ticket.Event = 8 }, gate.Refuse, gate.ReasonWrongEvent},
			{"a bad code for no ticket", func(s *scene) { s.ticket = nil; s.shown.Check = gate.ReasonMalformed }, gate.Refuse, gate.ReasonMalformed},
		}},
		{"the ticket", []row{
			{"void", func(s *scene) { s.ticket.Status = gate.StatusVoid }, gate.Refuse, gate.ReasonTicketVoid},
			{"refunded", func(s *scene) { s.ticket.Status = gate.StatusRefunded }, gate.Refuse, gate.ReasonTicketRefunded},
			{"used up", func(s *scene) { s.ticket.Status = gate.StatusUsedUp }, gate.Refuse, gate.ReasonTicketUsedUp},
			{"void, then issued anew", func(s *scene) { s.ticket.Status = gate.StatusVoid; s.shown.Generation = 2 }, gate.Admit, gate.ReasonAdmitted},
			{"void, shown at the exit", func(s *scene) { s.lane.Kind = gate.LaneExit; s.ticket.Status = gate.StatusVoid }, gate.Refuse, gate.ReasonTicketVoid},
			{"its new holder came in before, elsewhere", func(s *scene) { s.history.Floor = 2 }, gate.Refuse, gate.ReasonSuperseded},
			{"its old holder is inside", func(s *scene) { s.cameIn("18:10", 400); s.shown.Generation = 2 }, gate.Refer, gate.ReasonEnteredByOldHolder},
			{"its old holder came and left", func(s *scene) {
				s.wentOut("18:10", "18:20", 400, 410)
				s.shown.Generation, s.shown.Step, s.policy.ReEntry = 2, 1, gate.ReEntryAfterExit
			}, gate.Admit, gate.ReasonReAdmitted},
		}},
		{"the place", []row{
			{"a stand ticket at the lounge", func(s *scene) { s.lane.To = lounge }, gate.Refuse, gate.ReasonWrongZone},
			{"a lounge ticket at the stand", func(s *scene) { s.ticket.ZoneGroup = loungeTickets }, gate.Admit, gate.ReasonAdmitted},
			{"a ticket of an unknown zone group", func(s *scene) { s.ticket.ZoneGroup = 99 }, gate.Refuse, gate.ReasonWrongZone},
			{"a ticket for the south entrance", func(s *scene) { s.ticket.Entrance = south }, gate.Refuse, gate.ReasonWrongEntrance},
			{"a ticket for this entrance", func(s *scene) { s.ticket.Entrance = north }, gate.Admit, gate.ReasonAdmitted},
			{"a closed lane", func(s *scene) { s.lane.Closed = true }, gate.Refuse, gate.ReasonLaneClosed},
		}},
		{"the hour", []row{
			{"before doors", func(s *scene) { s.now = at("17:59") }, gate.Refuse, gate.ReasonDoorsNotOpen},
			{"at doors", func(s *scene) { s.now = at("18:00") }, gate.Admit, gate.ReasonAdmitted},
			{"at last entry", func(s *scene) { s.now = at("20:00") }, gate.Admit, gate.ReasonAdmitted},
			{"after last entry", func(s *scene) { s.now = at("20:01") }, gate.Refuse, gate.ReasonLastEntryPassed},
			{"after the end", func(s *scene) { s.now = at("21:31") }, gate.Refuse, gate.ReasonSessionOver},
			{"tomorrow's ticket, tonight", func(s *scene) { s.ticket.Sessions = []gate.SessionID{tomorrow} }, gate.Refuse, gate.ReasonOtherSession},
			{"tonight's ticket, tomorrow", func(s *scene) { s.now = at("42:30") }, gate.Refuse, gate.ReasonOtherSession},
			{"a ticket for a session that is not on the list", func(s *scene) { s.ticket.Sessions = []gate.SessionID{9} }, gate.Refuse, gate.ReasonOtherSession},
			{"a ticket for both days, on the second", func(s *scene) { s.now = at("42:30"); s.ticket.Sessions = nil }, gate.Admit, gate.ReasonAdmitted},
			{"no last entry is set", func(s *scene) { s.now = at("21:00"); s.policy.Sessions[0].LastEntry = time.Time{} }, gate.Admit, gate.ReasonAdmitted},
			{"one session past last entry, the next one's doors open", func(s *scene) {
				s.ticket.Sessions, s.now = nil, at("21:10")
				s.policy.Sessions[1] = gate.Session{ID: tomorrow, Doors: at("21:00"), Start: at("22:00"), End: at("23:00")}
			}, gate.Admit, gate.ReasonAdmitted},
			{"an event without sessions", func(s *scene) { s.now = at("03:00"); s.policy.Sessions = nil }, gate.Admit, gate.ReasonAdmitted},
			{"before their admission time", func(s *scene) { s.ticket.AdmitFrom = at("19:00") }, gate.Refuse, gate.ReasonBeforeAdmission},
			{"not valid yet", func(s *scene) { s.ticket.ValidFrom = at("19:00") }, gate.Refuse, gate.ReasonNotYetValid},
			{"no longer valid", func(s *scene) { s.ticket.ValidUntil = at("18:15") }, gate.Refuse, gate.ReasonNoLongerValid},
			{"out for a smoke, back after last entry", func(s *scene) {
				s.wentOut("19:00", "19:50", 300, 400)
				s.now, s.policy.ReEntry = at("20:10"), gate.ReEntryAfterExit
			}, gate.Refuse, gate.ReasonLastEntryPassed},
			{"the same where latecomers may come back", func(s *scene) {
				s.wentOut("19:00", "19:50", 300, 400)
				s.now, s.policy.ReEntry, s.policy.ReEntryLate = at("20:10"), gate.ReEntryAfterExit, true
			}, gate.Admit, gate.ReasonReAdmitted},
		}},
		{"a second time", []row{
			{"the same code again", func(s *scene) { s.cameIn("18:20", 500) }, gate.Refuse, gate.ReasonAlreadyInside},
			{"a fresh code of who is inside", func(s *scene) { s.cameIn("18:20", 400) }, gate.Refuse, gate.ReasonAlreadyInside},
			{"a document of who is inside", func(s *scene) { s.cameIn("18:20", 400); s.document(zhang) }, gate.Refuse, gate.ReasonAlreadyInside},
			{"went out, no re-entry here", func(s *scene) { s.wentOut("18:05", "18:20", 300, 400) }, gate.Refuse, gate.ReasonNoReEntry},
			{"went out, re-entry allowed", func(s *scene) {
				s.wentOut("18:05", "18:20", 300, 400)
				s.policy.ReEntry = gate.ReEntryAfterExit
			}, gate.Admit, gate.ReasonReAdmitted},
			{"re-entry for all but this ticket", func(s *scene) {
				s.wentOut("18:05", "18:20", 300, 400)
				s.policy.ReEntry, s.ticket.ReEntry = gate.ReEntryAfterExit, false
			}, gate.Refuse, gate.ReasonNoReEntry},
			{"passed the phone over the fence", func(s *scene) { s.cameIn("18:05", 300); s.policy.ReEntry = gate.ReEntryAfterExit }, gate.Refuse, gate.ReasonAlreadyInside},
			{"back with the code of the way out", func(s *scene) {
				s.wentOut("18:05", "18:29", 300, 500)
				s.policy.ReEntry = gate.ReEntryAfterExit
			}, gate.Refuse, gate.ReasonCodeUsed},
			{"back too soon", func(s *scene) {
				s.wentOut("18:05", "18:20", 300, 400)
				s.policy.ReEntry, s.policy.ReEntryPause = gate.ReEntryAfterExit, 15*time.Minute
			}, gate.Refuse, gate.ReasonPauseNotOver},
			{"back after the pause, no exit readers here", func(s *scene) {
				s.cameIn("18:05", 300)
				s.policy.ReEntry, s.policy.ReEntryPause = gate.ReEntryAfterPause, 20*time.Minute
			}, gate.Admit, gate.ReasonReAdmitted},
			{"within the pause, no exit readers here", func(s *scene) {
				s.cameIn("18:20", 300)
				s.policy.ReEntry, s.policy.ReEntryPause = gate.ReEntryAfterPause, 20*time.Minute
			}, gate.Refuse, gate.ReasonPauseNotOver},
			{"paper, after the pause, no exit on record", func(s *scene) {
				s.cameIn("18:05", 0).HasStep = false
				s.shown.HasStep = false
				s.policy.ReEntry, s.policy.ReEntryPause = gate.ReEntryAfterPause, 20*time.Minute
			}, gate.Refuse, gate.ReasonAlreadyInside},
			{"all entries of the session used", func(s *scene) {
				s.wentOut("18:05", "18:20", 300, 400)
				s.policy.ReEntry, s.policy.EntriesPerSession = gate.ReEntryAfterExit, 1
			}, gate.Refuse, gate.ReasonEntriesUsedUp},
			{"all entries of the ticket used", func(s *scene) {
				g := s.cameIn("18:05", 300)
				g.Session, g.At = tomorrow, at("00:10")
				s.ticket.EntriesInAll = 1
			}, gate.Refuse, gate.ReasonEntriesUsedUp},
			{"all entries of the day used", func(s *scene) {
				s.wentOut("18:05", "18:20", 300, 400)
				s.policy.ReEntry, s.ticket.EntriesPerDay = gate.ReEntryAfterExit, 1
			}, gate.Refuse, gate.ReasonEntriesUsedUp},
			{"yesterday's entries do not count today", func(s *scene) {
				g := s.cameIn("18:05", 300)
				g.At, g.Session = at("18:05").AddDate(0, 0, -1), tomorrow
				s.ticket.EntriesPerDay = 1
			}, gate.Admit, gate.ReasonAdmitted},
		}},
		{"a party of two", []row{
			{"the first of them", func(s *scene) { s.ticket.Party = 2 }, gate.Admit, gate.ReasonAdmitted},
			{"the second, on the same code", func(s *scene) { s.ticket.Party = 2; s.cameIn("18:29", 500) }, gate.Admit, gate.ReasonAdmitted},
			{"the first of two comes back after the pause", func(s *scene) {
				s.ticket.Party = 2
				s.policy.ReEntry, s.policy.ReEntryPause = gate.ReEntryAfterExit, 15*time.Minute
				s.wentOut("18:05", "18:10", 300, 400)
				s.history.Ticket[0].Count, s.history.Ticket[0].Out = 2, 2
			}, gate.Admit, gate.ReasonReAdmitted},
			{"and the second right behind", func(s *scene) {
				s.ticket.Party = 2
				s.policy.ReEntry, s.policy.ReEntryPause = gate.ReEntryAfterExit, 15*time.Minute
				s.wentOut("18:05", "18:10", 300, 400)
				s.history.Ticket[0].Count, s.history.Ticket[0].Out = 2, 2
				s.cameIn("18:30", 499)
			}, gate.Admit, gate.ReasonReAdmitted},
			{"the second, where a pause and no exit counts", func(s *scene) {
				s.ticket.Party = 2
				s.policy.ReEntry, s.policy.ReEntryPause = gate.ReEntryAfterPause, 20*time.Minute
				s.cameIn("18:29", 500)
			}, gate.Admit, gate.ReasonAdmitted},
			{"a third", func(s *scene) { s.ticket.Party = 2; s.cameIn("18:20", 300).Count = 2 }, gate.Refuse, gate.ReasonPartyComplete},
			{"a third, on the same code", func(s *scene) { s.ticket.Party = 2; s.cameIn("18:20", 500).Count = 2 }, gate.Refuse, gate.ReasonAlreadyInside},
		}},
		{"real names: the document is the ticket", []row{
			{"the document", func(s *scene) { s.policy.RealName = gate.RealNameDocument; s.document(zhang) }, gate.Admit, gate.ReasonAdmitted},
			{"a code without it", func(s *scene) { s.policy.RealName = gate.RealNameDocument }, gate.Refuse, gate.ReasonDocumentNeeded},
			{"a document without a ticket", func(s *scene) { s.document(li); s.ticket = nil }, gate.Refuse, gate.ReasonDocumentUnknown},
		}},
		{"real names: code and document", []row{
			{"both", func(s *scene) { s.policy.RealName = gate.RealNameCodeAndDocument; s.codeAndDocument(zhang) }, gate.Admit, gate.ReasonAdmitted},
			{"the code alone", func(s *scene) { s.policy.RealName = gate.RealNameCodeAndDocument }, gate.Refuse, gate.ReasonDocumentNeeded},
			{"the document alone", func(s *scene) { s.policy.RealName = gate.RealNameCodeAndDocument; s.document(zhang) }, gate.Refuse, gate.ReasonCodeNeeded},
			{"a friend's document", func(s *scene) { s.policy.RealName = gate.RealNameCodeAndDocument; s.codeAndDocument(li) }, gate.Refuse, gate.ReasonDocumentMismatch},
			{"a passport where an ID card is on file too", func(s *scene) {
				s.policy.RealName = gate.RealNameCodeAndDocument
				s.ticket.Documents = append(s.ticket.Documents, gate.DocumentTag{Type: gate.DocumentPassport, Tag: li})
				s.codeAndDocument(li)
			}, gate.Admit, gate.ReasonAdmitted},
			{"a signed code that carries half a tag", func(s *scene) {
				s.policy.RealName, s.ticket.Assumed = gate.RealNameCodeAndDocument, true
				s.ticket.Documents = []gate.DocumentTag{{Tag: zhang, Short: true}}
				s.codeAndDocument(zhang)
			}, gate.Admit, gate.ReasonAdmitted},
			{"nothing on file", func(s *scene) {
				s.policy.RealName, s.ticket.Documents = gate.RealNameCodeAndDocument, nil
				s.codeAndDocument(li)
			}, gate.Refer, gate.ReasonNoDocumentOnFile},
		}},
		{"real names: document on first entry", []row{
			{"first entry, both", func(s *scene) { s.policy.RealName = gate.RealNameDocumentAtFirst; s.codeAndDocument(zhang) }, gate.Admit, gate.ReasonAdmitted},
			{"first entry, the code alone", func(s *scene) { s.policy.RealName = gate.RealNameDocumentAtFirst }, gate.Refuse, gate.ReasonDocumentNeeded},
			{"coming back, the code alone", func(s *scene) {
				s.wentOut("18:05", "18:20", 300, 400)
				s.policy.RealName, s.policy.ReEntry = gate.RealNameDocumentAtFirst, gate.ReEntryAfterExit
			}, gate.Admit, gate.ReasonReAdmitted},
		}},
		{"other platforms' codes", []row{
			{"alone", func(s *scene) { s.foreignCode() }, gate.Refuse, gate.ReasonDocumentNeeded},
			{"with the document", func(s *scene) { s.foreignCode(); s.codeAndDocument(zhang) }, gate.Admit, gate.ReasonAdmitted},
			{"alone, where the organiser trusts them", func(s *scene) { s.foreignCode(); s.policy.ForeignUnproved = true }, gate.Admit, gate.ReasonAdmitted},
			{"no document on file", func(s *scene) { s.foreignCode(); s.ticket.Documents = nil; s.codeAndDocument(li) }, gate.Refer, gate.ReasonNoDocumentOnFile},
			{"twice", func(s *scene) {
				s.foreignCode()
				s.policy.ForeignUnproved = true
				s.cameIn("18:20", 0).HasStep = false
			}, gate.Refuse, gate.ReasonAlreadyInside},
		}},
		{"one person, one entry", []row{
			{"in on another ticket already", func(s *scene) {
				s.policy.OnePerson = true
				s.history.Person = []gate.Grant{{Ticket: 5000, Session: tonight, Count: 1, At: at("18:10"), Lane: 2}}
			}, gate.Refuse, gate.ReasonPersonAlreadyInside},
			{"in on another ticket, where nobody minds", func(s *scene) {
				s.history.Person = []gate.Grant{{Ticket: 5000, Session: tonight, Count: 1, At: at("18:10"), Lane: 2}}
			}, gate.Admit, gate.ReasonAdmitted},
			{"in on another ticket, last night", func(s *scene) {
				s.policy.OnePerson = true
				s.history.Person = []gate.Grant{{Ticket: 5000, Session: tomorrow, Count: 1, At: at("18:10"), Lane: 2}}
			}, gate.Admit, gate.ReasonAdmitted},
		}},
		{"the way out", []row{
			{"who came in", func(s *scene) { s.lane.Kind = gate.LaneExit; s.cameIn("18:10", 400) }, gate.Exit, gate.ReasonExited},
			{"who is not on record", func(s *scene) { s.lane.Kind = gate.LaneExit }, gate.Exit, gate.ReasonExitUnmatched},
			{"long after the end", func(s *scene) { s.lane.Kind = gate.LaneExit; s.now = at("23:59"); s.cameIn("18:10", 400) }, gate.Exit, gate.ReasonExited},
			{"a screenshot", func(s *scene) { s.lane.Kind = gate.LaneExit; s.shown.Check = gate.ReasonCodeStale }, gate.Refuse, gate.ReasonCodeStale},
			{"in again with the code of an exit that matched nobody", func(s *scene) {
				s.history.HasOut, s.history.OutGeneration, s.history.OutStep = true, 1, 500
			}, gate.Refuse, gate.ReasonCodeUsed},
			{"refunded while inside", func(s *scene) {
				s.lane.Kind, s.ticket.Status = gate.LaneExit, gate.StatusRefunded
				s.cameIn("18:10", 400)
			}, gate.Exit, gate.ReasonExited},
			{"the former holder, by document", func(s *scene) {
				s.lane.Kind = gate.LaneExit
				s.cameIn("18:10", 400)
				s.history.Floor = 2
				s.document(zhang)
			}, gate.Exit, gate.ReasonExited},
			{"a lane for both ways, from inside", func(s *scene) { s.lane.Kind = gate.LaneBoth; s.cameIn("18:10", 400) }, gate.Exit, gate.ReasonExited},
			{"a lane for both ways, the very code of a moment ago", func(s *scene) {
				s.lane.Kind = gate.LaneBoth
				s.cameIn("18:10", 500)
			}, gate.Refuse, gate.ReasonAlreadyInside},
			{"a lane for both ways, a phone that lingers at the reader", func(s *scene) {
				s.lane.Kind = gate.LaneBoth
				s.cameIn("18:29", 499).At = at("18:30").Add(-12 * time.Second)
			}, gate.Refuse, gate.ReasonAlreadyInside},
			{"a lane for both ways, a card that lingers at the reader", func(s *scene) {
				s.lane.Kind = gate.LaneBoth
				s.cameIn("18:29", 0).At = at("18:30").Add(-12 * time.Second)
				s.document(zhang)
			}, gate.Refuse, gate.ReasonAlreadyInside},
			{"a lane for both ways, after the end", func(s *scene) {
				s.lane.Kind, s.ticket.Sessions, s.now = gate.LaneBoth, nil, at("21:31")
				s.cameIn("18:10", 400)
			}, gate.Exit, gate.ReasonExited},
			{"a lane for both ways, when the next doors are open", func(s *scene) {
				s.lane.Kind, s.ticket.Sessions, s.now = gate.LaneBoth, nil, at("21:40")
				s.policy.Sessions[1] = gate.Session{ID: tomorrow, Doors: at("21:35"), Start: at("22:00"), End: at("23:00")}
				s.cameIn("18:10", 400)
			}, gate.Exit, gate.ReasonExited},
			{"a lane for both ways, from outside", func(s *scene) { s.lane.Kind = gate.LaneBoth }, gate.Admit, gate.ReasonAdmitted},
			{"a lane for both ways, at its entry reader, but inside", func(s *scene) {
				s.lane.Kind, s.shown.Direction = gate.LaneBoth, gate.DirectionEntry
				s.cameIn("18:10", 400)
			}, gate.Refuse, gate.ReasonAlreadyInside},
		}},
		{"a helper walking along the queue", []row{
			{"a good code", func(s *scene) { s.lane.Kind = gate.LanePreCheck }, gate.Admit, gate.ReasonPreChecked},
			{"a refunded ticket", func(s *scene) { s.lane.Kind = gate.LanePreCheck; s.ticket.Status = gate.StatusRefunded }, gate.Refuse, gate.ReasonTicketRefunded},
		}},
		{"a gate that is not sure of the time", []row{
			{"a code alone, where that asks for a document", func(s *scene) {
				s.shown.ClockUntrusted, s.policy.UntrustedDocument = true, true
			}, gate.Refuse, gate.ReasonClockUntrusted},
			{"with the document", func(s *scene) {
				s.shown.ClockUntrusted, s.policy.UntrustedDocument = true, true
				s.codeAndDocument(zhang)
			}, gate.Admit, gate.ReasonAdmitted},
		}},
	}
	for _, p := range parts {
		t.Run(p.part, func(t *testing.T) {
			for _, r := range p.rows {
				t.Run(r.name, func(t *testing.T) {
					s := plainScene()
					r.change(s)
					v := s.decide()
					if v.Outcome != r.want || v.Reason != r.reason {
						t.Errorf("got %v because %v, want %v because %v", v.Outcome, v.Reason, r.want, r.reason)
					}
					if v.Opens() != (v.Count > 0) {
						t.Errorf("verdict %v lets %d people through", v.Outcome, v.Count)
					}
				})
			}
		})
	}
}
