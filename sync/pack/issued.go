package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
)

// issued is what a repository's directory holds, verified from the issuer's
// own keys: a build carries parts of it over and must not sign what somebody
// slipped in.
type issued struct {
	root      *metadata.Metadata[metadata.RootType]
	snapshot  *metadata.Metadata[metadata.SnapshotType]
	timestamp *metadata.Metadata[metadata.TimestampType]
	targets   map[string]*metadata.Metadata[metadata.TargetsType]
}

// readIssued returns nil when the directory holds no finished repository.
func readIssued(dir string, keys *KeySet) (*issued, error) {
	dir = filepath.Join(dir, "metadata")
	stamp, err := os.ReadFile(filepath.Join(dir, fileTimestamp))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("pack: build: %w", err)
	}
	versions, err := rootVersions(dir)
	if err != nil {
		return nil, fmt.Errorf("pack: build: %w", err)
	}
	var first error
	var newest *metadata.Metadata[metadata.RootType]
	// A build that was interrupted may have left a root that nothing is signed
	// under yet: then the one before it counts.
	for _, v := range slices.Backward(versions[max(0, len(versions)-2):]) {
		root, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(v)+"."+fileRoot))
		if err != nil {
			return nil, fmt.Errorf("pack: build: %w", err)
		}
		had, err := readChain(dir, root, stamp, keys)
		if newest == nil && had != nil {
			newest = had.root
		}
		if err == nil {
			had.root = newest
			return had, nil
		}
		first = errors.Join(first, err)
	}
	return nil, fmt.Errorf("pack: build: the repository in place is not of these keys: %w", first)
}

// rootVersions returns the versions of the roots in a directory, ascending.
func rootVersions(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var versions []int
	for _, e := range entries {
		number, ok := strings.CutSuffix(e.Name(), "."+fileRoot)
		if v, err := strconv.Atoi(number); ok && err == nil {
			versions = append(versions, v)
		}
	}
	slices.Sort(versions)
	return versions, nil
}

// readChain verifies everything from one root on. When only what follows the
// root fails, it returns the root beside the error.
func readChain(dir string, root, stamp []byte, keys *KeySet) (*issued, error) {
	set, err := trustedmetadata.New(root)
	if err != nil {
		return nil, &UntrustedError{File: fileRoot, Why: plain(err)}
	}
	if err := keys.own(set.Root); err != nil {
		return nil, err
	}
	had := &issued{root: set.Root}
	set.RefTime = time.Unix(0, 0) // an issuer renews what is expired
	untrusted := func(file string, err error) (*issued, error) {
		return had, &UntrustedError{File: file, Why: plain(err)}
	}
	if had.timestamp, err = set.UpdateTimestamp(stamp); err != nil {
		return untrusted(fileTimestamp, err)
	}
	read := func(file string, version int64) ([]byte, error) {
		return os.ReadFile(filepath.Join(dir, strconv.FormatInt(version, 10)+"."+file))
	}
	meta := had.timestamp.Signed.Meta[fileSnapshot]
	if meta == nil {
		return untrusted(fileTimestamp, errors.New("no snapshot in it"))
	}
	raw, err := read(fileSnapshot, meta.Version)
	if err != nil {
		return had, err
	}
	if had.snapshot, err = set.UpdateSnapshot(raw, false); err != nil {
		return untrusted(fileSnapshot, err)
	}
	for _, d := range []struct{ role, parent string }{
		{metadata.TARGETS, metadata.ROOT}, {roleShards, metadata.TARGETS}, {roleOverlay, metadata.TARGETS},
	} {
		file := d.role + ".json"
		meta := had.snapshot.Signed.Meta[file]
		if meta == nil {
			return untrusted(fileSnapshot, fmt.Errorf("no %s in it", file))
		}
		raw, err := read(file, meta.Version)
		if err != nil {
			return had, err
		}
		if _, err := set.UpdateDelegatedTargets(raw, d.role, d.parent); err != nil {
			return untrusted(file, err)
		}
	}
	had.targets = set.Targets
	return had, nil
}

// own checks that a root is one that nobody but this set's keys, or those they
// replaced, could have signed.
func (k *KeySet) own(root *metadata.Metadata[metadata.RootType]) error {
	ours := map[string]bool{}
	for _, key := range slices.Concat(k.roles[metadata.ROOT].keys, k.retired) {
		t, err := metadata.KeyFromPublicKey(key.public)
		if err != nil {
			return err
		}
		id, err := t.ID()
		if err != nil {
			return err
		}
		ours[id] = true
	}
	role := root.Signed.Roles[metadata.ROOT]
	if role == nil || slices.ContainsFunc(role.KeyIDs, func(id string) bool { return !ours[id] }) {
		return &UntrustedError{File: fileRoot, Why: "made with other keys"}
	}
	return nil
}
