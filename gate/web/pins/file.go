package pins

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// file is what staff.json holds.
type file struct {
	Format int         `json:"format"`
	Staff  []entryJSON `json:"staff"`
}

// entryJSON is one person's PIN: Argon2id over it with a salt, both in hex.
type entryJSON struct {
	ID        uint32 `json:"id"`
	Salt      string `json:"salt"`
	Hash      string `json:"argon2id"`
	MemoryKiB uint32 `json:"memory_kib"`
	Passes    uint32 `json:"passes"`
}

type entry struct {
	ID                uint32
	Salt, Hash        []byte
	MemoryKiB, Passes uint32
}

// Bounds of what is believed to be such a file. A hash that costs more than a
// gate has to spare would be a way to stop it.
const (
	format       = 1
	maxFile      = 256 << 10
	maxStaff     = 1000
	maxMemoryKiB = 64 << 10
	maxPasses    = 10
)

// decode reads a file. Errors say which entry, and quote nothing.
func decode(raw []byte) ([]entry, error) {
	var f file
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, errors.New("not the JSON object that is expected")
	}
	switch {
	case f.Format != format:
		return nil, fmt.Errorf("format is %d, want %d", f.Format, format)
	case len(f.Staff) > maxStaff:
		return nil, fmt.Errorf("staff has %d entries, want at most %d", len(f.Staff), maxStaff)
	}
	seen := map[uint32]bool{}
	entries := make([]entry, 0, len(f.Staff))
	for i, s := range f.Staff {
		wrong := func(field, want string) error { return fmt.Errorf("staff[%d].%s: want %s", i, field, want) }
		e := entry{ID: s.ID, MemoryKiB: s.MemoryKiB, Passes: s.Passes}
		var saltErr, hashErr error
		e.Salt, saltErr = hex.DecodeString(s.Salt)
		e.Hash, hashErr = hex.DecodeString(s.Hash)
		switch {
		case s.ID == 0 || seen[s.ID]:
			return nil, wrong("id", "a number that nobody else has")
		case saltErr != nil || len(e.Salt) != saltSize:
			return nil, wrong("salt", fmt.Sprintf("%d hex digits", 2*saltSize))
		case hashErr != nil || len(e.Hash) != hashSize:
			return nil, wrong("argon2id", fmt.Sprintf("%d hex digits", 2*hashSize))
		case s.MemoryKiB < 8 || s.MemoryKiB > maxMemoryKiB:
			return nil, wrong("memory_kib", fmt.Sprintf("8 to %d", maxMemoryKiB))
		case s.Passes < 1 || s.Passes > maxPasses:
			return nil, wrong("passes", fmt.Sprintf("1 to %d", maxPasses))
		}
		seen[s.ID] = true
		entries = append(entries, e)
	}
	return entries, nil
}

func encode(entries []entry) []byte {
	f := file{Format: format, Staff: make([]entryJSON, 0, len(entries))}
	for _, e := range entries {
		f.Staff = append(f.Staff, entryJSON{e.ID, hex.EncodeToString(e.Salt), hex.EncodeToString(e.Hash), e.MemoryKiB, e.Passes})
	}
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		panic(err) // numbers and hex digits
	}
	return append(raw, '\n')
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("pins: %w", err)
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("pins: %w", err)
	case len(raw) > maxFile:
		return nil, fmt.Errorf("pins: %s has more than %d bytes", path, maxFile)
	}
	return raw, nil
}

// replaceFile puts a file in place of another at once, for its owner only.
func replaceFile(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".staff-*") // for its owner only
	if err != nil {
		return fmt.Errorf("pins: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("pins: %w", errors.Join(err, f.Close(), os.Remove(f.Name())))
		}
	}()
	if _, err = f.Write(content); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = keepOwner(f, path); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	_ = f.Close() // all of it is on the disk
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil // in place; a power cut might bring the old one back
	}
	_ = dir.Sync()
	_ = dir.Close()
	return nil
}

// keepOwner gives a new file to the owner of the directory, so that a PIN set by
// root can be read by the gate.
func keepOwner(f *os.File, path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid, err := ownerOf(filepath.Dir(path))
	if err != nil {
		return err
	}
	return f.Chown(uid, gid)
}
