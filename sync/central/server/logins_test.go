package server

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// Ten thousand bad logins at once: no more than a few are hashed or wait, the
// others are turned away, and the right password works a minute later.
func TestManyBadLogins(t *testing.T) {
	f := newFixture(t)
	_, password, err := f.server.FirstAccount(t.Context())
	f.check(err)
	login := func(address, password string) int {
		body := url.Values{"name": {"admin"}, "password": {password}}.Encode()
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/admin/login", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		f.server.ServeHTTP(w, r)
		return w.Code
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var mu sync.Mutex
	codes := map[int]int{}
	var wg sync.WaitGroup
	for range 10_000 {
		wg.Go(func() {
			code := login("192.0.2.1:4711", "guess")
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
		})
	}
	wg.Wait()
	runtime.ReadMemStats(&after)
	hashed := codes[http.StatusForbidden]
	if hashed == 0 || hashed > triesAllowed+waitAtOnce+hashAtOnce || codes[http.StatusTooManyRequests] != 10_000-hashed {
		t.Errorf("answers %v", codes)
	}
	// Each hash takes 19 MiB and gives it back; the calls themselves take little.
	if grown := int64(after.TotalAlloc-before.TotalAlloc) >> 20; grown > int64(hashed+1)*argonMemory>>10+400 {
		t.Errorf("%d MiB were asked for", grown)
	}
	if code := login("192.0.2.1:4712", password); code != http.StatusTooManyRequests {
		t.Errorf("the address is not held back: %d", code)
	}
	if code := login("[2001:db8::1]:4712", password); code != http.StatusSeeOther {
		t.Errorf("another address: %d", code)
	}
	f.mu.Lock()
	f.now = f.now.Add(triesPer)
	f.mu.Unlock()
	if code := login("192.0.2.1:4712", password); code != http.StatusSeeOther {
		t.Errorf("a minute later: %d", code)
	}
	if _, again, err := f.server.FirstAccount(t.Context()); err != nil || again != "" {
		t.Errorf("a second first password: %v", err)
	}
}

// Pages are for those who are logged in, and forms for our own pages.
func TestPagesAreGuarded(t *testing.T) {
	f := newFixture(t)
	_, password, err := f.server.FirstAccount(t.Context())
	f.check(err)
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	in := f.call("POST", "/admin/login", []byte("name=admin&password="+password), form...)
	cookie := in.header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie is not %s: %s", want, strings.SplitN(cookie, ";", 2)[1])
		}
	}
	token, _, _ := strings.Cut(cookie, ";")
	for _, c := range []struct {
		name, method, path string
		header             []string
		status             int
	}{
		{"not logged in", "GET", "/admin/", nil, 303},
		{"not logged in, a form", "POST", "/admin/gates/1/strike", form, 303},
		{"another's cookie", "GET", "/admin/", []string{"Cookie", cookieName + "=guess"}, 303},
		{"logged in", "GET", "/admin/", []string{"Cookie", token}, 200},
		{"the API with the cookie", "GET", "/v1/events", []string{"Cookie", token}, 200},
		{"the API without", "GET", "/v1/events", nil, 401},
		{"from another site", "POST", "/admin/gates/1/strike", append([]string{"Cookie", token, "Sec-Fetch-Site", "cross-site"}, form...), 403},
		{"from another origin", "POST", "/admin/gates/1/strike", append([]string{"Cookie", token, "Origin", "https://evil.example"}, form...), 403},
		{"no such ticket", "GET", "/admin/tickets?ticket=5", []string{"Cookie", token}, 404},
		{"no number", "GET", "/admin/tickets?ticket=%3Cscript%3E", []string{"Cookie", token}, 400},
		{"no such event", "GET", "/admin/events/9", []string{"Cookie", token}, 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := f.call(c.method, c.path, nil, c.header...)
			if a.status != c.status {
				t.Errorf("%d, want %d", a.status, c.status)
			}
			if c.status == 200 && strings.HasPrefix(c.path, "/admin") && a.header.Get("Content-Security-Policy") != pagePolicy {
				t.Error("without a content policy")
			}
		})
	}
	f.mu.Lock()
	f.now = f.now.Add(sessionHolds + time.Second)
	f.mu.Unlock()
	if a := f.call("GET", "/admin/", nil, "Cookie", token); a.status != 303 {
		t.Errorf("half a day later: %d", a.status)
	}
}

// Behind a proxy on the same machine everybody seems to be that machine: who
// guesses passwords there holds back nobody else.
func TestLoginsBehindProxy(t *testing.T) {
	f := newFixture(t)
	_, password, err := f.server.FirstAccount(t.Context())
	f.check(err)
	login := func(remote, forwarded, password string) int {
		body := url.Values{"name": {"admin"}, "password": {password}}.Encode()
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/admin/login", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Forwarded-For", forwarded)
		r.RemoteAddr = remote
		w := httptest.NewRecorder()
		f.server.ServeHTTP(w, r)
		return w.Code
	}
	const proxy, stranger = "127.0.0.1:4711", "192.0.2.1:4711"
	for range triesAllowed {
		login(proxy, "198.51.100.7", "guess")
		login(stranger, "198.51.100.9", "guess")
	}
	for _, c := range []struct {
		name, remote, forwarded string
		want                    int
	}{
		{"who guessed", proxy, "198.51.100.7", http.StatusTooManyRequests},
		{"who guessed, with a tale before", proxy, "203.0.113.1, 198.51.100.7", http.StatusTooManyRequests},
		{"the office", proxy, "198.51.100.8", http.StatusSeeOther},
		{"what a stranger says of itself", stranger, "198.51.100.10", http.StatusTooManyRequests},
	} {
		if got := login(c.remote, c.forwarded, password); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// A cookie that was had over HTTPS goes over nothing else, also where a proxy
// speaks it for central.
func TestCookieIsSecure(t *testing.T) {
	for address, want := range map[string]bool{"": false, "http://central.example": false, "https://central.example": true} {
		f := newFixture(t)
		f.stop()
		var err error
		f.server, err = Open(Options{Dirs: []string{f.dir}, Now: f.clock, Random: rand.Reader, Log: zerolog.New(f), URL: address})
		f.check(err)
		f.http = httptest.NewServer(f.server)
		_, password, err := f.server.FirstAccount(t.Context())
		f.check(err)
		got := f.call("POST", "/admin/login", []byte(url.Values{"name": {"admin"}, "password": {password}}.Encode()),
			"Content-Type", "application/x-www-form-urlencoded")
		if cookie := got.header.Get("Set-Cookie"); strings.Contains(cookie, "; Secure") != want || !strings.Contains(cookie, "; HttpOnly") {
			t.Errorf("at %q: %d, %s", address, got.status, strings.SplitN(cookie, ";", 2)[1:])
		}
	}
}
