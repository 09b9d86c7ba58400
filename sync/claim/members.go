package claim

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

// manageMembers does the leader's share of keeping the members as the roster says. One
// thing at a time: what is under way must be agreed before the next.
func (n *Node) manageMembers(roster *Roster, k *keeper) {
	f := k.raft.GetConfiguration()
	if f.Error() != nil {
		return
	}
	servers, index := f.Configuration().Servers, f.Index()
	var then func() // with Node.mu free: Raft may wait for this gate's own answers
	defer func() {
		if then != nil {
			then()
		}
	}()
	n.mu.Lock()
	defer n.mu.Unlock()
	st := k.fsm.state()
	if !k.leads() {
		if k.raft.LastIndex() <= 1 && len(servers) > 1 {
			n.invite(k, servers)
		}
		return
	}
	now := time.Now()
	if now.Sub(k.changeAt) < time.Second && k.changeIndex == index {
		return
	}
	change := func(do func()) { k.changeAt, k.changeIndex, then = now, index, do }
	switch {
	case !st.seeded && k.cluster.Generation == 1:
		n.commit(k, commandSeeded, nil)
	case roster.Version > st.roster:
		n.commit(k, commandRoster, binary.BigEndian.AppendUint64(nil, roster.Version))
	case n.noteJoined(k, servers):
	case roster.Version < st.roster || len(roster.Keepers) == 0 || roster.alone():
		// this gate has an older roster than the keepers followed before
	case n.addMember(k, servers, roster, change):
	default:
		n.removeMember(k, servers, roster, change)
	}
}

func (n *Node) commit(k *keeper, kind commandKind, body []byte) {
	what := string(append([]byte{byte(kind)}, body...))
	if time.Since(k.committedAt) < time.Second && k.committed == what {
		return
	}
	k.committedAt, k.committed = time.Now(), what
	n.tasks.Go(func() { k.submit(kind, body, func(status, []result) {}) })
}

// invite tells the other founders to take part. It ends with the first entry
// after the founding one: from then on the leader does it.
func (n *Node) invite(k *keeper, servers []raft.Server) {
	t := take{cluster: k.cluster}
	for _, s := range servers {
		if f, err := ParseServer(string(s.ID)); err == nil {
			t.founders = append(t.founders, f)
		}
	}
	for _, s := range t.founders {
		if l := n.links[s]; l != nil && l.up && !l.welcome.has(isMember) {
			l.send(frameTake, t.bytes())
		}
	}
}

// noteJoined agrees on who has taken part. One of them that knows nothing later
// has lost its log, and must not come back under its old name: it may have
// voted.
func (n *Node) noteJoined(k *keeper, servers []raft.Server) bool {
	var joined []byte
	for _, s := range servers {
		id, err := ParseServer(string(s.ID))
		if err != nil || k.fsm.hasJoined(id) {
			continue
		}
		l := n.links[id]
		switch {
		case id == n.self, l != nil && l.up && n.speaksForUs(l):
			joined = appendServer(joined, id)
		case l != nil && l.up && !l.welcome.has(isMember):
			t := take{cluster: k.cluster}
			l.send(frameTake, t.bytes())
		}
	}
	if len(joined) > 0 {
		n.commit(k, commandJoined, joined)
	}
	return len(joined) > 0
}

// caughtUp is how many entries a new member may be behind to get a vote.
const caughtUp = 64

func (n *Node) addMember(k *keeper, servers []raft.Server, roster *Roster, change func(func())) bool {
	for _, want := range roster.Keepers {
		i := slices.IndexFunc(servers, func(s raft.Server) bool { return s.ID == raft.ServerID(want.String()) })
		l := n.links[want]
		reached := want == n.self || l != nil && l.up
		switch {
		case i >= 0 && servers[i].Suffrage == raft.Voter:
			continue
		case !reached:
			continue
		case i >= 0 && (want == n.self || n.speaksForUs(l) && l.welcome.applied+caughtUp >= k.raft.AppliedIndex()):
			change(func() {
				k.raft.AddVoter(raft.ServerID(want.String()), raft.ServerAddress(want.String()), 0, time.Second)
			})
			return true
		case i >= 0:
			continue // catching up
		case want != n.self && !n.speaksForUs(l):
			if k.fsm.hasJoined(want) {
				n.say("keeper " + want.String() + " has lost its log: it needs a new incarnation")
				continue
			}
			t := take{cluster: k.cluster}
			l.send(frameTake, t.bytes())
			continue
		default:
			change(func() {
				k.raft.AddNonvoter(raft.ServerID(want.String()), raft.ServerAddress(want.String()), 0, time.Second)
			})
			return true
		}
	}
	return false
}

// removeMember removes one that the roster does not name: the old incarnation
// of a box that is back as a voter at once, others when all that are named have
// a vote.
func (n *Node) removeMember(k *keeper, servers []raft.Server, roster *Roster, change func(func())) {
	votes := func(want Server) bool {
		return slices.ContainsFunc(servers, func(s raft.Server) bool {
			return s.ID == raft.ServerID(want.String()) && s.Suffrage == raft.Voter
		})
	}
	all := !slices.ContainsFunc(roster.Keepers, func(want Server) bool { return !votes(want) })
	for _, s := range servers {
		id, err := ParseServer(string(s.ID))
		if err != nil || slices.Contains(roster.Keepers, id) {
			continue
		}
		again, named := roster.keeper(id.Gate)
		if !all && (!named || !votes(again)) {
			continue
		}
		if id == n.self {
			change(func() { k.raft.LeadershipTransfer() })
			return
		}
		change(func() { k.raft.RemoveServer(s.ID, 0, time.Second) })
		return
	}
}
