package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

const sectorSize = 512

// memDisk is a disk with a write cache, as a kernel and a drive make one: what
// was written can be read at once and is lost at a power cut, sector by sector
// and in no order, until it was flushed; and so are names until their directory
// was. A flush that fails drops what it should have written and says nothing
// the next time.
type memDisk struct {
	mu    sync.Mutex
	dirs  map[string]*memDir
	used  int
	limit int // bytes that all files may have; zero: no limit
}

type memDir struct {
	names, durable map[string]*memFile // nil file: a directory
}

type memFile struct {
	data  []byte
	disk  []byte
	dirty map[int]bool // sectors that are in data and may not be on disk
}

func newMemDisk() *memDisk {
	d := &memDisk{dirs: map[string]*memDir{}}
	d.dirs["/"] = &memDir{map[string]*memFile{}, map[string]*memFile{}}
	return d
}

// powerCut forgets what was not flushed, or most of it.
func (d *memDisk) powerCut(r *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, path := range slices.Sorted(maps.Keys(d.dirs)) {
		dir := d.dirs[path]
		for _, name := range slices.Sorted(maps.Keys(dir.names)) {
			f := dir.names[name]
			if _, ok := dir.durable[name]; !ok && r.IntN(2) == 0 {
				dir.durable[name] = f // it happened to be written
			}
		}
		dir.names = maps.Clone(dir.durable)
		for _, name := range slices.Sorted(maps.Keys(dir.names)) {
			f := dir.names[name]
			if f != nil {
				f.cut(r)
			} else if sub := filepath.Join(path, name); d.dirs[sub] == nil {
				d.dirs[sub] = &memDir{map[string]*memFile{}, map[string]*memFile{}}
			}
		}
	}
}

func (f *memFile) cut(r *rand.Rand) {
	kept := r.IntN(3) // none, some, all
	if len(f.disk) < len(f.data) && kept > 0 {
		f.disk = append(f.disk, make([]byte, len(f.data)-len(f.disk))...)
	}
	for _, s := range slices.Sorted(maps.Keys(f.dirty)) {
		if kept == 2 || kept == 1 && r.IntN(2) == 0 {
			f.flushSector(s)
		}
	}
	f.data, f.dirty = bytes.Clone(f.disk), map[int]bool{}
}

func (f *memFile) flushSector(s int) {
	from := s * sectorSize
	if from < len(f.disk) && from < len(f.data) {
		copy(f.disk[from:], f.data[from:min(from+sectorSize, len(f.data))])
	}
}

// session is one process's use of a disk. It can be killed: nothing that the
// process does later reaches the disk.
type session struct {
	*memDisk
	// fault, if set, is asked before every operation ("write", "sync", "create",
	// "mkdir", "rename", "remove", "syncdir", "modify", "truncate"). errHalf writes half.
	fault func(op, name string) error
	dead  bool
}

var (
	errKilled = fmt.Errorf("the process is dead")
	errHalf   = fmt.Errorf("half of it: %w", syscall.ENOSPC)
)

func (s *session) kill() {
	s.mu.Lock()
	s.dead = true
	s.mu.Unlock()
}

func (s *session) killed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}

// begin locks the disk for an operation.
func (s *session) begin(op, name string) error {
	s.mu.Lock()
	if s.dead {
		return errKilled
	}
	if s.fault != nil {
		if err := s.fault(op, name); err != nil {
			return &fs.PathError{Op: op, Path: name, Err: err}
		}
	}
	return nil
}

func (s *session) dir(path string) (*memDir, error) {
	if d := s.dirs[path]; d != nil {
		return d, nil
	}
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

func (s *session) find(name string) (*memFile, error) {
	dir, err := s.dir(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	f, ok := dir.names[filepath.Base(name)]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return f, nil
}

func (s *session) Mkdir(name string) error {
	err := s.begin("mkdir", name)
	defer s.mu.Unlock()
	if err != nil {
		return err
	}
	parent, err := s.dir(filepath.Dir(name))
	if err != nil {
		return err
	}
	if _, ok := parent.names[filepath.Base(name)]; ok {
		return &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrExist}
	}
	parent.names[filepath.Base(name)] = nil
	s.dirs[name] = &memDir{map[string]*memFile{}, map[string]*memFile{}}
	return nil
}

func (s *session) Create(name string) (handle, error) {
	err := s.begin("create", name)
	defer s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	dir, err := s.dir(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	if _, ok := dir.names[filepath.Base(name)]; ok {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	f := &memFile{dirty: map[int]bool{}}
	dir.names[filepath.Base(name)] = f
	return &memHandle{s: s, f: f, name: name}, nil
}

func (s *session) Modify(name string) (handle, error) {
	err := s.begin("modify", name)
	defer s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	f, err := s.find(name)
	if err != nil {
		return nil, err
	}
	return &memHandle{s: s, f: f, name: name, found: true}, nil
}

func (s *session) Rename(from, to string) error {
	err := s.begin("rename", from)
	defer s.mu.Unlock()
	if err != nil {
		return err
	}
	f, err := s.find(from)
	if err != nil {
		return err
	}
	dir := s.dirs[filepath.Dir(from)] // the journal renames within a directory
	delete(dir.names, filepath.Base(from))
	dir.names[filepath.Base(to)] = f
	return nil
}

func (s *session) Remove(name string) error {
	err := s.begin("remove", name)
	defer s.mu.Unlock()
	if err != nil {
		return err
	}
	f, err := s.find(name)
	if err != nil {
		return err
	}
	s.used -= len(f.data)
	delete(s.dirs[filepath.Dir(name)].names, filepath.Base(name))
	return nil
}

func (s *session) SyncDir(name string) error {
	err := s.begin("syncdir", name)
	defer s.mu.Unlock()
	if err != nil {
		return err
	}
	dir, err := s.dir(name)
	if err != nil {
		return err
	}
	dir.durable = maps.Clone(dir.names)
	return nil
}

func (s *session) Names(name string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dir, err := s.dir(name)
	if err != nil {
		return nil, err
	}
	return slices.Collect(maps.Keys(dir.names)), nil
}

func (s *session) ReadAt(name string, p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.find(name)
	if err != nil || off >= int64(len(f.data)) {
		return 0, err
	}
	return copy(p, f.data[off:]), nil
}

func (s *session) Lock(string) (io.Closer, error) { return io.NopCloser(strings.NewReader("")), nil }

type memHandle struct {
	s     *session
	f     *memFile
	name  string
	found bool // was there before
}

// op tells work on files that were there before from work on new ones.
func (h *memHandle) op(op string) string {
	if h.found {
		return op + " of found"
	}
	return op
}

func (h *memHandle) WriteAt(p []byte, off int64) (int, error) {
	err := h.s.begin(h.op("write"), h.name)
	defer h.s.mu.Unlock()
	if err != nil && !errors.Is(err, errHalf) {
		return 0, err
	}
	if err != nil {
		p = p[:len(p)/2]
	}
	if grow := int(off) + len(p) - len(h.f.data); grow > 0 {
		if h.s.limit > 0 && h.s.used+grow > h.s.limit {
			return 0, &fs.PathError{Op: "write", Path: h.name, Err: syscall.ENOSPC}
		}
		h.s.used += grow
		h.f.data = append(h.f.data, make([]byte, grow)...)
	}
	copy(h.f.data[off:], p)
	for i := int(off) / sectorSize; i*sectorSize < int(off)+len(p); i++ {
		h.f.dirty[i] = true
	}
	return len(p), err
}

func (h *memHandle) Sync() error {
	err := h.s.begin(h.op("sync"), h.name)
	defer h.s.mu.Unlock()
	if errors.Is(err, errKilled) {
		return err
	}
	if err != nil {
		// The pages count as clean now; every other one happened to be written.
		for s := range h.f.dirty {
			if s%2 == 0 {
				h.f.flushSector(s)
			}
		}
		h.f.dirty = map[int]bool{}
		return err
	}
	if len(h.f.disk) > len(h.f.data) {
		h.f.disk = h.f.disk[:len(h.f.data)]
	}
	h.f.disk = append(h.f.disk, make([]byte, len(h.f.data)-len(h.f.disk))...)
	for s := range h.f.dirty {
		h.f.flushSector(s)
	}
	h.f.dirty = map[int]bool{}
	return nil
}

func (h *memHandle) Truncate(size int64) error {
	err := h.s.begin("truncate", h.name)
	defer h.s.mu.Unlock()
	if err != nil {
		return err
	}
	h.s.used -= len(h.f.data) - int(size)
	h.f.data = h.f.data[:size]
	return nil
}

func (h *memHandle) Close() error { return nil }
