package server

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/pack"
)

// face is the office's pages in one language. Their English words are the keys of
// the others. What the API says stays English.
type face struct {
	language gate.Language
	name     string // of the language, in it
	words    map[string]string
	pages    *template.Template
}

// faces are the languages that there are pages in; the first one stands in for
// all others.
type faces struct {
	all     []*face
	matcher language.Matcher
}

func openFaces() (*faces, error) {
	f := &faces{all: []*face{{language: gate.English, name: "English"}, {language: gate.Chinese, name: "中文"}}}
	var tags []language.Tag
	for i, one := range f.all {
		tag, err := language.Parse(string(one.language))
		if err != nil {
			return nil, fmt.Errorf("language %s: %w", one.language, err)
		}
		tags = append(tags, tag)
		if i > 0 {
			name := "pages/" + string(one.language) + ".json"
			raw, err := pageFiles.ReadFile(name)
			if err != nil {
				return nil, err
			}
			if err := json.Unmarshal(raw, &one.words); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		if one.pages, err = one.parse(); err != nil {
			return nil, err
		}
	}
	f.matcher = language.NewMatcher(tags)
	return f, nil
}

// say returns a text in the language, and where there are values, formatted with
// them. One that is not in its table stays English.
func (f *face) say(text string, values ...any) string {
	if word, ok := f.words[text]; ok {
		text = word
	}
	if len(values) == 0 {
		return text
	}
	return fmt.Sprintf(text, values...)
}

func (f *face) parse() (*template.Template, error) {
	return template.New("").Funcs(template.FuncMap{
		"t":    f.say,
		"name": func(n pack.Names) string { return n.In(string(f.language), string(gate.English)) },
		"reason": func(code string) string {
			if r, ok := gate.ReasonByCode(code); ok {
				return r.StaffText(f.language)
			}
			return code
		},
		"local": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"dict": func(pairs ...any) map[string]any {
			m := map[string]any{}
			for i := 0; i+1 < len(pairs); i += 2 {
				m[fmt.Sprint(pairs[i])] = pairs[i+1]
			}
			return m
		},
	}).ParseFS(pageFiles, "pages/*.html")
}

const (
	languageCookie = "venuegate-language"
	languageHolds  = 365 * 24 * time.Hour
	maxAccept      = 256 // bytes of Accept-Language that are looked at
)

// of returns the face for a call: what was chosen on a page, else the best of what
// the browser accepts.
func (f *faces) of(r *http.Request) *face {
	if c, err := r.Cookie(languageCookie); err == nil {
		for _, one := range f.all {
			if string(one.language) == c.Value {
				return one
			}
		}
	}
	accept := r.Header.Get("Accept-Language")
	if len(accept) > maxAccept {
		accept = accept[:strings.LastIndexByte(accept[:maxAccept], ',')+1]
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return f.all[0]
	}
	_, i, _ := f.matcher.Match(tags...)
	return f.all[i]
}

// choice is a link to a page in another language.
type choice struct {
	Lang, Name, Link string
	Here             bool // the page is in it
}

func (f *faces) choices(r *http.Request, now *face) []choice {
	back := pagesTop
	if r.Method == http.MethodGet {
		back = r.URL.RequestURI()
	}
	var all []choice
	for _, one := range f.all {
		query := url.Values{"to": {string(one.language)}, "back": {back}}
		all = append(all, choice{string(one.language), one.name, pagesTop + "language?" + query.Encode(), one == now})
	}
	return all
}

const pagesTop = "/admin/"

// setLanguage remembers a language in the browser, and leads back to the page.
func (s *Server) setLanguage(w http.ResponseWriter, r *http.Request) {
	for _, one := range s.faces.all {
		if string(one.language) == r.URL.Query().Get("to") {
			http.SetCookie(w, &http.Cookie{
				Name: languageCookie, Value: string(one.language), Path: pagesTop, MaxAge: int(languageHolds / time.Second),
				HttpOnly: true, Secure: s.secure || r.TLS != nil, SameSite: http.SameSiteLaxMode,
			})
		}
	}
	back := r.URL.Query().Get("back")
	if !strings.HasPrefix(back, pagesTop) || strings.ContainsAny(back, "\\\r\n") {
		back = pagesTop
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}
