package web

import (
	"fmt"
	"net/http"

	"github.com/venuegate/venuegate/gate"
)

// frame is what the templates are filled with. The page's moving parts come
// over the stream; the frame holds its words.
type frame struct {
	texts  *texts
	assets *assets
	Lang   gate.Language
	Others []otherLanguage
	Gate   string
	Title  string
}

type otherLanguage struct {
	Lang gate.Language
	Name string
}

// languageNames are what each language is called in itself.
var languageNames = map[gate.Language]string{gate.English: "English", gate.Chinese: "中文"}

// T returns the text of a key.
func (f frame) T(key string) (string, error) { return f.texts.mustSay(key) }

// Asset returns the path of a static file.
func (f frame) Asset(name string) (string, error) {
	if _, ok := f.assets.files[name]; !ok {
		return "", fmt.Errorf("no static file %q", name)
	}
	return "/static/" + f.assets.version + "/" + name, nil
}

// AssetVersion returns the version of all static files.
func (f frame) AssetVersion() string { return f.assets.version }

// textsFor picks the language of a request and tells caches that it did.
func (s *Server) textsFor(w http.ResponseWriter, r *http.Request) *texts {
	w.Header().Add("Vary", "Accept-Language")
	return s.texts[s.chooser.choose(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))]
}

func (s *Server) frameOf(t *texts, state *State) frame {
	f := frame{texts: t, assets: s.assets, Lang: t.language, Gate: state.Gate, Title: t.say("title")}
	if state.Gate != "" {
		f.Title = state.Gate + " · " + f.Title
	}
	for _, l := range languages {
		if l != t.language {
			f.Others = append(f.Others, otherLanguage{l, languageNames[l]})
		}
	}
	return f
}

// Path is the page itself.
func (frame) Path() string { return "/" }

func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	t := s.textsFor(w, r)
	state := s.source.State()
	s.writePage(w, t, "layout.html", s.frameOf(t, &state))
}

func (s *Server) complain(format string, args ...any) {
	if s.log != nil {
		s.log.Printf(format, args...)
	}
}
