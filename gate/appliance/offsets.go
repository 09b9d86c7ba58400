package appliance

import (
	"slices"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// peerClock is another gate's clock as this one measured it.
type peerClock struct {
	ahead        time.Duration
	synchronised bool
	measured     time.Time
}

const (
	// freshOffset is how old a measurement of a peer's clock may be.
	freshOffset = 30 * time.Second
	// smallOffset is how far a clock that nothing keeps right may be from those of
	// the peers and still be believed: a fifth of a code's step of 10 s.
	smallOffset = 2 * time.Second
)

// opinion is what the other gates think of this one's clock.
type opinion struct {
	peers  int           // whose clock was measured lately
	ahead  time.Duration // their median, of this gate's clock
	vouch  bool          // one of them at least is kept right by something
	spread time.Duration // between the first and the last of them
}

// ask makes an opinion of measurements. Peers whose clocks are kept right count
// alone where there are any: a crowd of boxes that were all set by hand proves
// nothing.
func ask(now time.Time, clocks []peerClock) opinion {
	var all, kept []time.Duration
	for _, c := range clocks {
		if age := now.Sub(c.measured); c.measured.IsZero() || age > freshOffset || age < -freshOffset {
			continue
		}
		all = append(all, c.ahead)
		if c.synchronised {
			kept = append(kept, c.ahead)
		}
	}
	o := opinion{peers: len(all), vouch: len(kept) > 0}
	if o.vouch {
		all = kept
	}
	if len(all) == 0 {
		return o
	}
	slices.Sort(all)
	o.ahead = all[len(all)/2]
	if len(all)%2 == 0 {
		o.ahead = (all[len(all)/2-1] + all[len(all)/2]) / 2
	}
	o.spread = all[len(all)-1] - all[0]
	return o
}

// trusts reports whether a clock that nothing keeps right is right all the same.
func (o opinion) trusts() bool { return o.vouch && o.ahead.Abs() <= smallOffset }

const (
	// phonesAsked is how many different tickets make a second opinion on the clock.
	phonesAsked = 50
	// phonesApart is the median offset of phones that is worth a warning.
	phonesApart = 15 * time.Second
)

// phones is the offset of phones' clocks over the last different tickets that
// were admitted: most phones are kept right by their network, so that their
// median is an opinion on this gate's clock that needs no gate.
type phones struct {
	mu    sync.Mutex
	of    [phonesAsked]gate.TicketID
	skews [phonesAsked]time.Duration
	next  int
	full  bool
}

// see takes the skew of one admitted ticket. One that was seen lately does not
// count again: a party would speak with many voices.
func (p *phones) see(ticket gate.TicketID, skew time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.Contains(p.of[:], ticket) {
		return
	}
	p.of[p.next], p.skews[p.next] = ticket, skew
	p.next = (p.next + 1) % phonesAsked
	p.full = p.full || p.next == 0
}

// median returns the phones' median offset, and whether there are enough of them.
func (p *phones) median() (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.full {
		return 0, false
	}
	sorted := slices.Clone(p.skews[:])
	slices.Sort(sorted)
	return (sorted[phonesAsked/2-1] + sorted[phonesAsked/2]) / 2, true
}
