package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// The files; see docs/protocol/journal.md.
const (
	segmentMagic   = "VGJ1"
	segmentHeader  = 32
	frameHeader    = 8
	frameSize      = frameHeader + ledger.Size
	headMagic      = "VGH1"
	headSlot       = 4096
	headSlotUsed   = len(headMagic) + ledger.HeadSize + 4
	headFile       = "head"
	defaultSegment = 1 << 20
	minSegment     = 4096
	maxSegment     = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func epochName(o ledger.Origin) string {
	return fmt.Sprintf("%d-%06d", o.Gate, o.Epoch)
}

// parseEpochName reads a directory's name; ok is false for names that the
// journal does not give.
func parseEpochName(name string) (o ledger.Origin, ok bool) {
	left, right, found := strings.Cut(name, "-")
	if !found {
		return o, false
	}
	g, err1 := strconv.ParseUint(left, 10, 32)
	e, err2 := strconv.ParseUint(right, 10, 32)
	o = ledger.Origin{Gate: gate.GateID(g), Epoch: uint32(e)}
	return o, err1 == nil && err2 == nil && e > 0 && epochName(o) == name
}

func segmentName(n int) string { return fmt.Sprintf("%04d.seg", n) }

func parseSegmentName(name string) (n int, ok bool) {
	number, found := strings.CutSuffix(name, ".seg")
	if !found {
		return 0, false
	}
	n, err := strconv.Atoi(number)
	return n, err == nil && n > 0 && segmentName(n) == name
}

func segmentPath(dir string, o ledger.Origin, n int) string {
	return filepath.Join(dir, epochName(o), segmentName(n))
}

// putSegmentHeader writes a segment's header to b.
func putSegmentHeader(b []byte, o ledger.Origin, n int) {
	clear(b[:segmentHeader])
	copy(b, segmentMagic)
	binary.BigEndian.PutUint32(b[4:], uint32(o.Gate))
	binary.BigEndian.PutUint32(b[8:], o.Epoch)
	binary.BigEndian.PutUint32(b[12:], uint32(n))
	binary.BigEndian.PutUint32(b[28:], crc32.Checksum(b[:28], castagnoli))
}

// parseSegmentHeader returns the log and the number that a segment says it is
// of. problem is empty when the header is good.
func parseSegmentHeader(b []byte) (o ledger.Origin, n int, problem string) {
	switch {
	case len(b) < segmentHeader:
		return o, 0, "the segment is cut short in its header"
	case string(b[:4]) != segmentMagic:
		return o, 0, "the segment's header has no magic number"
	case binary.BigEndian.Uint32(b[28:]) != crc32.Checksum(b[:28], castagnoli):
		return o, 0, "the segment's header does not match its checksum"
	}
	o.Gate = gate.GateID(binary.BigEndian.Uint32(b[4:]))
	o.Epoch = binary.BigEndian.Uint32(b[8:])
	return o, int(binary.BigEndian.Uint32(b[12:])), ""
}

// appendFrame appends a frame with the record to b. index is the record's place
// in the write that it is part of. The error is the record's.
func appendFrame(b []byte, rec *ledger.Record, index int) ([]byte, error) {
	n := len(b)
	b = binary.BigEndian.AppendUint16(b, ledger.Size)
	b = binary.BigEndian.AppendUint16(b, uint16(index))
	b = append(b, 0, 0, 0, 0)
	b, err := rec.AppendBinary(b)
	if err != nil {
		return b[:n], err
	}
	binary.BigEndian.PutUint32(b[n+4:], frameSum(b[n:]))
	return b, nil
}

// frameSum covers the frame but the sum itself.
func frameSum(f []byte) uint32 {
	sum := crc32.Update(0, castagnoli, f[:4])
	return crc32.Update(sum, castagnoli, f[frameHeader:frameSize])
}

// frame is one good frame of a segment.
type frame struct {
	index   int // of the record in its write
	encoded []byte
}

func (f frame) sequence() uint64 { return binary.BigEndian.Uint64(f.encoded[16:]) }

// written returns the sequence of the first record of the same write. All that
// comes before it had been flushed by then.
func (f frame) written() uint64 { return f.sequence() - uint64(f.index) }

// parseFrame reads the frame at the beginning of b. problem is empty when it is
// good and of the given log.
func parseFrame(b []byte, o ledger.Origin) (f frame, problem string) {
	if len(b) < frameSize {
		return f, "the segment is cut short in a frame"
	}
	be := binary.BigEndian
	switch {
	case be.Uint64(b) == 0:
		return f, "zeros stand where a frame belongs"
	case be.Uint16(b) != ledger.Size:
		return f, "a frame has the wrong length"
	case be.Uint32(b[4:]) != frameSum(b):
		return f, "a frame does not match its checksum"
	}
	f = frame{index: int(be.Uint16(b[2:])), encoded: b[frameHeader:frameSize]}
	switch {
	case gate.GateID(be.Uint32(f.encoded[4:])) != o.Gate || be.Uint32(f.encoded[8:]) != o.Epoch:
		return f, "a frame is of another log"
	case f.sequence() == 0 || f.sequence() > ledger.MaxSequence || uint64(f.index) >= f.sequence():
		return f, "a frame has an impossible sequence"
	}
	return f, ""
}

// scanSegment calls good for every good frame of a segment and bad for every
// stretch that is neither a good frame nor the zeros at the end.
func scanSegment(data []byte, o ledger.Origin, good func(off int, f frame), bad func(off int, problem string)) {
	off := min(segmentHeader, len(data))
	for off < len(data) {
		f, problem := parseFrame(data[off:], o)
		if problem == "" {
			good(off, f)
			off += frameSize
			continue
		}
		next := findFrame(data, off+1, o)
		if next < 0 {
			if !allZero(data[off:]) {
				bad(off, problem)
			}
			return
		}
		bad(off, problem)
		off = next
	}
}

// findFrame returns the offset of the first good frame from off on, or -1.
func findFrame(data []byte, off int, o ledger.Origin) int {
	mark := binary.BigEndian.AppendUint16(nil, ledger.Size)
	for off < len(data) {
		i := bytes.Index(data[off:], mark)
		if i < 0 {
			return -1
		}
		off += i
		if _, problem := parseFrame(data[off:], o); problem == "" {
			return off
		}
		off++
	}
	return -1
}

var zeros [4096]byte

func allZero(b []byte) bool {
	for chunk := range slices.Chunk(b, len(zeros)) {
		if !bytes.Equal(chunk, zeros[:len(chunk)]) {
			return false
		}
	}
	return true
}

// putHead writes a signed head to a slot of the head file.
func putHead(slot []byte, h *ledger.Head) {
	n := copy(slot, headMagic)
	b, _ := h.AppendBinary(slot[:n]) // never fails
	binary.BigEndian.PutUint32(slot[len(b):], crc32.Checksum(b, castagnoli))
}

// parseHead reads one slot; ok is false when it holds no whole head.
func parseHead(slot []byte) (h ledger.Head, ok bool) {
	if len(slot) < headSlotUsed || string(slot[:len(headMagic)]) != headMagic {
		return h, false
	}
	body := slot[:headSlotUsed-4]
	if binary.BigEndian.Uint32(slot[headSlotUsed-4:]) != crc32.Checksum(body, castagnoli) {
		return h, false
	}
	return h, h.Decode(body[len(headMagic):]) == nil
}
