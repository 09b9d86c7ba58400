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

// Formats of a manifest. One that names no patch has the first, which programs
// read that know no patches; they must not take a patched pack for its file.
const (
	manifestFormat        = 1
	manifestFormatPatches = 2
)

// entry is a pack: its file and how to tell that it is whole, and what lies over
// it. Version is that of the pack with the patch.
type entry struct {
	File    string      `json:"file"`
	Version uint64      `json:"version"`
	Size    int64       `json:"size"`
	Sum     string      `json:"crc32c"` // 8 hex digits
	Patch   *patchEntry `json:"patch,omitempty"`
}

// patchEntry is a patch file and how to tell that it is whole.
type patchEntry struct {
	File string `json:"file"`
	Size int64  `json:"size"`
	Sum  string `json:"crc32c"`
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
	if m.Format != manifestFormat && m.Format != manifestFormatPatches {
		return manifest{}, false, &DamagedError{File: name, What: fmt.Sprintf("format %d, this program knows %d", m.Format, manifestFormatPatches)}
	}
	for _, e := range []*entry{&m.Current, m.Previous} {
		switch {
		case e == nil:
		case !isName(e.File, packSuffix):
			return manifest{}, false, &DamagedError{File: name, What: "names no pack file"}
		case e.Patch != nil && !isName(e.Patch.File, patchSuffix):
			return manifest{}, false, &DamagedError{File: name, What: "names no patch file"}
		}
	}
	return m, true, nil
}

// isName reports whether a name is of a file in the event's directory.
func isName(name, suffix string) bool {
	return name == filepath.Base(name) && strings.HasSuffix(name, suffix)
}

func (m *manifest) write(dir string) error {
	m.Format = manifestFormat
	if m.Current.Patch != nil || m.Previous != nil && m.Previous.Patch != nil {
		m.Format = manifestFormatPatches
	}
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, manifestName), append(raw, '\n'))
}

// names reports whether the manifest names a file, or is it.
func (m *manifest) names(file string) bool {
	for _, e := range []*entry{&m.Current, m.Previous} {
		if e != nil && (file == e.File || e.Patch != nil && file == e.Patch.File) {
			return true
		}
	}
	return file == manifestName
}

// open opens the pack. Call check before, unless somebody else has.
func (e *entry) open(dir string) (*Pack, error) {
	p, err := OpenPack(filepath.Join(dir, e.File))
	if err != nil || e.Patch == nil {
		return p, err
	}
	patched, err := e.Patch.read(dir, p.image)
	return patched, errors.Join(err, p.Close())
}

// check reads the pack file from end to end and compares it with the entry.
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
		half := strings.HasPrefix(name, ".") && (strings.Contains(name, manifestName) || strings.Contains(name, patchSuffix))
		ours := half || strings.HasSuffix(name, packSuffix) || strings.HasSuffix(name, patchSuffix)
		if m.names(name) || !ours || e.IsDir() {
			continue
		}
		errs = append(errs, os.Remove(filepath.Join(dir, name)))
	}
	return errors.Join(errs...)
}
