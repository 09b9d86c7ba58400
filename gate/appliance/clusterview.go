package appliance

import (
	"fmt"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/claim"
	"github.com/venuegate/venuegate/sync/gossip"
)

// ClusterView is how a gate stands among the others: what its control socket
// answers to GET /cluster, and `venuegate cluster --json` prints.
type ClusterView struct {
	Gate     gate.GateID  `json:"gate"`
	Address  string       `json:"address,omitempty"` // that others are told
	Problem  string       `json:"problem,omitempty"` // what keeps it off the network
	Heard    int          `json:"heard"`             // gates heard lately, this one not counted
	Gates    int          `json:"gates"`             // on the roster, this one counted
	Isolated *time.Time   `json:"isolated_since,omitempty"`
	Claims   ClaimsView   `json:"claims"`
	Clock    ClockView    `json:"clock"`
	Peers    []PeerView   `json:"peers"`
	Logs     []LogView    `json:"logs"`
	Refused  []RefusalLog `json:"refused"`
}

// ClaimsView is what a gate knows of the keepers.
type ClaimsView struct {
	Role      string       `json:"role"`
	Leader    string       `json:"leader,omitempty"` // gate and incarnation
	Cluster   string       `json:"cluster,omitempty"`
	Keepers   []KeeperView `json:"keepers"`
	Problem   string       `json:"problem,omitempty"`
	Lates     int          `json:"records_to_hand_in"`
	Releases  int          `json:"claims_to_give_back"`
	Stranded  int          `json:"stranded"`
	Undecided int          `json:"undecided"`
}

// KeeperView is one keeper of the roster.
type KeeperView struct {
	Server  string `json:"server"`
	Up      bool   `json:"up"`
	Applied uint64 `json:"applied"`
	Why     string `json:"why,omitempty"`
}

// ClockView is where the gate's time comes from.
type ClockView struct {
	Trusted  bool   `json:"trusted"`
	Source   string `json:"source,omitempty"`
	OffsetMS int64  `json:"offset_ms"` // added to the machine's clock
}

// PeerView is another gate of the roster.
type PeerView struct {
	Gate     uint32     `json:"gate"`
	Name     string     `json:"name"`
	Address  string     `json:"address,omitempty"`
	Alive    bool       `json:"alive"` // by membership: a hint
	Heard    *time.Time `json:"heard,omitempty"`
	Behind   uint64     `json:"behind"` // records that it lacked, by its last word
	Ahead    uint64     `json:"ahead"`  // records that this gate lacked then
	OffsetMS *int64     `json:"offset_ms,omitempty"`
}

// LogView is one log that the gate holds.
type LogView struct {
	Gate  gate.GateID `json:"gate"`
	Epoch uint32      `json:"epoch"`
	Last  uint64      `json:"last"`
}

// RefusalLog is records in a gate's name that were not believed.
type RefusalLog struct {
	Gate  gate.GateID `json:"gate"`
	Epoch uint32      `json:"epoch"`
	First uint64      `json:"first"`
	Why   string      `json:"why"`
	Times uint64      `json:"times"`
}

// heardLately is how long ago a gate may have been heard to count as heard.
const heardLately = 5 * time.Second

// Cluster returns how the gate stands among the others.
func (a *Appliance) Cluster() ClusterView {
	r, now := a.packs.roster(), a.clock.Wall() // peers are heard by the machine's clock
	v := ClusterView{
		Gate: a.config().Gate.ID, Gates: len(r.gates),
		Peers: []PeerView{}, Logs: []LogView{}, Refused: []RefusalLog{},
		Clock: ClockView{Trusted: a.clock.Trusted(), Source: a.clock.source(), OffsetMS: a.clock.offset.Load() / int64(time.Millisecond)},
	}
	v.Claims = claimsView(a.claims.State(), &v)
	if a.cluster != nil {
		s, on := a.cluster.snapshot()
		switch {
		case !on:
			v.Problem = "the network's keys have not come yet: they are in the signed pack"
		default:
			v.Problem = s.Problem
		}
		if s.Address.IsValid() {
			v.Address = s.Address.String()
		}
		for i := range s.Peers {
			p := peerView(&s.Peers[i])
			if g := a.neighbours.now().gates[gate.GateID(p.Gate)]; g != nil {
				p.Name = g.Name
			}
			if p.Heard != nil && now.Sub(*p.Heard) < heardLately {
				v.Heard++
			}
			v.Peers = append(v.Peers, p)
		}
	}
	held := a.logs.Vector()
	for _, o := range sortedOrigins(held) {
		v.Logs = append(v.Logs, LogView{o.Gate, o.Epoch, held[o]})
	}
	refused, _ := a.logs.Quarantined()
	for i := range refused {
		q := &refused[i]
		v.Refused = append(v.Refused, RefusalLog{q.Origin.Gate, q.Origin.Epoch, q.First, string(q.Why), q.Count})
	}
	return v
}

func claimsView(s claim.State, v *ClusterView) ClaimsView {
	c := ClaimsView{
		Role: string(s.Role), Cluster: s.Cluster, Problem: s.Problem, Keepers: []KeeperView{},
		Lates: s.Lates, Releases: s.Releases, Stranded: len(s.Stranded), Undecided: len(s.Undecided),
	}
	if s.Leader != (claim.Server{}) {
		c.Leader = s.Leader.String()
	}
	for _, k := range s.Keepers {
		c.Keepers = append(c.Keepers, KeeperView{k.Server.String(), k.Up, k.Applied, k.Why})
	}
	if !s.Isolated.IsZero() {
		v.Isolated = &s.Isolated
	}
	return c
}

func peerView(p *gossip.PeerSnapshot) PeerView {
	v := PeerView{Gate: uint32(p.Gate), Alive: p.Alive, Behind: p.Behind, Ahead: p.Ahead}
	if len(p.Addresses) > 0 {
		v.Address = p.Addresses[0].String()
	}
	if !p.Heard.IsZero() {
		heard := p.Heard
		v.Heard = &heard
	}
	if !p.Clock.Measured.IsZero() {
		ms := p.Clock.Ahead.Milliseconds()
		v.OffsetMS = &ms
	}
	return v
}

// limits says what tickets allow by the packs in use. A ticket that no pack
// knows lets one person in once.
func (a *Appliance) limits() (l ledger.Limits, done func()) {
	view := a.packs.Acquire()
	packs := map[gate.EventID]interface {
		Ticket(id gate.TicketID, into *gate.Ticket) (bool, error)
		Policy() *gate.Policy
	}{}
	for _, p := range view.Packs() {
		packs[p.Event()] = p
	}
	var t gate.Ticket
	return ledger.Limits{
		Ticket: func(event gate.EventID, id gate.TicketID, _ gate.SessionID) (open, entries int) {
			if p := packs[event]; p != nil {
				if known, err := p.Ticket(id, &t); err == nil && known {
					return p.Policy().Limits(&t)
				}
			}
			return 1, 1
		},
		OnePerson: func(event gate.EventID) bool {
			p := packs[event]
			return p != nil && p.Policy().OnePerson
		},
	}, view.Release
}

// conflicts returns what was granted too often, as far as this gate has heard.
func (a *Appliance) conflicts() []ledger.ConflictReport {
	limits, done := a.limits()
	defer done()
	out := []ledger.ConflictReport{}
	for _, c := range a.ledger.Conflicts(0, limits) {
		out = append(out, c.Report())
	}
	return out
}

// quietAfter is how long a gate may be silent before that is worth a warning.
const quietAfter = 15 * time.Second

// checkCluster makes the warnings about other gates those of now.
func (a *Appliance) checkCluster(now time.Time) {
	byEvent := map[string]int{}
	for _, c := range a.conflicts() {
		byEvent[fmt.Sprint(c.Event)]++
	}
	a.healthBy(now, health.Conflicts, byEvent, nil)

	byGate, why := map[string]int{}, map[string]string{}
	refused, _ := a.logs.Quarantined()
	for i := range refused {
		id := fmt.Sprint(refused[i].Origin.Gate)
		byGate[id] += int(min(refused[i].Count, 1<<20))
		why[id] = string(refused[i].Why)
	}
	a.healthBy(now, health.LogRefused, byGate, why)

	if a.cluster == nil {
		return
	}
	s, on := a.cluster.snapshot()
	if on {
		a.networkTrouble(networkProblemOf(s.Problem))
	}
	silent, wall := 0, a.clock.Wall()
	for i := range s.Peers {
		if p := &s.Peers[i]; !p.Alive && wall.Sub(p.Heard) > quietAfter {
			silent++
		}
	}
	if silent > 0 {
		a.health.Set(now, health.PeersLost, "", health.Detail{Count: silent})
	} else {
		a.health.Clear(now, health.PeersLost, "")
	}
}

type networkError string

// Error implements error.
func (p networkError) Error() string { return string(p) }

func networkProblemOf(text string) error {
	if text == "" {
		return nil
	}
	return networkError(text)
}

// healthBy makes the warnings of one kind those of counts, by subject.
func (a *Appliance) healthBy(now time.Time, code health.Code, counts map[string]int, why map[string]string) {
	for subject, n := range counts {
		a.health.Set(now, code, subject, health.Detail{Count: n, Cause: why[subject]})
	}
	for _, w := range a.health.Current() {
		if w.Code == code && counts[w.Subject] == 0 {
			a.health.Clear(now, code, w.Subject)
		}
	}
}

// checkPhones makes the warning about visitors' phones that of now.
func (a *Appliance) checkPhones(now time.Time) {
	apart, enough := a.phones.median()
	if !enough || apart.Abs() < phonesApart {
		a.health.Clear(now, health.PhonesApart, "")
		return
	}
	word := "ahead of the gate"
	if apart < 0 {
		word = "behind the gate"
	}
	a.health.Set(now, health.PhonesApart, "", health.Detail{Cause: fmt.Sprintf("%v %s", apart.Abs().Round(time.Second), word)})
}
