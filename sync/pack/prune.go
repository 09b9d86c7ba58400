package pack

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

func sum256(data []byte) [sha256.Size]byte { return sha256.Sum256(data) }

// lately is how long a file stays for whoever reads slower than versions come:
// while a box office sells, there are several a second.
const lately = time.Minute

// prune removes files that neither this version nor the one before refers to,
// and that were not written lately: whoever reads those just now can finish.
// Roots stay for ever: a gate that was in a drawer follows them one by one. What
// cannot be removed waits for the next build.
func (b *build) prune(next *issued) {
	keep := map[string]bool{"metadata/" + fileTimestamp: true}
	next.files(keep)
	if b.had != nil {
		b.had.files(keep)
	}
	for _, top := range []string{"metadata", "targets"} {
		_ = filepath.WalkDir(filepath.Join(b.dir, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name, err := filepath.Rel(b.dir, path)
			if info, infoErr := d.Info(); infoErr != nil || time.Since(info.ModTime()) < lately {
				return nil //nolint:nilerr // it is looked at again by the next build
			}
			if err == nil && d.Type().IsRegular() && !keep[filepath.ToSlash(name)] && !strings.HasSuffix(name, "."+fileRoot) {
				_ = os.Remove(path)
			}
			return nil
		})
	}
}

// files notes the names of all files of a version.
func (i *issued) files(into map[string]bool) {
	note := func(file string, version int64) {
		into["metadata/"+strconv.FormatInt(version, 10)+"."+file] = true
	}
	note(fileSnapshot, i.snapshot.Signed.Version)
	for role, m := range i.targets {
		note(role+".json", m.Signed.Version)
		for name, f := range m.Signed.Targets {
			into[targetFile(name, f.Hashes["sha256"])] = true
		}
	}
	note(metadata.ROOT+".json", i.root.Signed.Version)
}
