package gossip

import (
	"encoding/binary"
	"math"
)

// lastOrigin is behind every origin.
var lastOrigin = Origin{math.MaxUint32, math.MaxUint32}

// appendEntries appends lines in their order. Each is three varints: the gate
// as a difference to the line before, the epoch (as a difference too where the
// gate is the same) and the sequence; five bytes or so.
func appendEntries(b []byte, es []entry) []byte {
	var before Origin
	for _, e := range es {
		b = binary.AppendUvarint(b, uint64(e.origin.Gate-before.Gate))
		epoch := e.origin.Epoch
		if e.origin.Gate == before.Gate {
			epoch -= before.Epoch
		}
		b = binary.AppendUvarint(b, uint64(epoch))
		b = binary.AppendUvarint(b, e.last)
		before = e.origin
	}
	return b
}

func (p *packet) parseVector(b []byte) error {
	if len(b) < headerSize+16 {
		return p.wrong("origins", len(b), ReasonShort, "%d bytes, want at least %d", len(b), headerSize+16)
	}
	p.from, p.to = originAt(b[headerSize:]), originAt(b[headerSize+8:])
	if p.from.Compare(p.to) > 0 {
		return p.wrong("to", headerSize+8, ReasonField, "is before from")
	}
	if err := p.parseEntries(b, headerSize+16); err != nil {
		return err
	}
	if n := len(p.entries); n > 0 && (p.entries[0].origin.Compare(p.from) < 0 || p.entries[n-1].origin.Compare(p.to) > 0) {
		return p.wrong("entries", headerSize+16, ReasonField, "outside of the origins that they are to be about")
	}
	return nil
}

// parseEntries reads lines to the end of the packet. They ascend, so that there
// is one form of a vector and no line twice.
func (p *packet) parseEntries(b []byte, at int) error {
	var before Origin
	for at < len(b) {
		if len(p.entries) == MaxEntries {
			return p.wrong("entries", at, ReasonField, "more than %d", MaxEntries)
		}
		gate, n, err := p.varint(b, at, "gate", math.MaxUint32)
		if err != nil {
			return err
		}
		epoch, m, err := p.varint(b, at+n, "epoch", math.MaxUint32)
		if err != nil {
			return err
		}
		last, k, err := p.varint(b, at+n+m, "sequence", MaxSequence)
		if err != nil {
			return err
		}
		if gate == 0 {
			epoch += uint64(before.Epoch)
		}
		gate += uint64(before.Gate)
		switch {
		case gate > math.MaxUint32:
			return p.wrong("gate", at, ReasonField, "beyond 32 bits")
		case epoch > math.MaxUint32:
			return p.wrong("epoch", at+n, ReasonField, "beyond 32 bits")
		case epoch == 0 || gate == uint64(before.Gate) && epoch <= uint64(before.Epoch):
			return p.wrong("epoch", at+n, ReasonField, "does not ascend")
		case last == 0:
			return p.wrong("sequence", at+n+m, ReasonField, "0 is no sequence")
		}
		before = Origin{uint32(gate), uint32(epoch)}
		p.entries = append(p.entries, entry{before, last})
		at += n + m + k
	}
	return nil
}

// varint reads an unsigned LEB128 number in its shortest form.
func (p *packet) varint(b []byte, at int, field string, most uint64) (value uint64, size int, err error) {
	if at > len(b) {
		at = len(b)
	}
	value, size = binary.Uvarint(b[at:])
	switch {
	case size == 0:
		return 0, 0, p.wrong(field, at, ReasonShort, "ends within a number")
	case size < 0 || value > most:
		return 0, 0, p.wrong(field, at, ReasonField, "more than %d", most)
	case size > 1 && b[at+size-1] == 0:
		return 0, 0, p.wrong(field, at, ReasonField, "not in its shortest form")
	}
	return value, size, nil
}

// vectorPackets splits a vector into packets of at most size bytes that cover
// all origins together.
func vectorPackets(es []entry, size int) []packet {
	var packets []packet
	from := Origin{}
	for {
		n, used := 0, headerSize+16
		for n < len(es) && n < MaxEntries && used+5+5+6 <= size {
			used += len(appendEntries(nil, es[n:n+1])) // an upper bound: differences are shorter
			n++
		}
		p := packet{kind: KindVector, from: from, to: lastOrigin, entries: es[:n]}
		if n == len(es) {
			return append(packets, p)
		}
		p.to = es[n-1].origin
		packets = append(packets, p)
		from, es = p.to.next(), es[n:]
	}
}
