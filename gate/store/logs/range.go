package logs

import (
	"fmt"

	"github.com/venuegate/venuegate/gate/ledger"
)

// Range returns records of a log from one sequence on, and behind them the
// signed head of the last: at least one record, so many as fit into limit bytes
// with the head. last is the sequence of the last one, at most to.
//
// Of this gate's own log every record can be signed for. A log of another gate
// can end only where a signed head is held: at the last one up to to, or, where
// none is, at the first one behind to. The chunk goes beyond to then, and last is
// to. The error wraps ErrNotHeld where no head lies within reach.
func (l *Logs) Range(origin ledger.Origin, from, to uint64, limit int) (chunk []byte, last uint64, err error) {
	if own, end := l.ownEnd(origin); from > 0 && from <= end {
		chunk, last, err = own.Range(origin, from, min(to, end), limit)
		if err != nil {
			return nil, 0, fmt.Errorf("%w: %w", ErrNotHeld, err)
		}
		return chunk, last, nil
	}
	most := uint64(max(0, min(limit, MaxChunk)-ledger.HeadSize)) / ledger.Size
	l.mu.Lock()
	g := l.logs[origin]
	if g == nil || most == 0 || from == 0 || from > to || from > l.last(g) {
		l.mu.Unlock()
		return nil, 0, notHeld(origin, from)
	}
	reach := min(from+most-1, l.last(g))
	to = min(to, reach)
	blocks, heads := g.blocks, g.heads // they are only added to, and taken off in front
	l.mu.Unlock()

	var head ledger.Head
	err = l.view(func(f file) error {
		head = headBetween(heads, from, to, reach)
		if s := head.Position.Sequence; s == 0 || s > to { // perhaps the file has a better one
			if found, ok := f.head(origin, from, to, reach); ok && (s == 0 || found.Position.Sequence < s) {
				head = found
			}
		}
		end := head.Position.Sequence
		if end == 0 {
			return notHeld(origin, from)
		}
		chunk = make([]byte, 0, int(end-from+1)*ledger.Size+ledger.HeadSize)
		next := from
		if len(blocks) == 0 || blocks[0].first > next {
			until := end
			if len(blocks) > 0 {
				until = min(until, blocks[0].first-1)
			}
			if chunk, err = f.records(chunk, origin, next, until); err != nil {
				return err
			}
			next = until + 1
		}
		for _, b := range blocks {
			if next > end || b.first > end {
				break
			}
			if b.last() < next {
				continue
			}
			chunk = append(chunk, b.data[(next-b.first)*ledger.Size:(min(end, b.last())-b.first+1)*ledger.Size]...)
			next = min(end, b.last()) + 1
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	if Records(len(chunk)+ledger.HeadSize) != int(head.Position.Sequence-from+1) {
		return nil, 0, notHeld(origin, from)
	}
	chunk, err = head.AppendBinary(chunk)
	return chunk, min(to, head.Position.Sequence), err
}

func notHeld(o ledger.Origin, seq uint64) error {
	return fmt.Errorf("%w: gate %d, epoch %d, record %d", ErrNotHeld, o.Gate, o.Epoch, seq)
}

// headBetween returns the last head of records from up to to, or the first one
// behind those, up to reach, or the zero head.
func headBetween(heads []ledger.Head, from, to, reach uint64) ledger.Head {
	for i := len(heads) - 1; i >= 0; i-- {
		switch s := heads[i].Position.Sequence; {
		case s < from:
			return firstBehind(heads[i+1:], reach)
		case s <= to:
			return heads[i]
		}
	}
	return firstBehind(heads, reach)
}

func firstBehind(heads []ledger.Head, reach uint64) ledger.Head {
	if len(heads) > 0 && heads[0].Position.Sequence <= reach {
		return heads[0]
	}
	return ledger.Head{}
}
