package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/venuegate/venuegate/gate"
)

// A patch file is a line of JSON, patchHeader, and then for every ticket its id
// (u64, big endian), the length of its value (uvarint) and the value. The
// manifest names it with its size and sum. Like a pack file it is private to
// this package.

const patchSuffix = ".patch"

// maxPatchFile is more than any patch file has.
const maxPatchFile = maxPatchBytes + maxPatch*(idSize+binary.MaxVarintLen16) + 64<<10

type patchHeader struct {
	Format int    `json:"format"`
	Over   string `json:"over"` // Content of the pack file that it lies over
	Info   Info   `json:"info"` // of the pack with the patch
}

func encodePatch(p *patch, over string, info Info) ([]byte, error) {
	b, err := json.Marshal(patchHeader{Format: formatVersion, Over: over, Info: info})
	if err != nil {
		return nil, err
	}
	b = append(b, '\n')
	p.each(func(key, value []byte) {
		b = append(b, key...)
		b = binary.AppendUvarint(b, uint64(len(value)))
		b = append(b, value...)
	})
	return b, nil
}

// errPatch is a patch file that encodePatch never wrote.
var errPatch = errors.New("malformed patch")

// decodePatch takes a file apart. Of what the header says it checks all that
// does not need the pack file.
func decodePatch(data []byte) (*patch, patchHeader, error) {
	var h patchHeader
	line, rest, ok := bytes.Cut(data, []byte{'\n'})
	if !ok {
		return nil, h, errPatch
	}
	if err := json.Unmarshal(line, &h); err != nil {
		return nil, h, fmt.Errorf("header: %w", err)
	}
	if h.Format != formatVersion {
		return nil, h, fmt.Errorf("format %d, this program knows %d", h.Format, formatVersion)
	}
	p := &patch{}
	t := gate.Ticket{Event: h.Info.Event}
	r := reader{b: rest}
	for last := gate.TicketID(0); len(r.b) > 0; last = t.ID {
		if id := r.next(idSize); id != nil {
			t.ID = gate.TicketID(binary.BigEndian.Uint64(id))
		}
		n := r.number(32)
		if r.bad || n > uint64(len(r.b)) || t.ID <= last || len(p.ids) == maxPatch {
			return nil, h, errPatch
		}
		value := r.next(int(n))
		if err := decodeTicket(value, &t); err != nil {
			return nil, h, fmt.Errorf("ticket %s: %w", t.ID, err)
		}
		p.take(&t, value)
	}
	p.sort()
	switch {
	case len(p.ids) != h.Info.Changes:
		return nil, h, fmt.Errorf("%d tickets, its header says %d", len(p.ids), h.Info.Changes)
	case p.content(h.Over) != h.Info.Content:
		return nil, h, errors.New("content is not what was written")
	}
	return p, h, nil
}

// readPatch reads the file that an entry names and lays it over a pack file.
// The error is a [*DamagedError].
func (e *patchEntry) read(dir string, over *image) (*Pack, error) {
	damaged := func(what string, err error) error { return &DamagedError{File: e.File, What: what, Err: err} }
	if e.Size > maxPatchFile {
		return nil, damaged(fmt.Sprintf("%d bytes, at most %d", e.Size, maxPatchFile), nil)
	}
	f, err := os.Open(filepath.Join(dir, e.File))
	if err != nil {
		return nil, damaged("unreadable", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, e.Size+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, damaged("unreadable", err)
	}
	switch {
	case int64(len(data)) != e.Size:
		return nil, damaged(fmt.Sprintf("not the %d bytes that were noted", e.Size), nil)
	case sumText(crc32.Checksum(data, castagnoli)) != e.Sum:
		return nil, damaged("its sum is not the one that was noted", nil)
	}
	p, h, err := decodePatch(data)
	if err != nil {
		return nil, damaged("no patch", err)
	}
	if h.Over != over.built.Content || h.Info.Event != over.built.Event {
		return nil, damaged("lies over another pack than "+over.file, nil)
	}
	return over.pack(p, h.Info), nil
}

// lay writes a patch file, reads it back as a restart would, and makes it the
// entry's. When it fails, no file is left.
func (e *entry) lay(dir, file string, over *image, by *patch, info Info) (*Pack, error) {
	data, err := encodePatch(by, over.built.Content, info)
	if err != nil {
		return nil, fmt.Errorf("packs: %w", err)
	}
	e.Patch = &patchEntry{File: file, Size: int64(len(data)), Sum: sumText(crc32.Checksum(data, castagnoli))}
	if err := writeFile(filepath.Join(dir, file), data); err != nil {
		_ = os.Remove(filepath.Join(dir, file)) // it has its name only if the directory could not be synced
		return nil, fmt.Errorf("packs: %w", err)
	}
	p, err := e.Patch.read(dir, over)
	if err == nil && p.info != info {
		err = errors.Join(&DamagedError{File: file, What: "header is not what was written"}, p.Close())
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(filepath.Join(dir, file)))
	}
	return p, nil
}
