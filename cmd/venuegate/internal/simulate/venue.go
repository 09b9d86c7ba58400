package simulate

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/claim"
	"github.com/venuegate/venuegate/sync/gossip"
	"github.com/venuegate/venuegate/sync/gossip/gossiptest"
)

// venue is all gates, and what is true whether they know it or not.
type venue struct {
	options Options
	begin   time.Time // of the visits
	pack    *pack
	network *network
	list    *gossiptest.List
	boxes   []*box
	truth   *truth
	history *history
	log     *slog.Logger

	mu     sync.Mutex
	down   map[gate.GateID]int       // faults that keep a gate off
	well   map[gate.GateID]time.Time // since when none does
	apart  map[way]int               // faults that let nothing pass
	healed map[way]time.Time         // since when none does
	holder map[gate.TicketID]*holder
	counts counts
}

// holder is where the people of a ticket really are.
type holder struct {
	inside int

	// Of the person, under the first of their tickets.
	busy    int       // presentations under way
	visits  int       // in all
	latest  time.Time // when one ended last
	came    bool
	granted bool
}

func newVenue(o Options) (*venue, error) {
	v := &venue{
		options: o, network: newNetwork(o.Seed), log: slog.New(slog.DiscardHandler),
		down: map[gate.GateID]int{}, well: map[gate.GateID]time.Time{}, apart: map[way]int{}, healed: map[way]time.Time{}, holder: map[gate.TicketID]*holder{},
	}
	v.history = &history{venue: v}
	v.truth = newTruth(v)
	var err error
	if v.pack, err = newPack(&o, time.Now()); err != nil {
		return nil, err
	}
	fixed := map[gossip.Peer]netip.AddrPort{}
	for g := gate.GateID(1); g <= gate.GateID(o.Gates); g++ {
		fixed[gossip.Peer(g)] = address(g)
		v.boxes = append(v.boxes, &box{venue: v, id: g})
		v.well[g] = time.Now()
	}
	v.list = gossiptest.NewList("roster", fixed)
	for id := range v.pack.tickets {
		v.holder[gate.TicketID(id+1)] = &holder{}
	}
	return v, nil
}

func (v *venue) box(g gate.GateID) *box {
	if g < 1 || int(g) > len(v.boxes) {
		return nil
	}
	return v.boxes[g-1]
}

func (v *venue) lives() []*life {
	var all []*life
	for _, b := range v.boxes {
		if l := b.running(); l != nil {
			all = append(all, l)
		}
	}
	return all
}

var networkKey = bytes.Repeat([]byte{7}, gossip.KeySize)

func (v *venue) ring() *gossip.Keys {
	keys, err := gossip.NewKeys(networkKey)
	if err != nil {
		panic(err) // the key has the right length
	}
	return keys
}

// roster is what the venue's roster says of keepers now: a box that was made
// anew has another incarnation, and the roster another version.
func (v *venue) roster() claim.Roster {
	r := claim.Roster{Version: 1, Gates: len(v.boxes)}
	for _, b := range v.boxes {
		b.mu.Lock()
		incarnation := max(1, b.incarnation)
		b.mu.Unlock()
		r.Version += uint64(incarnation)
		if int(b.id) <= v.options.Keepers {
			r.Keepers = append(r.Keepers, claim.Server{Gate: b.id, Incarnation: incarnation})
		}
	}
	return r
}

// start switches all gates on and waits until they agree on who leads.
func (v *venue) start() error {
	v.network.setWeather(wire)
	for _, b := range v.boxes {
		if err := b.start(); err != nil {
			return err
		}
	}
	if !v.await(time.Minute, v.agreed) {
		return fmt.Errorf("after a minute without faults the gates have not found each other")
	}
	return nil
}

func (v *venue) await(limit time.Duration, is func() bool) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if is() {
			return true
		}
	}
	return false
}

// agreed reports whether every gate knows every other and the same leader.
func (v *venue) agreed() bool {
	all := v.lives()
	if len(all) < len(v.boxes) {
		return false
	}
	if len(all) == 1 {
		return true
	}
	var leader claim.Server
	for _, l := range all {
		s := l.claims.State()
		if leader == (claim.Server{}) {
			leader = s.Leader
		}
		if s.Leader == (claim.Server{}) || s.Leader != leader {
			return false
		}
		for _, k := range s.Keepers {
			if !k.Up && k.Server != s.Self {
				return false
			}
		}
		for _, p := range l.node.Snapshot().Peers {
			if !p.Alive {
				return false
			}
		}
	}
	return true
}

// within returns the gates that nothing stands between and a gate.
func (v *venue) within(g gate.GateID) (bits uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, b := range v.boxes {
		if b.id != g && v.down[g]+v.down[b.id]+v.apart[way{g, b.id}]+v.apart[way{b.id, g}] == 0 {
			bits |= bit(b.id)
		}
	}
	return bits
}

// switched notes that a gate goes off, or is on again.
func (v *venue) switched(g gate.GateID, by int) {
	v.mu.Lock()
	v.down[g] += by
	v.well[g] = time.Now()
	v.mu.Unlock()
	v.truth.beyond(bit(g))
}

// separated notes that nothing passes along ways, or something again.
func (v *venue) separated(ways []way, by int) {
	var bits uint64
	v.mu.Lock()
	for _, w := range ways {
		v.apart[w] += by
		v.healed[w] = time.Now()
		bits |= bit(w.from) | bit(w.to)
	}
	v.mu.Unlock()
	v.truth.beyond(bits)
	v.network.cut(ways, by)
}

// joined reports whether two gates have been on, and nothing has stood between
// them, for the grace. v.mu is held.
func (v *venue) joined(a, b gate.GateID) bool {
	on := func(g gate.GateID) bool { return v.down[g] == 0 && time.Since(v.well[g]) >= v.grace() }
	open := func(w way) bool {
		healed, cut := v.healed[w]
		return v.apart[w] == 0 && (!cut || time.Since(healed) >= v.grace())
	}
	return on(a) && on(b) && open(way{a, b}) && open(way{b, a})
}

// stop switches all gates off, and waits for what they leave behind.
func (v *venue) stop() {
	for _, l := range v.lives() {
		v.network.off(l.port, false)
		l.air.shut()
		if err := l.stop(); err != nil {
			v.truth.violate("gate %d: %v", l.id, err)
		}
	}
	time.Sleep(30 * time.Second) // what memberlist and Raft have started has deadlines
}

func sortedKeys[K interface{ ~uint32 | ~uint64 }, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
