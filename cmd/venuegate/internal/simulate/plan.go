package simulate

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/gossip/gossiptest"
)

// plan is what a seed draws: who comes when and where, and what goes wrong. All
// of it is drawn before anything runs.
type plan struct {
	visits []visit
	faults []fault
}

// visit is one presentation of one ticket.
type visit struct {
	at     time.Duration
	ticket gate.TicketID
	gate   gate.GateID
	lane   int
	walk   walk
	exit   bool // only where somebody of the ticket is inside
}

// fault is one thing that goes wrong, and for how long.
type fault struct {
	at, lasts time.Duration
	kind      Fault
	gates     []gate.GateID // a group that is cut off; who falls; whose clock jumps; a pair of which the second does not hear the first
	silently  bool
	just      moment // a gate falls just then, or soon after if that does not come
	jump      time.Duration
	weather   gossiptest.Faults
}

// moment is when a gate falls.
type moment int

// The moments at which a fall does most harm.
const (
	whenever     moment = iota
	whenClaimed         // the keepers have granted a claim that is not on record yet
	whenRecorded        // a grant is on the disk, and nobody has heard of it
	moments      = iota
)

func draw(o *Options) plan {
	visits := rand.New(rand.NewPCG(o.Seed, 1))
	faults := rand.New(rand.NewPCG(o.Seed, 2))
	return plan{visits: drawVisits(o, visits), faults: drawFaults(o, faults)}
}

// hash names a plan, so that two runs can be compared.
func (p *plan) hash() string {
	h := sha256.New()
	for _, v := range p.visits {
		_, _ = fmt.Fprintln(h, v)
	}
	for _, f := range p.faults {
		_, _ = fmt.Fprintln(h, f)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// drawVisits draws presentations until there are enough on the way in. Those on
// the way out take place only where somebody is inside.
func drawVisits(o *Options, r *rand.Rand) []visit {
	d := visitDraw{o: o, r: r}
	for d.in < o.Presentations {
		d.next()
	}
	slices.SortStableFunc(d.out, func(a, b visit) int { return cmp.Compare(a.at, b.at) })
	return d.out
}

type visitDraw struct {
	o   *Options
	r   *rand.Rand
	out []visit
	in  int // of them, on the way in
}

func (d *visitDraw) next() {
	i := d.r.IntN(d.o.Tickets)
	id := gate.TicketID(i + 1)
	at := time.Duration(d.r.Int64N(int64(d.o.length()-time.Second))).Truncate(time.Millisecond) + time.Millisecond
	g := d.gate()
	switch what := d.r.IntN(100); {
	case what < 20: // at several gates in the same millisecond
		for range 2 + d.r.IntN(2) {
			d.put(at, id, d.gate(), walk{})
		}
	case what < 30: // handed back over the fence
		d.put(at, id, g, walk{})
		d.put(at+time.Duration(200+d.r.IntN(3000))*time.Millisecond, id, d.gate(), walk{})
	case what < 65: // out, and back in elsewhere
		d.leave(at, id)
		d.put(at+time.Duration(3+d.r.IntN(25))*time.Second, id, g, walk{})
	case what < 75: // does not go through, and comes to another gate
		d.put(at, id, g, walk{stays: true})
		d.put(at+time.Duration(3000+d.r.IntN(9000))*time.Millisecond, id, d.gate(), walk{})
	case what < 80:
		d.put(at, id, g, walk{unheard: true})
	case what < 90 && kindOf(i) == paired && id > 1: // both tickets of one person
		other := id - 1
		if kindOf(i-1) != paired {
			other = id + 1
		}
		d.put(at, id, g, walk{})
		if int(other) <= d.o.Tickets {
			d.put(at, other, d.gate(), walk{})
		}
	case what < 90 && kindOf(i) == several: // by ones, at whichever gate has the shortest queue
		for n := range party + 1 {
			d.put(at+time.Duration(n*d.r.IntN(700))*time.Millisecond, id, d.gate(), walk{stays: d.r.IntN(10) == 0})
		}
	case what < 93:
		d.leave(at, id)
	default:
		d.put(at, id, g, walk{})
	}
}

func (d *visitDraw) gate() gate.GateID { return gate.GateID(1 + d.r.IntN(d.o.Gates)) }

func (d *visitDraw) put(at time.Duration, id gate.TicketID, g gate.GateID, w walk) {
	w.after = time.Duration(100+d.r.IntN(500)) * time.Millisecond
	if w.stays {
		w.after = 2 * time.Second
	}
	d.in++
	d.out = append(d.out, visit{at: at, ticket: id, gate: g, lane: d.r.IntN(exitLane), walk: w})
}

func (d *visitDraw) leave(at time.Duration, id gate.TicketID) {
	w := walk{after: time.Duration(100+d.r.IntN(500)) * time.Millisecond, stays: d.r.IntN(30) == 0 && d.o.has(Balk)}
	d.out = append(d.out, visit{at: at, ticket: id, gate: d.gate(), lane: exitLane, walk: w, exit: true})
}

// drawFaults draws what goes wrong. Everything has ended when the last visitor
// has come.
func drawFaults(o *Options, r *rand.Rand) []fault {
	d := faultDraw{o: o, r: r}
	if o.has(Loss) || o.has(Delay) || o.has(Reorder) || o.has(Duplicate) {
		d.weather()
	}
	every := func(f Fault, apart time.Duration, one func(at time.Duration)) {
		if !o.has(f) || o.Gates < 2 {
			return
		}
		for at := d.upTo(apart); at < o.length()-2*time.Second; at += apart/2 + d.upTo(apart) {
			one(at)
		}
	}
	every(Partition, 40*time.Second, d.partition)
	every(OneWay, 30*time.Second, d.oneWay)
	every(Crash, 45*time.Second, d.crash)
	every(Clock, 40*time.Second, d.clock)
	every(Wipe, 100*time.Second, d.wipe)
	slices.SortStableFunc(d.out, func(a, b fault) int { return cmp.Compare(a.at, b.at) })
	return d.out
}

type faultDraw struct {
	o     *Options
	r     *rand.Rand
	out   []fault
	wiped map[gate.GateID]bool
	lost  bool // a keeper has lost its disk
}

func (d *faultDraw) upTo(most time.Duration) time.Duration {
	return time.Duration(d.r.Int64N(int64(most))).Truncate(time.Millisecond)
}

func (d *faultDraw) put(f fault) {
	f.lasts = min(f.lasts, d.o.length()-f.at)
	d.out = append(d.out, f)
}

// wire is a network without faults.
var wire = gossiptest.Faults{Delay: 150 * time.Microsecond, Jitter: 100 * time.Microsecond}

// weather is what befalls every packet, and changes.
func (d *faultDraw) weather() {
	for at := time.Duration(0); at < d.o.length(); {
		w := wire
		if d.o.has(Loss) {
			w.Loss = [...]float64{0, 0.001, 0.01, 0.05, 0.2}[d.r.IntN(5)]
		}
		if d.o.has(Duplicate) {
			w.Duplicate = [...]float64{0, 0.01, 0.2}[d.r.IntN(3)]
		}
		if d.o.has(Delay) {
			w.Delay = [...]time.Duration{wire.Delay, wire.Delay, 2 * time.Millisecond, 15 * time.Millisecond, 60 * time.Millisecond}[d.r.IntN(5)]
		}
		if d.o.has(Reorder) {
			w.Jitter = [...]time.Duration{wire.Jitter, time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond}[d.r.IntN(4)]
		}
		lasts := 5*time.Second + d.upTo(20*time.Second)
		d.put(fault{at: at, lasts: lasts, kind: Loss, weather: w})
		at += lasts
	}
}

func (d *faultDraw) gate() gate.GateID { return gate.GateID(1 + d.r.IntN(d.o.Gates)) }

func (d *faultDraw) partition(at time.Duration) {
	var group []gate.GateID
	for g := gate.GateID(1); g <= gate.GateID(d.o.Gates); g++ {
		if d.r.IntN(2) == 0 {
			group = append(group, g)
		}
	}
	if d.r.IntN(3) == 0 {
		group = []gate.GateID{d.gate()}
	}
	d.put(fault{at: at, lasts: 2*time.Second + d.upTo(40*time.Second), kind: Partition, gates: group})
}

func (d *faultDraw) oneWay(at time.Duration) {
	a, b := d.gate(), d.gate()
	if a != b {
		d.put(fault{at: at, lasts: 2*time.Second + d.upTo(30*time.Second), kind: OneWay, gates: []gate.GateID{a, b}})
	}
}

func (d *faultDraw) crash(at time.Duration) {
	d.put(fault{
		at: at, lasts: time.Second + d.upTo(15*time.Second), kind: Crash,
		gates: []gate.GateID{d.gate()}, silently: d.r.IntN(2) == 0, just: moment(d.r.IntN(moments)),
	})
}

// clock makes a clock jump. Up to a second nobody notices.
func (d *faultDraw) clock(at time.Duration) {
	jump := d.upTo(8*time.Minute) - 4*time.Minute
	if d.r.IntN(3) == 0 {
		jump = d.upTo(2*time.Second) - time.Second
	}
	d.put(fault{at: at, lasts: 5*time.Second + d.upTo(time.Minute), kind: Clock, gates: []gate.GateID{d.gate()}, jump: jump})
}

// wipe takes a gate's disk, once. Of keepers one in a run loses it: what happens
// when most of them do is not promised.
func (d *faultDraw) wipe(at time.Duration) {
	g := d.gate()
	if d.wiped[g] {
		return
	}
	if int(g) <= d.o.Keepers {
		if d.lost || d.o.Keepers < 3 {
			return
		}
		d.lost = true
	}
	if d.wiped == nil {
		d.wiped = map[gate.GateID]bool{}
	}
	d.wiped[g] = true
	d.put(fault{at: at, lasts: time.Second + d.upTo(20*time.Second), kind: Wipe, gates: []gate.GateID{g}, silently: d.r.IntN(2) == 0, just: moment(d.r.IntN(moments))})
}
