package ledger

import (
	"cmp"
	"encoding/binary"
)

// Compare orders origins by gate, then by epoch.
func (o Origin) Compare(other Origin) int {
	return cmp.Or(cmp.Compare(o.Gate, other.Gate), cmp.Compare(o.Epoch, other.Epoch))
}

// originLog is what is remembered of one origin's records themselves: enough
// to tell a duplicate from a fork.
type originLog struct {
	origin Origin
	runs   []run  // in order, with holes between them; nearly always one
	fork   uint64 // the sequence from which there is more than one branch; 0: none
}

// run is a stretch of records without a hole.
type run struct {
	first  uint64
	prints []uint32 // the first four bytes of each record's hash
	prev   Hash     // Prev of the first record
	tail   Hash     // hash of the last record
}

func (r *run) end() uint64 { return r.first + uint64(len(r.prints)) - 1 }

func fingerprint(h Hash) uint32 { return binary.BigEndian.Uint32(h[:]) }

// last returns the highest sequence held.
func (o *originLog) last() uint64 {
	if len(o.runs) == 0 {
		return 0
	}
	return o.runs[len(o.runs)-1].end()
}

// take notes a record and reports whether it is new.
func (o *originLog) take(rec *Record, hash Hash, gaps bool) (bool, error) {
	seq := rec.Position.Sequence
	i := len(o.runs) - 1 // the run that seq is in, or behind
	for i >= 0 && o.runs[i].first > seq {
		i--
	}
	if i < 0 && (seq == 1 || gaps) {
		return o.begin(0, rec, hash, gaps)
	}
	if i < 0 {
		return false, &GapError{Origin: o.origin, Expected: 1, Got: seq}
	}
	r := &o.runs[i]
	switch end := r.end(); {
	case seq <= end:
		if r.prints[seq-r.first] != fingerprint(hash) {
			return false, &ForkError{Position: rec.Position}
		}
		return false, nil
	case seq > end+1 && gaps:
		return o.begin(i+1, rec, hash, gaps)
	case seq > end+1:
		return false, &GapError{Origin: o.origin, Expected: end + 1, Got: seq}
	case rec.Prev != r.tail && gaps:
		return o.begin(i+1, rec, hash, gaps)
	case rec.Prev != r.tail:
		return false, &ForkError{Position: rec.Position, Before: true}
	}
	if err := o.meets(i+1, seq, hash); err != nil && !gaps {
		return false, err
	}
	r.prints = append(r.prints, fingerprint(hash))
	r.tail = hash
	o.join(i)
	return true, nil
}

// begin inserts a run of one record at i.
func (o *originLog) begin(i int, rec *Record, hash Hash, gaps bool) (bool, error) {
	seq := rec.Position.Sequence
	if err := o.meets(i, seq, hash); err != nil && !gaps {
		return false, err
	}
	o.runs = append(o.runs, run{})
	copy(o.runs[i+1:], o.runs[i:])
	o.runs[i] = run{first: seq, prints: []uint32{fingerprint(hash)}, prev: rec.Prev, tail: hash}
	o.join(i)
	return true, nil
}

// meets checks a record against the run that it would close the hole to.
func (o *originLog) meets(next int, seq uint64, hash Hash) error {
	if next < len(o.runs) && o.runs[next].first == seq+1 && o.runs[next].prev != hash {
		return &ForkError{Position: Position{Origin: o.origin, Sequence: seq}}
	}
	return nil
}

// join makes one run of i and the one after it, once they meet. Where the
// chain is broken between them they stay two, without a hole.
func (o *originLog) join(i int) {
	if i+1 == len(o.runs) {
		return
	}
	a, b := &o.runs[i], &o.runs[i+1]
	if b.first != a.end()+1 || b.prev != a.tail {
		return
	}
	a.prints = append(a.prints, b.prints...)
	a.tail = b.tail
	o.runs = append(o.runs[:i+1], o.runs[i+2:]...)
}

// print returns the fingerprint of a record that is held.
func (o *originLog) print(seq uint64) (uint32, bool) {
	for i := len(o.runs) - 1; i >= 0; i-- {
		if r := &o.runs[i]; seq >= r.first {
			if seq > r.end() {
				return 0, false
			}
			return r.prints[seq-r.first], true
		}
	}
	return 0, false
}

// comparePositions orders positions by origin, then by sequence.
func comparePositions(a, b Position) int {
	return cmp.Or(a.Compare(b.Origin), cmp.Compare(a.Sequence, b.Sequence))
}
