package claim

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// keeper is this gate's part in the agreement: one run of Raft.
type keeper struct {
	self    Server
	cluster cluster
	raft    *raft.Raft
	fsm     *stateMachine
	layer   *streamLayer
	trans   *raft.NetworkTransport
	stores  *stores
	observe chan raft.Observation
	changed func() // who leads may have changed

	failed  chan struct{} // closed when the keeper cannot go on
	failure error         // why, once failed is closed
	once    sync.Once

	// What the leader last did about the members, under Node.mu: one change is
	// under way at a time.
	changeAt    time.Time
	changeIndex uint64 // of the configuration that it changes
	committedAt time.Time
	committed   string // the last command for the log, besides requests

	mu      sync.Mutex
	token   [8]byte // of this run: names the entries that this keeper made
	next    uint64
	waiting map[uint64]waiter
}

// waiter is told what became of an entry.
type waiter struct {
	since time.Time
	reply func(status, []result)
}

// startKeeper starts Raft on a cluster's log. The first members are those of
// bootstrap, where the log is empty.
func startKeeper(n *Node, c cluster, bootstrap []Server) (*keeper, error) {
	k := &keeper{
		self: n.self, cluster: c, failed: make(chan struct{}), changed: n.leaderChanged,
		waiting: map[uint64]waiter{}, observe: make(chan raft.Observation, 16),
	}
	binary.BigEndian.PutUint64(k.token[:], rand.Uint64())
	k.fsm = newStateMachine(k.fail)
	log := raftLog(n.opts.Log)
	s, err := n.disk.open(c, log.StandardWriter(&hclog.StandardLoggerOptions{}))
	if err != nil {
		return nil, err
	}
	k.stores = s
	k.layer = newStreamLayer(n, c)
	t := n.opts.Times
	conf := raft.DefaultConfig()
	conf.LocalID = raft.ServerID(k.self.String())
	conf.HeartbeatTimeout, conf.ElectionTimeout = t.Heartbeat, t.Election
	conf.LeaderLeaseTimeout, conf.CommitTimeout = t.Lease, t.Commit
	conf.BatchApplyCh, conf.MaxAppendEntries = true, 256
	conf.Logger = log
	conf.NoLegacyTelemetry = true
	k.trans = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: k.layer, MaxPool: 2, Timeout: time.Second, Logger: log,
	})
	g := &guard{logs: s.logs, stable: s.stable, fail: k.fail}
	if len(bootstrap) > 0 {
		var servers raft.Configuration
		for _, b := range bootstrap {
			servers.Servers = append(servers.Servers, raft.Server{ID: raft.ServerID(b.String()), Address: raft.ServerAddress(b.String())})
		}
		if err := raft.BootstrapCluster(conf, g, g, s.snaps, k.trans, servers); err != nil && !errors.Is(err, raft.ErrCantBootstrap) {
			return nil, errors.Join(fmt.Errorf("claim: start the keepers' log: %w", err), k.discard())
		}
	}
	if k.raft, err = newRaft(conf, k, g, s.snaps, k.trans); err != nil {
		return nil, errors.Join(err, k.discard())
	}
	k.raft.RegisterObserver(raft.NewObserver(k.observe, false, func(o *raft.Observation) bool {
		switch o.Data.(type) {
		case raft.LeaderObservation, raft.RaftState:
			return true
		default:
			return false
		}
	}))
	return k, nil
}

// newRaft contains what NewRaft makes of a damaged log: a panic.
func newRaft(conf *raft.Config, fsm raft.FSM, g *guard, snaps raft.SnapshotStore, trans raft.Transport) (r *raft.Raft, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("claim: the keepers' log on this gate is damaged: %v", p)
		}
	}()
	g.starting = true
	r, err = raft.NewRaft(conf, fsm, g, g, snaps, trans)
	g.starting = false
	if err != nil {
		err = fmt.Errorf("claim: start as a keeper: %w", err)
	}
	return r, err
}

// run watches Raft until ctx ends or the keeper fails, and then shuts it down.
func (k *keeper) run(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return k.close()
		case <-k.failed:
			return errors.Join(k.failure, k.close())
		case <-k.observe:
			k.changed()
		case <-tick.C:
		}
		k.sweep(time.Now())
	}
}

// waitLongest is after what time an entry that nothing was heard of is given
// up. Whoever asked asks again.
const waitLongest = 2 * time.Second

// sweep answers for entries that will not be heard of here.
func (k *keeper) sweep(now time.Time) {
	leads := k.raft.State() == raft.Leader
	var lost []waiter
	k.mu.Lock()
	for id, w := range k.waiting {
		if !leads || now.Sub(w.since) > waitLongest {
			delete(k.waiting, id)
			lost = append(lost, w)
		}
	}
	k.mu.Unlock()
	for _, w := range lost {
		w.reply(statusNotLeader, nil)
	}
}

// submit puts a command into the log. reply is called once, when the command
// has been applied here or nothing can be told of it; it must not block.
func (k *keeper) submit(kind commandKind, body []byte, reply func(status, []result)) {
	if k.raft.State() != raft.Leader {
		reply(statusNotLeader, nil)
		return
	}
	if kind == commandRequest && k.cluster.Generation == 1 && !k.fsm.state().seeded {
		reply(statusBusy, nil) // founded just now, or the log is still being read
		return
	}
	now := time.Now()
	k.mu.Lock()
	k.next++
	id := k.next
	k.waiting[id] = waiter{now, reply}
	full := len(k.waiting) > 4096
	k.mu.Unlock()
	if full {
		k.answer(id, statusBusy, nil)
		return
	}
	tag := binary.BigEndian.AppendUint64(k.token[:len(k.token):len(k.token)], id)
	k.raft.ApplyLog(raft.Log{Data: command(kind, now, body), Extensions: tag}, 200*time.Millisecond)
}

func (k *keeper) answer(id uint64, st status, results []result) {
	k.mu.Lock()
	w, ok := k.waiting[id]
	delete(k.waiting, id)
	k.mu.Unlock()
	if ok {
		w.reply(st, results)
	}
}

// Apply is called by Raft for every entry that is agreed.
func (k *keeper) Apply(log *raft.Log) any {
	out := k.fsm.Apply(log)
	if len(log.Extensions) != 16 || [8]byte(log.Extensions[:8]) != k.token {
		return out
	}
	id := binary.BigEndian.Uint64(log.Extensions[8:])
	if err, bad := out.(error); bad && err != nil {
		k.answer(id, statusStopped, nil)
		return out
	}
	if log.Data[1] == byte(commandSeeded) {
		select {
		case k.observe <- raft.Observation{}: // so that gates are told
		default:
		}
	}
	results, _ := out.([]result)
	k.answer(id, statusOK, results)
	return out
}

// Snapshot is the state machine's.
func (k *keeper) Snapshot() (raft.FSMSnapshot, error) { return k.fsm.Snapshot() }

// Restore replaces the state by a snapshot's.
func (k *keeper) Restore(from io.ReadCloser) error { return k.fsm.Restore(from) }

// fail stops the keeper; the gate goes on without.
func (k *keeper) fail(err error) {
	k.once.Do(func() {
		k.failure = err
		close(k.failed)
	})
}

// shutWithin is how long Raft may take to end. A leader that steps down with a
// pipeline full of appends leaves a goroutine behind (raft v1.8.0: the decoder of
// answers has gone, and netPipeline.AppendEntries waits for it), and would be
// waited for without end; the gate would stop following its roster.
const shutWithin = 5 * time.Second

var errNotEnded = errors.New("claim: a goroutine of Raft has not ended")

// close shuts Raft down and answers whoever waits.
func (k *keeper) close() error {
	ended := make(chan error, 1)
	go func() { ended <- k.raft.Shutdown().Error() }()
	var err error
	select {
	case err = <-ended:
	case <-time.After(shutWithin):
		err = errNotEnded
	}
	err = errors.Join(err, k.discard())
	k.mu.Lock()
	lost := k.waiting
	k.waiting = map[uint64]waiter{}
	k.mu.Unlock()
	for _, w := range lost {
		w.reply(statusNotLeader, nil)
	}
	return err
}

func (k *keeper) discard() error {
	k.trans.CloseStreams()
	err := k.trans.Close()
	k.layer.shut()
	return errors.Join(err, k.stores.close())
}

// lead returns who leads, as far as this keeper knows.
func (k *keeper) lead() leadership {
	_, id := k.raft.LeaderWithID()
	s, err := ParseServer(string(id))
	if err != nil {
		return leadership{term: k.raft.CurrentTerm()}
	}
	return leadership{s, k.raft.CurrentTerm()}
}

func (k *keeper) leads() bool { return k.raft.State() == raft.Leader }

// guard stands between Raft and its log: where Raft would panic because the
// disk fails, the goroutine ends and the keeper stops instead. The others go on
// without it.
type guard struct {
	logs     raft.LogStore
	stable   raft.StableStore
	fail     func(error)
	starting bool // NewRaft runs in a goroutine of ours
}

func (g *guard) broken(what string, err error) {
	err = fmt.Errorf("claim: the keepers' log on this gate: %s: %w", what, err)
	if g.starting {
		panic(err) // newRaft recovers it
	}
	g.fail(err)
	runtime.Goexit()
}

func (g *guard) FirstIndex() (uint64, error) { return g.logs.FirstIndex() }
func (g *guard) LastIndex() (uint64, error)  { return g.logs.LastIndex() }

func (g *guard) GetLog(index uint64, log *raft.Log) error {
	err := g.logs.GetLog(index, log)
	if err == nil {
		return nil
	}
	first, err1 := g.logs.FirstIndex()
	last, err2 := g.logs.LastIndex()
	if errors.Is(err, raft.ErrLogNotFound) && err1 == nil && err2 == nil && (index < first || index > last) {
		return err
	}
	g.broken(fmt.Sprintf("read entry %d", index), err)
	return err
}

func (g *guard) StoreLog(log *raft.Log) error { return g.StoreLogs([]*raft.Log{log}) }

func (g *guard) StoreLogs(logs []*raft.Log) error {
	err := g.logs.StoreLogs(logs)
	if err != nil {
		g.broken("write", err)
	}
	return err
}

func (g *guard) DeleteRange(from, to uint64) error { return g.logs.DeleteRange(from, to) }

func (g *guard) Set(key, val []byte) error {
	err := g.stable.Set(key, val)
	if err != nil {
		g.broken("write a vote", err)
	}
	return err
}

func (g *guard) SetUint64(key []byte, val uint64) error {
	err := g.stable.SetUint64(key, val)
	if err != nil {
		g.broken("write the term", err)
	}
	return err
}

func (g *guard) Get(key []byte) ([]byte, error)       { return g.stable.Get(key) }
func (g *guard) GetUint64(key []byte) (uint64, error) { return g.stable.GetUint64(key) }
