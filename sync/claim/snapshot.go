package claim

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// snapshotVersion is the first byte of a snapshot. A keeper reads no other.
const snapshotVersion = 2

// snapshot is a machine at one moment. Facts never change, so it shares them
// with the machine that goes on; the rest is small and copied.
type snapshot struct {
	seeded bool
	roster uint64
	joined []Server
	known  map[ledger.Origin]spans
	ended  map[ledger.Origin]spans
	open   []*openClaim
	resets resets
	cuts   cuts
	facts  facts
}

func (m *machine) snapshot() *snapshot {
	s := &snapshot{seeded: m.seeded, roster: m.roster, known: copied(m.known), ended: copied(m.ended)}
	s.joined = slices.SortedFunc(maps.Keys(m.joined), Server.compare)
	s.open = slices.SortedFunc(maps.Values(m.open), func(a, b *openClaim) int { return a.key.compare(b.key) })
	s.resets = resets{normal: maps.Clone(m.resets.normal), cancels: maps.Clone(m.resets.cancels)}
	s.cuts = maps.Clone(m.cuts)
	s.facts = facts{chunks: slices.Clone(m.facts.chunks), n: m.facts.n}
	return s
}

func copied(from map[ledger.Origin]spans) map[ledger.Origin]spans {
	to := make(map[ledger.Origin]spans, len(from))
	for o, s := range from {
		to[o] = slices.Clone(s)
	}
	return to
}

func sortedOrigins(of map[ledger.Origin]spans) []ledger.Origin {
	return slices.SortedFunc(maps.Keys(of), ledger.Origin.Compare)
}

// write writes the snapshot. Two machines that took the same commands write
// the same bytes.
func (s *snapshot) write(to io.Writer) error {
	w := bufio.NewWriterSize(to, 1<<16)
	be := binary.BigEndian
	b := []byte{snapshotVersion, 0}
	if s.seeded {
		b[1] = 1
	}
	b = be.AppendUint64(b, s.roster)
	b = be.AppendUint32(b, uint32(len(s.joined)))
	for _, k := range s.joined {
		b = appendServer(b, k)
	}
	for _, of := range []map[ledger.Origin]spans{s.known, s.ended} {
		b = be.AppendUint32(b, uint32(len(of)))
		for _, o := range sortedOrigins(of) {
			b = be.AppendUint32(be.AppendUint32(b, uint32(o.Gate)), o.Epoch)
			b = be.AppendUint32(b, uint32(len(of[o])))
			for _, x := range of[o] {
				b = be.AppendUint64(be.AppendUint64(b, x.First), x.Last)
			}
		}
	}
	b = s.appendOrders(b)
	b = be.AppendUint32(b, uint32(len(s.open)))
	for _, o := range s.open {
		b = be.AppendUint32(b, uint32(o.key.gate))
		b = be.AppendUint64(b, o.key.request)
		b = be.AppendUint64(b, uint64(o.since.UnixMilli()))
		b = be.AppendUint64(b, uint64(o.clock))
		b = be.AppendUint32(b, uint32(o.entry))
		c := appendClaim(nil, &o.claim)
		b = append(be.AppendUint16(b, uint16(len(c))), c...)
	}
	b = be.AppendUint32(b, uint32(s.facts.n))
	if _, err := w.Write(b); err != nil {
		return err
	}
	for i := range s.facts.n {
		b = s.facts.at(int32(i)).append(b[:0])
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return w.Flush()
}

// appendOrders appends the orders that say who is inside, and the events that
// are over.
func (s *snapshot) appendOrders(b []byte) []byte {
	be := binary.BigEndian
	b = be.AppendUint32(b, uint32(len(s.resets.normal)))
	for _, id := range s.resets.ids() {
		b = appendMark(append(b, id[:]...), s.resets.normal[id])
	}
	b = be.AppendUint32(b, uint32(len(s.resets.cancels)))
	for _, id := range slices.Sorted(maps.Keys(s.resets.cancels)) {
		b = be.AppendUint64(b, id)
	}
	b = be.AppendUint32(b, uint32(len(s.cuts)))
	for _, event := range slices.Sorted(maps.Keys(s.cuts)) {
		b = be.AppendUint64(be.AppendUint32(b, uint32(event)), uint64(s.cuts[event]))
	}
	return b
}

func (f *fact) append(b []byte) []byte {
	if f.kind != kindPerson {
		rec := f.record()
		return appendRecord(append(b, 1), &rec)
	}
	b = append(append(b, 2), f.person[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(f.ticket))
	b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, uint32(f.event)), uint64(f.clock))
	b = binary.BigEndian.AppendUint32(b, uint32(f.at.Gate))
	b = binary.BigEndian.AppendUint32(b, f.at.Epoch)
	return binary.BigEndian.AppendUint64(b, f.at.Sequence)
}

// readSnapshot returns the machine that wrote a snapshot.
func readSnapshot(from io.Reader) (*machine, error) {
	m := newMachine()
	s := stream{r: bufio.NewReaderSize(from, 1<<16)}
	if v := s.u8(); s.err == nil && v != snapshotVersion {
		return nil, fmt.Errorf("claim: snapshot: version %d is unknown, want %d", v, snapshotVersion)
	}
	m.seeded = s.u8() == 1
	m.roster = s.u64()
	for range s.count(1 << 16) {
		m.joined[Server{gate.GateID(s.u32()), s.u32()}] = struct{}{}
	}
	for _, of := range []map[ledger.Origin]spans{m.known, m.ended} {
		for range s.count(maxOrigins) {
			o := ledger.Origin{Gate: gate.GateID(s.u32()), Epoch: s.u32()}
			var x spans
			for range s.count(maxSpans + 1) {
				first := s.u64()
				x = x.add(first, max(first, s.u64()))
			}
			of[o] = x
		}
	}
	m.restoreOrders(&s)
	for range s.count(1 << 24) {
		if s.err != nil {
			break
		}
		o := &openClaim{key: requestKey{gate.GateID(s.u32()), s.u64()}, since: time.UnixMilli(int64(s.u64())).UTC()}
		o.clock, o.entry = ledger.Clock(s.u64()), int(s.u32())
		r := reader{b: s.take(int(s.u16()))}
		r.claim(&o.claim)
		if err := r.end(); err != nil && s.err == nil {
			s.err = err
		}
		m.opened(o)
	}
	for range s.count(maxFacts) {
		if s.err != nil {
			break
		}
		m.restore(&s)
	}
	if s.err != nil {
		return nil, fmt.Errorf("claim: snapshot: %w", s.err)
	}
	return m, nil
}

func (m *machine) restoreOrders(s *stream) {
	for range s.count(maxResets) {
		r := reader{b: s.take(gate.OrderSize + markSize)}
		if s.err != nil {
			return
		}
		o := r.order(gate.OrderSize)
		if s.err = r.end(); s.err != nil {
			return
		}
		if id, ok := idOf(&o.Order); ok {
			m.resets.normal[id] = o.mark
		}
	}
	for range s.count(maxResets) {
		m.resets.cancels[s.u64()] = struct{}{}
	}
	m.resets.derive()
	for range s.count(maxCuts) {
		event := gate.EventID(s.u32())
		m.cuts[event] = ledger.Clock(s.u64())
	}
}

// restore reads one fact. The links follow from the order.
func (m *machine) restore(s *stream) {
	switch kind := s.u8(); kind {
	case 1:
		var full [ledger.Size]byte
		copy(full[:], s.take(recordSize))
		var rec ledger.Record
		if s.err == nil {
			s.err = rec.Decode(full[:])
		}
		if s.err == nil {
			m.keep(factOf(&rec, none))
		}
	case 2:
		f := fact{kind: kindPerson}
		copy(f.person[:], s.take(len(f.person)))
		f.ticket = gate.TicketID(s.u64())
		f.event, f.clock = gate.EventID(s.u32()), ledger.Clock(s.u64())
		f.at = ledger.Position{Origin: ledger.Origin{Gate: gate.GateID(s.u32()), Epoch: s.u32()}, Sequence: s.u64()}
		if s.err == nil {
			m.keep(f)
		}
	default:
		if s.err == nil {
			s.err = fmt.Errorf("fact of kind %d is unknown", kind)
		}
	}
}

// stream reads a snapshot and remembers the first error.
type stream struct {
	r   *bufio.Reader
	buf [1 << 16]byte
	err error
}

func (s *stream) take(n int) []byte {
	b := s.buf[:n]
	clear(b)
	if s.err == nil {
		if _, s.err = io.ReadFull(s.r, b); errors.Is(s.err, io.EOF) {
			s.err = io.ErrUnexpectedEOF
		}
	}
	return b
}

func (s *stream) u8() byte    { return s.take(1)[0] }
func (s *stream) u16() uint16 { return binary.BigEndian.Uint16(s.take(2)) }
func (s *stream) u32() uint32 { return binary.BigEndian.Uint32(s.take(4)) }
func (s *stream) u64() uint64 { return binary.BigEndian.Uint64(s.take(8)) }

func (s *stream) count(most uint32) uint32 {
	n := s.u32()
	if s.err == nil && n > most {
		s.err = fmt.Errorf("%d of something, at most %d", n, most)
	}
	if s.err != nil {
		return 0
	}
	return n
}
