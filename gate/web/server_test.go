package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/health"
)

// ask makes one request of a server without a network.
func ask(s *Server, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost:8080"+path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	s := newServer(t, quietGate())
	for _, path := range []string{"/", "/api/state", "/healthz", "/readyz", "/metrics", "/nowhere", "/static/x/main.js"} {
		header := ask(s, http.MethodGet, path).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
				"img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Cache-Control":                "no-store",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("GET %s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestHostHeader(t *testing.T) {
	s := newServer(t, quietGate(), "Gate-3.local", "192.168.1.13", "[fd00::13]")
	for _, test := range []struct {
		host string
		want int
	}{
		{"localhost:8080", 200},
		{"LOCALHOST", 200},
		{"localhost.", 200},
		{"127.0.0.1:8080", 200},
		{"127.8.8.8", 200},
		{"[::1]:8080", 200},
		{"[::ffff:127.0.0.1]:8080", 200},
		{"gate-3.local:8080", 200},
		{"gate-3.local.:8080", 200},
		{"192.168.1.13:8080", 200},
		{"[fd00:0::13]:8080", 200},
		{"192.168.1.14:8080", 421},
		{"evil.example:8080", 421},
		{"localhost.evil.example", 421},
		{"127.0.0.1.evil.example", 421},
		{"0.0.0.0:8080", 421},
		{"2130706433", 421},
		{"", 421},
		{":8080", 421},
		{"[", 421},
		{"a:b:c", 421},
	} {
		for _, path := range []string{"/", "/api/state", "/metrics"} {
			if got := ask(s, http.MethodGet, path, "Host", test.host).Code; got != test.want {
				t.Errorf("GET %s of host %q: %d, want %d", path, test.host, got, test.want)
			}
		}
	}
}

func FuzzHost(f *testing.F) {
	for _, host := range []string{"localhost:8080", "[::1]:8080", "evil.example", "[", "127.0.0.1%eth0", "::ffff:127.0.0.1"} {
		f.Add(host)
	}
	set := newHostSet(nil)
	f.Fuzz(func(t *testing.T, host string) {
		if !set.allow(host) {
			return
		}
		// Whatever is let in, a resolver would take for loopback as well.
		name, _, err := net.SplitHostPort(host)
		if err != nil {
			name = strings.Trim(host, "[]")
		}
		name = strings.TrimSuffix(strings.ToLower(strings.Trim(name, "[]")), ".")
		name, _, _ = strings.Cut(name, "%")
		if ip := net.ParseIP(name); name != "localhost" && (ip == nil || !ip.IsLoopback()) {
			t.Errorf("host %q is let in", host)
		}
	})
}

func TestMethods(t *testing.T) {
	s := newServer(t, quietGate())
	for _, path := range []string{"/", "/events", "/api/state", "/healthz", "/readyz", "/metrics"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, "BREW"} {
			w := ask(s, method, path)
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, allowed %q; want 405 and GET, HEAD", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
		if w := ask(s, http.MethodHead, path); w.Code != http.StatusOK {
			t.Errorf("HEAD %s: %d, want 200", path, w.Code)
		}
	}
}

func TestNothingElseIsThere(t *testing.T) {
	s := newServer(t, quietGate())
	version := s.assets.version
	for _, path := range []string{
		"/static", "/static/", "/static/" + version, "/static/" + version + "/", "/static/" + version + "/nothing.js",
		"/static/0000000000000000/main.js", "/static/" + version + "/..%2ftemplates%2flayout.html",
		"/templates/layout.html", "/favicon.ico", "/api", "/api/", "/debug/pprof/",
	} {
		if got := ask(s, http.MethodGet, path).Code; got != http.StatusNotFound {
			t.Errorf("GET %s: %d, want 404", path, got)
		}
	}
}

func TestStaticFilesMayBeKept(t *testing.T) {
	s := newServer(t, quietGate())
	for name := range s.assets.files {
		w := ask(s, http.MethodGet, "/static/"+s.assets.version+"/"+name)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d, want 200", name, w.Code)
		}
		if got := w.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control is %q", name, got)
		}
		if strings.HasSuffix(name, ".js") && w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
			t.Errorf("%s: Content-Type is %q; browsers refuse it as a module", name, w.Header().Get("Content-Type"))
		}
	}
}

func TestPageLanguage(t *testing.T) {
	s := newServer(t, quietGate())
	for _, test := range []struct {
		query, accept string
		want          gate.Language
	}{
		{"", "", gate.Chinese}, // the gate's own
		{"", "en", gate.English},
		{"", "en-GB,en;q=0.9", gate.English},
		{"", "zh-CN,zh;q=0.9,en;q=0.8", gate.Chinese},
		{"", "zh-TW", gate.Chinese},
		{"", "en;q=0.3, zh;q=0.9", gate.Chinese},
		{"", "ta, en", gate.English},
		{"", "fi, ja", gate.Chinese},
		{"?lang=en", "zh-CN", gate.English},
		{"?lang=zh-CN", "en", gate.Chinese},
		{"?lang=zh", "en", gate.Chinese},
		{"?lang=tlh", "en", gate.English},
		{"?lang=%00%ff", "en", gate.English},
		{"", strings.Repeat("xx,", 5000) + "en", gate.Chinese},
		{"", "en," + strings.Repeat("a", 5000), gate.English},
	} {
		w := ask(s, http.MethodGet, "/"+test.query, "Accept-Language", test.accept)
		accept := test.accept[:min(len(test.accept), 40)]
		if got := w.Header().Get("Content-Language"); got != string(test.want) {
			t.Errorf("%s with %q: the page is in %q, want %s", test.query, accept, got, test.want)
		}
		if !strings.Contains(w.Body.String(), `<html lang="`+string(test.want)+`"`) {
			t.Errorf("%s with %q: <html lang> is not %s", test.query, accept, test.want)
		}
		if got := w.Header().Get("Vary"); got != "Accept-Language" {
			t.Errorf("%s with %q: Vary is %q", test.query, accept, got)
		}
	}
}

func TestPageHasNothingInline(t *testing.T) {
	page := ask(newServer(t, quietGate()), http.MethodGet, "/").Body.String()
	for _, inline := range []string{"<style", " style=", " onclick=", " onload=", "javascript:", "http://", "https://"} {
		if strings.Contains(page, inline) {
			t.Errorf("the page has %q in it", inline)
		}
	}
	if n := strings.Count(page, "<script"); n != 1 {
		t.Errorf("the page has %d scripts, want the one module", n)
	}
}

func TestPageEscapesNames(t *testing.T) {
	source := quietGate()
	source.change(func(s *State) { s.Gate = `<script>alert(1)</script>"'` })
	page := ask(newServer(t, source), http.MethodGet, "/").Body.String()
	if strings.Contains(page, "<script>") {
		t.Error("a gate's name became markup")
	}
	if !strings.Contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the gate's name is not on the page as text")
	}
}

func TestReady(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*State)
		want   []string
	}{
		{"all is well", func(*State) {}, nil},
		{"one lane of two is down", func(s *State) { s.Lanes[0].Ready = false }, nil},
		{"no pack", func(s *State) { s.Pack = nil }, []string{"pack_missing"}},
		{"journal failed", func(s *State) { s.Journal.OK = false }, []string{"journal_failed"}},
		{"one lane down, the other closed", func(s *State) {
			s.Lanes[0].Ready, s.Lanes[1].Closed = false, true
		}, []string{"no_lane_ready"}},
		{"nothing works", func(s *State) { *s = State{} }, []string{"pack_missing", "journal_failed", "no_lane_ready"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			source := quietGate()
			source.state.Lanes = slices.Clone(source.state.Lanes)
			source.change(test.change)
			w := ask(newServer(t, source), http.MethodGet, "/readyz")
			var got struct {
				Ready   bool     `json:"ready"`
				Reasons []string `json:"reasons"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got.Ready != (test.want == nil) || !slices.Equal(got.Reasons, test.want) {
				t.Errorf("ready %v %v, want %v", got.Ready, got.Reasons, test.want)
			}
			if want := map[bool]int{true: 200, false: 503}[got.Ready]; w.Code != want {
				t.Errorf("status %d, want %d", w.Code, want)
			}
		})
	}
	source := &fakeGate{}
	if got := ask(newServer(t, source), http.MethodGet, "/healthz").Code; got != http.StatusOK {
		t.Errorf("/healthz of a gate where nothing works: %d, want 200: the process is alive", got)
	}
}

func TestMachinesGetNothingOfVisitors(t *testing.T) {
	s := newServer(t, troubledGate())
	for _, v := range []VerdictView{admitted(), alreadyInside(), referred()} {
		s.hub.Verdict(v)
	}
	for _, path := range []string{"/api/state", "/metrics", "/readyz"} {
		body := ask(s, http.MethodGet, path).Body.String()
		for _, private := range []string{"张", "欧阳", "L*", "1234", "5678", "9012", "A-12", `"7"`} {
			if strings.Contains(body, private) {
				t.Errorf("%s has %q of a visitor in it", path, private)
			}
		}
	}
}

func TestState(t *testing.T) {
	s := newServer(t, troubledGate())
	s.hub.Verdict(referred())
	w := ask(s, http.MethodGet, "/api/state?lang=en")
	var state map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &state); err != nil {
		t.Fatal(err)
	}
	lane := at(t, state, "lanes", 0)
	if last := at(t, lane, "last"); at(t, last, "reason") != "no_document_on_file" || at(t, last, "outcome") != "refer" {
		t.Errorf("the first lane's last verdict is %v", last)
	}
	warning := at(t, state, "warnings", 0)
	if at(t, warning, "code") != string(health.LaneDown) || at(t, warning, "severity") != "critical" ||
		at(t, warning, "text") != "Lane 北 2 is out of service." {
		t.Errorf("the first warning is %v, want the critical one", warning)
	}
	if got := at(t, state, "counts", "reasons", "code_stale"); got != 41.0 {
		t.Errorf("stale codes: %v, want 41", got)
	}
	if got := at(t, state, "now"); got != "2026-11-22T10:42:07Z" {
		t.Errorf("now is %v, want it in UTC", got)
	}
}

// at walks into decoded JSON.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok || m[step] == nil {
				t.Fatalf("no %q in %v", step, v)
			}
			v = m[step]
		case int:
			list, ok := v.([]any)
			if !ok || step >= len(list) {
				t.Fatalf("no element %d in %v", step, v)
			}
			v = list[step]
		}
	}
	return v
}

func TestMetrics(t *testing.T) {
	source := troubledGate()
	s := newServer(t, source)
	s.hub.Verdict(admitted())
	s.hub.Verdict(alreadyInside())
	s.hub.Verdict(alreadyInside())
	body := ask(s, http.MethodGet, "/metrics").Body.String()
	for _, line := range []string{
		`venuegate_verdicts_total{lane="北 1",outcome="admit",reason="admitted"} 1`,
		`venuegate_verdicts_total{lane="北 2",outcome="refuse",reason="already_inside"} 2`,
		`venuegate_decision_seconds_bucket{lane="北 1",le="0.0005"} 1`,
		`venuegate_decision_seconds_count{lane="北 2"} 2`,
		`venuegate_device_up{device="qr-2",lane="北 2",role="reader"} 0`,
		`venuegate_device_up{device="lcus-1",lane="北 1",role="barrier"} 1`,
		`venuegate_lane_ready{lane="北 2"} 0`,
		`venuegate_warnings{code="device_down",severity="warning"} 1`,
		`venuegate_warnings{code="journal_failed",severity="critical"} 0`,
		`venuegate_pack_age_seconds 10800`,
		`venuegate_pack_tickets 1e+06`,
		`venuegate_journal_sequence 13251`,
		`venuegate_journal_ok 1`,
		`venuegate_build_info{version="test"} 1`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}

	source.change(func(s *State) {
		s.Pack = nil
		s.Lanes = append(slices.Clone(s.Lanes), s.Lanes[0], LaneView{Name: "\xff"})
	})
	odd := admitted()
	odd.LaneName = "\xff"
	s.hub.Verdict(odd)
	w := ask(s, http.MethodGet, "/metrics")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "venuegate_pack_loaded 0\n") {
		t.Errorf("with a doubled lane name and one that is not UTF-8: %d, want what can be told", w.Code)
	}
}

func TestServeStopsClean(t *testing.T) {
	s := newServer(t, quietGate())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, listener) }()

	response, err := http.Get("http://" + listener.Addr().String() + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := response.Body.Read(make([]byte, 16)); err != nil {
		t.Fatalf("the stream does not begin: %v", err)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("Serve: %v, want nil after a clean stop", err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the stream ended with %v, want its end", err)
	}
	if n := s.hub.watching(); n != 0 {
		t.Errorf("%d streams are left", n)
	}
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("the listener is still open")
	}
}

func TestServeSaysWhyItFailed(t *testing.T) {
	s := newServer(t, quietGate())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(t.Context(), listener); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve on a closed listener: %v, want net.ErrClosed in it", err)
	}
}

func TestNewRefusesBadOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"no source":        {Hub: NewHub()},
		"no hub":           {Source: quietGate()},
		"unknown language": {Source: quietGate(), Hub: NewHub(), Language: "fr"},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
