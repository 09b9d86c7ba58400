package pack

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// parts keeps the beginnings of files whose transfer broke off: a line with
// the ETag of the whole, then the bytes. It is an aid only: what cannot be kept
// or read is fetched again.
type parts struct {
	dir  string // empty: none are kept
	from string // whose they are
}

const (
	minPart  = 16 << 10 // below which going on saves nothing
	maxParts = 16
	partFile = ".part"
)

func (p *parts) path(name string) string {
	sum := sum256([]byte(p.from + "\n" + name))
	return filepath.Join(p.dir, hex.EncodeToString(sum[:16])+partFile)
}

// load returns what is there of a file that has at most limit bytes.
func (p *parts) load(name string, limit int64) seen {
	if p.dir == "" {
		return seen{}
	}
	info, err := os.Stat(p.path(name))
	if err != nil || info.Size() > limit+maxETag {
		return seen{}
	}
	raw, err := os.ReadFile(p.path(name))
	if err != nil {
		return seen{}
	}
	part := parsePart(raw)
	if int64(len(part.data)) >= limit {
		return seen{}
	}
	return part
}

func parsePart(raw []byte) seen {
	line, data, ok := bytes.Cut(raw, []byte("\n"))
	etag := strongETag(string(line))
	if !ok || etag == "" || len(data) == 0 {
		return seen{}
	}
	return seen{etag, data}
}

// keep stores the beginning of a file. Without an ETag nobody could say of
// which version it is.
func (p *parts) keep(name string, part seen) {
	if p.dir == "" || part.etag == "" || len(part.data) < minPart {
		return
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return
	}
	p.makeRoom()
	if err := writeFile(p.path(name), append([]byte(part.etag+"\n"), part.data...)); err != nil {
		p.drop(name)
	}
}

func (p *parts) drop(name string) { _ = os.Remove(p.path(name)) }

// makeRoom removes the oldest part when there are many.
func (p *parts) makeRoom() {
	files, err := filepath.Glob(filepath.Join(p.dir, "*"+partFile))
	if err != nil || len(files) < maxParts {
		return
	}
	written := func(file string) time.Time {
		info, err := os.Stat(file)
		if err != nil {
			return time.Time{}
		}
		return info.ModTime()
	}
	oldest := slices.MinFunc(files, func(a, b string) int { return cmp.Compare(written(a).UnixNano(), written(b).UnixNano()) })
	_ = os.Remove(oldest)
}
