package claim

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// maxCuts is how many events that are over the keepers remember.
const maxCuts = 1 << 16

// cuts is up to when the keepers have forgotten events that are over. What is
// recorded there before it is taken and ignored, however late it comes.
type cuts map[gate.EventID]ledger.Clock

func (c cuts) over(event gate.EventID, at ledger.Clock) bool { return at < c[event] }

// forget drops what is known of events up to now. Facts never change, so those
// that stay are put into new memory, in the same order.
func (m *machine) forget(events []gate.EventID, now time.Time) {
	at := ledger.Clock(0).Next(now)
	for _, e := range events {
		if _, known := m.cuts[e]; known || len(m.cuts) < maxCuts {
			m.cuts[e] = max(m.cuts[e], at)
		}
	}
	for _, o := range slices.SortedFunc(maps.Values(m.open), func(a, b *openClaim) int { return a.key.compare(b.key) }) {
		if m.cuts.over(o.claim.Event, o.clock) {
			m.closed(o.key)
			_ = m.end(o.key) // beyond the bound nothing is lost but the memory of a refusal
		}
	}
	all := m.facts
	m.facts = facts{}
	clear(m.tickets)
	clear(m.persons)
	clear(m.events)
	for i := range all.n {
		if f := all.at(int32(i)); !m.cuts.over(f.event, f.clock) {
			m.keep(*f)
		}
	}
}

// forgettable returns those of some events that something is known of.
func (s *stateMachine) forgettable(events []gate.EventID) []gate.EventID {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []gate.EventID
	for _, e := range events {
		open := func(o *openClaim) bool { return o.claim.Event == e }
		if s.m.events[e] > 0 || anyOf(s.m.open, open) {
			list = append(list, e)
		}
	}
	return list
}

func anyOf[K comparable, V any](of map[K]V, is func(V) bool) bool {
	for _, v := range of {
		if is(v) {
			return true
		}
	}
	return false
}

// forgetOver has the keepers forget events that are over, if this gate leads
// them.
func (n *Node) forgetOver() {
	if n.opts.Over == nil {
		return
	}
	over := n.opts.Over()
	n.mu.Lock()
	defer n.mu.Unlock()
	k := n.keeper
	if len(over) == 0 || k == nil || !k.leads() || !k.fsm.state().seeded {
		return
	}
	over = k.fsm.forgettable(slices.Sorted(slices.Values(over)))
	if len(over) == 0 {
		return
	}
	over = over[:min(len(over), maxForgotten)]
	n.opts.Log.Info("claims: the keepers forget events that are over", "events", over)
	n.commit(k, commandForget, eventBytes(over))
}

// maxForgotten is how many events one command names.
const maxForgotten = 256

func eventBytes(events []gate.EventID) []byte {
	var b []byte
	for _, e := range events {
		b = binary.BigEndian.AppendUint32(b, uint32(e))
	}
	return b
}

func (r *reader) events() []gate.EventID {
	var list []gate.EventID
	for r.err == nil && r.at < len(r.b) {
		list = append(list, gate.EventID(r.u32("event", 0, 1<<32-1)))
	}
	return list
}
