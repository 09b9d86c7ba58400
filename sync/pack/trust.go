package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
)

// The files of a trust directory, written one after the other; the timestamp
// comes last, as it does in a repository.
const (
	fileRoot      = "root.json"
	fileTimestamp = "timestamp.json"
	fileSnapshot  = "snapshot.json"
	fileTargets   = "targets.json"
	fileShards    = "shards.json"
	fileOverlay   = "overlay.json"
)

// Enrol gives a gate its first root, which it must have from a source it can
// trust: central at enrolment, or whoever sets the box up. A directory that
// has a root already keeps it, because that one may be newer.
func Enrol(trust string, root []byte) error {
	if err := os.MkdirAll(trust, 0o700); err != nil {
		return fmt.Errorf("pack: enrol: %w", err)
	}
	file := filepath.Join(trust, fileRoot)
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := trustedmetadata.New(root); err != nil {
		return &UntrustedError{File: fileRoot, Why: err.Error()}
	}
	if err := writeFile(file, root); err != nil {
		return fmt.Errorf("pack: enrol: %w", err)
	}
	return nil
}

// writeFile puts data under a name so that after a power cut the name holds
// either the old content or the new one.
func writeFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
