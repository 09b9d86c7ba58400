package pack

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// wanted is a target's file in a repository.
type wanted struct {
	file   string
	length int64
	sum    metadata.HexBytes
	target string
}

// kinds are the targets that a role may sign, in the order in which they are
// fetched: what changes most often first, before a publisher moves on.
var kinds = []struct {
	role, pattern string
	most          int64
}{
	{roleOverlay, pathOverlay, maxOverlayFile},
	{metadata.TARGETS, "", maxDocument},
	{roleShards, pathShards, maxShardFile},
}

// files lists the files of all targets.
func (r *Repository) files() ([]wanted, error) {
	var all []wanted
	for _, k := range kinds {
		targets := r.set.Targets[k.role].Signed.Targets
		for _, name := range slices.Sorted(maps.Keys(targets)) {
			if ok, _ := path.Match(k.pattern, name); k.pattern != "" && !ok {
				continue // as everybody else, the mirror ignores what a role may not sign
			}
			f := targets[name]
			w := wanted{targetFile(name, f.Hashes["sha256"]), f.Length, f.Hashes["sha256"], name}
			if parsed, ok := parseName(w.file); !ok || !bytes.Equal(parsed.sum, w.sum) {
				return nil, &TamperedError{File: k.role + ".json", Why: "a target's name or hash is not a repository's"}
			}
			if f.Length > k.most {
				return nil, &TamperedError{File: name, Why: "more bytes than it may have"}
			}
			all = append(all, w)
		}
	}
	return all, nil
}

// names are all files of this version but the roots.
func (r *Repository) names() map[string]bool {
	all := map[string]bool{nameTimestamp: true, metadataName(r.set.Snapshot.Signed.Version, fileSnapshot): true}
	for role, m := range r.set.Targets {
		all[metadataName(m.Signed.Version, role+".json")] = true
	}
	files, _ := r.files()
	for _, f := range files {
		all[f.file] = true
	}
	return all
}

// stampVersion is that of the timestamp, which every publication raises.
func (r *Repository) stampVersion() int64 { return r.set.Timestamp.Signed.Version }

// publish makes the version that is verified, and whose targets are in place,
// the mirror's. The timestamp is the last file.
func (m *Mirror) publish(ctx context.Context, repo *Repository, from Fetcher) error {
	for _, role := range []string{metadata.TARGETS, roleShards, roleOverlay} {
		err := put(m, repo, metadataName(repo.set.Targets[role].Signed.Version, role+".json"), role+".json",
			repo.set.Snapshot.Signed.Meta[role+".json"], sameTargets(repo, role))
		if err != nil {
			return err
		}
	}
	err := put(m, repo, metadataName(repo.set.Snapshot.Signed.Version, fileSnapshot), fileSnapshot,
		repo.set.Timestamp.Signed.Meta[fileSnapshot], func(data []byte) bool {
			s, err := metadata.Snapshot().FromBytes(data)
			return err == nil && s.Signed.Version == repo.set.Snapshot.Signed.Version &&
				repo.set.Root.VerifyDelegate(metadata.SNAPSHOT, s) == nil
		})
	if err != nil {
		return err
	}
	if err := m.publishRoots(ctx, repo, from); err != nil {
		return err
	}
	return put(m, repo, nameTimestamp, fileTimestamp, nil, repo.timestampIsOurs)
}

func sameTargets(repo *Repository, role string) func([]byte) bool {
	return func(data []byte) bool {
		t, err := metadata.Targets().FromBytes(data)
		if err != nil || t.Signed.Version != repo.set.Targets[role].Signed.Version {
			return false
		}
		if role == metadata.TARGETS {
			return repo.set.Root.VerifyDelegate(role, t) == nil
		}
		return repo.set.Targets[metadata.TARGETS].VerifyDelegate(role, t) == nil
	}
}

// put writes the bytes that were verified: those that came on the way, or
// those accepted before, which go-tuf then did not ask for.
func put(m *Mirror, repo *Repository, name, file string, meta *metadata.MetaFiles, same func([]byte) bool) error {
	accepted, _ := os.ReadFile(filepath.Join(repo.trust, file))
	for _, data := range [][]byte{repo.fetched[path.Base(name)], accepted} {
		if data == nil || meta != nil && meta.VerifyLengthHashes(data) != nil || !same(data) {
			continue
		}
		if had, err := m.dir.root.ReadFile(name); err == nil && bytes.Equal(had, data) {
			return nil
		}
		return m.write(name, data)
	}
	return &TamperedError{File: name, Why: "not what was verified a moment ago"}
}

// publishRoots writes every root from the first to the one in use. Those that
// this gate never saw, because it was enrolled later, come from the way: each
// must be signed by itself, and have signed the next one. Without them only
// gates that are as new can follow; that is no reason to stop.
func (m *Mirror) publishRoots(ctx context.Context, repo *Repository, from Fetcher) error {
	newest, err := os.ReadFile(filepath.Join(repo.trust, fileRoot))
	if err != nil {
		return &LocalError{File: fileRoot, Err: err}
	}
	next, err := metadata.Root().FromBytes(newest)
	if err != nil || next.Signed.Version != repo.set.Root.Signed.Version {
		return &LocalError{File: fileRoot, Err: errors.New("not the root that was trusted a moment ago")}
	}
	newestVersion := next.Signed.Version
	for v := newestVersion - 1; v > 0; v-- {
		name := metadataName(v, fileRoot)
		data, err := m.dir.root.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			data = repo.fetched[path.Base(name)]
		}
		if data == nil {
			if data, err = from.Fetch(ctx, name, maxRoot); err != nil {
				break
			}
		}
		root, err := metadata.Root().FromBytes(data)
		if err != nil || root.Signed.Version != v || root.VerifyDelegate(metadata.ROOT, root) != nil ||
			root.VerifyDelegate(metadata.ROOT, next) != nil {
			_ = m.dir.root.Remove(name)
			break
		}
		if err := m.keepRoot(v, data); err != nil {
			return err
		}
		next = root
	}
	// Last: until the timestamp follows, the one in place may be signed by a key
	// that this root no longer names.
	return m.keepRoot(newestVersion, newest)
}

const maxRoot = 512_000 // bytes, go-tuf's own bound

func (m *Mirror) keepRoot(version int64, data []byte) error {
	name := metadataName(version, fileRoot)
	if had, err := m.dir.root.ReadFile(name); err == nil && bytes.Equal(had, data) {
		return nil
	}
	return m.write(name, data)
}
