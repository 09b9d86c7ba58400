package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/venuegate/venuegate/gate"
)

// manifestName is the file that says which pack of an event is in use. Writing
// it is the one step that makes an installation or a roll-back happen.
const manifestName = "current.json"

// manifest is what the file holds.
type manifest struct {
	Format   int    `json:"format"`
	Serial   uint64 `json:"serial"`  // of the last installation, so that no file name is used twice
	Highest  uint64 `json:"highest"` // version ever installed
	Current  entry  `json:"current"`
	Previous *entry `json:"previous,omitempty"`
}

// entry is a pack file and how to tell that it is whole.
type entry struct {
	File    string `json:"file"`
	Version uint64 `json:"version"`
	Size    int64  `json:"size"`
	Sum     string `json:"crc32c"` // 8 hex digits
}

// readManifest returns the event's manifest; ok is false when there is none.
func readManifest(dir string) (m manifest, ok bool, err error) {
	path := filepath.Join(dir, manifestName)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return manifest{}, false, nil
	}
	if err != nil {
		return manifest{}, false, fmt.Errorf("packs: %w", err)
	}
	name := filepath.Join(filepath.Base(dir), manifestName)
	if err := json.Unmarshal(raw, &m); err != nil {
		return manifest{}, false, &DamagedError{File: name, What: "no manifest", Err: err}
	}
	if m.Format != formatVersion {
		return manifest{}, false, &DamagedError{File: name, What: fmt.Sprintf("format %d, this program knows %d", m.Format, formatVersion)}
	}
	for _, e := range []*entry{&m.Current, m.Previous} {
		if e != nil && (e.File != filepath.Base(e.File) || !strings.HasSuffix(e.File, packSuffix)) {
			return manifest{}, false, &DamagedError{File: name, What: "names no pack file"}
		}
	}
	return m, true, nil
}

func (m *manifest) write(dir string) error {
	m.Format = formatVersion
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, manifestName), append(raw, '\n'))
}

// check reads the file from end to end and compares it with the entry.
func (e *entry) check(dir string) error {
	size, sum, err := sumFile(filepath.Join(dir, e.File))
	switch {
	case err != nil:
		return &DamagedError{File: e.File, What: "unreadable", Err: err}
	case size != e.Size:
		return &DamagedError{File: e.File, What: fmt.Sprintf("%d bytes, want %d", size, e.Size)}
	case sumText(sum) != e.Sum:
		return &DamagedError{File: e.File, What: "its sum is not the one that was noted"}
	}
	return nil
}

func sumText(sum uint32) string { return fmt.Sprintf("%08x", sum) }

const packSuffix = ".pack"

func eventDir(root string, event gate.EventID) string {
	return filepath.Join(root, strconv.FormatUint(uint64(event), 10))
}

// removeStrays deletes what interrupted installations left behind, and packs
// that the manifest names no more.
func (m *manifest) removeStrays(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("packs: %w", err)
	}
	var errs []error
	for _, e := range entries {
		name := e.Name()
		keep := name == manifestName || name == m.Current.File || m.Previous != nil && name == m.Previous.File
		ours := strings.HasSuffix(name, packSuffix) || strings.HasPrefix(name, "."+manifestName)
		if keep || !ours || e.IsDir() {
			continue
		}
		errs = append(errs, os.Remove(filepath.Join(dir, name)))
	}
	return errors.Join(errs...)
}
