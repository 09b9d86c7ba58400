package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/text/language"

	"github.com/venuegate/venuegate/gate"
)

//go:embed texts/*.json
var textFiles embed.FS

// texts are the page's own words in one language. What a verdict or a warning
// says comes from gate.Reason and gate/health.
type texts struct {
	language gate.Language
	words    map[string]string
}

// languages are those that texts exist in; the first stands in for unknown
// ones.
var languages = []gate.Language{gate.English, gate.Chinese}

// loadTexts reads the embedded tables and makes sure that each has the words
// of the others.
func loadTexts() (map[gate.Language]*texts, error) {
	all := map[gate.Language]*texts{}
	for _, l := range languages {
		name := "texts/" + string(l) + ".json"
		raw, err := textFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		t := &texts{language: l}
		if err := json.Unmarshal(raw, &t.words); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all[l] = t
	}
	first := all[languages[0]]
	for _, t := range all {
		for key := range first.words {
			if t.words[key] == "" {
				return nil, fmt.Errorf("texts in %s: %q is missing", t.language, key)
			}
		}
		if len(t.words) != len(first.words) {
			return nil, fmt.Errorf("texts in %s: %d words, %d in %s", t.language, len(t.words), len(first.words), first.language)
		}
	}
	return all, nil
}

// say returns the word of a key, with every {name} replaced. Names and values
// alternate in with. An unknown key is shown as it is, so that it is noticed.
func (t *texts) say(key string, with ...string) string {
	word, ok := t.words[key]
	if !ok {
		return key
	}
	for i := 0; i+1 < len(with); i += 2 {
		word = strings.ReplaceAll(word, "{"+with[i]+"}", with[i+1])
	}
	return word
}

// mustSay is say for templates, where an unknown key is a mistake in the page.
func (t *texts) mustSay(key string) (string, error) {
	if word, ok := t.words[key]; ok {
		return word, nil
	}
	return "", fmt.Errorf("no text %q in %s", key, t.language)
}

// maxAccept bounds how much of an Accept-Language header is looked at.
const maxAccept = 256

// chooser picks the language of a request.
type chooser struct {
	matcher  language.Matcher
	fallback gate.Language
}

func newChooser(fallback gate.Language) (*chooser, error) {
	tags := make([]language.Tag, len(languages))
	known := false
	for i, l := range languages {
		tag, err := language.Parse(string(l))
		if err != nil {
			return nil, fmt.Errorf("language %s: %w", l, err)
		}
		tags[i] = tag
		known = known || l == fallback
	}
	if !known {
		return nil, fmt.Errorf("language %q: the page speaks %v", fallback, languages)
	}
	return &chooser{language.NewMatcher(tags), fallback}, nil
}

// choose takes what was asked for by ?lang=, else the best of Accept-Language,
// else the gate's own.
func (c *chooser) choose(asked, accept string) gate.Language {
	if l, ok := c.match(asked); ok {
		return l
	}
	if l, ok := c.match(accept); ok {
		return l
	}
	return c.fallback
}

func (c *chooser) match(list string) (gate.Language, bool) {
	if len(list) > maxAccept {
		list = list[:strings.LastIndexByte(list[:maxAccept], ',')+1]
	}
	tags, _, err := language.ParseAcceptLanguage(list)
	if err != nil || len(tags) == 0 {
		return "", false
	}
	_, i, confidence := c.matcher.Match(tags...)
	return languages[i], confidence > language.No
}
