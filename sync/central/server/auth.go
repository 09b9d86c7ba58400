package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/venuegate/venuegate/sync/central"
)

// Roles of API keys. An office key may do everything that the office's pages
// can.
const (
	roleOffice = "office"
	roleSales  = "sales"
	roleReport = "report"
)

// who is somebody that may call.
type who struct {
	role    string
	channel uint16 // of a sales key
}

type localKey struct{}

// Local marks the calls of a listener that only this machine's owner of the
// venue can reach, such as a socket in its directory: they may do everything.
func Local(ctx context.Context) context.Context { return context.WithValue(ctx, localKey{}, true) }

// may returns who calls, if they have one of the roles.
func (s *Server) may(r *http.Request, roles ...string) (who, error) {
	w, err := s.identify(r)
	if err != nil {
		return who{}, err
	}
	if w.role != roleOffice && !slices.Contains(roles, w.role) {
		return who{}, newProblem(http.StatusForbidden, "forbidden", "a key with the role %s may not do this", w.role)
	}
	return w, nil
}

func (s *Server) identify(r *http.Request) (who, error) {
	if local, _ := r.Context().Value(localKey{}).(bool); local {
		return who{role: roleOffice}, nil
	}
	if key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return s.byKey(key)
	}
	if c, err := r.Cookie(cookieName); err == nil && s.sessions.has(c.Value, s.now()) {
		return who{role: roleOffice}, nil
	}
	return who{}, newProblem(http.StatusUnauthorized, "unauthorized", "send an API key: Authorization: Bearer …")
}

const keyPrefix = "vgk_"

// NewKey makes an API key and returns its text, which is kept nowhere.
func NewKey(a central.Accounts, k central.APIKey, random io.Reader) (text string, err error) {
	switch {
	case k.Role != roleOffice && k.Role != roleSales && k.Role != roleReport:
		return "", &central.OrderError{Field: "role", Why: "want office, sales or report"}
	case (k.Role == roleSales) != (k.Channel != 0):
		return "", &central.OrderError{Field: "channel", Why: "a sales key has a channel, and no other key has one"}
	case len(k.Name) > 100:
		return "", &central.OrderError{Field: "name", Why: "more than 100 bytes"}
	}
	var b [4 + 32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("make an API key: %w", err)
	}
	secret := base64.RawURLEncoding.EncodeToString(b[4:])
	sum := sha256.Sum256([]byte(secret))
	k.ID, k.Hash = hex.EncodeToString(b[:4]), sum[:]
	return keyPrefix + k.ID + "_" + secret, a.SetAPIKey(k)
}

func (s *Server) byKey(text string) (who, error) {
	wrong := newProblem(http.StatusUnauthorized, "unauthorized", "no such API key")
	rest, ok := strings.CutPrefix(text, keyPrefix)
	id, secret, cut := strings.Cut(rest, "_")
	if !ok || !cut || len(id) != 8 {
		return who{}, wrong
	}
	k, known, err := s.accounts().APIKey(id)
	if err != nil {
		return who{}, err
	}
	sum := sha256.Sum256([]byte(secret))
	if !known || subtle.ConstantTimeCompare(sum[:], k.Hash) != 1 {
		return who{}, wrong
	}
	return who{role: k.Role, channel: k.Channel}, nil
}

// accounts are in the first venue's file.
func (s *Server) accounts() central.Accounts { return s.venues[0].store }

// admin is the name of the office's account.
const admin = "admin"

// FirstAccount makes the office's account where there is none, and returns its
// password; empty where there is one.
func (s *Server) FirstAccount(ctx context.Context) (name, password string, err error) {
	if _, there, err := s.accounts().Account(admin); there || err != nil {
		return admin, "", err
	}
	return NewPassword(ctx, s.accounts(), s.now())
}

// NewPassword gives the office's account a new password and returns it. It is
// kept nowhere.
func NewPassword(ctx context.Context, a central.Accounts, now time.Time) (name, password string, err error) {
	password = rand.Text() // 130 bits
	hash, err := newLogins().hash(ctx, password)
	if err != nil {
		return admin, "", err
	}
	return admin, password, a.SetAccount(central.Account{Name: admin, Password: hash, Made: now.UTC()})
}

// sessions are the logins that hold, in memory: after a restart people log in
// again.
type sessions struct {
	mu   sync.Mutex
	ends map[[32]byte]time.Time // by the hash of what the cookie holds
}

const (
	cookieName   = "venuegate"
	sessionHolds = 12 * time.Hour
	maxSessions  = 1000
)

// begin makes a session and returns what the cookie holds.
func (l *sessions) begin(now time.Time) (string, error) {
	token := rand.Text()
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, end := range l.ends {
		if !now.Before(end) {
			delete(l.ends, k)
		}
	}
	if len(l.ends) >= maxSessions {
		return "", errors.New("too many people are logged in")
	}
	l.ends[sha256.Sum256([]byte(token))] = now.Add(sessionHolds)
	return token, nil
}

func (l *sessions) has(token string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Before(l.ends[sha256.Sum256([]byte(token))])
}

func (l *sessions) end(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ends, sha256.Sum256([]byte(token)))
}
