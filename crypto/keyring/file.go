package keyring

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	identityMode  = 0o600
	identityBlock = "PRIVATE KEY"
	maxIdentity   = 4096 // bytes; an Ed25519 key in PKCS #8 takes 119
)

// ErrIdentityExists is an identity that would overwrite another.
var ErrIdentityExists = errors.New("keyring: an identity is there already")

// ModeError is an identity file that others may read or change.
type ModeError struct {
	Path string
	Mode fs.FileMode
}

// Error names the file and says what to do.
func (e *ModeError) Error() string {
	return fmt.Sprintf("keyring: %s has mode %04o, so its key may be known to others: run 'chmod 600 %s', and enrol this gate anew if somebody else uses this machine",
		e.Path, e.Mode.Perm(), e.Path)
}

// IdentityError is a file that holds no gate identity.
type IdentityError struct {
	Path string
	Why  string
}

// Error names the file and what is wrong with it.
func (e *IdentityError) Error() string {
	return "keyring: " + e.Path + " holds no gate identity: " + e.Why
}

// LoadGate reads a gate's identity from a file. It refuses one that others may
// read or change with a [*ModeError], and one that is not an Ed25519 key with
// an [*IdentityError]. A missing file is fs.ErrNotExist.
func LoadGate(path string) (*Gate, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("keyring: read the gate's identity: %w", err)
	}
	data, err := readIdentity(f, path)
	if closeErr := f.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("keyring: read the gate's identity: %w", closeErr)
	}
	if err != nil {
		return nil, err
	}
	return parseGate(data, path)
}

// readIdentity checks the open file, not its name, so that what is read is
// what was checked.
func readIdentity(f *os.File, path string) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("keyring: read the gate's identity: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, &IdentityError{Path: path, Why: "not a regular file"}
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, &ModeError{Path: path, Mode: info.Mode()}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxIdentity+1))
	if err != nil {
		return nil, fmt.Errorf("keyring: read the gate's identity: %w", err)
	}
	if len(data) > maxIdentity {
		return nil, &IdentityError{Path: path, Why: fmt.Sprintf("longer than %d bytes", maxIdentity)}
	}
	return data, nil
}

func parseGate(data []byte, path string) (*Gate, error) {
	block, rest := pem.Decode(data)
	if block == nil || block.Type != identityBlock {
		return nil, &IdentityError{Path: path, Why: "want one PEM block " + identityBlock}
	}
	if len(rest) != 0 {
		return nil, &IdentityError{Path: path, Why: "something follows the key"}
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, &IdentityError{Path: path, Why: "the PEM block is not a PKCS #8 key"}
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, &IdentityError{Path: path, Why: "the key is not Ed25519"}
	}
	return &Gate{private: private}, nil
}

// Save writes the identity to a file of mode 0600 that was not there before,
// in PEM, PKCS #8. After a power cut the file is there whole or not at all. An
// identity is never overwritten: that is [ErrIdentityExists].
func (g *Gate) Save(path string) error {
	der, err := x509.MarshalPKCS8PrivateKey(g.private)
	if err != nil {
		return fmt.Errorf("keyring: save the gate's identity: %w", err)
	}
	data := pem.EncodeToMemory(&pem.Block{Type: identityBlock, Bytes: der})
	switch err := writeNew(path, data); {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w: %s", ErrIdentityExists, path)
	case err != nil:
		return fmt.Errorf("keyring: save the gate's identity: %w", err)
	}
	return nil
}

// writeNew writes and syncs a temporary file and links it under its name,
// which unlike a rename fails where the name is taken.
func writeNew(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if removeErr := os.Remove(f.Name()); err == nil {
			err = removeErr
		}
	}()
	err = errors.Join(f.Chmod(identityMode), writeSynced(f, data))
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func writeSynced(f *os.File, data []byte) error {
	_, err := f.Write(data)
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
