package claim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

// clusterOf returns the id of a set of keepers: the hash of its first list.
func clusterOf(generation uint32, first []Server) cluster {
	b := binary.BigEndian.AppendUint32([]byte("VG1 keepers\x00"), generation)
	for _, s := range first {
		b = appendServer(b, s)
	}
	return cluster{generation, sha256.Sum256(b)}
}

// manageKeeper starts and stops this gate's part in the agreement.
func (n *Node) manageKeeper(ctx context.Context, roster *Roster) {
	named := slices.Contains(roster.Keepers, n.self) && !roster.alone()
	n.mu.Lock()
	k, memory, resume := n.keeper, n.memory, n.resumeAt
	n.mu.Unlock()
	switch {
	case k != nil && memory.cluster != k.cluster, k != nil && !named && !k.has(n.self):
		n.stopKeeper()
	case k != nil:
		n.manageMembers(roster, k)
	case memory.member == n.self && (named || resume.IsZero()):
		if !time.Now().Before(resume) {
			n.startKeeper(ctx, memory.cluster, nil)
		}
	case named:
		n.bootstrap(ctx, roster)
	}
}

// startKeeper runs a keeper until ctx ends or it fails.
func (n *Node) startKeeper(ctx context.Context, c cluster, first []Server) {
	k, err := startKeeper(n, c, first)
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		n.resumeAt = time.Now().Add(resumeAfter)
		n.say("no keeper: " + err.Error())
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	kept := make(chan struct{})
	n.keeper, n.keeping, n.kept = k, cancel, kept
	n.say("")
	n.tasks.Go(func() {
		err := k.run(ctx)
		n.mu.Lock()
		n.keeper, n.keeping = nil, nil
		n.resumeAt = time.Now().Add(resumeAfter)
		if err != nil {
			n.say("no longer a keeper: " + err.Error())
		}
		n.follow()
		n.tellWatchers()
		n.mu.Unlock()
		close(kept)
	})
	n.follow()
	n.tellWatchers()
}

const resumeAfter = 5 * time.Second

func (n *Node) stopKeeper() {
	n.mu.Lock()
	cancel, kept := n.keeping, n.kept
	n.mu.Unlock()
	if cancel != nil {
		cancel()
		<-kept
	}
}

// has reports whether a keeper is a member, as far as this one knows.
func (k *keeper) has(s Server) bool {
	_, ok := k.member(s)
	return ok
}

// members returns how many keepers there are, as far as this one knows.
func (k *keeper) members() int {
	f := k.raft.GetConfiguration()
	if f.Error() != nil {
		return 0
	}
	return len(f.Configuration().Servers)
}

func (k *keeper) member(s Server) (raft.Server, bool) {
	f := k.raft.GetConfiguration()
	if f.Error() != nil {
		return raft.Server{}, false
	}
	for _, m := range f.Configuration().Servers {
		if m.ID == raft.ServerID(s.String()) {
			return m, true
		}
	}
	return raft.Server{}, false
}

// bootstrap founds the cluster: the keeper with the lowest id does, once all
// keepers of the first list say that they know of none and hold no records.
func (n *Node) bootstrap(ctx context.Context, roster *Roster) {
	n.mu.Lock()
	if !n.memory.cluster.isZero() {
		n.say("this gate knows of keepers that it is to join: it waits for their leader, or needs a new incarnation if it was one of them")
		n.mu.Unlock()
		return
	}
	if !n.opts.LedgerEmpty() {
		n.say(lostState)
		n.mu.Unlock()
		return
	}
	for _, s := range roster.Keepers {
		if s == n.self {
			continue
		}
		l := n.links[s]
		switch {
		case l == nil || !l.up:
			n.say("waiting for all keepers of the first list: " + s.String() + " is not reached")
			n.mu.Unlock()
			return
		case l.welcome.has(isMember) || !l.welcome.cluster.isZero():
			n.say("this gate has lost what it knew as a keeper, or waits to be taken in: it may need a new incarnation")
			n.mu.Unlock()
			return
		case !l.welcome.has(ledgerEmpty):
			n.say(lostState)
			n.mu.Unlock()
			return
		}
	}
	if n.hearsay > 0 {
		n.say(lostState)
		n.mu.Unlock()
		return
	}
	if n.foundAt.IsZero() {
		n.foundAt = time.Now().Add(n.opts.Times.Founding)
	}
	if time.Now().Before(n.foundAt) {
		n.say("")
		n.mu.Unlock()
		return
	}
	lowest := slices.MinFunc(roster.Keepers, Server.compare)
	if lowest != n.self {
		n.say("")
		n.mu.Unlock()
		return
	}
	c := clusterOf(1, roster.Keepers)
	n.mu.Unlock()
	n.found(ctx, c, roster.Keepers)
}

// lostState says what to do also where one gate with records grew to several
// keepers: nobody can tell that from keepers that have lost their disks.
const lostState = "the keepers know nothing, and gates hold records or know of earlier keepers, as after growing from one gate to several: " +
	"run `venuegate cluster recover` once, at one keeper"

// found starts a cluster that this gate is the first to be in. The log comes
// first: a gate that remembers being a member has one.
func (n *Node) found(ctx context.Context, c cluster, first []Server) {
	n.startKeeper(ctx, c, first)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.keeper == nil {
		return
	}
	if err := n.remember(remembered{cluster: c, member: n.self}); err != nil {
		n.keeper.fail(err)
	}
	n.follow()
	n.tellWatchers()
}

// take tells a gate to take part in a cluster. founders is the first list
// where the gate is on it: it starts its log with them.
type take struct {
	cluster  cluster
	founders []Server
}

func (t *take) bytes() []byte {
	b := appendCluster([]byte{Version}, t.cluster)
	b = append(b, byte(len(t.founders)))
	for _, s := range t.founders {
		b = appendServer(b, s)
	}
	return b
}

func parseTake(b []byte) (take, error) {
	r := reader{b: b}
	r.version()
	t := take{cluster: r.cluster()}
	for range r.u8("founders", 0, MaxKeepers) {
		t.founders = append(t.founders, r.server("founder"))
	}
	return t, r.end()
}

// serveTake follows another keeper into its cluster. A gate that is a member
// already, or knows of a later one, does not.
func (n *Node) serveTake(from Server, body []byte) bool {
	t, err := parseTake(body)
	roster := n.opts.Roster()
	if err != nil || t.cluster.isZero() || len(t.founders) > 0 && !slices.Contains(t.founders, n.self) {
		n.refuse("take", from.Gate)
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	m := n.memory
	if !slices.Contains(roster.Keepers, from) && m.cluster != t.cluster {
		n.refused["take"]++
		return false
	}
	switch {
	case !slices.Contains(roster.Keepers, n.self):
		return true // its roster is older than the leader's
	case m.member == n.self && m.cluster == t.cluster:
		return true
	case m.cluster.Generation > t.cluster.Generation,
		m.cluster.Generation == t.cluster.Generation && !m.cluster.isZero() && m.cluster != t.cluster:
		return true
	}
	if m.member == n.self {
		n.opts.Log.Warn("claims: leaving the keepers of before", "generation", m.cluster.Generation)
	}
	n.joining = &t
	return true
}

// join does what serveTake agreed to.
func (n *Node) join(ctx context.Context) {
	n.mu.Lock()
	t := n.joining
	n.joining = nil
	n.mu.Unlock()
	if t == nil {
		return
	}
	n.stopKeeper()
	n.mu.Lock()
	before := n.memory
	n.mu.Unlock()
	n.found(ctx, t.cluster, t.founders)
	n.mu.Lock()
	defer n.mu.Unlock()
	if before.member == n.self && n.memory.cluster == t.cluster && before.cluster != t.cluster {
		if err := n.disk.drop(before.cluster); err != nil {
			n.say(err.Error())
		}
	}
}
