package server

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"
)

// logins checks passwords. However many come at once, two are hashed at a time
// and a few wait; the rest are turned away before they cost anything.
type logins struct {
	hashing chan struct{}
	waiting chan struct{}

	mu    sync.Mutex
	wrong map[netip.Prefix]tries
}

// tries are the wrong passwords of one address.
type tries struct {
	n    int
	from time.Time
}

// Bounds of logins.
const (
	hashAtOnce   = 2
	waitAtOnce   = 16
	triesAllowed = 10
	triesPer     = time.Minute
	maxAddresses = 4096
)

// Cost of a password hash, as OWASP's password storage cheat sheet advises for
// Argon2id: 19 MiB, two passes, one lane.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonSalt   = 16
	argonKey    = 32
)

func newLogins() *logins {
	return &logins{
		hashing: make(chan struct{}, hashAtOnce), waiting: make(chan struct{}, waitAtOnce),
		wrong: map[netip.Prefix]tries{},
	}
}

func tooMany(wait time.Duration) *problem {
	p := newProblem(http.StatusTooManyRequests, "too-many", "too many logins; wait a moment")
	p.retryAfter = wait
	return p
}

// turn waits for a turn to hash.
func (l *logins) turn(ctx context.Context) (done func(), err error) {
	select {
	case l.waiting <- struct{}{}:
	default:
		return nil, tooMany(2 * time.Second)
	}
	defer func() { <-l.waiting }()
	select {
	case l.hashing <- struct{}{}:
		return func() { <-l.hashing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash returns a password's hash in the PHC form.
func (l *logins) hash(ctx context.Context, password string) (string, error) {
	done, err := l.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // it never fails
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, 1, argonKey)
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, argonMemory, argonTime,
		enc.EncodeToString(salt), enc.EncodeToString(key)), nil
}

// check reports whether a password has a hash. An empty hash, which is that of
// an account that is not there, takes as long and fails.
func (l *logins) check(ctx context.Context, password, hash, address string, now time.Time) (bool, error) {
	from := network(address)
	if !l.allowed(from, now) {
		return false, tooMany(triesPer)
	}
	done, err := l.turn(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	var memory, passes uint32
	parts := strings.Split(hash, "$")
	salt, want := make([]byte, argonSalt), make([]byte, argonKey)
	good := len(parts) == 6 && parts[1] == "argon2id"
	if good {
		_, err1 := fmt.Sscanf(parts[3], "m=%d,t=%d,p=1", &memory, &passes)
		s, err2 := base64.RawStdEncoding.DecodeString(parts[4])
		k, err3 := base64.RawStdEncoding.DecodeString(parts[5])
		good = err1 == nil && err2 == nil && err3 == nil && memory <= 1<<20 && passes <= 16 && passes > 0 && len(k) == argonKey
		if good {
			salt, want = s, k
		}
	}
	if !good {
		memory, passes = argonMemory, argonTime
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, 1, argonKey)
	if good && subtle.ConstantTimeCompare(got, want) == 1 {
		return true, nil
	}
	l.fail(from, now)
	return false, nil
}

// network is who is counted as one: an address, of IPv6 its /64.
func network(address string) netip.Prefix {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}
	}
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

func (l *logins) allowed(from netip.Prefix, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.wrong[from]
	return t.n < triesAllowed || now.Sub(t.from) >= triesPer
}

func (l *logins) fail(from netip.Prefix, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.wrong) >= maxAddresses {
		for k, t := range l.wrong {
			if now.Sub(t.from) >= triesPer {
				delete(l.wrong, k)
			}
		}
		if len(l.wrong) >= maxAddresses {
			clear(l.wrong) // somebody has very many addresses; hashing stays bounded
		}
	}
	t := l.wrong[from]
	if now.Sub(t.from) >= triesPer {
		t = tries{from: now}
	}
	t.n++
	l.wrong[from] = t
}
