package appliance_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/config"
)

// screen is a page that is open on a handheld.
type screen struct {
	t     *testing.T
	lines *bufio.Scanner
	off   func()
	last  string // id of the last verdict it has shown
}

// screenOn opens the live stream as a browser does, which says what it saw last.
func (s *site) screenOn(last string) *screen {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/events?lang=en", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if last != "" {
		request.Header.Set("Last-Event-ID", last)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	off := func() {
		cancel()
		_ = answer.Body.Close()
	}
	s.t.Cleanup(off)
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	return &screen{t: s.t, lines: lines, off: off, last: last}
}

// shows waits for the next verdict and wants it to be about a reason.
func (v *screen) shows(reason string) {
	v.t.Helper()
	id, name := "", ""
	for v.lines.Scan() {
		field, value, _ := strings.Cut(v.lines.Text(), ": ")
		switch {
		case field == "id":
			id = value
		case field == "event":
			name = value
		case field == "data" && name == "verdict":
			if !strings.Contains(value, `"reason":"`+reason+`"`) {
				v.t.Fatalf("shown: %s, want %s", value, reason)
			}
			v.last = id
			return
		}
	}
	v.t.Fatalf("the stream ended before %s: %v", reason, v.lines.Err())
}

// A handheld's screen goes dark, which ends its page's connection. Readers do
// not depend on it: what is scanned meanwhile is decided and on record, and the
// page shows it when it is back.
func TestScansWhileTheScreenIsDark(t *testing.T) {
	s := newSite(t)
	for id := range 4 {
		s.sell(gate.TicketID(1 + id))
	}
	s.setUp()
	s.plugIn()
	s.change = func(c *config.Config) {
		c.Lanes[0].Barrier = config.Barrier{Type: "none"}
	}
	s.open()
	page := s.screenOn("")
	s.scan(s.code(1))
	page.shows("admitted")
	page.off()

	s.scan(s.code(2))
	s.await("the second is inside", func() bool { return s.gate.State().Counts.Inside == 2 })
	s.scan("6901234567892") // a bottle of water
	s.await("it is refused", func() bool { return s.gate.State().Counts.Refused == 1 })
	s.scan(s.code(3))
	s.await("the third is inside", func() bool { return s.gate.State().Counts.Inside == 3 })

	page = s.screenOn(page.last)
	for _, reason := range []string{"admitted", "not_a_ticket", "admitted"} {
		page.shows(reason)
	}
	s.scan(s.code(4))
	page.shows("admitted")
	page.off()
	http.DefaultClient.CloseIdleConnections()
}
