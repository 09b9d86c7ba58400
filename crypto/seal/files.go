package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// tempPrefix marks files that are being written.
const tempPrefix = ".new-"

// ModeError is a secret that others may read or change.
type ModeError struct {
	Mode fs.FileMode
}

// Error says what to do; [SecretError] names the file.
func (e *ModeError) Error() string {
	return fmt.Sprintf("mode %04o, so the secret may be known to others: 'chmod 600' it, and enrol this gate anew if somebody else uses this machine", e.Mode.Perm())
}

// writeSecret puts a file of mode 0600 under a name: after a power cut the name
// holds the old content or the new one.
func writeSecret(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, tempPrefix+"*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, wipe(f.Name()))
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
	return syncDir(dir)
}

// readSecret reads a file that only its owner may read. It checks the open
// file, not its name.
func readSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case info.Mode().Perm()&0o077 != 0:
		return nil, &ModeError{Mode: info.Mode()}
	}
	const most = 2 * maxSecret
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if len(data) > most {
		return nil, fmt.Errorf("longer than %d bytes", most)
	}
	return data, nil
}

// wipe overwrites a file with zeros and removes it. A file that is not there is
// no error. A link is removed and what it leads to left alone.
func wipe(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() {
		err = overwrite(path, info.Size())
	}
	// Removed even where it could not be overwritten: a full disk refuses neither.
	return errors.Join(err, os.Remove(path), syncDir(filepath.Dir(path)))
}

func overwrite(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	zeros := make([]byte, min(size, 64<<10))
	for err == nil && size > 0 {
		var n int
		n, err = f.Write(zeros[:min(size, int64(len(zeros)))])
		size -= int64(n)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
