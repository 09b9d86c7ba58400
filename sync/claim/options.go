package claim

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// Server names a keeper for ever: a box that was made anew has another
// incarnation, and knows nothing of what the one before agreed to.
type Server struct {
	Gate        gate.GateID
	Incarnation uint32
}

// String returns gate and incarnation, such as 7-1.
func (s Server) String() string {
	return strconv.FormatUint(uint64(s.Gate), 10) + "-" + strconv.FormatUint(uint64(s.Incarnation), 10)
}

func (s Server) compare(o Server) int {
	return cmp.Or(cmp.Compare(s.Gate, o.Gate), cmp.Compare(s.Incarnation, o.Incarnation))
}

// ParseServer reads what String wrote.
func ParseServer(s string) (Server, error) {
	g, i, ok := strings.Cut(s, "-")
	gateID, err1 := strconv.ParseUint(g, 10, 32)
	incarnation, err2 := strconv.ParseUint(i, 10, 32)
	out := Server{gate.GateID(gateID), uint32(incarnation)}
	if !ok || err1 != nil || err2 != nil || out.String() != s {
		return Server{}, fmt.Errorf("claim: %q names no keeper: want gate and incarnation, such as 7-1", s)
	}
	return out, nil
}

// Roster is what the venue's signed roster says about keepers.
type Roster struct {
	Version uint64   // a later roster has a higher one
	Gates   int      // all gates of the venue, this one among them
	Keepers []Server // in the order of the roster, at most MaxKeepers
}

func (r *Roster) keeper(g gate.GateID) (Server, bool) {
	for _, s := range r.Keepers {
		if s.Gate == g {
			return s, true
		}
	}
	return Server{}, false
}

// alone reports whether there is nobody to agree with.
func (r *Roster) alone() bool { return r.Gates <= 1 || len(r.Keepers) == 0 }

// MaxKeepers is how many keepers a roster may name.
const MaxKeepers = 9

// Network connects gates. It vouches for who is at the other end: TLS pinned to
// the roster's keys on an appliance, memory in tests. A closed connection ends
// reads and writes on it.
type Network interface {
	Dial(ctx context.Context, to gate.GateID) (net.Conn, error)
	// Accept waits for a connection and says whose it is. It ends with ctx.
	Accept(ctx context.Context) (net.Conn, gate.GateID, error)
}

// Signer signs with the gate's key; *keyring.Gate is one.
type Signer interface{ Sign(message []byte) []byte }

// Options is what a Node needs. Those without a note are required.
type Options struct {
	Gate        gate.GateID
	Incarnation uint32
	// Epoch is the epoch of the gate's journal that is open at the start. No two
	// starts of a gate may have the same: claims are named by it.
	Epoch uint32
	// Roster returns the roster in force. It is asked every second and more, and
	// must not wait for anything.
	Roster  func() Roster
	Network Network
	Signer  Signer
	// Keys returns the key of a gate that is or was on the roster, or nil.
	Keys func(gate.GateID) ed25519.PublicKey
	// Records is the gate's own ledger. A gate that is its own keeper answers
	// from it.
	Records Records
	// LedgerEmpty reports whether the gate's ledger holds no grant, exit or void.
	// Keepers whose state is lost answer nothing while there is a ledger that is
	// not. Nil: it is empty.
	LedgerEmpty func() bool
	// Held returns all records that the gate holds, its own and others', each
	// log's in order. It is read where the keepers know less than they did, which
	// may take long. Nil: only what Recorded was given since is handed in.
	Held func() iter.Seq[*ledger.Record]
	// PreviousIntact says that the records of all earlier epochs of this gate
	// were recovered: its claims of then without a record are released. Otherwise
	// they stay until staff decide.
	PreviousIntact bool
	// Dir holds a keeper's log and what every gate remembers of its keepers.
	// Empty: Memory is used.
	Dir string
	// Memory stands in for a disk in simulations; it outlives the Node. Nil: a
	// new one.
	Memory *Memory
	// Order reports why a supervisor's order would not count if a gate had
	// recorded it at a time, as gate/ledger.WouldCount does. Whether everybody may
	// come in once more is agreed on by what it says at the leader. It must not
	// call the Node. Nil: no order counts.
	Order func(o *gate.SignedOrder, by gate.GateID, at time.Time) error
	// Over names events that are over for good: the keepers forget them. It is
	// asked every second and must not wait. Nil: there are none.
	Over func() []gate.EventID
	// Hear is told, before a claim is granted, the latest hybrid time of what the
	// keepers know of its ticket: the grant is to be recorded after it, or ledgers
	// would put it before the exit that it rests on. It must not call the Node. Nil:
	// nobody wants to know.
	Hear func(ledger.Clock)
	// Alive is membership's opinion of a gate. It may prolong a wait and decides
	// nothing. Nil: a keeper is alive while there is a connection to it.
	Alive func(gate.GateID) bool
	// Log gets what an operator may want to know. Nil: nothing is logged.
	Log *slog.Logger
	// Times are the waits. Those that are zero have the values of DefaultTimes.
	Times Times
}

// Times are the waits of a Node.
type Times struct {
	Heartbeat time.Duration // of Raft: a follower without news of a leader calls an election
	Election  time.Duration // of Raft: a candidate without a majority tries again
	Lease     time.Duration // of Raft: a leader without a majority steps down
	Commit    time.Duration // of Raft: the longest that followers wait to hear what is agreed
	Claim     time.Duration // a claim without an answer is given up
	Failover  time.Duration // the same, while the keepers seem to be electing a leader
	Linger    time.Duration // records wait this long for others to go with them
	HandIn    time.Duration // another gate's records are handed in for it after this
	Founding  time.Duration // keepers that know nothing listen this long before they found a cluster
	Stranded  time.Duration // a granted claim without a record is worth telling after this
}

// DefaultTimes returns the waits of an appliance. Commit is only how soon a
// follower hears, in a quiet moment, that what it holds is agreed; no answer
// waits for it, and every one of these messages is sent for ever. See
// docs/adr/0010-claims-and-records-in-one-state.md.
func DefaultTimes() Times {
	return Times{
		Heartbeat: 300 * time.Millisecond,
		Election:  300 * time.Millisecond,
		Lease:     200 * time.Millisecond,
		Commit:    100 * time.Millisecond,
		Claim:     250 * time.Millisecond,
		Failover:  1500 * time.Millisecond,
		Linger:    20 * time.Millisecond,
		HandIn:    5 * time.Second,
		Founding:  3 * time.Second,
		Stranded:  10 * time.Second,
	}
}

func (o *Options) check() error {
	var errs []error
	missing := func(is bool, what string) {
		if is {
			errs = append(errs, fmt.Errorf("claim: options: %s is missing", what))
		}
	}
	missing(o.Gate == 0, "the gate")
	missing(o.Epoch == 0, "the epoch")
	missing(o.Roster == nil, "the roster")
	missing(o.Network == nil, "the network")
	missing(o.Signer == nil, "the signer")
	missing(o.Keys == nil, "keys")
	missing(o.Records == nil, "records")
	if o.Roster != nil {
		if n := len(o.Roster().Keepers); n > MaxKeepers {
			errs = append(errs, fmt.Errorf("claim: roster: %d keepers, at most %d", n, MaxKeepers))
		}
	}
	if o.LedgerEmpty == nil {
		o.LedgerEmpty = func() bool { return true }
	}
	if o.Hear == nil {
		o.Hear = func(ledger.Clock) {}
	}
	if o.Memory == nil {
		o.Memory = NewMemory()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := DefaultTimes()
	for _, t := range []struct {
		is   *time.Duration
		want time.Duration
	}{
		{&o.Times.Heartbeat, d.Heartbeat},
		{&o.Times.Election, d.Election},
		{&o.Times.Lease, d.Lease},
		{&o.Times.Commit, d.Commit},
		{&o.Times.Claim, d.Claim},
		{&o.Times.Failover, d.Failover},
		{&o.Times.Linger, d.Linger},
		{&o.Times.HandIn, d.HandIn},
		{&o.Times.Founding, d.Founding},
		{&o.Times.Stranded, d.Stranded},
	} {
		if *t.is <= 0 {
			*t.is = t.want
		}
	}
	return errors.Join(errs...)
}

// IsolatedError says that the keepers gave no answer in time.
type IsolatedError struct {
	Since time.Time // the gate has been isolated since then
	Why   string    // for staff: what seems to be the matter
}

// Error says since when, and why.
func (e *IsolatedError) Error() string {
	return "claim: isolated since " + e.Since.UTC().Format(time.RFC3339) + ": " + e.Why
}
