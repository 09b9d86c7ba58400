package web

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"
)

const (
	sessionCookie = "venuegate_staff"
	sessionLasts  = 12 * time.Hour
	// maxSessions bounds all sessions, and maxOwn one person's: a new one ends
	// the oldest.
	maxSessions = 512
	maxOwn      = 8
)

// sessions are who is signed in, until then or until the gate restarts.
type sessions struct {
	now func() time.Time

	mu  sync.Mutex
	all map[string]session
}

type session struct {
	staff uint32
	until time.Time
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, all: map[string]session{}}
}

// begin signs somebody in and returns what their browser is to show.
func (s *sessions) begin(staff uint32) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.tidy(now)
	if oldest, n := s.oldest(func(x session) bool { return x.staff == staff }); n >= maxOwn {
		delete(s.all, oldest)
	}
	if oldest, n := s.oldest(func(session) bool { return true }); n >= maxSessions {
		delete(s.all, oldest)
	}
	token := rand.Text()
	s.all[token] = session{staff, now.Add(sessionLasts)}
	return token
}

// of returns who shows a token.
func (s *sessions) of(token string) (staff uint32, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.all[token]
	if !ok || !s.now().Before(x.until) {
		return 0, false
	}
	return x.staff, true
}

func (s *sessions) end(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, token)
}

// count is how many are signed in.
func (s *sessions) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tidy(s.now())
	return len(s.all)
}

func (s *sessions) tidy(now time.Time) {
	for token, x := range s.all {
		if !now.Before(x.until) {
			delete(s.all, token)
		}
	}
}

func (s *sessions) oldest(of func(session) bool) (token string, n int) {
	var until time.Time
	for t, x := range s.all {
		if !of(x) {
			continue
		}
		n++
		if until.IsZero() || x.until.Before(until) {
			token, until = t, x.until
		}
	}
	return token, n
}

// cookie is what a browser keeps: no script sees it, and no other site's page can
// have it sent.
func cookie(r *http.Request, token string, lasts time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: sessionCookie, Value: token, Path: "/", MaxAge: int(lasts / time.Second),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	}
}
