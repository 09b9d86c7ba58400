package web

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// How often anybody may try a PIN. Checking one costs some 30 ms and 19 MiB, and
// six digits are guessed in half a million tries; so tries are few, and those
// beyond them cost nothing.
const (
	triesAddress = 10               // at once from one address
	againAddress = 10 * time.Second // then one more each
	triesStaff   = 10               // at once for one of the staff, from anywhere
	againStaff   = 30 * time.Second
	maxBuckets   = 4096
	checkWait    = 2 * time.Second // for somebody else's check to end
)

// limits holds sign-ins to that rate. The oldest memory goes when there are too
// many addresses to remember; the staff's own buckets are few and stay.
type limits struct {
	now func() time.Time

	mu        sync.Mutex
	addresses map[netip.Addr]bucket
	staff     map[uint32]bucket
}

// bucket is how many tries are left, as of a moment.
type bucket struct {
	left int
	at   time.Time
}

func newLimits(now func() time.Time) *limits {
	return &limits{now: now, addresses: map[netip.Addr]bucket{}, staff: map[uint32]bucket{}}
}

// take uses up one try of an address and of one of the staff, if both have one.
// Of somebody whom the venue does not know only the address counts: anybody can
// make up numbers.
func (l *limits) take(from netip.Addr, staff uint32, known bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	a := refill(l.addresses, from, now, triesAddress, againAddress)
	s := bucket{left: 1}
	if known {
		s = refill(l.staff, staff, now, triesStaff, againStaff)
	}
	if a.left == 0 || s.left == 0 {
		return false
	}
	if len(l.addresses) >= maxBuckets {
		l.forget(now)
	}
	a.left--
	l.addresses[from] = a
	if known {
		s.left--
		l.staff[staff] = s
	}
	return true
}

// giveBack is for a try that was right.
func (l *limits) giveBack(from netip.Addr, staff uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.addresses, from)
	delete(l.staff, staff)
}

// forget drops what is as good as new, or else the address that was quiet
// longest.
func (l *limits) forget(now time.Time) {
	var quiet netip.Addr
	var since time.Time
	for a, b := range l.addresses {
		if now.Sub(b.at) >= triesAddress*againAddress {
			delete(l.addresses, a)
			continue
		}
		if since.IsZero() || b.at.Before(since) {
			quiet, since = a, b.at
		}
	}
	if len(l.addresses) >= maxBuckets {
		delete(l.addresses, quiet)
	}
}

// refill returns a bucket as it is now.
func refill[K comparable](buckets map[K]bucket, key K, now time.Time, most int, every time.Duration) bucket {
	b, ok := buckets[key]
	if !ok {
		return bucket{most, now}
	}
	n := int(now.Sub(b.at) / every)
	if n <= 0 {
		return b
	}
	if b.left+n >= most {
		return bucket{most, now}
	}
	return bucket{b.left + n, b.at.Add(time.Duration(n) * every)}
}

// addressOf is whom a request counts against: its address, of an IPv6 network
// all of it.
func addressOf(remote string) netip.Addr {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if net, err := addr.Prefix(64); err == nil {
			return net.Addr()
		}
	}
	return addr
}
