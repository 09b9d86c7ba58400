package gossip

import (
	"encoding/binary"
	"fmt"
)

// Version is the first byte of every packet.
const Version = 1

// Kind is the second byte of every packet.
type Kind uint8

// The kinds of packet; the numbers never change meaning.
const (
	KindRecords Kind = 1 // a chunk of a log, in one datagram
	KindHead    Kind = 2 // how far some logs go
	KindVector  Kind = 3 // how far all logs of a stretch of origins go
	KindWant    Kind = 4 // please send these
	KindRange   Kind = 5 // a chunk of a log, over a stream
)

// Bounds of packets, in bytes where not noted.
const (
	// MaxDatagram is the most that one datagram holds: everything that UDP
	// carries, memberlist's wrapping included. It leaves room for the headers of
	// IPv6, VLANs and tunnels in 1500.
	MaxDatagram = 1300
	// MaxChunk is the longest chunk of a range.
	MaxChunk = 256 << 10
	// MaxState is the longest vector of a push and pull.
	MaxState = 64 << 10
	// MaxEntries is the most lines that a head or vector may have.
	MaxEntries = 16 << 10
	// MaxWants is the most stretches that one packet may ask for.
	MaxWants = 32

	headerSize = 1 + 1 + 4 + 8
	chunkStart = headerSize + 8 + 8 + 8
	wantSize   = 8 + 8 + 8
)

// packet is one message of gossip. Which fields hold what depends on the kind;
// byte slices are parts of what was parsed.
type packet struct {
	kind   Kind
	sender Peer
	number uint64 // makes two packets of one content differ

	origin      Origin // records, range
	first, last uint64
	chunk       []byte

	entries  []entry // head, vector
	from, to Origin  // vector: it says all about the origins between, both included

	wants []want
}

// want is a stretch of a log that somebody lacks, both ends included.
type want struct {
	origin   Origin
	from, to uint64
}

func (k Kind) maxSize() int {
	switch k {
	case KindRange:
		return chunkStart + MaxChunk
	case KindVector:
		return MaxState
	default:
		return MaxDatagram
	}
}

func (p *packet) appendHeader(b []byte) []byte {
	b = append(b, Version, byte(p.kind))
	b = binary.BigEndian.AppendUint32(b, uint32(p.sender))
	return binary.BigEndian.AppendUint64(b, p.number)
}

func appendOrigin(b []byte, o Origin) []byte {
	b = binary.BigEndian.AppendUint32(b, o.Gate)
	return binary.BigEndian.AppendUint32(b, o.Epoch)
}

func originAt(b []byte) Origin {
	return Origin{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}

// encode returns the packet's bytes. It does not check what parse would.
func (p *packet) encode() []byte {
	b := p.appendHeader(make([]byte, 0, chunkStart+len(p.chunk)+16*len(p.entries)+wantSize*len(p.wants)))
	switch p.kind {
	case KindRecords, KindRange:
		b = appendOrigin(b, p.origin)
		b = binary.BigEndian.AppendUint64(b, p.first)
		b = binary.BigEndian.AppendUint64(b, p.last)
		b = append(b, p.chunk...)
	case KindVector:
		b = appendOrigin(appendOrigin(b, p.from), p.to)
		b = appendEntries(b, p.entries)
	case KindHead:
		b = appendEntries(b, p.entries)
	case KindWant:
		for _, w := range p.wants {
			b = appendOrigin(b, w.origin)
			b = binary.BigEndian.AppendUint64(b, w.from)
			b = binary.BigEndian.AppendUint64(b, w.to)
		}
	}
	return b
}

func (p *packet) wrong(field string, at int, reason Reason, format string, args ...any) error {
	return &PacketError{Kind: p.kind, Field: field, Offset: at, Reason: reason, Problem: fmt.Sprintf(format, args...)}
}

// parse reads a packet. Where the header can be read it is filled in even when
// the rest is wrong, so that a refusal can be counted to its sender. The error
// is a *PacketError.
func parse(b []byte) (packet, error) {
	var p packet
	if len(b) < headerSize {
		return p, p.wrong("header", len(b), ReasonShort, "%d bytes, want at least %d", len(b), headerSize)
	}
	p.kind = Kind(b[1])
	if b[0] != Version {
		return p, p.wrong("version", 0, ReasonVersion, "%d, not %d", b[0], Version)
	}
	p.sender = Peer(binary.BigEndian.Uint32(b[2:]))
	p.number = binary.BigEndian.Uint64(b[6:])
	if most := p.kind.maxSize(); len(b) > most {
		return p, p.wrong("length", most, ReasonOversized, "%d bytes, at most %d", len(b), most)
	}
	err := p.parseBody(b)
	return p, err
}

func (p *packet) parseBody(b []byte) error {
	switch p.kind {
	case KindRecords, KindRange:
		return p.parseChunk(b)
	case KindHead:
		return p.parseEntries(b, headerSize)
	case KindVector:
		return p.parseVector(b)
	case KindWant:
		return p.parseWants(b)
	default:
		return p.wrong("kind", 1, ReasonKind, "%d is not known", p.kind)
	}
}

func (p *packet) parseChunk(b []byte) error {
	if len(b) <= chunkStart {
		return p.wrong("chunk", len(b), ReasonShort, "%d bytes, want more than %d", len(b), chunkStart)
	}
	p.origin = originAt(b[headerSize:])
	p.first = binary.BigEndian.Uint64(b[headerSize+8:])
	p.last = binary.BigEndian.Uint64(b[headerSize+16:])
	p.chunk = b[chunkStart:]
	if err := p.checkStretch(headerSize, p.origin, p.first, p.last); err != nil {
		return err
	}
	// A record takes a byte at least, so that a short chunk cannot claim a long
	// stretch.
	if p.last-p.first >= uint64(len(p.chunk)) {
		return p.wrong("last", headerSize+16, ReasonField, "%d records in %d bytes", p.last-p.first+1, len(p.chunk))
	}
	return nil
}

// checkStretch checks an origin, a first and a last sequence that stand one
// behind the other from byte at.
func (p *packet) checkStretch(at int, o Origin, first, last uint64) error {
	switch {
	case o.Epoch == 0:
		return p.wrong("epoch", at+4, ReasonField, "0 is no epoch")
	case first == 0 || first > MaxSequence:
		return p.wrong("first", at+8, ReasonField, "%d is no sequence", first)
	case last < first || last > MaxSequence:
		return p.wrong("last", at+16, ReasonField, "%d is not in %d to %d", last, first, uint64(MaxSequence))
	}
	return nil
}

func (p *packet) parseWants(b []byte) error {
	body := len(b) - headerSize
	if body == 0 || body%wantSize != 0 || body/wantSize > MaxWants {
		return p.wrong("wants", headerSize, ReasonField, "%d bytes are not 1 to %d times %d", body, MaxWants, wantSize)
	}
	p.wants = make([]want, 0, body/wantSize)
	for at := headerSize; at < len(b); at += wantSize {
		w := want{originAt(b[at:]), binary.BigEndian.Uint64(b[at+8:]), binary.BigEndian.Uint64(b[at+16:])}
		if err := p.checkStretch(at, w.origin, w.from, w.to); err != nil {
			return err
		}
		p.wants = append(p.wants, w)
	}
	return nil
}
