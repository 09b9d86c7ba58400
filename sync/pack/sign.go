package pack

import (
	"crypto"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// sign writes the metadata of everything that is listed. Without all, only
// overlay, snapshot and timestamp are signed.
func (b *build) sign(all bool) error {
	next := &issued{targets: map[string]*metadata.Metadata[metadata.TargetsType]{}}
	var rootFile []byte
	var err error
	if all {
		if next.root, rootFile, err = b.root(); err != nil {
			return err
		}
	} else {
		next.root = b.had.root
	}
	files := map[string]*metadata.MetaFiles{}
	changed := false
	for _, role := range []string{metadata.TARGETS, roleShards, roleOverlay} {
		if !all && role != roleOverlay {
			next.targets[role] = b.had.targets[role]
			files[role+".json"] = b.had.snapshot.Signed.Meta[role+".json"]
			continue
		}
		m, file, err := b.targetsRole(role)
		if err != nil {
			return err
		}
		next.targets[role] = m
		files[role+".json"] = file
		changed = changed || b.had == nil || m != b.had.targets[role]
	}
	if err := b.snapshot(next, files, changed); err != nil {
		return err
	}
	stamp, err := b.timestamp(next)
	if err != nil {
		return err
	}
	if err := next.verify(); err != nil {
		return err
	}
	// Everything the two last files refer to is in its place; now they follow.
	meta := filepath.Join(b.dir, "metadata")
	if rootFile != nil {
		name := strconv.FormatInt(next.root.Signed.Version, 10) + "." + fileRoot
		if err := writeFile(filepath.Join(meta, name), rootFile); err != nil {
			return err
		}
	}
	if err := writeFile(filepath.Join(meta, fileTimestamp), stamp); err != nil {
		return err
	}
	b.result.Version, b.result.Root = uint64(next.snapshot.Signed.Version), uint64(next.root.Signed.Version)
	b.prune(next)
	return nil
}

// verify checks that a gate will believe what was just signed: the keys here may
// be newer than the delegations in place.
func (i *issued) verify() error {
	top := i.targets[metadata.TARGETS]
	for role, err := range map[string]error{
		metadata.TARGETS:   i.root.VerifyDelegate(metadata.TARGETS, top),
		roleShards:         top.VerifyDelegate(roleShards, i.targets[roleShards]),
		roleOverlay:        top.VerifyDelegate(roleOverlay, i.targets[roleOverlay]),
		metadata.SNAPSHOT:  i.root.VerifyDelegate(metadata.SNAPSHOT, i.snapshot),
		metadata.TIMESTAMP: i.root.VerifyDelegate(metadata.TIMESTAMP, i.timestamp),
	} {
		if err != nil {
			return &KeyError{Role: role, Why: plain(err)}
		}
	}
	return nil
}

// due reports whether a signature has used up half of its life.
func (b *build) due(expires time.Time, life time.Duration) bool {
	return expires.Sub(b.now) < life/2
}

// root returns the root that the keys ask for: the one in place if it says the
// same, else a new version, signed by the old keys and the new, with its bytes.
func (b *build) root() (*metadata.Metadata[metadata.RootType], []byte, error) {
	root := metadata.Root(b.now.Add(lifeRoot))
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		keys, err := b.keys.roles[role].tufKeys()
		if err != nil {
			return nil, nil, err
		}
		for _, k := range keys {
			if err := root.Signed.AddKey(k, role); err != nil {
				return nil, nil, err
			}
		}
		root.Signed.Roles[role].Threshold = b.keys.roles[role].threshold
	}
	if b.had != nil {
		old := b.had.root
		if alike(old.Signed.Keys, root.Signed.Keys) && alike(old.Signed.Roles, root.Signed.Roles) && !b.due(old.Signed.Expires, lifeRoot) {
			return old, nil, nil
		}
		root.Signed.Version = old.Signed.Version + 1
	}
	signers, err := b.keys.signers(metadata.ROOT)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range b.keys.retired {
		if k.private != nil {
			signers = append(signers, k)
		}
	}
	raw, err := signWith(root, signers)
	if err != nil {
		return nil, nil, err
	}
	if b.had != nil {
		if err := b.had.root.VerifyDelegate(metadata.ROOT, root); err != nil {
			return nil, nil, &KeyError{Role: metadata.ROOT, Why: "too few keys of the root in place are here to sign the next one"}
		}
	}
	return root, raw, nil
}

// targetsRole signs the targets of one role, unless they are what they were.
func (b *build) targetsRole(role string) (*metadata.Metadata[metadata.TargetsType], *metadata.MetaFiles, error) {
	life := map[string]time.Duration{metadata.TARGETS: lifeTargets, roleShards: lifeShards, roleOverlay: lifeOverlay}[role]
	m := metadata.Targets(b.now.Add(life))
	m.Signed.Targets = b.lists[role]
	if role == metadata.TARGETS {
		var err error
		if m.Signed.Delegations, err = b.delegations(); err != nil {
			return nil, nil, err
		}
	}
	if b.had != nil {
		old := b.had.targets[role]
		if alike(old.Signed.Targets, m.Signed.Targets) && alike(old.Signed.Delegations, m.Signed.Delegations) &&
			!b.due(old.Signed.Expires, life) && b.signedByCurrent(role, old) {
			return old, b.had.snapshot.Signed.Meta[role+".json"], nil
		}
		m.Signed.Version = old.Signed.Version + 1
	}
	signers, err := b.keys.signers(role)
	if err != nil {
		return nil, nil, err
	}
	raw, err := signWith(m, signers)
	if err != nil {
		return nil, nil, err
	}
	return m, b.metaFile(m.Signed.Version, raw), b.versioned(role+".json", m.Signed.Version, raw)
}

// signedByCurrent reports whether metadata in place is signed by keys that the
// role still has.
func (b *build) signedByCurrent(role string, m *metadata.Metadata[metadata.TargetsType]) bool {
	keys, err := b.keys.roles[role].tufKeys()
	if err != nil {
		return false
	}
	good := 0
	for _, k := range keys {
		id, err := k.ID()
		for _, s := range m.Signatures {
			if err == nil && s.KeyID == id {
				good++
			}
		}
	}
	return good >= b.keys.roles[role].threshold
}

func (b *build) delegations() (*metadata.Delegations, error) {
	d := &metadata.Delegations{Keys: map[string]*metadata.Key{}}
	for _, r := range []struct{ role, path string }{{roleShards, pathShards}, {roleOverlay, pathOverlay}} {
		keys, err := b.keys.roles[r.role].tufKeys()
		if err != nil {
			return nil, err
		}
		role := metadata.DelegatedRole{
			Name: r.role, Threshold: b.keys.roles[r.role].threshold, Terminating: true, Paths: []string{r.path},
		}
		for _, k := range keys {
			id, err := k.ID()
			if err != nil {
				return nil, err
			}
			d.Keys[id] = k
			role.KeyIDs = append(role.KeyIDs, id)
		}
		d.Roles = append(d.Roles, role)
	}
	return d, nil
}

// issuedField is a field of ours in the snapshot, which the specification lets
// clients ignore: when it was signed.
const issuedField = "x_issued"

func (b *build) snapshot(next *issued, files map[string]*metadata.MetaFiles, changed bool) error {
	if b.had != nil && !changed && !b.due(b.had.snapshot.Signed.Expires, lifeSnapshot) &&
		next.root.VerifyDelegate(metadata.SNAPSHOT, b.had.snapshot) == nil {
		next.snapshot = b.had.snapshot
		return nil
	}
	m := metadata.Snapshot(b.now.Add(lifeSnapshot))
	m.Signed.Meta = files
	m.Signed.UnrecognizedFields = map[string]any{issuedField: b.now.Format(time.RFC3339)}
	if b.had != nil {
		m.Signed.Version = b.had.snapshot.Signed.Version + 1
	}
	signers, err := b.keys.signers(metadata.SNAPSHOT)
	if err != nil {
		return err
	}
	raw, err := signWith(m, signers)
	if err != nil {
		return err
	}
	next.snapshot = m
	return b.versioned(fileSnapshot, m.Signed.Version, raw)
}

// timestamp signs the one file whose name never changes and returns it.
func (b *build) timestamp(next *issued) ([]byte, error) {
	m := metadata.Timestamp(b.now.Add(lifeTimestamp))
	version := next.snapshot.Signed.Version
	raw, err := os.ReadFile(filepath.Join(b.dir, "metadata", strconv.FormatInt(version, 10)+"."+fileSnapshot))
	if err != nil {
		return nil, err
	}
	m.Signed.Meta = map[string]*metadata.MetaFiles{fileSnapshot: b.metaFile(version, raw)}
	if b.had != nil {
		m.Signed.Version = b.had.timestamp.Signed.Version + 1
	}
	signers, err := b.keys.signers(metadata.TIMESTAMP)
	if err != nil {
		return nil, err
	}
	next.timestamp = m
	return signWith(m, signers)
}

func (b *build) metaFile(version int64, raw []byte) *metadata.MetaFiles {
	f := metadata.MetaFile(version)
	sum := sum256(raw)
	f.Length, f.Hashes = int64(len(raw)), metadata.Hashes{"sha256": sum[:]}
	return f
}

func (b *build) versioned(file string, version int64, raw []byte) error {
	return writeFile(filepath.Join(b.dir, "metadata", strconv.FormatInt(version, 10)+"."+file), raw)
}

// signWith signs metadata with every key and returns its bytes.
func signWith[T metadata.Roles](m *metadata.Metadata[T], keys []signingKey) ([]byte, error) {
	m.ClearSignatures()
	for _, k := range keys {
		signer, err := signature.LoadSigner(k.private, crypto.Hash(0))
		if err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
		if _, err := m.Sign(signer); err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
	}
	return m.ToBytes(true)
}

// alike compares two parts of metadata by their JSON forms, which have one
// order.
func alike(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}
