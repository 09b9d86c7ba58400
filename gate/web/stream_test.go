package web

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// client reads a live stream over a real socket.
type client struct {
	t        *testing.T
	response *http.Response
	lines    *bufio.Scanner
}

type received struct {
	id, name, data string
}

func connect(t *testing.T, url string, header ...string) *client {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request) //nolint:bodyclose // by close, when the test ends at the latest
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, response: response, lines: bufio.NewScanner(response.Body)}
	c.lines.Buffer(nil, 1<<20)
	t.Cleanup(c.close)
	return c
}

func (c *client) close() { _ = c.response.Body.Close() }

// next returns the next event of one of the names, passing over others.
func (c *client) next(names ...string) received {
	c.t.Helper()
	var event received
	for c.lines.Scan() {
		field, value, _ := strings.Cut(c.lines.Text(), ": ")
		switch field {
		case "id":
			event.id = value
		case "event":
			event.name = value
		case "data":
			event.data = value
		case "":
			for _, name := range names {
				if event.name == name {
					return event
				}
			}
			event = received{}
		}
	}
	c.t.Fatalf("the stream ended before %v: %v", names, c.lines.Err())
	return received{}
}

func (c *client) nextVerdict() verdictPage {
	c.t.Helper()
	event := c.next("verdict")
	var page struct {
		ID      string   `json:"id"`
		Number  uint64   `json:"number"`
		Replay  bool     `json:"replay"`
		Outcome string   `json:"outcome"`
		Word    string   `json:"word"`
		Text    string   `json:"text"`
		Notes   []string `json:"notes"`
		Holder  []string `json:"holder"`
	}
	if err := json.Unmarshal([]byte(event.data), &page); err != nil {
		c.t.Fatalf("%v in %s", err, event.data)
	}
	if page.ID != event.id {
		c.t.Errorf("the event's id is %s and its data says %s", event.id, page.ID)
	}
	return verdictPage{
		ID: page.ID, Number: page.Number, Replay: page.Replay, Outcome: page.Outcome,
		Word: page.Word, Text: page.Text, Notes: page.Notes, Holder: page.Holder,
	}
}

func newSite(t *testing.T) (*Server, *httptest.Server) {
	t.Helper()
	s := newServer(t, quietGate())
	site := httptest.NewServer(s.Handler())
	t.Cleanup(site.Close)
	t.Cleanup(site.CloseClientConnections)
	return s, site
}

func TestStreamIsLive(t *testing.T) {
	s, site := newSite(t)
	s.hub.Verdict(admitted()) // before anybody looks
	c := connect(t, site.URL+"/events?lang=en")
	if got := c.response.Header.Get("Content-Type"); got != "text/event-stream; charset=utf-8" {
		t.Errorf("Content-Type is %q", got)
	}
	var state statePageHead
	if err := json.Unmarshal([]byte(c.next("state").data), &state); err != nil {
		t.Fatal(err)
	}
	if state.Gate != "北门 3" || len(state.Lanes) != 2 || state.Assets != s.assets.version {
		t.Errorf("the first state is %+v", state)
	}
	if v := c.nextVerdict(); !v.Replay || v.Number != 1 || v.Word != "ADMIT" {
		t.Errorf("the verdict from before is %+v, want number 1 as a replay", v)
	}
	s.hub.Verdict(alreadyInside())
	if v := c.nextVerdict(); v.Replay || v.Number != 2 || v.Word != "REFUSE" {
		t.Errorf("the live verdict is %+v, want number 2, not a replay", v)
	}
}

type statePageHead struct {
	Assets string `json:"assets"`
	Gate   string `json:"gate"`
	Lanes  []any  `json:"lanes"`
}

func TestStreamResumes(t *testing.T) {
	s, site := newSite(t)
	for range 3 {
		s.hub.Verdict(admitted())
	}
	first := connect(t, site.URL+"/events?lang=en")
	first.nextVerdict()
	second := first.nextVerdict()
	first.close() // two of three were read
	s.hub.Verdict(alreadyInside())

	for name, c := range map[string]*client{
		"by header":        connect(t, site.URL+"/events?lang=en", "Last-Event-ID", second.ID),
		"by query":         connect(t, site.URL+"/events?lang=en&after="+second.ID),
		"header overrules": connect(t, site.URL+"/events?lang=en&after=x", "Last-Event-ID", second.ID),
	} {
		if v := c.nextVerdict(); v.Number != 3 || !v.Replay {
			t.Errorf("%s: goes on with %d, want 3", name, v.Number)
		}
		if v := c.nextVerdict(); v.Number != 4 {
			t.Errorf("%s: then %d, want 4", name, v.Number)
		}
	}
}

func TestStreamOfAnotherRunStartsAnew(t *testing.T) {
	s, site := newSite(t)
	s.hub.Verdict(admitted())
	for _, id := range []string{"otherrun-7", s.hub.start + "-99", "nonsense", s.hub.start + "-", "-1", s.hub.start + "--1"} {
		c := connect(t, site.URL+"/events", "Last-Event-ID", id)
		if v := c.nextVerdict(); v.Number != 1 {
			t.Errorf("after %q the stream begins with %d, want 1", id, v.Number)
		}
	}
}

func TestStreamSaysWhatItMissed(t *testing.T) {
	s, site := newSite(t)
	s.hub.Verdict(admitted())
	for range ringSize + backlog {
		s.hub.Verdict(alreadyInside())
	}
	c := connect(t, site.URL+"/events?lang=en", "Last-Event-ID", s.hub.eventID(1))
	var missed struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal([]byte(c.next("missed").data), &missed); err != nil {
		t.Fatal(err)
	}
	if want := group(ringSize) + " verdicts are not shown here."; missed.Text != want {
		t.Errorf("missed: %q, want %q", missed.Text, want)
	}
	for n := range uint64(backlog) {
		if v := c.nextVerdict(); v.Number != ringSize+2+n {
			t.Fatalf("verdict %d, want %d", v.Number, ringSize+2+n)
		}
	}
}

func TestStreamsAreBounded(t *testing.T) {
	s, site := newSite(t)
	var open []*client
	for range maxStreams {
		c := connect(t, site.URL+"/events")
		c.next("state")
		open = append(open, c)
	}
	if c := connect(t, site.URL+"/events"); c.response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("page %d: %s, want 503", maxStreams+1, c.response.Status)
	}
	if n := s.hub.watching(); n != maxStreams {
		t.Errorf("%d streams, want %d", n, maxStreams)
	}
	for _, c := range open {
		c.close()
	}
}

func TestStreamSpeaksTheLanguage(t *testing.T) {
	s, site := newSite(t)
	s.hub.Verdict(alreadyInside())
	for lang, want := range map[string]string{"en": "REFUSE Already inside. Somebody came in with this ticket before.", "zh-CN": "拒绝 此票已入场。"} {
		v := connect(t, site.URL+"/events?lang="+lang).nextVerdict()
		if got := fmt.Sprint(v.Word, " ", v.Text); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
}
