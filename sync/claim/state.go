package claim

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate/ledger"
)

// State is what a Node knows of itself and the keepers, for the staff page and
// `venuegate cluster`. It names no person.
type State struct {
	Role       Role
	Self       Server
	Leader     Server // zero: none is known
	Term       uint64
	Generation uint32 // of the cluster; a higher one was seeded by hand
	Cluster    string // its id, 64 hex digits; empty: none is known
	Keepers    []KeeperState
	Applied    uint64 // index of the log; keepers only
	Roster     uint64 // version that the keepers follow; keepers only
	Facts      int    // what they hold of records; keepers only

	Isolated time.Time // since when; zero: the gate is not isolated
	Problem  string    // what staff should know; empty: nothing

	Releases  int         // claims of this gate that are still to be given back
	Lates     int         // records that are still to be handed in
	Undecided []uint64    // claims of an earlier start that staff must decide
	Stranded  []OpenClaim // granted for long and not on record; keepers only
	Refused   map[string]uint64
}

// Role is what a gate has to do with claims.
type Role string

// The roles.
const (
	RoleAlone     Role = "alone"     // its own keeper: there is no other gate, or no keeper is named
	RoleClient    Role = "client"    // asks the keepers
	RoleFollower  Role = "follower"  // a keeper
	RoleCandidate Role = "candidate" // a keeper that wants to lead
	RoleLeader    Role = "leader"    // the keeper that leads
	RoleWaiting   Role = "waiting"   // a keeper by the roster, and not taken in yet
)

// KeeperState is one keeper of the roster, as seen from this gate.
type KeeperState struct {
	Server  Server
	Up      bool
	Heard   time.Time
	Applied uint64
	Why     string // why it is not up
}

// Knows reports whether this gate is a keeper and the keepers were told of a
// record.
func (n *Node) Knows(p ledger.Position) bool {
	n.mu.Lock()
	k := n.keeper
	n.mu.Unlock()
	return k != nil && k.fsm.knowsRecord(p)
}

// State returns how things stand.
func (n *Node) State() State {
	roster := n.opts.Roster()
	n.mu.Lock()
	defer n.mu.Unlock()
	s := State{
		Role: RoleClient, Self: n.self, Leader: n.lead.leader, Term: n.lead.term,
		Generation: n.memory.cluster.Generation, Isolated: n.isolated, Problem: n.problem,
		Lates: n.shelf.count, Undecided: slices.Clone(n.knowledge.undecided), Refused: maps.Clone(n.refused),
	}
	if !n.memory.cluster.isZero() {
		s.Cluster = hex.EncodeToString(n.memory.cluster.ID[:])
	}
	s.Releases = n.releases.len()
	for _, f := range n.flights {
		s.Releases += spans(f.releases).len()
		for i := range f.runs {
			s.Lates += len(f.runs[i].records)
		}
	}
	if roster.alone() {
		// Nobody waits for what it has on record.
		s.Role, s.Lates, s.Releases = RoleAlone, 0, 0
		return s
	}
	k := n.keeper
	if k == nil && slices.Contains(roster.Keepers, n.self) {
		s.Role = RoleWaiting
	}
	for _, server := range roster.Keepers {
		one := KeeperState{Server: server}
		if l := n.links[server]; l != nil {
			one.Up, one.Heard, one.Applied, one.Why = l.up, l.heard, l.welcome.applied, l.why
		} else if server == n.self && k != nil {
			one.Up, one.Heard, one.Applied = true, time.Now(), k.raft.AppliedIndex()
		}
		s.Keepers = append(s.Keepers, one)
	}
	if k == nil {
		return s
	}
	s.Role = Role(strings.ToLower(k.raft.State().String()))
	st := k.fsm.state()
	s.Applied, s.Roster, s.Facts = k.raft.AppliedIndex(), st.roster, st.facts
	s.Stranded = k.fsm.stranded(time.Now().Add(-n.opts.Times.Stranded))
	slices.SortFunc(s.Stranded, func(a, b OpenClaim) int { return a.Since.Compare(b.Since) })
	return s
}
