package simulate

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/journal"
	"github.com/venuegate/venuegate/gate/store/logs"
	"github.com/venuegate/venuegate/sync/claim"
	"github.com/venuegate/venuegate/sync/gossip"
)

// box is one gate's machine: its keys, its clock and its disk, whether it runs
// or not.
type box struct {
	venue  *venue
	id     gate.GateID
	clock  clock
	lives  int
	disk   string        // of the life that is, or was last
	memory *claim.Memory // the disk of claims
	blank  bool          // the disk was wiped, and the gate has not started since

	mu          sync.Mutex
	keys        []*keyring.Gate // the present one last
	incarnation uint32
	life        *life // nil: it is off
}

// clock is a gate's own.
type clock struct {
	offset atomic.Int64
	wrong  atomic.Bool
}

// Now implements lane.Clock.
func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// Trusted implements lane.Clock.
func (c *clock) Trusted() bool { return !c.wrong.Load() }

func (b *box) key() *keyring.Gate {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.keys[len(b.keys)-1]
}

func (b *box) running() *life {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.life
}

// life is a gate from one start to the next stop, wired as gate/appliance does.
type life struct {
	*box
	ledger  *ledger.Ledger
	logs    *logs.Logs
	journal *journal.Journal
	claims  *claim.Node
	node    *gossip.Node
	posts   []*post
	port    *port
	air     *transports
	epoch   uint32
	heard   atomic.Uint64
	traps   [moments]chan struct{} // taken from by a fault that waits for a moment

	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	write sync.Mutex // guards the two below
	dead  bool       // what is done from now on has not happened
	draw  *mathrand.Rand
}

// pull and ahead are gate/appliance's: how far other gates' time may pull this
// one's hybrid time, and how far their records may be ahead.
const (
	pull  = 10 * time.Minute
	ahead = time.Hour
)

// commissioned is how long ago the gates started for the first time. Their first
// epochs are numbered by the second, and that of a box that is made anew is to
// be above them whatever its clock says.
const commissioned = 24 * time.Hour

// start switches a gate on.
func (b *box) start() error {
	b.lives++
	if err := b.insert(); err != nil {
		return err
	}
	l := &life{
		box: b, ledger: ledger.New(),
		draw: mathrand.New(mathrand.NewPCG(b.venue.options.Seed, uint64(b.id)<<32|uint64(b.lives))),
	}
	for m := range l.traps {
		l.traps[m] = make(chan struct{})
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	if err := l.open(); err != nil {
		return fmt.Errorf("start gate %d: %w", b.id, err)
	}
	l.run()
	b.mu.Lock()
	b.life = l
	b.mu.Unlock()
	return nil
}

// insert gives a machine its disk: a new one, or the one that it had.
func (b *box) insert() error {
	if b.disk != "" && !b.blank {
		return nil
	}
	b.disk = filepath.Join(b.venue.options.Dir, fmt.Sprintf("gate-%d-%d", b.id, b.lives))
	b.memory = claim.NewMemory()
	key, err := keyring.NewGate(rand.Reader)
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.keys = append(b.keys, key)
	b.incarnation++
	b.mu.Unlock()
	return os.Mkdir(b.disk, 0o750)
}

func (l *life) open() (err error) {
	v := l.venue
	l.logs, _, err = logs.Open(logs.Options{
		Path: filepath.Join(l.disk, "logs.db"), Gate: l.id, Ledger: l.ledger,
		Keys: v.keysOf, Latest: l.latest, Now: l.clock.Now, OnRecords: l.received,
	})
	if err != nil {
		return err
	}
	fresh := l.blank || l.lives == 1
	first := uint32(0)
	switch {
	case l.lives == 1:
		first = uint32(l.clock.Now().Add(-commissioned).Unix())
	case fresh:
		first = uint32(l.clock.Now().Unix())
	}
	l.blank = false
	unfinished := map[ledger.Position]ledger.Record{}
	var found journal.Recovery
	l.journal, found, err = journal.Open(journal.Options{
		Dir: filepath.Join(l.disk, "journal"), Gate: l.id, Signer: l.key(), SegmentSize: 64 << 10,
		Now: l.clock.Now, Seen: l.seen,
		Above: func() uint32 { return max(first, l.logs.HighestEpoch(l.id)) },
		OnRecover: func(r *ledger.Record, h ledger.Hash) error {
			v.truth.recovered(l, r)
			switch r.Kind {
			case ledger.KindGrant, ledger.KindExit:
				unfinished[r.Position] = *r
			case ledger.KindPassed, ledger.KindVoided, ledger.KindUnknown:
				delete(unfinished, r.Ref)
			}
			return l.ledger.Restore(r, h)
		},
		OnCommit: l.committed,
	})
	if err != nil {
		return err
	}
	if len(found.Damage) > 0 {
		v.truth.violate("gate %d: its journal came back damaged: %v", l.id, found.Damage)
	}
	l.epoch = l.journal.Head().Position.Epoch
	l.logs.Attach(l.journal)
	for _, r := range unfinished {
		end := r
		end.Kind, end.Ref, end.Wall = ledger.KindUnknown, r.Position, l.clock.Now()
		end.Position, end.Clock, end.Prev = ledger.Position{}, 0, ledger.Hash{}
		end.Step, end.Entry, end.Request = ledger.NoStep, 0, 0
		if _, err := l.journal.Append(l.ctx, &end); err != nil {
			return err
		}
	}
	l.port, l.air = v.network.open(l.id), &transports{network: v.network.packets}
	if err := l.openClaims(!fresh); err != nil {
		return err
	}
	l.node, err = gossip.New(gossip.Options{
		Gate: gossip.Peer(l.id), Venue: "simulation", Keys: v.ring(), Roster: v.list.Of(gossip.Peer(l.id)), Store: store{l.logs},
		Advertise: address(l.id), Transport: l.air.Open, Memory: filepath.Join(l.disk, "peers.json"),
		Synchronised: l.clock.Trusted,
	})
	return err
}

func (l *life) openClaims(intact bool) (err error) {
	v := l.venue
	l.claims, err = claim.New(claim.Options{
		Gate: l.id, Incarnation: l.incarnation, Epoch: l.epoch,
		Roster: v.roster, Network: l.port, Signer: l.key(), Keys: v.keyOf,
		Records: l.ledger, LedgerEmpty: func() bool { return l.ledger.Total(eventID).Admitted == 0 },
		Hear: l.hear,
		Held: l.held, PreviousIntact: intact, Memory: l.memory, Alive: l.alive, Log: v.log,
	})
	if err != nil {
		return err
	}
	for rec := range l.held() {
		l.claims.Recorded(rec)
	}
	return nil
}

func (l *life) run() {
	l.tasks.Go(func() { _ = l.claims.Run(l.ctx) })
	l.tasks.Go(func() { _ = l.node.Run(l.ctx) })
	var claims lane.Claimer = claimer{l}
	if sabotage := l.venue.options.sabotage; sabotage != nil {
		claims = sabotage(claims)
	}
	for n := range lanesOfGate {
		p := newPost(laneOf(l.id, n))
		l.posts = append(l.posts, p)
		one := lane.New(lane.Options{
			DeskOptions: lane.DeskOptions{
				Lane: p.id, Packs: l.venue.pack, Ledger: l.ledger, Claims: claims, Journal: recorder{l}, Clock: &l.clock,
			},
			Readers: []lane.Reader{reader{p}}, Barrier: barrier{p}, Display: p,
		})
		l.tasks.Go(func() { one.Run(l.ctx) })
	}
}

func (l *life) alive(g gate.GateID) bool { return l.node != nil && l.node.Alive(gossip.Peer(g)) }

func (l *life) latest() time.Time {
	if !l.clock.Trusted() {
		return time.Time{}
	}
	return l.clock.Now().Add(ahead)
}

// reach lets a fault have the gate at a moment, and reports whether one has
// waited for it: whoever asked goes no further until the gate is off.
func (l *life) reach(m moment) bool {
	select {
	case l.traps[m] <- struct{}{}:
		<-l.ctx.Done()
		return true
	default:
		return false
	}
}

// catch waits for a moment, but not for long.
func (l *life) catch(m moment) {
	select {
	case <-l.traps[m]:
	case <-time.After(3 * time.Second):
	case <-l.ctx.Done():
	}
}

// fall switches a gate off as a power cut does: at one moment nothing leaves it
// any more, nothing it does counts, and the disk is what it is. With wipe it
// loses the disk too.
func (b *box) fall(silently, wipe bool) error {
	b.mu.Lock()
	l := b.life
	b.life = nil
	b.mu.Unlock()
	if l == nil {
		return nil
	}
	b.venue.network.off(l.port, silently)
	l.air.shut()
	l.write.Lock()
	l.dead = true
	l.write.Unlock()
	b.blank = wipe
	var err error
	if !wipe {
		next := filepath.Join(b.venue.options.Dir, fmt.Sprintf("gate-%d-%d", b.id, b.lives+1))
		err = copyDisk(b.disk, next)
		b.disk = next
	}
	return errors.Join(err, l.stop())
}

// stop ends what a life has started. A dead one's last words reach nobody.
func (l *life) stop() error {
	l.cancel()
	l.tasks.Wait()
	err := errors.Join(l.journal.Close(), l.logs.Close())
	return err
}

func copyDisk(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rest, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Mkdir(filepath.Join(to, rest), 0o750)
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was renamed meanwhile, and its new name may come
		}
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rest), data, 0o640)
	})
}

// recorder is the journal as lanes see it, on a disk that takes its time.
type recorder struct{ *life }

// Append implements lane.Recorder.
func (r recorder) Append(ctx context.Context, rec *ledger.Record) (ledger.Position, error) {
	time.Sleep(r.flushTime())
	at, err := r.journal.Append(ctx, rec)
	r.write.Lock()
	defer r.write.Unlock()
	if err == nil && r.dead {
		err = errOff
	}
	return at, err
}

// Note implements lane.Recorder.
func (r recorder) Note(ctx context.Context, rec *ledger.Record) error {
	return r.journal.Note(ctx, rec)
}

var errOff = errors.New("the gate is off")

// flushTime is a flush of a cheap card: mostly quick, sometimes not.
func (l *life) flushTime() time.Duration {
	l.write.Lock()
	defer l.write.Unlock()
	if l.draw.IntN(50) == 0 {
		return time.Duration(l.draw.IntN(80)) * time.Millisecond
	}
	return 150*time.Microsecond + time.Duration(l.draw.IntN(600))*time.Microsecond
}

// store gives gossip the logs in its own words.
type store struct{ logs *logs.Logs }

// Vector implements gossip.Store.
func (s store) Vector() gossip.Vector {
	held := s.logs.Vector()
	v := make(gossip.Vector, len(held))
	for o, last := range held {
		v[gossip.Origin{Gate: uint32(o.Gate), Epoch: o.Epoch}] = last
	}
	return v
}

// Range implements gossip.Store.
func (s store) Range(o gossip.Origin, from, to uint64, limit int) ([]byte, uint64, error) {
	chunk, last, err := s.logs.Range(ledger.Origin{Gate: gate.GateID(o.Gate), Epoch: o.Epoch}, from, to, limit)
	if errors.Is(err, logs.ErrNotHeld) {
		err = gossip.ErrNotHeld
	}
	return chunk, last, err
}

// Receive implements gossip.Store.
func (s store) Receive(from gossip.Peer, o gossip.Origin, first uint64, chunk []byte) (uint64, error) {
	return s.logs.Receive(gate.GateID(from), ledger.Origin{Gate: gate.GateID(o.Gate), Epoch: o.Epoch}, first, chunk)
}

// keysOf returns the keys that a gate has or had.
func (v *venue) keysOf(g gate.GateID, _ uint32) []ed25519.PublicKey {
	b := v.box(g)
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []ed25519.PublicKey
	for _, k := range b.keys {
		all = append([]ed25519.PublicKey{k.Public()}, all...)
	}
	return all
}

// keyOf returns the key that a gate has.
func (v *venue) keyOf(g gate.GateID) ed25519.PublicKey {
	if all := v.keysOf(g, 0); len(all) > 0 {
		return all[0]
	}
	return nil
}
