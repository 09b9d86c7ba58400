package claim

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"github.com/venuegate/venuegate/gate"
)

// failing is a log on a disk that breaks.
type failing struct {
	*raft.InmemStore
	broken atomic.Bool
}

var errDisk = errors.New("input/output error")

func (f *failing) StoreLogs(logs []*raft.Log) error {
	if f.broken.Load() {
		return errDisk
	}
	return f.InmemStore.StoreLogs(logs)
}

func (f *failing) SetUint64(key []byte, v uint64) error {
	if f.broken.Load() {
		return errDisk
	}
	return f.InmemStore.SetUint64(key, v)
}

func (f *failing) GetLog(index uint64, log *raft.Log) error {
	if f.broken.Load() {
		return errDisk
	}
	return f.InmemStore.GetLog(index, log)
}

// nobody is a network without anybody.
type nobody struct{}

func (nobody) Dial(ctx context.Context, _ gate.GateID) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (nobody) Accept(ctx context.Context) (net.Conn, gate.GateID, error) {
	<-ctx.Done()
	return nil, 0, ctx.Err()
}

type noRecords struct{}

func (noRecords) History(h *gate.History, _ gate.TicketID) { *h = gate.History{} }
func (noRecords) Person(dst []gate.Grant, _ gate.PersonKey, _ gate.TicketID) []gate.Grant {
	return dst
}

// The disk breaks under the only keeper: Raft would panic. The gate says so,
// answers nothing, and is a keeper again when the disk is.
func TestDiskBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := NewMemory()
		self := Server{1, 1}
		c := clusterOf(1, []Server{self})
		log := &failing{InmemStore: raft.NewInmemStore()}
		memory.logs[c] = &stores{logs: log, stable: log, snaps: &memorySnapshots{}, close: func() error { return nil }}
		n, err := New(Options{
			Gate: 1, Incarnation: 1, Epoch: 1, Network: nobody{}, Signer: keyFor(1), Records: noRecords{}, Memory: memory,
			Roster: func() Roster { return Roster{Version: 1, Gates: 2, Keepers: []Server{self}} },
			Keys:   func(gate.GateID) ed25519.PublicKey { return keyFor(1).Public().(ed25519.PublicKey) },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- n.Run(ctx) }()
		time.Sleep(6 * time.Second)
		ask := func(ticket gate.TicketID) error {
			_, err := n.Claim(ctx, &gate.Claim{Ticket: ticket, Count: 1})
			return err
		}
		if err := ask(1); err != nil {
			t.Fatal(err)
		}
		log.broken.Store(true)
		var alone *IsolatedError
		if err := ask(2); !errors.As(err, &alone) {
			t.Errorf("with a broken disk: %v", err)
		}
		if s := n.State(); s.Role != RoleWaiting || !strings.Contains(s.Problem, "input/output error") {
			t.Errorf("state %+v", s)
		}
		log.broken.Store(false)
		time.Sleep(10 * time.Second)
		if err := ask(3); err != nil {
			t.Errorf("with the disk well again: %v", err)
		}
		if s := n.State(); s.Role != RoleLeader || s.Problem != "" || !s.Isolated.IsZero() {
			t.Errorf("state %+v", s)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A damaged log does not take the gate down at the start either.
func TestDiskIsBrokenAtTheStart(t *testing.T) {
	g := &guard{fail: func(error) {}}
	log := &failing{InmemStore: raft.NewInmemStore()}
	g.logs, g.stable = log, log
	if err := log.StoreLogs([]*raft.Log{{Index: 1, Term: 1}}); err != nil {
		t.Fatal(err)
	}
	log.broken.Store(true)
	conf := raft.DefaultConfig()
	conf.LocalID = "1-1"
	_, trans := raft.NewInmemTransport("1-1")
	if _, err := newRaft(conf, &keeper{fsm: newStateMachine(func(error) {})}, g, &memorySnapshots{}, trans); err == nil || !strings.Contains(err.Error(), errDisk.Error()) {
		t.Errorf("got %v", err)
	}
}
