package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/venuegate/venuegate/gate"
)

// Packs holds the packs of a gate, one an event, under one directory:
//
//	<dir>/<event>/current.json        which file is in use, which was before
//	<dir>/<event>/<version>-<n>.pack  at most two of them
//	<dir>/<event>/<version>-<n>.patch what lies over them, at most two
//
// Scans take them with Acquire while another goroutine installs or rolls back.
type Packs struct {
	dir  string
	mu   sync.Mutex // one change at a time
	view atomic.Pointer[View]
}

// OpenPacks opens the current pack of every event under dir, which is made if
// it is not there. Every file is read from end to end first (some 200 MB for a
// million tickets) and compared with the sum noted at its installation.
//
// An event whose pack is damaged is left out and its error is among those
// returned beside the usable Packs, so that one bad file does not close the
// other events. Packs is nil only when the directory itself cannot be read.
func OpenPacks(dir string) (*Packs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("packs: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("packs: %w", err)
	}
	var open []*Pack
	var errs []error
	for _, e := range entries {
		event, err := strconv.ParseUint(e.Name(), 10, 32)
		if err != nil || !e.IsDir() {
			continue
		}
		p, err := openCurrent(eventDir(dir, gate.EventID(event)))
		if err != nil {
			errs = append(errs, fmt.Errorf("event %d: %w", event, err))
		}
		if p != nil {
			open = append(open, p)
		}
	}
	packs := &Packs{dir: dir}
	packs.view.Store(newView(open))
	for _, p := range open {
		errs = append(errs, p.Close()) // the view has its own use of it
	}
	return packs, errors.Join(errs...)
}

// openCurrent opens the pack that an event's manifest names, or none.
func openCurrent(dir string) (*Pack, error) {
	m, ok, err := readManifest(dir)
	if err != nil || !ok {
		return nil, err
	}
	stray := m.removeStrays(dir)
	if err := m.Current.check(dir); err != nil {
		return nil, errors.Join(err, stray)
	}
	p, err := m.Current.open(dir)
	return p, errors.Join(err, stray)
}

// OpenInstalled opens the pack of an event that is in use under a directory of
// packs, for a look from another process than the gate's. It neither checks the
// pack file's sum nor cleans up. The error is ErrNoPack when there is none.
func OpenInstalled(packs string, event gate.EventID) (*Pack, error) {
	dir := eventDir(packs, event)
	for last := uint64(0); ; {
		m, ok, err := readManifest(dir)
		switch {
		case err != nil:
			return nil, fmt.Errorf("event %d: %w", event, err)
		case !ok:
			return nil, fmt.Errorf("event %d: %w", event, ErrNoPack)
		}
		p, err := m.Current.open(dir)
		switch {
		case err == nil:
			return p, nil
		case !errors.Is(err, fs.ErrNotExist) || m.Current.Version == last:
			return nil, fmt.Errorf("event %d: %w", event, err)
		}
		last = m.Current.Version // the gate has put another in use meanwhile
	}
}

// Acquire returns the packs in use now. The caller releases them when its scan
// is done.
func (p *Packs) Acquire() *View {
	for {
		// A view that was let go between Load and acquire has a successor.
		if v := p.view.Load(); v.acquire() {
			return v
		}
	}
}

// swap replaces one event's pack (nil: with none) for all scans to come.
func (p *Packs) swap(event gate.EventID, with *Pack) {
	old := p.view.Load()
	next := slices.DeleteFunc(slices.Clone(old.packs), func(k *Pack) bool { return k.info.Event == event })
	if with != nil {
		next = append(next, with)
	}
	p.view.Store(newView(next))
	if with != nil {
		_ = with.Close() // not the last use: the view has its own
	}
	_ = old.Release() // a file that does not unmap stays mapped; nothing waits for it
}

// Install builds a pack from a verified source, verifies the file whole, notes
// it as current and swaps it in. The pack that was current is kept as the
// previous one; the one before that is deleted. When Install fails, at
// whatever point, what was in use stays in use.
//
// It returns ErrInstalled when the version is the one in use, and an
// [*OlderError] when a higher one has been in use before. A version whose file
// turned out damaged may be installed again.
func (p *Packs) Install(ctx context.Context, src Source, tickets iter.Seq2[gate.Ticket, error]) (Info, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	dir := eventDir(p.dir, src.Event)
	m, had, err := readManifest(dir)
	if err != nil {
		// Without a manifest nothing is in use that could be lost.
		m, had = manifest{}, false
	}
	if err := p.admit(&m, had, &src); err != nil {
		return Info{}, err
	}
	if err := makeDir(p.dir, dir); err != nil {
		return Info{}, err
	}
	m.Serial++
	file := fmt.Sprintf("%d-%d%s", src.Version, m.Serial, packSuffix)
	path := filepath.Join(dir, file)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Info{}, fmt.Errorf("packs: %w", err) // left by an installation that was interrupted
	}
	info, pack, e, err := raise(ctx, path, src, tickets)
	if err != nil {
		return Info{}, err
	}
	next := manifest{Serial: m.Serial, Highest: max(m.Highest, src.Version), Current: e, Previous: m.Previous}
	if had && p.inUse(src.Event) {
		next.Previous = &m.Current
	}
	if err := next.write(dir); err != nil {
		// The new manifest may be on the disk all the same, so the file stays;
		// whichever manifest is found at the next start, the other file goes.
		return Info{}, errors.Join(fmt.Errorf("packs: %w", err), pack.Close())
	}
	p.swap(src.Event, pack)
	_ = next.removeStrays(dir) // what stays is removed at the next start
	return info, nil
}

// raise builds and verifies a file and opens it.
func raise(ctx context.Context, path string, src Source, tickets iter.Seq2[gate.Ticket, error]) (info Info, p *Pack, e entry, err error) {
	if info, err = BuildPack(ctx, path, src, tickets); err != nil {
		return info, nil, e, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	if src.Tickets != 0 && info.Tickets != src.Tickets {
		return info, nil, e, fmt.Errorf("pack of event %d: %d tickets came, %d were announced", src.Event, info.Tickets, src.Tickets)
	}
	seen, err := VerifyPack(ctx, path)
	if err != nil {
		return info, nil, e, err
	}
	if seen != info {
		return info, nil, e, &DamagedError{File: filepath.Base(path), What: "header is not what was written"}
	}
	size, sum, err := sumFile(path)
	if err != nil {
		return info, nil, e, fmt.Errorf("packs: %w", err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return info, nil, e, fmt.Errorf("packs: %w", err)
	}
	e = entry{File: filepath.Base(path), Version: src.Version, Size: size, Sum: sumText(sum)}
	p, err = OpenPack(path)
	return info, p, e, err
}

// admit says whether a version may follow what the gate has had.
func (p *Packs) admit(m *manifest, had bool, src *Source) error {
	switch {
	case !had || src.Version > m.Highest:
		return nil
	case src.Version < m.Highest:
		return &OlderError{Event: src.Event, Offered: src.Version, Have: m.Highest}
	case src.Version != m.Current.Version:
		return &OlderError{Event: src.Event, Offered: src.Version, Have: m.Current.Version, RolledBack: true}
	case p.inUse(src.Event):
		return fmt.Errorf("event %d, version %d: %w", src.Event, src.Version, ErrInstalled)
	default:
		return nil // its file was damaged
	}
}

func (p *Packs) inUse(event gate.EventID) bool {
	_, ok := p.view.Load().Event(event)
	return ok
}

// Patch lays changed tickets over the pack file that is in use, instead of
// building another file, and swaps the pack in that this gives: it answers as
// one would that was built of all tickets. changed gets a look into the file,
// as it is without any patch, and returns the tickets that differ from it or are
// not in it, whole and in ascending order of their ids. What came with an
// earlier patch and is not among them is gone.
//
// It returns ErrNotOnBase when the pack in use is not of the source's Base, or
// more changed than a patch holds; and otherwise what Install does, and leaves
// as much behind: the pack that was current, patch and all, is the previous one.
func (p *Packs) Patch(ctx context.Context, src Source, changed func(base Lookup) iter.Seq2[gate.Ticket, error]) (Info, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	dir := eventDir(p.dir, src.Event)
	m, had, err := readManifest(dir)
	switch {
	case err != nil:
		return Info{}, fmt.Errorf("event %d: %w", src.Event, err)
	case !had:
		return Info{}, fmt.Errorf("event %d: %w", src.Event, ErrNotOnBase)
	}
	if err := p.admit(&m, had, &src); err != nil {
		return Info{}, err
	}
	now, ok := p.view.Load().Event(src.Event)
	if !ok || now.file != m.Current.File || !now.isBaseOf(&src) {
		return Info{}, fmt.Errorf("event %d, version %d: %w", src.Event, src.Version, ErrNotOnBase)
	}
	by, info, err := newPatch(ctx, now.image, &src, changed(now.ticketOf))
	if err != nil {
		return Info{}, fmt.Errorf("patch pack of event %d: %w", src.Event, err)
	}
	if src.Tickets != 0 && info.Tickets != src.Tickets {
		return Info{}, fmt.Errorf("pack of event %d: %d tickets came, %d were announced", src.Event, info.Tickets, src.Tickets)
	}
	next := manifest{Serial: m.Serial + 1, Highest: max(m.Highest, src.Version), Current: m.Current, Previous: &m.Current}
	next.Current.Version = src.Version
	pack, err := next.Current.lay(dir, fmt.Sprintf("%d-%d%s", src.Version, next.Serial, patchSuffix), now.image, by, info)
	if err != nil {
		return Info{}, err
	}
	if err := next.write(dir); err != nil {
		// As with Install, either manifest may be on the disk now.
		return Info{}, errors.Join(fmt.Errorf("packs: %w", err), pack.Close())
	}
	p.swap(src.Event, pack)
	_ = next.removeStrays(dir) // what stays is removed at the next start
	return info, nil
}

// Rollback puts the previous pack back in use, for all scans to come. The pack
// it replaces becomes the previous one, so that a second roll-back undoes the
// first. It returns ErrNoPack or ErrNoPrevious when there is nothing to go
// back to, and a [*DamagedError] when that file is no longer whole; the
// current pack stays in use then.
func (p *Packs) Rollback(event gate.EventID) (Info, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	dir := eventDir(p.dir, event)
	m, had, err := readManifest(dir)
	switch {
	case err != nil:
		return Info{}, fmt.Errorf("event %d: %w", event, err)
	case !had:
		return Info{}, fmt.Errorf("event %d: %w", event, ErrNoPack)
	case m.Previous == nil:
		return Info{}, fmt.Errorf("event %d: %w", event, ErrNoPrevious)
	}
	if err := m.Previous.check(dir); err != nil {
		return Info{}, fmt.Errorf("event %d: %w", event, err)
	}
	pack, err := m.Previous.open(dir)
	if err != nil {
		return Info{}, fmt.Errorf("event %d: %w", event, err)
	}
	current := m.Current
	next := manifest{Serial: m.Serial, Highest: m.Highest, Current: *m.Previous, Previous: &current}
	if err := next.write(dir); err != nil {
		return Info{}, errors.Join(fmt.Errorf("packs: %w", err), pack.Close())
	}
	p.swap(event, pack)
	return pack.info, nil
}

// Remove takes an event's packs out of use and deletes them, once the event
// and its retention are over.
func (p *Packs) Remove(event gate.EventID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	dir := eventDir(p.dir, event)
	if err := os.Remove(filepath.Join(dir, manifestName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("packs: %w", err)
	}
	p.swap(event, nil)
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("packs: %w", err)
	}
	return syncDir(p.dir)
}

// Close takes all packs out of use. Views that were acquired stay usable until
// they are released.
func (p *Packs) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.view.Load()
	p.view.Store(newView(nil))
	return old.Release()
}

// makeDir makes an event's directory and its name durable.
func makeDir(root, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("packs: %w", err)
	}
	if err := syncDir(root); err != nil {
		return fmt.Errorf("packs: %w", err)
	}
	return nil
}
