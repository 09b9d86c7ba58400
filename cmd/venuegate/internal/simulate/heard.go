package simulate

import (
	"iter"

	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/logs"
	"github.com/venuegate/venuegate/sync/gossip"
)

func (l *life) seen() ledger.Clock {
	return min(ledger.Clock(l.heard.Load()), ledger.Clock(0).Next(l.clock.Now().Add(pull)))
}

// committed is the journal's OnCommit: what it is given is on the disk.
func (l *life) committed(records []ledger.Record) {
	l.write.Lock()
	dead := l.dead
	if !dead {
		l.venue.truth.committed(l, records)
	}
	l.write.Unlock()
	if dead {
		return
	}
	for i := range records {
		if records[i].Kind == ledger.KindGrant && l.reach(whenRecorded) {
			return
		}
	}
	for i := range records {
		if err := l.ledger.Add(&records[i]); err != nil {
			l.venue.truth.violate("gate %d: its ledger refuses its own record: %v", l.id, err)
		}
	}
	if l.claims != nil {
		for i := range records {
			l.claims.Recorded(&records[i])
		}
	}
	if last := len(records) - 1; l.node != nil && last >= 0 {
		p := records[last].Position
		l.node.Announce(gossip.Origin{Gate: uint32(p.Gate), Epoch: p.Epoch}, p.Sequence)
	}
}

// hear notes the hybrid time of another gate's record.
func (l *life) hear(c ledger.Clock) {
	for had := l.heard.Load(); uint64(c) > had && !l.heard.CompareAndSwap(had, uint64(c)); had = l.heard.Load() {
	}
}

// received is the logs' OnRecords.
func (l *life) received(records []ledger.Record) {
	for i := range records {
		l.hear(records[i].Clock)
	}
	l.venue.truth.arrived(l.id, records)
	if l.claims != nil {
		for i := range records {
			l.claims.Recorded(&records[i])
		}
	}
}

// held gives all records on the gate's disk, its own first.
func (l *life) held() iter.Seq[*ledger.Record] {
	return func(yield func(*ledger.Record) bool) {
		own := l.journal.Vector()
		for origin, last := range l.logs.Vector() {
			if own[origin] > 0 {
				last = own[origin]
			}
			if !l.heldOf(origin, last, yield) {
				return
			}
		}
	}
}

func (l *life) heldOf(origin ledger.Origin, last uint64, yield func(*ledger.Record) bool) bool {
	var rec ledger.Record
	for from := uint64(1); from <= last; {
		chunk, _, err := l.logs.Range(origin, from, last, logs.MaxChunk)
		n := logs.Records(len(chunk))
		if err != nil || n == 0 {
			return true // comes again from peers
		}
		for i := range n {
			if rec.Decode(chunk[i*ledger.Size:(i+1)*ledger.Size]) != nil {
				return true
			}
			if !yield(&rec) {
				return false
			}
		}
		from += uint64(n)
	}
	return true
}
