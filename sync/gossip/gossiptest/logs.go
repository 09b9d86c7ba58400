package gossiptest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"sync"

	"github.com/venuegate/venuegate/sync/gossip"
)

// RecordSize is the length of the records of Logs in bytes, about that of real
// ones.
const RecordSize = 144

// headSize stands for the signed head that real chunks end with.
const headSize = 112

// Logs is a gossip.Store in memory. Its records say whose they are and are
// signed, in a way, so that a forged or a misplaced one is refused.
type Logs struct {
	// Arrived, where set before use, is called after records were received, with
	// what is held from then on. It must not call Logs.
	Arrived func(origin gossip.Origin, last uint64)

	mu   sync.Mutex
	last gossip.Vector
}

// NewLogs returns logs that hold nothing.
func NewLogs() *Logs { return &Logs{last: gossip.Vector{}} }

// Append adds records to a log and returns the sequence of the last.
func (l *Logs) Append(origin gossip.Origin, records int) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last[origin] += uint64(records)
	return l.last[origin]
}

// Vector implements gossip.Store.
func (l *Logs) Vector() gossip.Vector {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.last)
}

// Last returns how far a log is held.
func (l *Logs) Last(origin gossip.Origin) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last[origin]
}

// Range implements gossip.Store.
func (l *Logs) Range(origin gossip.Origin, from, to uint64, limit int) ([]byte, uint64, error) {
	to = min(to, l.Last(origin), from+uint64(max(0, limit-headSize)/RecordSize)-1)
	if from == 0 || from > to {
		return nil, 0, gossip.ErrNotHeld
	}
	chunk := make([]byte, 0, limit)
	for seq := from; seq <= to; seq++ {
		chunk = append(chunk, Record(origin, seq)...)
	}
	return append(chunk, make([]byte, headSize)...), to, nil
}

// Receive implements gossip.Store.
func (l *Logs) Receive(_ gossip.Peer, origin gossip.Origin, first uint64, chunk []byte) (uint64, error) {
	next, err := l.receive(origin, first, chunk)
	if l.Arrived != nil {
		l.Arrived(origin, next-1)
	}
	return next, err
}

func (l *Logs) receive(origin gossip.Origin, first uint64, chunk []byte) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(chunk) < headSize+RecordSize || (len(chunk)-headSize)%RecordSize != 0 {
		return l.last[origin] + 1, &gossip.RefusedError{Reason: gossip.ReasonChain, Err: errors.New("no whole records")}
	}
	seq := first
	for record := range slices.Chunk(chunk[:len(chunk)-headSize], RecordSize) {
		if !hmac.Equal(record, Record(origin, seq)) {
			return l.last[origin] + 1, &gossip.RefusedError{Reason: gossip.ReasonSignature, Err: errors.New("not what its gate wrote")}
		}
		if seq == l.last[origin]+1 {
			l.last[origin] = seq
		}
		seq++
	}
	return l.last[origin] + 1, nil
}

// Record returns the one record that Logs take at a place.
func Record(origin gossip.Origin, seq uint64) []byte {
	b := make([]byte, 16, RecordSize)
	binary.BigEndian.PutUint32(b, origin.Gate)
	binary.BigEndian.PutUint32(b[4:], origin.Epoch)
	binary.BigEndian.PutUint64(b[8:], seq)
	x := uint64(0x9e3779b97f4a7c15) * (seq ^ uint64(origin.Gate)<<32 ^ uint64(origin.Epoch)<<56)
	for len(b) < RecordSize {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b = binary.BigEndian.AppendUint64(b, x)
	}
	return b
}

// Roster is a gossip.Roster. All gates of a test may share the list.
type Roster struct {
	self gossip.Peer
	list *List
}

// List is who takes part, and the key that stands for the roster's signature.
type List struct {
	key []byte

	mu    sync.Mutex
	gates map[gossip.Peer]netip.AddrPort
}

// NewList returns a list of gates.
func NewList(key string, gates map[gossip.Peer]netip.AddrPort) *List {
	return &List{key: []byte(key), gates: maps.Clone(gates)}
}

// Of returns the roster as a gate sees it.
func (l *List) Of(self gossip.Peer) *Roster { return &Roster{self, l} }

// Set puts a gate on the list, with a fixed address or none.
func (l *List) Set(gate gossip.Peer, fixed netip.AddrPort) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gates[gate] = fixed
}

// Strike takes a gate off the list.
func (l *List) Strike(gate gossip.Peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.gates, gate)
}

// Peers implements gossip.Roster.
func (r *Roster) Peers() map[gossip.Peer]netip.AddrPort {
	r.list.mu.Lock()
	defer r.list.mu.Unlock()
	return maps.Clone(r.list.gates)
}

// Knows implements gossip.Roster.
func (r *Roster) Knows(gate gossip.Peer) bool { return gate < 1000 }

// Meta implements gossip.Roster.
func (r *Roster) Meta(addr netip.AddrPort) []byte {
	return r.list.sign(r.self.String(), addr)
}

// Verify implements gossip.Roster.
func (r *Roster) Verify(meta []byte, name string, addr netip.AddrPort) error {
	if !hmac.Equal(meta, r.list.sign(name, addr)) {
		return errors.New("not signed by the roster")
	}
	return nil
}

func (l *List) sign(name string, addr netip.AddrPort) []byte {
	h := hmac.New(sha256.New, l.key)
	h.Write([]byte(name + "@" + addr.String()))
	return h.Sum(nil)
}
