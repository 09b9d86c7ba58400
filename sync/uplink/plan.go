package uplink

import (
	"cmp"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// progress is how far one log is. Central's word replaces it at every turn.
type progress struct {
	next   uint64 // the sequence that central wants
	closed string // why central takes no more of it

	trouble error     // why it is passed over,
	until   time.Time // and till when
	best    uint64    // the highest that central ever wanted
	gaps    int       // how often it went back on that, since it went up
	broke   int       // how often central broke over it (500), one after the other

	// Of other gates' logs. Their own gate, or another relay, may be sending
	// them: so one waits, and asks again, before one does it for them.
	hold time.Time // not before; zero: nothing was pending
	mark uint64    // what central wanted when the wait began
	ours bool      // it was this gate that sent the last of it
	runs bool      // and it goes on with it
}

// relayAfter is how long other gates' records wait for somebody else to send
// them: once to twice as long, and half to once for the relay that has done it
// so far.
const relayAfter = 5 * time.Second

// fresh is how old central's vector may be when a relay begins with a log.
const fresh = 500 * time.Millisecond

// How long a log is passed over for that central refuses, and one that cannot
// be read here.
const (
	refusedFor    = 10 * time.Minute
	unreadableFor = 30 * time.Second
)

// plan is what is to be sent, in which order. It is for one goroutine.
type plan struct {
	self  gate.GateID
	logs  map[ledger.Origin]*progress
	ranks map[gate.GateID]uint32
	// asked is when central's vector was had; zero: it must be.
	asked time.Time
}

// learn takes in central's vector.
func (p *plan) learn(now time.Time, local ledger.Vector, at map[ledger.Origin]known) {
	p.asked = now
	for o := range p.logs {
		if _, held := local[o]; !held {
			delete(p.logs, o) // deleted here, after its retention
		}
	}
	for o := range local {
		l := p.logs[o]
		if l == nil {
			l = &progress{mark: 1}
			p.logs[o] = l
		}
		k, ok := at[o]
		if !ok {
			k.next = 1
		}
		l.next, l.closed = k.next, k.closed
		if o.Gate != p.self && l.next != l.mark {
			l.mark, l.ours = l.next, false // somebody is at it
			l.rest(time.Time{})
		}
	}
}

// next returns the log to send of: this gate's own first, oldest epoch first,
// then other gates', each relay in an order of its own. Where there is none,
// ask says that central's vector is wanted first, else wake when to look again;
// zero is no sooner than ever.
func (p *plan) next(now time.Time, local ledger.Vector) (o ledger.Origin, found, ask bool, wake time.Time) {
	sooner := func(t time.Time) {
		if wake.IsZero() || t.Before(wake) {
			wake = t
		}
	}
	for _, o := range p.order(local) {
		l := p.logs[o]
		switch {
		case l == nil:
			return ledger.Origin{}, false, true, time.Time{} // new here, and unknown how far central is
		case l.closed != "":
		case l.next > local[o]:
			l.rest(time.Time{})
		case l.trouble != nil && now.Before(l.until):
			sooner(l.until)
		case o.Gate == p.self:
			return o, true, false, time.Time{}
		case l.hold.IsZero():
			l.hold = now.Add(l.patience())
			sooner(l.hold)
		case now.Before(l.hold):
			sooner(l.hold)
		case !l.runs && (p.asked.Before(l.hold) || now.Sub(p.asked) > fresh):
			return ledger.Origin{}, false, true, time.Time{}
		default:
			return o, true, false, time.Time{}
		}
	}
	return ledger.Origin{}, false, false, wake
}

// rest makes the log one that nobody here is at, before some time.
func (l *progress) rest(until time.Time) { l.hold, l.runs = until, false }

func (l *progress) patience() time.Duration {
	wait := relayAfter + rand.N(relayAfter)
	if l.ours {
		wait /= 2
	}
	return wait
}

func (p *plan) order(local ledger.Vector) []ledger.Origin {
	origins := make([]ledger.Origin, 0, len(local))
	for o := range local {
		origins = append(origins, o)
	}
	slices.SortFunc(origins, func(a, b ledger.Origin) int {
		mine, theirs := a.Gate == p.self, b.Gate == p.self
		switch {
		case mine && theirs || a.Gate == b.Gate:
			return a.Compare(b)
		case mine:
			return -1
		case theirs:
			return 1
		}
		return cmp.Or(cmp.Compare(p.rank(a.Gate), p.rank(b.Gate)), a.Compare(b))
	})
	return origins
}

// rank spreads relays over the gates that they send for.
func (p *plan) rank(g gate.GateID) uint32 {
	r, ok := p.ranks[g]
	if !ok {
		h := fnv.New32a()
		_, _ = h.Write([]byte(strconv.Itoa(int(p.self)) + "/" + strconv.Itoa(int(g))))
		r = h.Sum32()
		p.ranks[g] = r
	}
	return r
}

// took notes central's answer to a batch that ended with last. Another end than
// ours means that another relay sends the same log: that one goes on with it.
func (p *plan) took(now time.Time, o ledger.Origin, last, next uint64) {
	l := p.logs[o]
	l.next, l.mark = next, next
	if next > l.best {
		l.best, l.gaps, l.broke, l.trouble = next, 0, 0, nil
	}
	l.ours = next == last+1
	l.runs = l.ours
	if o.Gate != p.self && !l.ours {
		l.rest(now.Add(l.patience()))
	}
}

// size is how many records to send at once. Other gates' logs are cut at random,
// so that two relays that send the same one notice it.
func (p *plan) size(o ledger.Origin, batch int) int {
	if o.Gate == p.self {
		return batch
	}
	return batch - rand.N(batch/4+1)
}
