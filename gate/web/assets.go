package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"time"
)

//go:embed static
var staticFiles embed.FS

//go:embed templates/*.html
var templateFiles embed.FS

// contentTypes are those of the files that the page has. They are given here,
// since a machine's own table of types may be missing or odd.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// assets are the page's script, style and images. Their version is a hash over
// all of them and stands in their path, so that browsers may keep them for
// ever and modules find each other by relative names.
type assets struct {
	version string
	files   map[string]asset
}

type asset struct {
	content     []byte
	contentType string
}

func loadAssets() (*assets, error) {
	a := &assets{files: map[string]asset{}}
	hash := sha256.New()
	entries, err := fs.ReadDir(staticFiles, "static") // in the order of their names
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		content, err := fs.ReadFile(staticFiles, "static/"+e.Name())
		if err != nil {
			return nil, err
		}
		kind, ok := contentTypes[path.Ext(e.Name())]
		if !ok {
			return nil, fmt.Errorf("static/%s: no content type for it", e.Name())
		}
		a.files[e.Name()] = asset{content, kind}
		_, _ = fmt.Fprintf(hash, "%s %d\n", e.Name(), len(content)) // a hash takes all
		_, _ = hash.Write(content)
	}
	a.version = hex.EncodeToString(hash.Sum(nil)[:8])
	return a, nil
}

// serve answers /static/{version}/{name}. Only the present version is known;
// an old page finds out from its stream that it is old and loads anew.
func (a *assets) serve(w http.ResponseWriter, r *http.Request) {
	file, ok := a.files[r.PathValue("name")]
	if !ok || r.PathValue("version") != a.version {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Content-Type", file.contentType)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.content))
}

// loadPage parses the page's templates. A template says a text with
// {{.T "key"}} and names an asset with {{.Asset "file"}}.
func loadPage() (*template.Template, error) {
	return template.New("layout.html").Option("missingkey=error").ParseFS(templateFiles, "templates/*.html")
}
