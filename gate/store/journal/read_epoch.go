package journal

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/venuegate/venuegate/gate/ledger"
)

// epochReader delivers the records of one epoch up to its end.
type epochReader struct {
	*reader
	origin ledger.Origin
	oldest bool
	end    uint64
	head   ledger.Head // zero when there is none

	next    uint64 // sequence that is expected
	linked  bool   // the hash of the record before next is known
	hash    ledger.Hash
	whole   stretch // from the first record on, without a flaw
	broken  bool    // whole ends here
	segment int
	// bad is a stretch that is no good, until it is known which records it cost.
	bad struct {
		segment int
		off     int
		problem string
	}
}

func (e *epochReader) run() {
	listed := e.segments(e.origin, func(file int, problem string) {
		e.recovery.damage(Damage{Origin: e.origin, Segment: file, Problem: problem})
	})
	number := 1
	for i, s := range listed {
		e.segment = s.file
		switch {
		case i == 0 && s.number > 1 && e.oldest:
			e.next = 0 // the beginning has been deleted; take what comes
		case s.number > number:
			e.mark(0, fmt.Sprintf("segment %d is not there", number))
		case s.number < number:
			e.recovery.damage(Damage{Origin: e.origin, Segment: s.file, Problem: "there is another segment of this number"})
		}
		number = s.number + 1
		data, err := e.load(e.origin, s.file)
		e.recovery.Bytes += int64(len(data))
		scanSegment(data, e.origin, e.good, e.mark)
		if err != nil {
			e.mark(len(data), err.Error())
		}
		if e.err != nil {
			return
		}
	}
	if e.next <= e.end && e.next > 0 {
		e.missing(e.end)
	}
}

// mark notes the first of several stretches that are no good.
func (e *epochReader) mark(off int, problem string) {
	if e.bad.problem == "" {
		e.bad.segment, e.bad.off, e.bad.problem = e.segment, off, problem
	}
}

// missing notes that records next to last are not there.
func (e *epochReader) missing(last uint64) {
	if e.bad.problem == "" {
		e.mark(0, "there are too few records")
	}
	e.recovery.damage(Damage{
		Origin: e.origin, Segment: e.bad.segment, Offset: int64(e.bad.off),
		First: e.next, Last: last, Problem: e.bad.problem,
	})
	e.bad.problem = ""
	e.next, e.linked = last+1, false
}

// good takes one frame.
func (e *epochReader) good(off int, f frame) {
	if e.err != nil {
		return
	}
	e.clock = max(e.clock, ledger.Clock(binary.BigEndian.Uint64(f.encoded[24:])))
	seq := f.sequence()
	if seq > e.end {
		if e.bad.problem == "" { // behind a torn write it is counted there
			e.recovery.LeftOut++
		}
		return
	}
	here := Damage{Origin: e.origin, Segment: e.segment, Offset: int64(off)}
	if err := e.rec.Decode(f.encoded); err != nil {
		e.mark(off, err.Error())
		return
	}
	begins := e.next == 0
	e.broken = e.broken || e.bad.problem != "" && !begins // what follows is not where it belongs
	switch {
	case begins:
		e.next = seq
	case seq < e.next:
		here.Problem = fmt.Sprintf("record %d stands where %d belongs and is left out", seq, e.next)
		e.recovery.damage(here)
		return
	case seq > e.next:
		e.missing(seq - 1)
	case e.bad.problem != "":
		here.Segment, here.Offset, here.Problem = e.bad.segment, int64(e.bad.off), e.bad.problem
		e.recovery.damage(here)
		e.bad.problem = ""
	}
	hash := ledger.HashEncoded(f.encoded)
	e.stretch(hash, begins)
	e.checkLink(here, hash)
	if e.recovery.First.IsZero() {
		e.recovery.First = e.rec.Position
	}
	e.next, e.linked, e.hash = seq+1, true, hash
	e.recovery.Records++
	e.recovery.Last, e.recovery.LastHash = e.rec.Position, hash
	if e.deliver != nil {
		e.err = e.deliver(&e.rec, hash)
	}
}

// stretch notes whether the record can be vouched for.
func (e *epochReader) stretch(hash ledger.Hash, begins bool) {
	seq := e.rec.Position.Sequence
	signed := e.head.Position != e.rec.Position || e.head.Hash == hash
	switch {
	case e.broken:
	case !signed:
		e.whole, e.broken = stretch{}, true // nobody knows where it leaves what was signed
	case begins, seq == 1:
		e.whole = stretch{seq, seq}
	case e.linked && e.rec.Prev == e.hash && e.whole.last == seq-1:
		e.whole.last = seq
	default:
		e.broken = true
	}
}

// checkLink compares the record with the hash of the one before it, which for
// the first of an epoch is the last of an older one, and with the signed head.
func (e *epochReader) checkLink(here Damage, hash ledger.Hash) {
	first := e.rec.Position.Sequence == 1
	switch {
	case e.linked && e.rec.Prev != e.hash:
		here.Problem = fmt.Sprintf("record %d does not follow the one before it", e.rec.Position.Sequence)
		e.recovery.damage(here)
	case first && !e.oldest && e.rec.Ref.Origin != e.recovery.Last.Origin && !slices.Contains(e.epochs, e.rec.Ref.Origin):
		e.recovery.damage(Damage{Origin: e.rec.Ref.Origin, First: 1, Last: e.rec.Ref.Sequence, Problem: "the epoch is not there"})
	case e.head.Position == e.rec.Position && e.head.Hash != hash:
		here.Problem = fmt.Sprintf("record %d is not the one that the gate signed", e.head.Position.Sequence)
		e.recovery.damage(here)
	case first && e.rec.Ref == e.recovery.Last && e.rec.Prev != e.recovery.LastHash:
		here.Problem = "the epoch does not follow the one before it"
		e.recovery.damage(here)
	}
}
