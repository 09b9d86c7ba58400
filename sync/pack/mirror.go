package pack

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// Mirror is a gate's own copy of the repository, in the layout in which it
// came: every root, the metadata of the version in use, its targets, and the
// files of the version before for who is reading them. Only what is verified
// gets in, and the timestamp comes last, so that a mirror is a whole repository
// at any moment, also for the other gates and for a stick.
//
// One process uses a mirror at a time; any number may read its directory.
type Mirror struct {
	dir   *Dir
	trust string

	syncing sync.Mutex
	rest    resting
	current *Repository     // nil: not looked at, or not whole
	from    string          // name of the way on which current came
	floor   int64           // version of the newest timestamp that verified here
	before  map[string]bool // files of the version before

	damage sync.Mutex
	broken bool // a file was found that is not what its name says
}

// Where a gate keeps what it trusts, its mirror, and what was brought by hand
// while it was running, below its data directory.
const (
	DirTrust    = "trust"
	DirMirror   = "mirror"
	DirIncoming = "incoming"
)

// OpenMirror opens a mirror, or makes an empty one. trust is the gate's
// directory of what it trusted last.
func OpenMirror(dir, trust string) (*Mirror, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("pack: open the mirror: %w", err)
	}
	d, err := OpenDir(dir)
	if err != nil {
		return nil, err
	}
	m := &Mirror{dir: d, trust: trust, rest: newResting()}
	for _, top := range []string{"metadata", "targets"} {
		if err := d.root.MkdirAll(top, 0o755); err != nil {
			return nil, errors.Join(fmt.Errorf("pack: open the mirror: %w", err), d.Close())
		}
	}
	return m, nil
}

// Close closes the directory. No Sync, Fetch or handler may be in use.
func (m *Mirror) Close() error { return m.dir.Close() }

// Fetch reads a file of the mirror. A target that is not what its name says
// is removed, and comes again with the next Sync.
func (m *Mirror) Fetch(ctx context.Context, name string, limit int64) ([]byte, error) {
	data, err := m.dir.Fetch(ctx, name, limit)
	if errors.As(err, new(*tooLongError)) {
		m.remove(name)
	}
	if err != nil {
		return nil, err
	}
	f, ok := parseName(name)
	if !ok || f.sum == nil {
		return data, nil
	}
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], f.sum) {
		m.remove(name)
		return nil, &TamperedError{File: name, Why: "damaged in this gate's mirror"}
	}
	return data, nil
}

func (m *Mirror) remove(name string) {
	_ = m.dir.root.Remove(name)
	m.damage.Lock()
	m.broken = true
	m.damage.Unlock()
}

// isBroken reports whether a file was found damaged since it was asked last.
func (m *Mirror) isBroken() bool {
	m.damage.Lock()
	defer m.damage.Unlock()
	was := m.broken
	m.broken = false
	return was
}

// has reports whether a file is there with a length. What is in it is looked
// at when it is read.
func (m *Mirror) has(name string, length int64) bool {
	info, err := m.dir.root.Stat(name)
	return err == nil && info.Mode().IsRegular() && info.Size() == length
}

// LocalError is what went wrong on this machine, such as a full disk, and says
// nothing of the way on which something came.
type LocalError struct {
	File string
	Err  error
}

// Error names the file.
func (e *LocalError) Error() string {
	if errors.Is(e.Err, syscall.ENOSPC) {
		return "pack: write " + e.File + ": the disk is full; make room, the rest comes by itself"
	}
	return "pack: write " + e.File + ": " + e.Err.Error()
}

// Unwrap returns what happened.
func (e *LocalError) Unwrap() error { return e.Err }

// write puts a file in place, so that after a power cut the name holds either
// nothing, the old content or the new one. The error is a [*LocalError].
func (m *Mirror) write(name string, data []byte) error {
	root := m.dir.root
	dir, base := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	draft := dir + "/." + rand.Text()[:8] + "." + base
	if len(base) > 200 {
		draft = dir + "/." + rand.Text()
	}
	err := root.MkdirAll(dir, 0o755)
	if err == nil {
		err = writeSynced(root, draft, data)
	}
	if err == nil {
		err = root.Rename(draft, name)
	}
	if err != nil {
		_ = root.Remove(draft)
		return &LocalError{File: name, Err: err}
	}
	if err := m.syncDir(dir); err != nil {
		return &LocalError{File: name, Err: err}
	}
	return nil
}

func writeSynced(root *os.Root, name string, data []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncDir makes new names last. Some file systems of sticks cannot.
func (m *Mirror) syncDir(name string) error {
	d, err := m.dir.root.Open(name)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// prune removes what neither this version nor the one before refers to, and
// what was left half written. Roots stay for ever: a gate that was in a drawer
// follows them one by one. What cannot be removed waits for the next time.
func (m *Mirror) prune(keep ...map[string]bool) {
	for _, top := range []string{"metadata", "targets"} {
		_ = fs.WalkDir(m.dir.root.FS(), top, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if f, ok := parseName(name); ok && f.role == strings.TrimSuffix(fileRoot, ".json") {
				return nil
			}
			for _, k := range keep {
				if k[name] {
					return nil
				}
			}
			_ = m.dir.root.Remove(name)
			return nil
		})
	}
}

// Path returns where the mirror is.
func (m *Mirror) Path() string { return filepath.Clean(m.dir.root.Name()) }
