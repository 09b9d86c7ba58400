package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// disk is what the journal needs of a file system. Tests put one in its place
// that fills up, fails to flush, and forgets at a power cut.
type disk interface {
	Mkdir(name string) error
	Create(name string) (handle, error) // must not exist
	Modify(name string) (handle, error) // must exist
	Rename(from, to string) error
	Remove(name string) error
	SyncDir(name string) error
	Names(dir string) ([]string, error)
	// Lock keeps others from appending to the journal in dir until it is closed,
	// or the process has ended. The error is a *LockedError when somebody does.
	Lock(dir string) (io.Closer, error)
	// ReadAt reads up to len(p) bytes at off; fewer only at the end of the file.
	ReadAt(name string, p []byte, off int64) (int, error)
}

// handle is a file that is open for writing.
type handle interface {
	io.WriterAt
	Sync() error // data, and the metadata that is needed to read it back
	Truncate(size int64) error
	Close() error
}

type osDisk struct{}

func (osDisk) Mkdir(name string) error { return os.Mkdir(name, 0o750) }

func (osDisk) Create(name string) (handle, error) {
	return openFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
}

func (osDisk) Modify(name string) (handle, error) { return openFile(name, os.O_WRONLY) }

func openFile(name string, flags int) (handle, error) {
	f, err := os.OpenFile(name, flags, 0o640)
	if err != nil {
		return nil, err
	}
	return &osFile{File: f, fd: int(f.Fd())}, nil
}

func (osDisk) Rename(from, to string) error { return os.Rename(from, to) }
func (osDisk) Remove(name string) error     { return os.Remove(name) }

func (osDisk) SyncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (osDisk) Names(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	names, err := d.Readdirnames(-1)
	return names, errors.Join(err, d.Close())
}

func (osDisk) ReadAt(name string, p []byte, off int64) (int, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	n, err := f.ReadAt(p, off)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, errors.Join(err, f.Close())
}

// osFile keeps the descriptor at hand, so that a flush is one system call.
type osFile struct {
	*os.File
	fd int
}

func (f *osFile) Sync() error {
	for {
		if err := unix.Fdatasync(f.fd); !errors.Is(err, unix.EINTR) {
			if err != nil {
				return &fs.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
			}
			return nil
		}
	}
}

func (osDisk) Lock(dir string) (io.Closer, error) {
	name := dir + "/lock"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		var pid int
		_, _ = fmt.Fscan(f, &pid) // for the message only
		return nil, errors.Join(&LockedError{Dir: dir, PID: pid}, f.Close())
	}
	if err != nil {
		return nil, errors.Join(&fs.PathError{Op: "lock", Path: name, Err: err}, f.Close())
	}
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0) // for the message only
	}
	return f, nil
}
