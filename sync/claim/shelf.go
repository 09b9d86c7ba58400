package claim

import (
	"maps"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// maxShelved is how many records wait to be handed in before others are only
// remembered as missing, to be read again from what the gate holds.
const maxShelved = 1 << 16

// shelf is the records that the keepers have not accepted yet, as far as this
// gate knows.
type shelf struct {
	gate    gate.GateID
	own     map[ledger.Origin][]shelved // without what is under way
	others  map[ledger.Origin][]shelved
	ready   []shelved // others' records that are handed in for them
	count   int       // records on the shelf
	dropped bool      // some did not fit
}

// shelved is a run, and since when its first record waits.
type shelved struct {
	run
	since time.Time
}

func newShelf(of gate.GateID) shelf {
	return shelf{gate: of, own: map[ledger.Origin][]shelved{}, others: map[ledger.Origin][]shelved{}}
}

func (s *shelf) logs(o ledger.Origin) map[ledger.Origin][]shelved {
	if o.Gate == s.gate {
		return s.own
	}
	return s.others
}

// put takes a record that the keepers may not know. It reports whether a whole
// run is ready to go.
func (s *shelf) put(rec *ledger.Record, now time.Time) bool {
	if !readable(rec) {
		return false // was never in a journal
	}
	o, seq := rec.Position.Origin, rec.Position.Sequence
	logs := s.logs(o)
	runs := logs[o]
	if Bears(rec) && s.count >= maxShelved {
		s.dropped = true
		return false
	}
	if k := len(runs); k == 0 || runs[k-1].last+1 != seq || len(runs[k-1].records) >= maxRecords {
		runs = append(runs, shelved{run: run{origin: o, first: seq}})
	}
	r := &runs[len(runs)-1]
	r.last = seq
	logs[o] = runs
	if !Bears(rec) {
		return false
	}
	if len(r.records) == 0 {
		r.since = now
	}
	r.records = append(r.records, *rec)
	s.count++
	return o.Gate == s.gate && len(r.records) == maxRecords
}

// readable reports whether keepers can read a record, or the position of one that
// they are not told of: one that they cannot would have them refuse the request
// for ever.
func readable(rec *ledger.Record) bool {
	at := &rec.Position
	if at.Gate == 0 || at.Epoch == 0 || at.Sequence == 0 || at.Sequence > ledger.MaxSequence {
		return false
	}
	if !Bears(rec) {
		return true
	}
	b, err := rec.AppendBinary(make([]byte, 0, ledger.Size))
	return err == nil && new(ledger.Record).Decode(b) == nil
}

// pick takes runs off the shelf: this gate's own that are due, or all of them
// where a request is sent anyway, and others' that are to be handed in.
func (s *shelf) pick(now time.Time, linger time.Duration, anyway bool, room int) []shelved {
	var out []shelved
	take := func(r *shelved) bool {
		need := 32 + recordSize*len(r.records)
		if need > room || len(out) == maxItems/2 {
			return false
		}
		room -= need
		out = append(out, *r)
		s.count -= len(r.records)
		return true
	}
	for _, o := range slices.SortedFunc(maps.Keys(s.own), ledger.Origin.Compare) {
		runs := s.own[o]
		for len(runs) > 0 {
			r := &runs[0]
			due := len(r.records) > 0 && (anyway || len(r.records) >= maxRecords || now.Sub(r.since) >= linger)
			if len(runs) == 1 && !due || !take(r) {
				break
			}
			runs = runs[1:]
		}
		if s.own[o] = runs; len(runs) == 0 {
			delete(s.own, o)
		}
	}
	for len(s.ready) > 0 && take(&s.ready[0]) {
		s.ready = s.ready[1:]
	}
	return out
}

// putBack takes runs back that were not accepted.
func (s *shelf) putBack(runs []shelved) {
	for _, r := range slices.Backward(runs) {
		s.count += len(r.records)
		if r.origin.Gate != s.gate {
			s.ready = append([]shelved{r}, s.ready...)
			continue
		}
		s.own[r.origin] = append([]shelved{r}, s.own[r.origin]...)
	}
}

// waiting reports whether a record of this gate from before a time is on the
// shelf.
func (s *shelf) waiting(before time.Time) bool {
	for _, runs := range s.own {
		if slices.ContainsFunc(runs, func(r shelved) bool { return len(r.records) > 0 && r.since.Before(before) }) {
			return true
		}
	}
	return s.dropped
}

// forget takes off what is known, of one kind of logs.
func (s *shelf) forget(logs map[ledger.Origin][]shelved, o ledger.Origin, known spans) {
	var rest []shelved
	for _, r := range logs[o] {
		if known.covers(r.first, r.last) {
			s.count -= len(r.records)
			continue
		}
		rest = append(rest, r)
	}
	if len(rest) == 0 {
		delete(logs, o)
		return
	}
	logs[o] = rest
}

// overdue returns the logs of other gates with records that have waited since
// before a time. Stretches in which nothing matters are taken off.
func (s *shelf) overdue(before time.Time, most int) []ledger.Origin {
	var list []ledger.Origin
	for _, o := range slices.SortedFunc(maps.Keys(s.others), ledger.Origin.Compare) {
		rest := slices.DeleteFunc(s.others[o], func(r shelved) bool { return len(r.records) == 0 })
		if s.others[o] = rest; len(rest) == 0 {
			delete(s.others, o)
			continue
		}
		if rest[0].since.Before(before) && len(list) < most {
			list = append(list, o)
		}
	}
	return list
}

// handIn moves what the keepers do not know of another gate's log to what is
// sent, as far as it has waited since before a time.
func (s *shelf) handIn(o ledger.Origin, known spans, before time.Time) {
	s.forget(s.others, o, known)
	var rest []shelved
	for _, r := range s.others[o] {
		if len(r.records) > 0 && r.since.Before(before) {
			s.ready = append(s.ready, r)
		} else {
			rest = append(rest, r)
		}
	}
	if s.others[o] = rest; len(rest) == 0 {
		delete(s.others, o)
	}
}
