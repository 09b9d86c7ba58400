package appliance_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/web/pins"
)

// A steward signs in on the page of a real gate, types a ticket's number, lets the
// visitor in, and the arm moves.
func TestStaffOnThePage(t *testing.T) {
	s := newSite(t)
	s.sell(4711)
	s.setUp()
	book, err := pins.Open(s.data())
	if err != nil {
		t.Fatal(err)
	}
	if err := errorsOf(book.Set(12, "271828"), book.Set(99, "314159")); err != nil {
		t.Fatal(err)
	}
	s.plugIn()
	s.open()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Jar: jar, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	post := func(path string, pairs ...string) string {
		t.Helper()
		form := url.Values{"lane": {"1"}, "lang": {"en"}}
		for i := 0; i+1 < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		answer, err := client.PostForm(s.url+path, form)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		return answer.Request.URL.Query().Get("said")
	}
	if got := post("/lanes/1/type", "text", "4711"); got != "sign_in" {
		t.Errorf("typed before signing in: %s", got)
	}
	if got := post("/sign-in", "staff", "99", "pin", "314159"); got != "wrong_pin" {
		t.Errorf("a PIN of somebody whom the venue does not know: %s", got)
	}
	if got := post("/sign-in", "staff", "12", "pin", "271828"); got != "done" {
		t.Fatalf("signed in: %s", got)
	}
	if got := post("/lanes/9/type", "text", "4711"); got != "no_lane" {
		t.Errorf("a lane that is not there: %s", got)
	}
	if got := post("/lanes/1/choose", "case", "1", "choice", "0"); got != "over" {
		t.Errorf("a choice that nobody offered: %s", got)
	}
	if got := post("/lanes/1/type", "text", "4711"); got != "done" {
		t.Fatalf("typed: %s", got)
	}
	c := s.gate.State().Lanes[0].Case
	if c == nil || c.Verdict.Reason != gate.ReasonNoDocumentOnFile || c.Verdict.Ticket != "4711" {
		t.Fatalf("the case is %+v", c)
	}
	if got := post("/lanes/1/decide", "case", "1", "decision", "admit"); got != "done" {
		t.Fatalf("decided: %s", got)
	}
	s.awaitOpenings(1)
	s.await("the visitor is counted", func() bool {
		state := s.gate.State()
		return state.Counts.Inside == 1 && state.Lanes[0].Case == nil
	})
	if got := post("/lanes/1/end-fire"); got != "done" { // there is none to end
		t.Errorf("no fire: %s", got)
	}
	if log := s.log.String(); strings.Contains(log, "4711") || strings.Contains(log, "271828") {
		t.Error("what was typed is in the log")
	}
}
