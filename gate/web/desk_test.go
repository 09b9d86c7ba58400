package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// fakeDesk is a Commands that remembers what it was asked.
type fakeDesk struct {
	mu      sync.Mutex
	people  map[uint32]Person
	pins    map[uint32]string
	answer  error
	checks  int
	asked   []string
	typed   []Typed
	onAsked func()
}

// newDesk has a steward, a supervisor and a technician, 1 to 3, and 4, who is all
// but has no role that counts here.
func newDesk() *fakeDesk {
	d := &fakeDesk{people: map[uint32]Person{}, pins: map[uint32]string{}}
	for i, role := range []string{roleSteward, roleSupervisor, roleTechnician, "cook"} {
		id := uint32(i + 1)
		d.people[id] = Person{ID: id, Name: role, Roles: []string{role}}
		d.pins[id] = fmt.Sprintf("27182%d", id)
	}
	return d
}

func (d *fakeDesk) Staff(id uint32) (Person, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, ok := d.people[id]
	return p, ok
}

func (d *fakeDesk) AnyStaff() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.people) > 0
}

func (d *fakeDesk) SignIn(id uint32, pin gate.Private) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.checks++
	if want, ok := d.pins[id]; !ok || want != pin.Reveal() {
		return ErrWrongPIN
	}
	return nil
}

func (d *fakeDesk) ask(format string, args ...any) error {
	d.mu.Lock()
	d.asked = append(d.asked, fmt.Sprintf(format, args...))
	answer, then := d.answer, d.onAsked
	d.mu.Unlock()
	if then != nil {
		then()
	}
	return answer
}

func (d *fakeDesk) Type(_ context.Context, staff uint32, lane gate.LaneID, t Typed) error {
	d.mu.Lock()
	d.typed = append(d.typed, t)
	d.mu.Unlock()
	return d.ask("type %d %d", staff, lane)
}

func (d *fakeDesk) Choose(_ context.Context, staff uint32, lane gate.LaneID, id uint64, choice int) error {
	return d.ask("choose %d %d %d %d", staff, lane, id, choice)
}

func (d *fakeDesk) Decide(_ context.Context, staff uint32, lane gate.LaneID, id uint64, what Decision) error {
	return d.ask("decide %d %d %d %d", staff, lane, id, what)
}

func (d *fakeDesk) EndFire(_ context.Context, staff uint32, lane gate.LaneID) error {
	return d.ask("end fire %d %d", staff, lane)
}

func (d *fakeDesk) Evacuate(_ context.Context, staff uint32) error {
	return d.ask("evacuate %d", staff)
}

func (d *fakeDesk) last() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.asked) == 0 {
		return ""
	}
	return d.asked[len(d.asked)-1]
}

func newDeskServer(t *testing.T, source Source, d Commands) *Server {
	t.Helper()
	s, err := New(Options{Source: source, Commands: d, Hub: NewHub(), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// post sends a form, as a browser that holds a cookie does.
func post(s *Server, path, token string, v url.Values, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://localhost:8080"+path, strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Remote" {
			r.RemoteAddr = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	if token != "" {
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: token})
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// saidBy is the word that an answer leads back with.
func saidBy(w *httptest.ResponseRecorder) string {
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil || w.Code != http.StatusSeeOther {
		return fmt.Sprint(w.Code)
	}
	return to.Query().Get("said")
}

func TestRolesOfStaff(t *testing.T) {
	d := newDesk()
	s := newDeskServer(t, quietGate(), d)
	tokens := map[uint32]string{0: "", 9: "NOBODYS"}
	for id := range d.people {
		tokens[id] = s.sessions.begin(id)
	}
	for _, test := range []struct {
		path string
		form url.Values
		want string          // what the desk is asked, by whoever may
		may  map[uint32]bool // 1 steward, 2 supervisor, 3 technician
	}{
		{"/lanes/2/type", values("text", "4711"), "type %d 2", map[uint32]bool{1: true, 2: true}},
		{"/lanes/2/choose", values("case", "7", "choice", "1"), "choose %d 2 7 1", map[uint32]bool{1: true, 2: true}},
		{"/lanes/2/decide", values("case", "7", "decision", "refuse"), "decide %d 2 7 0", map[uint32]bool{1: true, 2: true}},
		{"/lanes/2/decide", values("case", "7", "decision", "admit"), "decide %d 2 7 1", map[uint32]bool{1: true, 2: true}},
		{"/lanes/2/decide", values("case", "7", "decision", "insist"), "decide %d 2 7 2", map[uint32]bool{2: true}},
		{"/lanes/2/end-fire", nil, "end fire %d 2", map[uint32]bool{2: true, 3: true}},
	} {
		for id, token := range tokens {
			before := len(d.asked)
			got := saidBy(post(s, test.path, token, test.form))
			want := saidForbidden
			switch {
			case test.may[id]:
				want = saidDone
				if asked := fmt.Sprintf(test.want, id); d.last() != asked {
					t.Errorf("%s by %d: the desk was asked %q, want %q", test.path, id, d.last(), asked)
				}
			case id == 0 || id == 9:
				want = saidSignIn
			}
			if got != want {
				t.Errorf("%s %v by %d: %s, want %s", test.path, test.form, id, got, want)
			}
			if asked := len(d.asked) > before; asked != test.may[id] {
				t.Errorf("%s by %d: the desk was asked: %v", test.path, id, asked)
			}
		}
	}
}

func TestFormsOfOtherSites(t *testing.T) {
	d := newDesk()
	s := newDeskServer(t, quietGate(), d)
	token := s.sessions.begin(1)
	for _, test := range []struct {
		name   string
		header []string
		want   int
	}{
		{"our page", []string{"Sec-Fetch-Site", "same-origin"}, 303},
		{"our page, an old browser or no TLS", []string{"Sec-Fetch-Site", "", "Origin", "http://localhost:8080"}, 303},
		{"no browser", []string{"Sec-Fetch-Site", ""}, 303},
		{"another site", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"another site of this host", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"another site, an old browser", []string{"Sec-Fetch-Site", "", "Origin", "http://evil.example"}, 403},
		{"another port", []string{"Sec-Fetch-Site", "", "Origin", "http://localhost:8081"}, 403},
		{"a file", []string{"Sec-Fetch-Site", "", "Origin", "null"}, 403},
	} {
		before := len(d.asked)
		w := post(s, "/lanes/1/type", token, values("text", "4711"), test.header...)
		if w.Code != test.want || len(d.asked) > before != (test.want == 303) {
			t.Errorf("%s: %d, want %d; asked: %v", test.name, w.Code, test.want, len(d.asked) > before)
		}
	}
	if w := ask(s, http.MethodGet, "/lanes/1/type"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("a command by GET: %d", w.Code)
	}
}

func TestFormsThatSayNothing(t *testing.T) {
	d := newDesk()
	s := newDeskServer(t, quietGate(), d)
	token := s.sessions.begin(2)
	for _, test := range []struct {
		path string
		form url.Values
		want string
	}{
		{"/lanes/1/type", nil, saidEmpty},
		{"/lanes/1/type", values("text", "  "), saidEmpty},
		{"/lanes/1/type", values("text", "\xff\xfe"), saidEmpty},
		{"/lanes/1/type", values("text", strings.Repeat("9", maxTyped+1)), saidEmpty},
		{"/lanes/1/type", values("text", strings.Repeat("9", 2*maxForm)), "413"},
		{"/lanes/one/type", values("text", "1"), "404"},
		{"/lanes/70000/type", values("text", "1"), "404"},
		{"/lanes/1/choose", values("case", "x", "choice", "1"), saidEmpty},
		{"/lanes/1/choose", values("case", "1", "choice", "-1"), saidEmpty},
		{"/lanes/1/decide", values("case", "1"), saidEmpty},
		{"/lanes/1/decide", values("case", "1", "decision", "perhaps"), saidEmpty},
		{"/lanes/1/decide", values("decision", "admit"), saidEmpty},
	} {
		if got := saidBy(post(s, test.path, token, test.form)); got != test.want {
			t.Errorf("%s %.40q: %s, want %s", test.path, test.form.Encode(), got, test.want)
		}
	}
	if len(d.asked) > 0 {
		t.Errorf("the desk was asked %q", d.asked)
	}
}

func TestWhatIsTyped(t *testing.T) {
	d := newDesk()
	s := newDeskServer(t, quietGate(), d)
	token := s.sessions.begin(1)
	for _, v := range []url.Values{
		values("text", " VG1:ABC$ "),
		values("text", "11010519491231002x", "kind", "resident"),
		values("text", "c01x00t47", "kind", "passport", "country", "d"),
		values("text", "4711", "kind", "birth certificate"),
	} {
		post(s, "/lanes/1/type", token, v)
	}
	if len(d.typed) != 4 {
		t.Fatalf("%d were typed", len(d.typed))
	}
	if got := d.typed[0]; got.Text.Reveal() != "VG1:ABC$" || got.Document != nil {
		t.Errorf("a code: %q, %v", got.Text.Reveal(), got.Document)
	}
	if got := d.typed[1].Document; got == nil || got.Type != gate.DocumentResident || got.Country != "CHN" || got.Number.Reveal() != "11010519491231002X" {
		t.Errorf("an ID card: %+v", got)
	}
	if got := d.typed[2].Document; got == nil || got.Type != gate.DocumentPassport || got.Country != "D" || got.Number.Reveal() != "C01X00T47" {
		t.Errorf("a passport: %+v", got)
	}
	if got := d.typed[3]; got.Document != nil {
		t.Errorf("a kind that is none: %+v", got.Document)
	}
}

func TestWhatCommandsComeTo(t *testing.T) {
	d := newDesk()
	s := newDeskServer(t, quietGate(), d)
	token := s.sessions.begin(1)
	for _, test := range []struct {
		answer error
		want   string
	}{
		{nil, saidDone},
		{errors.Join(ErrBusy, errors.New("lane")), saidBusy},
		{ErrOver, saidOver},
		{ErrNoLane, saidNoLane},
		{ErrFire, saidFire},
		{context.DeadlineExceeded, saidNoLane},
		{errors.New("disk"), saidFailed},
	} {
		d.answer = test.answer
		w := post(s, "/lanes/1/type", token, values("text", "4711", "lang", "en"))
		if got := saidBy(w); got != test.want {
			t.Errorf("%v: %s, want %s", test.answer, got, test.want)
		}
		if to := w.Header().Get("Location"); !strings.Contains(to, "lang=en") || strings.Contains(to, "4711") {
			t.Errorf("leads to %s", to)
		}
	}
	page := ask(s, http.MethodGet, "/lanes/1?lang=en&said=busy").Body.String()
	if !strings.Contains(page, "Somebody is going through.") {
		t.Error("the page does not say what happened")
	}
	if page := ask(s, http.MethodGet, "/lanes/1?lang=en&said=own+words").Body.String(); strings.Contains(page, "own words") {
		t.Error("the page says whatever an address tells it")
	}
}

func TestSigningIn(t *testing.T) {
	d := newDesk()
	s := newDeskServer(t, quietGate(), d)
	w := post(s, "/sign-in", "", values("staff", "2", "pin", "271822", "lane", "1"))
	if saidBy(w) != saidDone || len(w.Result().Cookies()) != 1 {
		t.Fatalf("%s with %d cookies", saidBy(w), len(w.Result().Cookies()))
	}
	c := w.Result().Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.MaxAge != 12*60*60 || len(c.Value) < 26 {
		t.Errorf("the cookie is %+v", c)
	}
	if got := saidBy(post(s, "/lanes/1/end-fire", c.Value, nil)); got != saidDone {
		t.Errorf("signed in: %s", got)
	}
	post(s, "/sign-out", c.Value, values("lane", "1"))
	if got := saidBy(post(s, "/lanes/1/end-fire", c.Value, nil)); got != saidSignIn {
		t.Errorf("signed out: %s", got)
	}
	for _, v := range []url.Values{
		values("staff", "2", "pin", "000000", "lane", "1"),
		values("staff", "77", "pin", "271822", "lane", "1"),
		values("staff", "", "pin", "271822", "lane", "1"),
		values("staff", "99999999999", "pin", "271822", "lane", "1"),
		values("staff", "2", "pin", "", "lane", "1"),
		values("staff", "2", "pin", strings.Repeat("2", maxTyped+1), "lane", "1"),
	} {
		w := post(s, "/sign-in", "", v)
		if saidBy(w) != saidWrongPIN || len(w.Result().Cookies()) != 0 {
			t.Errorf("%.60s: %s with %d cookies", v.Encode(), saidBy(w), len(w.Result().Cookies()))
		}
	}
	if w := post(newServer(t, quietGate()), "/sign-in", "", values("staff", "2", "pin", "271822", "lane", "1")); w.Code != http.StatusNotFound {
		t.Errorf("a page that only shows: %d", w.Code)
	}
}

// Whoever is taken off the venue's list is out at once, and nobody stays for ever.
func TestSessionsEnd(t *testing.T) {
	d := newDesk()
	s := newDeskServer(t, quietGate(), d)
	now := evening
	s.sessions.now = func() time.Time { return now }
	steward, supervisor := s.sessions.begin(1), s.sessions.begin(2)
	delete(d.people, 1)
	if got := saidBy(post(s, "/lanes/1/type", steward, values("text", "1"))); got != saidSignIn {
		t.Errorf("off the list: %s", got)
	}
	now = now.Add(12*time.Hour - time.Second)
	if got := saidBy(post(s, "/lanes/1/type", supervisor, values("text", "1"))); got != saidDone {
		t.Errorf("after nearly twelve hours: %s", got)
	}
	now = now.Add(time.Second)
	if got := saidBy(post(s, "/lanes/1/type", supervisor, values("text", "1"))); got != saidSignIn {
		t.Errorf("after twelve hours: %s", got)
	}
	var own []string
	for range maxOwn + 1 {
		now = now.Add(time.Second)
		own = append(own, s.sessions.begin(2))
	}
	if _, ok := s.sessions.of(own[0]); ok {
		t.Error("the oldest of too many sessions goes on")
	}
	if _, ok := s.sessions.of(own[1]); !ok {
		t.Error("more than the oldest ended")
	}
	for id := uint32(100); id < 100+2*maxSessions; id++ {
		s.sessions.begin(id)
	}
	if n := s.sessions.count(); n > maxSessions {
		t.Errorf("%d sessions, at most %d", n, maxSessions)
	}
}

// Ten thousand bad log-ins at once cost ten checks; others sign in meanwhile.
func TestGuessingIsStopped(t *testing.T) {
	d := newDesk()
	s := newDeskServer(t, quietGate(), d)
	now := evening
	s.limits.now = func() time.Time { return now }
	handler := s.Handler()
	var attack sync.WaitGroup
	const many = 10_000
	limit := make(chan struct{}, 64)
	for i := range many {
		limit <- struct{}{}
		attack.Go(func() {
			defer func() { <-limit }()
			v := values("staff", "1", "pin", fmt.Sprintf("%06d", i), "lane", "1")
			r := httptest.NewRequest(http.MethodPost, "http://localhost:8080/sign-in", strings.NewReader(v.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.RemoteAddr = "192.0.2.66:1234"
			handler.ServeHTTP(httptest.NewRecorder(), r)
		})
	}
	attack.Wait()
	if d.checks > triesAddress {
		t.Errorf("%d PINs were checked, at most %d", d.checks, triesAddress)
	}
	in := func(staff, pin, from string) string {
		return saidBy(post(s, "/sign-in", "", values("staff", staff, "pin", pin, "lane", "1"), "Remote", from))
	}
	if got := in("2", "271822", "192.0.2.7:1"); got != saidDone {
		t.Errorf("somebody else meanwhile: %s", got)
	}
	if got := in("2", "271822", "192.0.2.66:1"); got != "429" {
		t.Errorf("from the same address: %s", got)
	}
	now = now.Add(againStaff)
	if got := in("1", "271821", "192.0.2.8:1"); got != saidDone {
		t.Errorf("the steward, half a minute later: %s", got)
	}
	if got := in("2", "271822", "192.0.2.66:1"); got != saidDone {
		t.Errorf("from the same address, half a minute later: %s", got)
	}
}

// Guessing from many addresses is held to one person's rate, and memory is
// bounded.
func TestGuessingFromManyAddresses(t *testing.T) {
	now := evening
	l := newLimits(func() time.Time { return now })
	allowed := 0
	for i := range 3 * maxBuckets {
		from := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if l.take(from, 1, true) {
			allowed++
		}
		l.take(from, uint32(i+1000), false)
	}
	if allowed != triesStaff {
		t.Errorf("%d tries for one person, want %d", allowed, triesStaff)
	}
	if len(l.addresses) > maxBuckets || len(l.staff) != 1 {
		t.Errorf("%d addresses and %d people are remembered", len(l.addresses), len(l.staff))
	}
	now = now.Add(time.Hour)
	if !l.take(netip.MustParseAddr("10.0.0.1"), 1, true) {
		t.Error("an hour later there is no try left")
	}
}

func TestAddresses(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:80":              "192.0.2.1",
		"[::ffff:192.0.2.1]:80":     "192.0.2.1",
		"[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::",
		"[fe80::1%eth0]:80":         "fe80::",
		"@":                         "invalid IP",
	} {
		if got := addressOf(remote).String(); got != want {
			t.Errorf("%s counts as %s, want %s", remote, got, want)
		}
	}
}

// waitingGate has a visitor at each lane who is not done yet.
func waitingGate() *fakeGate {
	g := quietGate()
	g.change(func(s *State) {
		l := &s.Lanes[0]
		l.Wants, l.WantsUntil = gate.WantDocument, evening.Add(8500*time.Millisecond)
		v := NewVerdictView(evening, 1, "北 1", &gate.Verdict{Outcome: gate.Refer, Reason: gate.ReasonDocumentNeeded, Ticket: 900018831234, Wants: gate.WantDocument},
			&gate.Ticket{Masked: "诸葛*", Seat: gate.Seat{Area: "A", Row: "12", Seat: "7"}}, "", 0)
		l.Case = &CaseView{ID: 41, Verdict: v, Class: "成人", Until: evening.Add(170 * time.Second)}
		l.Mishaps = []MishapView{{Kind: gate.BarrierForced, Count: 2, Last: evening.Add(-time.Minute)}, {Kind: gate.BarrierTailgate, Count: 1, Last: evening}}
		k := &s.Lanes[1]
		k.Fire, k.Barrier = true, BarrierReleased
		several := NewVerdictView(evening, 2, "北 2", &gate.Verdict{Outcome: gate.Refer, Reason: gate.ReasonSeveralTickets}, nil, "", 0)
		k.Case = &CaseView{ID: 42, Verdict: several, Until: evening.Add(9 * time.Second), Choices: []ChoiceView{
			NewChoiceView(900018830007, "诸葛*", gate.Seat{Area: "A", Row: "12", Seat: "7"}, "成人", "11月22日"),
			NewChoiceView(900018830008, "诸葛*", gate.Seat{}, "儿童", ""),
		}}
	})
	return g
}

func TestWhoSeesWhat(t *testing.T) {
	s := newDeskServer(t, waitingGate(), newDesk())
	page := func(path, token string) string {
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
	for name, test := range map[string]struct {
		path, token   string
		shows, spares []string
	}{
		"nobody": {
			"/lanes/1?lang=en", "",
			[]string{"Show the ID document", "请出示证件", ">9<", "Sign in to decide.", "Forced through", "name=\"pin\""},
			[]string{"诸葛", "Let in", "Type for the visitor"},
		},
		"steward": {
			"/lanes/1?lang=en", s.sessions.begin(1),
			[]string{"诸葛*", "Seat A-12-7", "Ticket …1234", "成人", "Let in", "Turn away", "Type for the visitor", "Signed in: steward"},
			[]string{"Let in all the same", "name=\"pin\"", "88312"},
		},
		"steward chooses": {
			"/lanes/2/live?lang=zh-CN", s.sessions.begin(1),
			[]string{"选择哪张票", "儿童", "票号 …0008", "11月22日", "都不是", "消防联动"},
			[]string{"恢复闸机<", "<html", "8830008"},
		},
		"technician": {
			"/lanes/2?lang=en", s.sessions.begin(3),
			[]string{"FIRE", "end the release"},
			[]string{"诸葛", "Type for the visitor"},
		},
		"cook": {
			"/lanes/1?lang=en", s.sessions.begin(4),
			[]string{"Your role lets you look"},
			[]string{"诸葛", "Type for the visitor"},
		},
	} {
		body := page(test.path, test.token)
		for _, text := range test.shows {
			if !strings.Contains(body, text) {
				t.Errorf("%s: %q is missing", name, text)
			}
		}
		for _, text := range test.spares {
			if strings.Contains(body, text) {
				t.Errorf("%s: %q is shown", name, text)
			}
		}
	}
	for _, path := range []string{"/metrics", "/api/state"} {
		if body := page(path, s.sessions.begin(1)); strings.Contains(body, "诸葛") || strings.Contains(body, "1234") || strings.Contains(body, "steward") {
			t.Errorf("%s names somebody", path)
		}
	}
	metrics := page("/metrics", "")
	for _, line := range []string{
		`venuegate_lane_waiting{lane="北 1"} 1`, `venuegate_lane_case_open{lane="北 2"} 1`, `venuegate_lane_fire_released{lane="北 2"} 1`,
		`venuegate_barrier_events_total{kind="forced",lane="北 1"} 2`,
	} {
		if !strings.Contains(metrics, line) {
			t.Errorf("metrics have no %s", line)
		}
	}
}

func TestPageWithoutStaff(t *testing.T) {
	d := newDesk()
	clear(d.people)
	for name, s := range map[string]*Server{"no PINs": newDeskServer(t, quietGate(), d), "no commands": newServer(t, quietGate())} {
		body := ask(s, http.MethodGet, "/lanes/1?lang=en").Body.String()
		if !strings.Contains(body, "venuegate staff pin") || strings.Contains(body, "name=\"pin\"") {
			t.Errorf("%s: the page does not say how to set one", name)
		}
	}
	if w := ask(newServer(t, quietGate()), http.MethodGet, "/lanes/9"); w.Code != http.StatusNotFound {
		t.Errorf("a lane that is not there: %d", w.Code)
	}
}

func TestWhatIsOverIsNotShown(t *testing.T) {
	g := waitingGate()
	g.change(func(s *State) { s.Now = evening.Add(time.Hour) })
	s := newDeskServer(t, g, newDesk())
	r := httptest.NewRequest(http.MethodGet, "http://localhost/lanes/1?lang=en", nil)
	r.AddCookie(&http.Cookie{Name: sessionCookie, Value: s.sessions.begin(1)})
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	for _, text := range []string{"诸葛", "Show the ID document", "Let in"} {
		if strings.Contains(w.Body.String(), text) {
			t.Errorf("an hour later %q is shown", text)
		}
	}
}
