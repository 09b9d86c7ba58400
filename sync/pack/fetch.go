package pack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Fetcher is a way on which a repository comes: a directory, central over
// HTTPS, a peer. It need not be trusted in any way.
type Fetcher interface {
	// Fetch returns the whole of a file of at most limit bytes. The name is
	// slash-separated below the repository's top, such as
	// "metadata/timestamp.json". A file that is not there is an error that
	// matches fs.ErrNotExist. Fetch is called by several goroutines at a time.
	Fetch(ctx context.Context, name string, limit int64) ([]byte, error)
}

// Dir is a repository in a directory: on a stick, in a mirror, or made on this
// machine. Close it when it is no longer used.
type Dir struct {
	root     *os.Root
	received atomic.Int64
}

// OpenDir opens a directory as a way. Names, links included, cannot lead out
// of it.
func OpenDir(dir string) (*Dir, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return &Dir{root: root}, nil
}

// Close closes the directory.
func (d *Dir) Close() error { return d.root.Close() }

// Fetch reads a file of the directory.
func (d *Dir) Fetch(ctx context.Context, name string, limit int64) (data []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", name)
	case info.Size() > limit:
		return nil, &tooLongError{name: name, limit: limit}
	}
	data = make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	d.received.Add(info.Size())
	return data, nil
}

// Received returns how many bytes were read so far.
func (d *Dir) Received() int64 { return d.received.Load() }

type tooLongError struct {
	name  string
	limit int64
}

func (e *tooLongError) Error() string {
	return fmt.Sprintf("%s has more than %d bytes", e.name, e.limit)
}

// recorder is a Fetcher as go-tuf wants one. It keeps what it fetched, so that
// metadata can be stored once all of it is verified, and remembers what was
// asked for last, so that an error can name the file.
type recorder struct {
	ctx  context.Context
	from Fetcher
	mu   sync.Mutex
	last string
	got  map[string][]byte // by base name
}

// DownloadFile fetches metadata for go-tuf, to which a missing file is HTTP
// 404: that is how it learns that there is no newer root.
func (r *recorder) DownloadFile(url string, limit int64, _ time.Duration) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = url
	data, err := r.from.Fetch(r.ctx, url, limit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &metadata.ErrDownloadHTTP{StatusCode: http.StatusNotFound, URL: url}
	case err != nil:
		return nil, err
	}
	r.got[path.Base(url)] = data
	return data, nil
}
