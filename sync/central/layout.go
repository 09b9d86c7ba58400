package central

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/venuegate/venuegate/gate"
)

// The files of a venue's directory. What is secret is readable by its owner
// alone, and so is everything else but the repository.
const (
	dirKeys       = "keys"       // private keys of the repository's roles
	dirIssuers    = "issuer"     // private keys of ticket issuers
	dirEvents     = "event"      // one directory an event
	dirRepository = "repository" // signed and public

	fileVenue   = "venue.json"
	fileEvent   = "event.json"
	fileSecrets = "secrets.json"
	fileTickets = "tickets.jsonl"
	fileLeases  = "leases.jsonl"
	fileLock    = ".lock"

	modeSecret    = 0o600
	modeSecretDir = 0o700
)

func eventPath(dir string, id gate.EventID, file string) string {
	return filepath.Join(dir, dirEvents, strconv.FormatUint(uint64(id), 10), file)
}

func eventDir(dir string) string { return filepath.Join(dir, dirEvents) }

// Repository returns where a venue's signed repository lies.
func Repository(dir string) string { return filepath.Join(dir, dirRepository) }

// Keys returns where the private keys of a venue's repository lie.
func Keys(dir string) string { return filepath.Join(dir, dirKeys) }

// writeFile puts data under a name so that after a power cut the name holds
// either the old content or the new one. Others cannot read it.
func writeFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error says what happened
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// lock keeps other processes from changing the venue until it is let go.
func lock(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, fileLock), os.O_CREATE|os.O_RDWR, modeSecret)
	if err != nil {
		return nil, fmt.Errorf("lock the venue: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the venue: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing lets the lock go
}

// readSecret reads a file that must be its owner's alone.
func readSecret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, &ModeError{Path: path, Mode: info.Mode().Perm()}
	}
	return os.ReadFile(path)
}

// ModeError is a file with keys that others may read or change.
type ModeError struct {
	Path string
	Mode fs.FileMode
}

// Error names the file and says what to do.
func (e *ModeError) Error() string {
	return fmt.Sprintf("%s has mode %04o, so its keys may be known to others; run: chmod 600 %s", e.Path, e.Mode, e.Path)
}
