package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// deskFrame is what a lane's own page is filled with. All of it is words: the
// page works as plain forms, and its script only keeps it fresh.
type deskFrame struct {
	frame
	person
	Lane       lanePage
	Clock      clockPage
	Alone      *alonePage
	Evacuation *evacuationPage
	Said       string // why the last form came to nothing; empty: it did not
	Serves     bool
	Insists    bool
	EndsFire   bool
	Case       *casePage
	Kinds      []kindPage
}

// person is who is signed in, as pages have it.
type person struct {
	Who      string // empty: nobody
	SignedIn string // the same in words
	CanSign  bool   // there is somebody who could sign in
}

// personOf returns who is signed in, as words and as the venue has them.
func (s *Server) personOf(t *texts, r *http.Request) (words person, p Person, ok bool) {
	words.CanSign = s.commands != nil && s.commands.AnyStaff()
	p, ok = s.who(r)
	if !ok {
		return words, p, false
	}
	words.Who = p.Name
	if words.Who == "" {
		words.Who = strconv.FormatUint(uint64(p.ID), 10)
	}
	words.SignedIn = t.say("signed_in", "name", words.Who)
	return words, p, true
}

// casePage is a referred visitor, as staff who are signed in see them.
type casePage struct {
	ID      string
	Text    string
	Notes   []string
	Holder  []string
	Class   string
	Left    string // seconds to decide
	Until   int64
	Refused bool
	Choices []choicePage
}

type choicePage struct {
	Number int
	Words  []string
}

type kindPage struct{ Kind, Word string }

func (s *Server) deskFrame(t *texts, r *http.Request, state *State, lane *LaneView) deskFrame {
	say := t.renderer(state.Zone)
	who, person, ok := s.personOf(t, r)
	f := deskFrame{
		frame: s.frameOf(t, state), person: who, Clock: say.clockOf(*state), Lane: say.lane(lane, state.Now, s.hub),
		Alone: say.alone(state, []LaneView{*lane}), Evacuation: say.evacuation(state),
	}
	f.Title = lane.Name + " · " + f.Title
	if word := r.URL.Query().Get("said"); said[word] && word != saidDone {
		f.Said = t.say("said_" + word)
	}
	for _, k := range kindOrder {
		f.Kinds = append(f.Kinds, kindPage{k, t.say("document_" + k)})
	}
	if !ok {
		return f
	}
	f.Serves, f.Insists, f.EndsFire = person.mayServe(), person.mayInsist(), person.mayEndFire()
	if f.Serves {
		f.Case = say.caseOf(lane.Case, state.Now)
	}
	return f
}

// Path is the lane's page.
func (f deskFrame) Path() string { return lanePath(f.Lane.ID) }

// SignTo and SignLane are how the form for signing in finds its way back here.
func (deskFrame) SignTo() string { return "" }

// SignLane is the lane's number.
func (f deskFrame) SignLane() string { return strconv.FormatUint(uint64(f.Lane.ID), 10) }

// Shape is the drawing of the last verdict.
func (f deskFrame) Shape() string {
	if f.Lane.Last == nil {
		return ""
	}
	return "#shape-" + f.Lane.Last.Outcome
}

// Old reports whether the last verdict is not the visitor at hand's any more.
func (f deskFrame) Old() bool {
	const fresh = 15 * time.Second
	return f.Lane.Last != nil && f.Clock.Millis-f.Lane.Last.Millis > fresh.Milliseconds()
}

func (r renderer) caseOf(c *CaseView, now time.Time) *casePage {
	if c == nil || !now.Before(c.Until) {
		return nil
	}
	page := &casePage{
		ID: strconv.FormatUint(c.ID, 10), Text: c.Verdict.Reason.StaffText(r.language),
		Notes: r.notes(c.Verdict), Holder: r.holder(c.Verdict), Class: c.Class,
		Left: seconds(c.Until.Sub(now)), Until: c.Until.UnixMilli(), Refused: c.Refused,
	}
	for i, choice := range c.Choices {
		words := []string{}
		for _, w := range append([]string{choice.Class, choice.Session}, r.holder(choice.holderView())...) {
			if w != "" {
				words = append(words, w)
			}
		}
		page.Choices = append(page.Choices, choicePage{i, words})
	}
	return page
}

// waiting says what a lane's visitor has still to show, in the page's language
// and in the other, since it is the visitor who is to read it.
func (r renderer) waiting(l *LaneView, now time.Time) *waitingPage {
	if l.Wants&(gate.WantDocument|gate.WantCode) == 0 || !now.Before(l.WantsUntil) {
		return nil
	}
	key := "wait_document"
	if l.Wants&gate.WantCode != 0 {
		key = "wait_code"
	}
	return &waitingPage{
		Text: r.say(key), Other: r.say(key + "_other"), Until: l.WantsUntil.UnixMilli(), Left: seconds(l.WantsUntil.Sub(now)),
	}
}

func (r renderer) mishaps(l *LaneView, now time.Time) []mishapPage {
	rows := []mishapPage{}
	for _, m := range l.Mishaps {
		rows = append(rows, mishapPage{
			Kind: m.Kind.String(), Text: r.say("mishap_" + m.Kind.String()), Count: group(m.Count), Last: r.say("mishap_last", "time", r.moment(m.Last, now)),
		})
	}
	return rows
}

// seconds counts what is left, beginning with a full second.
func seconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}
