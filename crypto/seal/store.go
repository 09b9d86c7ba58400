package seal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Guard closes secrets to this machine. [Systemd] is the one outside tests.
type Guard interface {
	Encrypt(ctx context.Context, name string, plain []byte) ([]byte, error)
	Decrypt(ctx context.Context, name string, closed []byte) ([]byte, error)
}

// The files of a store. A secret has one of them, but for a power cut.
const (
	closedSuffix = ".cred"     // closed by the guard
	openSuffix   = ".json"     // in plain, for its owner alone
	oldSuffix    = ".cred.old" // closed, about to be replaced by one in plain
)

const (
	storeMode  = 0o700
	secretMode = 0o600
	// maxSecret bounds a secret of a store and what is read of its file, which a
	// guard may make twice as long, in bytes.
	maxSecret = 256 << 10
)

// Errors of a [Store].
var (
	ErrNoSecret   = errors.New("seal: no such secret on this gate")
	ErrSecretName = errors.New("seal: a secret's name is 1 to 64 of a-z, 0-9 and -")
)

// SecretError is a secret that is there and cannot be had: its guard does not
// open it, or its file may be read by others. A gate gets its secrets again
// from its pack, so that the way on is to put them anew.
type SecretError struct {
	Path string
	Err  error
}

// Error names the file and why, and never quotes it.
func (e *SecretError) Error() string { return "seal: " + e.Path + ": " + e.Err.Error() }

func (e *SecretError) Unwrap() error { return e.Err }

// Store keeps a gate's opened secrets in a directory: closed by a guard where
// the machine has one, else in files of mode 0600. Which of the two is never
// hidden: see [Store.Loose]. It is for one goroutine at a time.
//
// Each secret is a file of its own, <name>.cred or <name>.json, that after a
// power cut holds the old secret or the new one.
type Store struct {
	dir   string
	guard Guard
}

// OpenStore opens or makes a store. Without a guard, nil, secrets are kept in
// plain. What an interrupted Put left behind is wiped.
func OpenStore(dir string, guard Guard) (*Store, error) {
	if err := os.MkdirAll(dir, storeMode); err != nil {
		return nil, fmt.Errorf("seal: open the store of secrets: %w", err)
	}
	s := &Store{dir: dir, guard: guard}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("seal: open the store of secrets: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tempPrefix) && e.Type().IsRegular() {
			if err := wipe(filepath.Join(dir, e.Name())); err != nil {
				return nil, fmt.Errorf("seal: wipe what was left of a secret: %w", err)
			}
		}
	}
	return s, nil
}

// Put keeps a secret under a name, in the place of the one that was there. A
// guard that fails does not lose the secret: it is kept in plain, and Put
// reports loose, with the guard's error to show. Only when err is set and loose
// is not was nothing kept.
func (s *Store) Put(ctx context.Context, name string, plain []byte) (loose bool, err error) {
	if err := checkName(name); err != nil {
		return false, err
	}
	if len(plain) > maxSecret {
		return false, fmt.Errorf("seal: secret %s: %d bytes, at most %d are kept", name, len(plain), maxSecret)
	}
	var guardErr error
	if s.guard != nil {
		var closed []byte
		if closed, guardErr = s.close(ctx, name, plain); guardErr == nil {
			return false, s.replace(name, closedSuffix, closed)
		}
	}
	if err := s.replace(name, openSuffix, plain); err != nil {
		return false, err
	}
	return true, guardErr
}

// close closes a secret and tries it, since one that does not open again is
// lost.
func (s *Store) close(ctx context.Context, name string, plain []byte) ([]byte, error) {
	closed, err := s.guard.Encrypt(ctx, name, plain)
	if err != nil {
		return nil, fmt.Errorf("seal: secret %s: %w", name, err)
	}
	again, err := s.guard.Decrypt(ctx, name, closed)
	if err != nil {
		return nil, fmt.Errorf("seal: secret %s: try what was closed: %w", name, err)
	}
	defer clear(again)
	if !slices.Equal(again, plain) {
		return nil, fmt.Errorf("seal: secret %s: what was closed opens as something else", name)
	}
	return closed, nil
}

// replace puts a file in the place of whichever the secret had. Get's order and
// this one make sure that at every moment it finds the old or the new.
func (s *Store) replace(name, suffix string, data []byte) error {
	if suffix == openSuffix {
		err := os.Rename(s.path(name, closedSuffix), s.path(name, oldSuffix))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("seal: keep secret %s: %w", name, err)
		}
	}
	if err := writeSecret(s.path(name, suffix), data); err != nil {
		return fmt.Errorf("seal: keep secret %s: %w", name, err)
	}
	for _, other := range []string{closedSuffix, openSuffix, oldSuffix} {
		if other == suffix {
			continue
		}
		if err := wipe(s.path(name, other)); err != nil {
			return fmt.Errorf("seal: wipe the secret %s that was there: %w", name, err)
		}
	}
	return nil
}

// Get returns a secret. The errors are [ErrNoSecret], [ErrSecretName] and
// [*SecretError].
func (s *Store) Get(ctx context.Context, name string) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	for _, suffix := range []string{closedSuffix, openSuffix, oldSuffix} {
		path := s.path(name, suffix)
		data, err := readSecret(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && suffix != openSuffix {
			data, err = s.open(ctx, name, data)
		}
		if err != nil {
			return nil, &SecretError{Path: path, Err: err}
		}
		return data, nil
	}
	return nil, fmt.Errorf("%w: %s", ErrNoSecret, name)
}

func (s *Store) open(ctx context.Context, name string, closed []byte) ([]byte, error) {
	if s.guard == nil {
		return nil, errors.New("closed by this machine's credentials, which are not to be had now")
	}
	return s.guard.Decrypt(ctx, name, closed)
}

// Wipe overwrites and removes a secret; one that is not there is no error. On
// flash the old cells may live on until the drive reuses them, so that this is a
// courtesy, and the promise is that keys of an event are of no use after it.
func (s *Store) Wipe(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	var errs []error
	for _, suffix := range []string{closedSuffix, openSuffix, oldSuffix} {
		errs = append(errs, wipe(s.path(name, suffix)))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("seal: wipe secret %s: %w", name, err)
	}
	return nil
}

// Names returns the secrets that are there, in order.
func (s *Store) Names() ([]string, error) {
	return s.list(closedSuffix, openSuffix, oldSuffix)
}

// Loose returns the files in which secrets stand unsealed, for the health
// warning key_file_loose.
func (s *Store) Loose() ([]string, error) {
	names, err := s.list(openSuffix)
	for i, name := range names {
		names[i] = s.path(name, openSuffix)
	}
	return names, err
}

func (s *Store) list(suffixes ...string) ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("seal: list the secrets: %w", err)
	}
	var names []string
	for _, e := range entries {
		for _, suffix := range suffixes {
			if name, ok := strings.CutSuffix(e.Name(), suffix); ok && checkName(name) == nil {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func (s *Store) path(name, suffix string) string { return filepath.Join(s.dir, name+suffix) }

func checkName(name string) error {
	if len(name) == 0 || len(name) > 64 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return ErrSecretName
	}
	return nil
}
