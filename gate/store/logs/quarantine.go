package logs

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

const (
	// maxProven and maxUnproven bound what is remembered of refusals. What no gate
	// has signed anybody could send, so it cannot crowd out what one has.
	maxProven   = 500
	maxUnproven = 500
	// maxEvidence is how many forks keep the other side's records.
	maxEvidence = 16
)

// Quarantine is records of one log that were refused for one reason.
type Quarantine struct {
	Origin ledger.Origin
	First  uint64 // sequence of the first one
	Why    Why
	From   gate.GateID // who passed it on, as he said himself
	At     time.Time   // when it was refused first
	Latest time.Time
	Count  uint64 // chunks
	// Evidence of a fork is a chunk, from record First on, that contradicts the
	// records held of this log though the same gate has signed both.
	Evidence []byte

	before bool // see Refusal
}

type quarantineKey struct {
	origin ledger.Origin
	why    Why
}

// quarantine is what was refused, by log and reason. Logs.mu guards it.
type quarantine struct {
	entries  map[quarantineKey]*Quarantine
	proven   int // entries that gates have signed
	evidence int // entries with evidence
	beyond   uint64
	dirty    map[quarantineKey]bool // to be written
}

// add notes one refusal.
func (q *quarantine) add(n Quarantine) {
	k := quarantineKey{n.Origin, n.Why}
	n.Count = max(n.Count, 1)
	e := q.entries[k]
	if e == nil {
		unproven := len(q.entries) - q.proven
		if n.Why.proven() && q.proven >= maxProven || !n.Why.proven() && unproven >= maxUnproven {
			q.beyond += n.Count
			return
		}
		if q.evidence >= maxEvidence {
			n.Evidence = nil
		}
		n.Latest = n.At
		q.put(&n)
	} else {
		e.Count += n.Count
		e.Latest = n.At
		if n.First < e.First {
			e.First, e.before = n.First, n.before
		}
	}
	if n.Why.proven() {
		if q.dirty == nil {
			q.dirty = map[quarantineKey]bool{}
		}
		q.dirty[k] = true
	}
}

func (q *quarantine) put(n *Quarantine) {
	q.entries[quarantineKey{n.Origin, n.Why}] = n
	if n.Why.proven() {
		q.proven++
	}
	if n.Evidence != nil {
		q.evidence++
	}
}

// passed forgets refusals of unsigned or early records that have come meanwhile
// as they should be.
func (q *quarantine) passed(o ledger.Origin, last uint64) {
	if len(q.entries) == 0 {
		return
	}
	// A gate's first records can be here before the roster that has its key, and a
	// record before its time.
	for _, why := range []Why{WhyFuture, WhyRoster, WhySignature, WhyGap, WhyChain, WhyFormat} {
		k := quarantineKey{o, why}
		e := q.entries[k]
		if e == nil || e.First > last {
			continue
		}
		delete(q.entries, k)
		if why.proven() {
			q.proven--
			if q.dirty == nil {
				q.dirty = map[quarantineKey]bool{}
			}
			q.dirty[k] = true
		}
	}
}

// note notes a refusal of a chunk, and closes a log that has forked.
func (l *Logs) note(from gate.GateID, r *Refusal, c *chunk) {
	n := Quarantine{Origin: r.Position.Origin, First: r.Position.Sequence, Why: r.Why, From: from, At: l.opt.Now()}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.verified {
		l.highest[c.origin.Gate] = max(l.highest[c.origin.Gate], c.origin.Epoch)
	}
	if r.Why == WhyFork && c.verified {
		n.before = r.before
		if n.First >= c.first && n.First <= c.last() {
			n.Evidence = bytes.Clone(c.bytes[(n.First-c.first)*ledger.Size:])
		}
		l.close(r)
	}
	l.refused.add(n)
	l.wake(l.kick)
}

// close closes a log that has forked. This gate's own stays open: whoever has
// its key cannot stop it. l.mu is held.
func (l *Logs) close(r *Refusal) {
	o := r.Position.Origin
	if l.ownLast(o) > 0 {
		return
	}
	g := l.logs[o]
	if g == nil {
		g = &log{origin: o}
		l.logs[o] = g
	}
	if g.fork == nil {
		g.fork = r
	}
}

// Quarantined returns what was refused, by origin and reason, and how many
// chunks more there was no room to remember. What gates have signed is
// remembered over a restart.
func (l *Logs) Quarantined() (all []Quarantine, beyond uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.refused.entries {
		all = append(all, *e)
	}
	slices.SortFunc(all, func(a, b Quarantine) int {
		return cmp.Or(a.Origin.Compare(b.Origin), cmp.Compare(a.Why, b.Why))
	})
	return all, l.refused.beyond
}

// quarantineLine is how an entry stands in the file.
type quarantineLine struct {
	First    uint64      `json:"first"`
	Why      Why         `json:"why"`
	From     gate.GateID `json:"from"`
	At       time.Time   `json:"at"`
	Latest   time.Time   `json:"latest"`
	Count    uint64      `json:"count"`
	Evidence []byte      `json:"evidence,omitempty"`
	Before   bool        `json:"before,omitempty"`
}

func (k quarantineKey) encode() []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(k.origin.Gate))
	b = binary.BigEndian.AppendUint32(b, k.origin.Epoch)
	return append(b, k.why...)
}

func (q *Quarantine) encode() ([]byte, error) {
	return json.Marshal(quarantineLine{q.First, q.Why, q.From, q.At.UTC(), q.Latest.UTC(), q.Count, q.Evidence, q.before})
}

func decodeQuarantine(k, v []byte) (*Quarantine, bool) {
	var line quarantineLine
	if len(k) < 8 || json.Unmarshal(v, &line) != nil || string(k[8:]) != string(line.Why) || !line.Why.proven() {
		return nil, false
	}
	q := &Quarantine{
		First: line.First, Why: line.Why, From: line.From, At: line.At, Latest: line.Latest, Count: line.Count, Evidence: line.Evidence,
		before: line.Before,
	}
	q.Origin.Gate = gate.GateID(binary.BigEndian.Uint32(k))
	q.Origin.Epoch = binary.BigEndian.Uint32(k[4:])
	return q, true
}

// takeDirty returns the entries to be written; nil stands for one to be
// deleted.
func (q *quarantine) takeDirty() map[quarantineKey]*Quarantine {
	if len(q.dirty) == 0 {
		return nil
	}
	taken := make(map[quarantineKey]*Quarantine, len(q.dirty))
	for k := range maps.Keys(q.dirty) {
		taken[k] = nil
		if e := q.entries[k]; e != nil {
			entry := *e
			taken[k] = &entry
		}
	}
	q.dirty = nil
	return taken
}
