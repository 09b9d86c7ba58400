package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
)

// served is how many files are given out at a time: a gate has people to let
// in.
const served = 8

// Handler gives the mirror to other gates, below [PeerPath]. It only reads, and
// knows strong ETags, If-None-Match, Range and If-Range. A gate that is busy
// answers 503 with Retry-After. Who may call is for the listener to say.
func (m *Mirror) Handler() http.Handler {
	return http.StripPrefix(strings.TrimSuffix(PeerPath, "/"), Handler(m.dir))
}

// Handler gives out the repository in a directory, as Mirror.Handler does, with
// the repository at the top of the URL's path.
func Handler(dir *Dir) http.Handler {
	slots := make(chan struct{}, served)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "a repository is only read", http.StatusMethodNotAllowed)
			return
		}
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		dir.serve(w, r, strings.TrimPrefix(r.URL.Path, "/"))
	})
}

func (d *Dir) serve(w http.ResponseWriter, r *http.Request, name string) {
	about, ok := parseName(name)
	if !ok {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	f, err := d.root.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "no such file", http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, "cannot be read", http.StatusInternalServerError)
		return
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	h := w.Header()
	sum := about.sum
	if sum == nil {
		// Metadata is small, and a number is no proof of which bytes they are.
		digest := sha256.New()
		if _, err := io.Copy(digest, io.LimitReader(f, maxMetadata)); err != nil {
			http.Error(w, "cannot be read", http.StatusInternalServerError)
			return
		}
		sum = digest.Sum(nil)
		h.Set("Content-Type", "application/json")
	} else {
		h.Set("Content-Type", "application/octet-stream")
	}
	h.Set("ETag", `"`+hex.EncodeToString(sum)+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
	if name == nameTimestamp {
		h.Set("Cache-Control", "no-cache")
	} else {
		h.Set("Cache-Control", "max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", info.ModTime(), f)
}
