package logs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate/ledger"
)

// Transfer is what became of one log, or of one file.
type Transfer struct {
	Name   string // of the file
	Origin ledger.Origin
	Last   uint64 // the file's last record, as far as it was read or written
	New    uint64 // records that were copied
	Err    error  // what is wrong with this log; others go on
}

// Export writes each log to a file of its own in dir, which must exist. A file
// has its name only once it is whole; one that holds as much already, and is good,
// stays as it is, so that an export that was broken off goes on where it was. each
// is called for every log, in order of origins. The error is ctx's, or says that
// the directory cannot be used; what is wrong with one log is in its Transfer.
func (l *Logs) Export(ctx context.Context, dir string, each func(Transfer)) error {
	if _, err := os.ReadDir(dir); err != nil {
		return fmt.Errorf("logs: %w", err)
	}
	vector := l.Vector()
	for _, o := range slices.SortedFunc(maps.Keys(vector), ledger.Origin.Compare) {
		t := Transfer{Name: StickName(o), Origin: o, Last: vector[o]}
		if l.stickEnd(filepath.Join(dir, t.Name), o) < t.Last {
			t.Err = l.exportOne(ctx, dir, &t)
			if t.Err == nil {
				t.New = t.Last
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		each(t)
	}
	return syncDir(dir)
}

// exportOne writes one file under another name and then gives it its own.
func (l *Logs) exportOne(ctx context.Context, dir string, t *Transfer) (err error) {
	name := filepath.Join(dir, t.Name)
	f, err := os.OpenFile(name+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = l.writeStick(w, t.Origin, t.Last, ctx.Err)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("logs: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("logs: flush %s: %w", dir, err)
	}
	return nil
}

// stickEnd returns the last record of a file of that log; 0 if it is not a
// whole and good one.
func (l *Logs) stickEnd(name string, o ledger.Origin) (last uint64) {
	f, err := os.Open(name)
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }() // it was only read
	c := l.chunks.Get().(*chunk)
	defer l.chunks.Put(c)
	err = ReadStick(f, func(of ledger.Origin, first uint64, chunk []byte) error {
		if of != o {
			return errors.New("another log")
		}
		if refusal := c.parse(o, first, chunk); refusal != nil {
			return refusal
		}
		if keys := l.keys(o); len(keys) > 0 {
			if refusal := c.verify(keys); refusal != nil {
				return refusal
			}
		}
		last = first + uint64(Records(len(chunk))) - 1
		return nil
	})
	if err != nil {
		return 0
	}
	return last
}

// Import takes the files of logs in dir as Receive takes chunks. What is held
// is passed over, so an import that was broken off may be repeated. each is
// called for every file, in order of their names' origins. The error is ctx's,
// or says that the directory cannot be read; what is wrong with one file is in
// its Transfer, and what came before that in it has been taken.
func (l *Logs) Import(ctx context.Context, dir string, each func(Transfer)) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("logs: %w", err)
	}
	var origins []ledger.Origin
	for _, e := range entries {
		if o, ok := ParseStickName(e.Name()); ok && e.Type().IsRegular() {
			origins = append(origins, o)
		}
	}
	slices.SortFunc(origins, ledger.Origin.Compare)
	for _, o := range origins {
		t := Transfer{Name: StickName(o), Origin: o}
		t.Err = l.importOne(ctx, filepath.Join(dir, t.Name), &t)
		if err := ctx.Err(); err != nil {
			return err
		}
		each(t)
	}
	return nil
}

func (l *Logs) importOne(ctx context.Context, name string, t *Transfer) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	return ReadStick(f, func(o ledger.Origin, first uint64, chunk []byte) error {
		if o != t.Origin {
			return &StickError{4, fmt.Sprintf("the file is of gate %d, epoch %d", o.Gate, o.Epoch)}
		}
		last := first + uint64(Records(len(chunk))) - 1
		for {
			before := l.next(o)
			next, err := l.Receive(0, o, first, chunk)
			t.New += l.next(o) - before
			switch {
			case err != nil:
				return err
			case next > last:
				t.Last = last
				return nil
			}
			select { // until there is room
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
}

// OpenCopy is Open for the file of a gate that may be running: it is copied to
// dir first, as path's base name with ".copy" behind it, and the copy is what is
// opened. Close removes it. A copy that the gate wrote to in between is made
// again, a few times; what is wrong with the last is in Recovery, and nothing
// untrue gets into the ledger, which newLedger makes for each. A gate that has no
// file yet holds no logs of others.
func OpenCopy(ctx context.Context, dir string, opt Options, newLedger func() *ledger.Ledger) (*Logs, Recovery, error) {
	const tries = 5
	path := opt.Path
	opt.Path = filepath.Join(dir, filepath.Base(path)+".copy")
	for try := 1; ; try++ {
		err := copyFile(ctx, opt.Path, path)
		if errors.Is(err, fs.ErrNotExist) {
			err = removeCopy(opt.Path) // an empty one is made
		}
		var l *Logs
		var recovery Recovery
		if err == nil {
			opt.Ledger = newLedger()
			l, recovery, err = Open(opt)
		}
		if err != nil {
			return nil, recovery, errors.Join(err, removeCopy(opt.Path))
		}
		if recovery.Err == nil || try == tries {
			l.copied = true
			return l, recovery, nil
		}
		if err := errors.Join(l.Close(), removeCopy(opt.Path)); err != nil {
			return nil, recovery, err
		}
	}
}

func removeCopy(path string) error {
	for _, name := range []string{path, path + ".damaged"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// copyFile copies from front to back: the pages that say which others count
// stand in front, and those that they name are not written over at once.
func copyFile(ctx context.Context, to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("logs: %w", err)
	}
	defer func() { _ = in.Close() }() // it was only read
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("logs: %w", err)
	}
	_, err = io.Copy(out, readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return in.Read(p)
	}))
	return errors.Join(err, out.Close())
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
