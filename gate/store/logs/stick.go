package logs

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// The files by which logs travel on a stick; docs/protocol/journal.md describes
// them byte for byte.
const (
	// Extension is how their names end.
	Extension = ".vglog"

	stickMagic  = "VGL1"
	stickHeader = 4 + 4 + 4 + 4
	stickLength = 4 // before each chunk
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// StickName returns the name of a log's file.
func StickName(o ledger.Origin) string {
	return fmt.Sprintf("%d-%06d%s", o.Gate, o.Epoch, Extension)
}

// ParseStickName is the inverse of StickName; ok is false for other names.
func ParseStickName(name string) (o ledger.Origin, ok bool) {
	g, e, found := strings.Cut(strings.TrimSuffix(name, Extension), "-")
	number, err1 := strconv.ParseUint(g, 10, 32)
	epoch, err2 := strconv.ParseUint(e, 10, 32)
	o = ledger.Origin{Gate: gate.GateID(number), Epoch: uint32(epoch)}
	return o, found && err1 == nil && err2 == nil && epoch > 0 && StickName(o) == name
}

// StickError says what is wrong with a log's file, and where.
type StickError struct {
	Offset  int64
	Problem string
}

// Error names the byte and the problem.
func (e *StickError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Problem) }

func appendStickHeader(b []byte, o ledger.Origin) []byte {
	n := len(b)
	b = append(b, stickMagic...)
	b = binary.BigEndian.AppendUint32(b, uint32(o.Gate))
	b = binary.BigEndian.AppendUint32(b, o.Epoch)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[n:], castagnoli))
}

func parseStickHeader(b []byte) (o ledger.Origin, err error) {
	be := binary.BigEndian
	switch {
	case string(b[:4]) != stickMagic:
		return o, &StickError{0, "this is no file of a log"}
	case be.Uint32(b[12:]) != crc32.Checksum(b[:12], castagnoli):
		return o, &StickError{12, "the header does not match its checksum"}
	}
	o = ledger.Origin{Gate: gate.GateID(be.Uint32(b[4:])), Epoch: be.Uint32(b[8:])}
	if o.Epoch == 0 {
		return o, &StickError{8, "there is no epoch 0"}
	}
	return o, nil
}

// ReadStick calls take for every chunk of a log's file, in order, with the
// sequence of its first record. It checks the file's form only: what a chunk
// says is for Receive to judge. take must not keep the chunk; its error ends
// ReadStick and is returned. A file that is cut short, as by a stick that was
// pulled out, gives its whole chunks and then a *StickError.
func ReadStick(r io.Reader, take func(o ledger.Origin, first uint64, chunk []byte) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	header := make([]byte, stickHeader)
	if _, err := io.ReadFull(in, header); err != nil {
		return cutShort(0, err)
	}
	o, err := parseStickHeader(header)
	if err != nil {
		return err
	}
	buf := make([]byte, 0, 64<<10)
	next := uint64(1)
	for at := int64(stickHeader); ; {
		var length [stickLength]byte
		switch _, err := io.ReadFull(in, length[:]); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return cutShort(at, err)
		}
		size := binary.BigEndian.Uint32(length[:])
		if size > MaxChunk || Records(int(size)) == 0 {
			return &StickError{at, fmt.Sprintf("no chunk is %d bytes long", size)}
		}
		if cap(buf) < int(size) {
			buf = make([]byte, 0, MaxChunk)
		}
		buf = buf[:size]
		if _, err := io.ReadFull(in, buf); err != nil {
			return cutShort(at, err)
		}
		if first := binary.BigEndian.Uint64(buf[16:]); first != next {
			return &StickError{at + stickLength, fmt.Sprintf("record %d stands where %d belongs", first, next)}
		}
		if err := take(o, next, buf); err != nil {
			return err
		}
		next += uint64(Records(int(size)))
		at += stickLength + int64(size)
	}
}

func cutShort(at int64, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &StickError{at, "the file is cut short"}
	}
	return err
}

// writeStick writes a log up to a record.
func (l *Logs) writeStick(w io.Writer, o ledger.Origin, last uint64, each func() error) error {
	b := appendStickHeader(nil, o)
	if _, err := w.Write(b); err != nil {
		return err
	}
	for next := uint64(1); next <= last; {
		if err := each(); err != nil {
			return err
		}
		chunk, _, err := l.Range(o, next, last, MaxChunk)
		if err != nil {
			return err
		}
		n := Records(len(chunk))
		if n == 0 {
			return fmt.Errorf("%w: gate %d, epoch %d, record %d", ErrNotHeld, o.Gate, o.Epoch, next)
		}
		if _, err := w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(chunk)))); err != nil {
			return err
		}
		if _, err := w.Write(chunk); err != nil {
			return err
		}
		next += uint64(n)
	}
	return nil
}
