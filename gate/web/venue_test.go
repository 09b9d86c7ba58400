package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// show returns a page as somebody with a session sees it.
func show(t *testing.T, s *Server, path, token string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil)
	if token != "" {
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: token})
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d", path, w.Code)
	}
	return w.Body.String()
}

func TestWhoMayEvacuate(t *testing.T) {
	for name, test := range map[string]struct {
		staff   uint32
		confirm string
		answer  error
		said    string
		asked   string
	}{
		"nobody":             {0, "yes", nil, saidSignIn, ""},
		"a steward":          {1, "yes", nil, saidForbidden, ""},
		"a supervisor":       {2, "yes", nil, saidDone, "evacuate 2"},
		"one who is unsure":  {2, "", nil, saidEmpty, ""},
		"a technician":       {3, "yes", nil, saidForbidden, ""},
		"a full disk":        {2, "yes", errors.New("no space left"), saidFailed, "evacuate 2"},
		"not on this roster": {9, "yes", nil, saidSignIn, ""},
	} {
		d := newDesk()
		d.answer = test.answer
		s := newDeskServer(t, venueGate(), d)
		token := ""
		if test.staff != 0 {
			token = s.sessions.begin(test.staff)
		}
		w := post(s, "/evacuate", token, values("confirm", test.confirm, "lang", "en"))
		if got := saidBy(w); got != test.said || d.last() != test.asked {
			t.Errorf("%s: %s, asked %q; want %s, %q", name, got, d.last(), test.said, test.asked)
		}
		if to := w.Header().Get("Location"); !strings.HasPrefix(to, "/evacuate?") {
			t.Errorf("%s: leads to %s", name, to)
		}
		if metrics := show(t, s, "/metrics", ""); !strings.Contains(metrics, `venuegate_staff_commands_total{command="evacuate",result="`+test.said+`"} 1`) {
			t.Errorf("%s: not counted", name)
		}
	}
	s := newDeskServer(t, venueGate(), newDesk())
	if w := post(s, "/evacuate", s.sessions.begin(2), values("confirm", "yes"), "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
		t.Errorf("another site's form: %d", w.Code)
	}
}

func TestEvacuatePage(t *testing.T) {
	g := aloneGate()
	s := newDeskServer(t, g, newDesk())
	supervisor, steward := s.sessions.begin(2), s.sessions.begin(1)
	for _, test := range []struct {
		name, path, token string
		shows, spares     []string
	}{
		{"nobody", "/evacuate?lang=en", "", []string{`name="pin"`, `name="to" value="evacuate"`, "A supervisor starts it here"}, []string{`id="ask"`, `id="yes"`}},
		{"nobody, sure", "/evacuate?lang=en&sure=1", "", nil, []string{`id="ask"`, `id="yes"`}},
		{"a steward", "/evacuate?lang=en&sure=1", steward, []string{"Only a supervisor"}, []string{`id="ask"`, `id="yes"`}},
		{"a supervisor", "/evacuate?lang=en", supervisor, []string{`id="ask"`, "Not heard just now: 北门 1, 南门 1, 南门 2, 东门"}, []string{`id="yes"`, `name="pin"`}},
		{"a supervisor, sure", "/evacuate?lang=zh-CN&sure=1", supervisor, []string{`id="yes"`, "确认开启场馆所有闸机"}, []string{`id="ask"`}},
		{"a failure", "/evacuate?lang=en&said=failed", supervisor, []string{"This gate&#39;s barriers open"}, nil},
		{"nonsense", "/evacuate?lang=en&said=<b>", supervisor, nil, []string{"<b>", `id="said"`}},
	} {
		body := show(t, s, test.path, test.token)
		for _, text := range test.shows {
			if !strings.Contains(body, text) {
				t.Errorf("%s: %q is missing", test.name, text)
			}
		}
		for _, text := range test.spares {
			if strings.Contains(body, text) {
				t.Errorf("%s: %q is shown", test.name, text)
			}
		}
	}
	g.change(func(s *State) { s.Orders = []OrderView{evacuation()} })
	body := show(t, s, "/evacuate?lang=en&sure=1", supervisor)
	if !strings.Contains(body, "venuegate order normal --data DIR --staff ID --key FILE") || strings.Contains(body, `id="yes"`) {
		t.Error("while one is in force, the page does not say how it ends, or offers another")
	}
	if w := post(s, "/sign-in", "", values("to", "evacuate", "staff", "2", "pin", "271822")); !strings.HasPrefix(w.Header().Get("Location"), "/evacuate?said=done") {
		t.Errorf("signing in there leads to %s", w.Header().Get("Location"))
	}
}

// The stream of the page of all gates has all of them, the start page's what
// presses; and what nobody tells of shows with the next beat.
func TestStreamOfGates(t *testing.T) {
	g := venueGate()
	g.change(func(s *State) {
		for i := range 20 {
			s.Cluster.Peers = append(s.Cluster.Peers, GateView{ID: 10, Name: "x", Heard: evening})
			s.Conflicts = append(s.Conflicts, ConflictView{Ticket: string(rune('a' + i))})
		}
	})
	s := newServer(t, g)
	s.tempo.beat = 20 * time.Millisecond
	site := httptest.NewServer(s.Handler())
	t.Cleanup(site.Close)
	t.Cleanup(site.CloseClientConnections)
	type page struct {
		Alone *struct{ Title string } `json:"alone"`
		Gates struct {
			Rows []any `json:"rows"`
		} `json:"gates"`
		Conflicts struct {
			Items []any `json:"items"`
		} `json:"conflicts"`
	}
	read := func(c *client) (p page) {
		if err := json.Unmarshal([]byte(c.next("state").data), &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	few, all := connect(t, site.URL+"/events?lang=en"), connect(t, site.URL+"/events?lang=en&gates=all")
	if p := read(few); len(p.Gates.Rows) != fewGates || len(p.Conflicts.Items) != fewConflicts || p.Alone != nil {
		t.Errorf("beside the lanes: %d gates, %d conflicts", len(p.Gates.Rows), len(p.Conflicts.Items))
	}
	if p := read(all); len(p.Gates.Rows) != 26 || len(p.Conflicts.Items) != 20 {
		t.Errorf("all: %d gates, %d conflicts", len(p.Gates.Rows), len(p.Conflicts.Items))
	}
	few.next("beat") // nothing has changed
	g.change(func(s *State) { s.Cluster.Alone = evening })
	if p := read(few); p.Alone == nil || p.Alone.Title != "ALONE since 18:42" {
		t.Errorf("alone, and nobody said so: %+v", p)
	}
	g.change(func(s *State) { s.Cluster.Alone, s.Conflicts = time.Time{}, nil })
	if p := read(few); p.Alone != nil || len(p.Conflicts.Items) != 0 {
		t.Errorf("healed: %+v", p)
	}
}

func TestMachinesHearOfTheVenue(t *testing.T) {
	g := aloneGate()
	g.change(func(s *State) {
		s.Conflicts, s.Orders = []ConflictView{twice()}, append(ordered(), evacuation())
		s.Cluster.Peers[1].Lacks, s.Cluster.Peers[1].Has, s.Cluster.Peers[1].Offset = 3, 41, apart(-1500*time.Millisecond)
		s.Counts.Reset = evening.Add(-time.Hour)
	})
	s := newServer(t, g)
	metrics := show(t, s, "/metrics", "")
	for _, line := range []string{
		"venuegate_gates 6", "venuegate_gates_heard 1", "venuegate_isolated 1", "venuegate_isolated_since_timestamp_seconds 1.795343467e+09",
		`venuegate_claims_role{role="client"} 1`, `venuegate_claims_role{role="leader"} 0`, "venuegate_late_records 24",
		`venuegate_peer_heard{gate="1"} 0`, `venuegate_peer_heard{gate="2"} 1`, `venuegate_peer_records_behind{gate="2"} 3`,
		`venuegate_peer_records_ahead{gate="2"} 41`, `venuegate_peer_clock_offset_seconds{gate="2"} -1.5`,
		"venuegate_conflicts 1", "venuegate_conflict_grants 1", `venuegate_orders_in_force{kind="evacuate"} 1`,
		`venuegate_orders_in_force{kind="hold"} 0`, `venuegate_zone_inside{zone="看台"} 8919`,
		"venuegate_uplink_pending_records 17632", "venuegate_uplink_acked_records 12480",
	} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}
	body := show(t, s, "/api/state?lang=en", "")
	var state map[string]any
	if err := json.Unmarshal([]byte(body), &state); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]any{
		"gates_heard": 1.0, "gates": 6.0, "claims_role": "client", "isolated_since": "2026-11-22T10:31:07Z", "records_to_hand_in": 24.0,
	} {
		if got := at(t, state, "cluster", path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if got := at(t, state, "cluster", "peers", 1, "records_ahead"); got != 41.0 {
		t.Errorf("records ahead: %v", got)
	}
	if got := at(t, state, "uplink", "pending"); got != 17632.0 {
		t.Errorf("pending: %v", got)
	}
	for _, private := range []string{"1234", "5678", "王主管", "supervisor"} {
		if strings.Contains(body, private) || strings.Contains(metrics, private) {
			t.Errorf("machines hear of %q", private)
		}
	}
}

// Every metric of ours is in the documentation, and nothing else is.
func TestMetricsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/staff.md")
	if err != nil {
		t.Fatal(err)
	}
	g := waitingGate()
	venue := aloneGate().state
	g.change(func(s *State) { s.Cluster, s.Uplink, s.Counts.Zones = venue.Cluster, venue.Uplink, venue.Counts.Zones })
	g.change(func(s *State) { s.Cluster.Peers[0].Offset = apart(0) })
	s := newDeskServer(t, g, newDesk())
	s.hub.Verdict(admitted())
	post(s, "/evacuate", "", nil)
	post(s, "/sign-in", "", values("lane", "1", "staff", "1", "pin", "0"))
	names := func(text, pattern string) map[string]bool {
		found := map[string]bool{}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			found[m[1]] = true
		}
		return found
	}
	served := names(show(t, s, "/metrics", ""), `(?m)^# HELP (venuegate_\w+)`)
	documented := names(string(doc), "(?m)^\\| `(venuegate_\\w+)")
	for name := range served {
		if !documented[name] {
			t.Errorf("%s is not in docs/staff.md", name)
		}
	}
	for name := range documented {
		if !served[name] {
			t.Errorf("docs/staff.md has %s, which nobody serves", name)
		}
	}
	if len(served) < 40 {
		t.Errorf("only %d metrics are served here", len(served))
	}
}
