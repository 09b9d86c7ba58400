package pack

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// KeySet is the issuer's signing keys, by role. A machine need not have all of
// them: one that only publishes overlays has the private keys of overlay,
// snapshot and timestamp, and the public ones of the rest.
type KeySet struct {
	roles   map[string]*roleKeys
	retired []signingKey // of root, which sign the root that replaces them
}

type roleKeys struct {
	threshold int
	keys      []signingKey
}

type signingKey struct {
	public  ed25519.PublicKey
	private ed25519.PrivateKey // nil: kept elsewhere
}

// plan is how many keys CreateKeys makes and how many must sign. Root and
// targets are for a safe: two of three, so that one may be lost and one stolen.
var plan = []struct {
	role            string
	keys, threshold int
}{
	{metadata.ROOT, 3, 2},
	{metadata.TARGETS, 3, 2},
	{roleShards, 1, 1},
	{roleOverlay, 1, 1},
	{metadata.SNAPSHOT, 1, 1},
	{metadata.TIMESTAMP, 1, 1},
}

const keysFile = "roles.json"

// keysJSON is roles.json: who signs what. It holds no secret.
type keysJSON struct {
	Format  int                 `json:"format"`
	Roles   map[string]roleJSON `json:"roles"`
	Retired []string            `json:"retired,omitempty"`
}

type roleJSON struct {
	Threshold int      `json:"threshold"`
	Keys      []string `json:"keys"` // public keys, hex
}

// KeyError is a signing key that is missing or unusable.
type KeyError struct {
	Role string
	Why  string
}

// Error names the role.
func (e *KeyError) Error() string { return "pack: key of " + e.Role + ": " + e.Why }

// CreateKeys makes a set of Ed25519 keys in a directory: roles.json, and a
// PKCS #8 file of mode 0600 for every private key. Move root-*.pem and
// targets-*.pem to where they are safe; what is left can still publish shards
// and overlays. It refuses a directory that has a set already.
func CreateKeys(dir string) (*KeySet, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("pack: create keys: %w", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, keysFile)); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("pack: create keys: %s: %w", keysFile, fs.ErrExist)
	}
	k := &KeySet{roles: map[string]*roleKeys{}}
	for _, p := range plan {
		r := &roleKeys{threshold: p.threshold}
		for range p.keys {
			key, err := createKey(dir, p.role)
			if err != nil {
				return nil, err
			}
			r.keys = append(r.keys, key)
		}
		k.roles[p.role] = r
	}
	return k, k.write(dir)
}

func createKey(dir, role string) (signingKey, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return signingKey{}, fmt.Errorf("pack: create key of %s: %w", role, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return signingKey{}, fmt.Errorf("pack: create key of %s: %w", role, err)
	}
	f, err := os.OpenFile(keyFile(dir, role, public), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return signingKey{}, fmt.Errorf("pack: create key of %s: %w", role, err)
	}
	err = errors.Join(pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der}), f.Sync(), f.Close())
	if err != nil {
		return signingKey{}, fmt.Errorf("pack: create key of %s: %w", role, err)
	}
	return signingKey{public: public, private: private}, nil
}

func keyFile(dir, role string, public ed25519.PublicKey) string {
	return filepath.Join(dir, role+"-"+hex.EncodeToString(public[:8])+".pem")
}

func (k *KeySet) write(dir string) error {
	j := keysJSON{Format: Format, Roles: map[string]roleJSON{}}
	for role, r := range k.roles {
		texts := make([]string, len(r.keys))
		for i := range r.keys {
			texts[i] = hex.EncodeToString(r.keys[i].public)
		}
		j.Roles[role] = roleJSON{Threshold: r.threshold, Keys: texts}
	}
	for i := range k.retired {
		j.Retired = append(j.Retired, hex.EncodeToString(k.retired[i].public))
	}
	raw, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, keysFile), append(raw, '\n')); err != nil {
		return fmt.Errorf("pack: write keys: %w", err)
	}
	return nil
}

// LoadKeys reads a set. A private key that is not there is kept elsewhere; one
// that others may read is refused.
func LoadKeys(dir string) (*KeySet, error) {
	raw, err := os.ReadFile(filepath.Join(dir, keysFile))
	if err != nil {
		return nil, fmt.Errorf("pack: load keys: %w", err)
	}
	var j keysJSON
	if err := json.Unmarshal(raw, &j); err != nil || j.Format != Format {
		return nil, &KeyError{Role: "any role", Why: keysFile + " is no list of roles of this format"}
	}
	k := &KeySet{roles: map[string]*roleKeys{}}
	for _, p := range plan {
		listed := j.Roles[p.role]
		if listed.Threshold < 1 || listed.Threshold > len(listed.Keys) {
			return nil, &KeyError{Role: p.role, Why: fmt.Sprintf("threshold %d of %d keys", listed.Threshold, len(listed.Keys))}
		}
		r := &roleKeys{threshold: listed.Threshold}
		for _, text := range listed.Keys {
			key, err := loadKey(dir, p.role, text)
			if err != nil {
				return nil, err
			}
			r.keys = append(r.keys, key)
		}
		k.roles[p.role] = r
	}
	for _, text := range j.Retired {
		key, err := loadKey(dir, metadata.ROOT, text)
		if err != nil {
			return nil, err
		}
		k.retired = append(k.retired, key)
	}
	return k, nil
}

func loadKey(dir, role, text string) (signingKey, error) {
	var key signingKey
	if err := (*PublicKey)(&key.public).UnmarshalText([]byte(text)); err != nil {
		return key, &KeyError{Role: role, Why: "public key: " + err.Error()}
	}
	path := keyFile(dir, role, key.public)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return key, nil
	case err != nil:
		return key, fmt.Errorf("pack: load keys: %w", err)
	case info.Mode().Perm()&0o077 != 0:
		return key, &KeyError{Role: role, Why: fmt.Sprintf("%s may be read by others; make it 0600", filepath.Base(path))}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return key, fmt.Errorf("pack: load keys: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return key, &KeyError{Role: role, Why: filepath.Base(path) + " is no PEM file"}
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok || !key.public.Equal(private.Public()) {
		return key, &KeyError{Role: role, Why: filepath.Base(path) + " is not the private key that belongs there"}
	}
	key.private = private
	return key, nil
}

// Rotate replaces the oldest key of a role by a new one. The next Build signs
// a root (or delegation) that says so. An old root key stays in the directory
// until that Build: it must sign the root that retires it.
func (k *KeySet) Rotate(dir, role string) error {
	r := k.roles[role]
	if r == nil {
		return &KeyError{Role: role, Why: "no such role"}
	}
	fresh, err := createKey(dir, role)
	if err != nil {
		return err
	}
	if role == metadata.ROOT {
		k.retired = append(k.retired, r.keys[0])
	}
	r.keys = append(slices.Clone(r.keys[1:]), fresh)
	return k.write(dir)
}

// tufKeys returns a role's public keys as go-tuf has them.
func (r *roleKeys) tufKeys() ([]*metadata.Key, error) {
	keys := make([]*metadata.Key, len(r.keys))
	for i := range r.keys {
		var err error
		if keys[i], err = metadata.KeyFromPublicKey(r.keys[i].public); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// signers returns the private keys of a role, of which there must be enough.
func (k *KeySet) signers(role string) ([]signingKey, error) {
	r := k.roles[role]
	var have []signingKey
	for _, key := range r.keys {
		if key.private != nil {
			have = append(have, key)
		}
	}
	if len(have) < r.threshold {
		return nil, &KeyError{Role: role, Why: fmt.Sprintf("%d private keys are here, %d must sign", len(have), r.threshold)}
	}
	return have, nil
}
