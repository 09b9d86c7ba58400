package claim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// commandVersion is the first byte of an entry of the keepers' log. A keeper
// that meets another stops rather than come to differ from those that know it.
const commandVersion = 1

type commandKind uint8

const (
	commandRequest commandKind = 1 // a gate's signed request
	commandSeeded  commandKind = 2 // claims may be answered from here on
	commandRoster  commandKind = 3 // the keepers follow this version of the roster
	commandJoined  commandKind = 4 // these keepers have taken part
	commandOrder   commandKind = 5 // an order that counts says who is inside
	commandForget  commandKind = 6 // these events are over
)

// command returns an entry of the log: version, kind, the leader's wall clock,
// and what the kind says.
func command(kind commandKind, now time.Time, body []byte) []byte {
	b := append(make([]byte, 0, 10+len(body)), commandVersion, byte(kind))
	b = binary.BigEndian.AppendUint64(b, uint64(now.UnixMilli()))
	return append(b, body...)
}

// stateMachine applies the keepers' log. A command that it does not know, or a
// fault of its own, stops it for good: it takes no more and gives no snapshot.
type stateMachine struct {
	stopped func(error) // told once

	mu      sync.Mutex
	m       *machine
	applied uint64
	failure error
}

func newStateMachine(stopped func(error)) *stateMachine {
	return &stateMachine{m: newMachine(), stopped: stopped}
}

// Apply takes one entry. What it returns is a []result for a request, an error
// once the machine has stopped, and nil for other commands.
func (s *stateMachine) Apply(log *raft.Log) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return s.failure
	}
	results, err := s.apply(log.Data)
	if err != nil {
		s.failure = fmt.Errorf("claim: entry %d of the keepers' log: %w", log.Index, err)
		s.stopped(s.failure)
		return s.failure
	}
	s.applied = log.Index
	return results
}

func (s *stateMachine) apply(data []byte) (results []result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("fault: %v\n%s", p, debug.Stack())
		}
	}()
	return s.m.apply(data)
}

func (m *machine) apply(data []byte) ([]result, error) {
	if len(data) < 10 {
		return nil, fmt.Errorf("is %d bytes long", len(data))
	}
	if data[0] != commandVersion {
		return nil, fmt.Errorf("version %d is unknown, want %d: this gate runs older software than the leader", data[0], commandVersion)
	}
	now := time.UnixMilli(int64(binary.BigEndian.Uint64(data[2:]))).UTC()
	switch body := data[10:]; commandKind(data[1]) {
	case commandRequest:
		q, err := parseRequest(body)
		if err != nil {
			return nil, err
		}
		return m.answer(q, now), nil
	case commandSeeded:
		m.seeded = true
	case commandRoster:
		if len(body) != 8 {
			return nil, errors.New("roster version is cut off")
		}
		m.roster = max(m.roster, binary.BigEndian.Uint64(body))
	case commandJoined:
		r := reader{b: body}
		for r.err == nil && r.at < len(body) {
			m.joined[r.server("keeper")] = struct{}{}
		}
		return nil, r.err
	case commandOrder:
		r := reader{b: body}
		o := r.order(gate.OrderSize)
		if err := r.end(); err != nil {
			return nil, err
		}
		m.resets.take(&o)
	case commandForget:
		r := reader{b: body}
		events := r.events()
		if r.err != nil {
			return nil, r.err
		}
		m.forget(events, now)
	default:
		return nil, fmt.Errorf("kind %d is unknown", data[1])
	}
	return nil, nil
}

// answer takes a request's items in order.
func (m *machine) answer(q *request, now time.Time) []result {
	results := make([]result, len(q.items))
	for i := range q.items {
		it := &q.items[i]
		key := requestKey{q.gate, it.request}
		switch it.kind {
		case itemClaim:
			results[i] = m.claimed(key, &it.claim, now)
		case itemRelease:
			results[i] = m.released(key, requestKey{q.gate, it.last})
		case itemRecords:
			results[i] = m.recorded(&it.run)
		case itemOrder:
			// The leader puts an order that counts before the request.
			if m.resets.knows(&it.order) {
				results[i] = result{code: resultDone}
			}
		}
	}
	return results
}

// Snapshot returns quickly; what is written is shared with the machine.
func (s *stateMachine) Snapshot() (raft.FSMSnapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return nil, s.failure
	}
	return s.m.snapshot(), nil
}

// Persist writes the snapshot.
func (s *snapshot) Persist(sink raft.SnapshotSink) error {
	if err := s.write(sink); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

// Release has nothing to do.
func (s *snapshot) Release() {}

// Restore replaces the state by a snapshot's.
func (s *stateMachine) Restore(from io.ReadCloser) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("claim: snapshot: fault: %v", p)
		}
	}()
	m, err := readSnapshot(from)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m = m
	return nil
}

// knowsRecord reports whether a record is part of the state, or needs not to be.
func (s *stateMachine) knowsRecord(p ledger.Position) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.known[p.Origin].has(p.Sequence)
}

// standing returns what is known of logs, and of a gate's claims.
func (s *stateMachine) standing(of gate.GateID, q *question) standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := standing{known: map[ledger.Origin]spans{}}
	for _, o := range q.logs {
		if x, ok := s.m.known[o]; ok {
			out.known[o] = append(spans(nil), x...)
		}
	}
	if !q.self {
		return out
	}
	for o, x := range s.m.known {
		if o.Gate == of {
			out.known[o] = append(spans(nil), x...)
		}
	}
	for key := range s.m.open {
		if key.gate == of {
			out.open = append(out.open, key.request)
		}
	}
	return out
}

// stranded returns the claims granted before a time that are not on record.
func (s *stateMachine) stranded(before time.Time) []OpenClaim {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []OpenClaim
	for key, o := range s.m.open {
		if o.since.Before(before) {
			list = append(list, OpenClaim{Gate: key.gate, Request: key.request, Ticket: o.claim.Ticket, Lane: o.claim.Lane, Since: o.since})
		}
	}
	return list
}

// knows reports whether the keepers have agreed on an order.
func (s *stateMachine) knows(o *placedOrder) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.resets.knows(o)
}

// hasJoined reports whether a keeper has ever taken part.
func (s *stateMachine) hasJoined(k Server) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.m.joined[k]
	return ok
}

// OpenClaim is a granted claim of which nobody has handed in a grant or a
// release.
type OpenClaim struct {
	Gate    gate.GateID
	Request uint64
	Ticket  gate.TicketID
	Lane    gate.LaneID
	Since   time.Time // by the leader's clock
}

type machineState struct {
	seeded  bool
	roster  uint64
	applied uint64
	open    int
	facts   int
	failure error
}

func (s *stateMachine) state() machineState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return machineState{s.m.seeded, s.m.roster, s.applied, len(s.m.open), s.m.facts.n, s.failure}
}
