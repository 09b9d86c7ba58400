package server

import (
	"crypto/rand"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
)

// Every text of the pages is in every language, with the same values in it.
func TestPagesInEveryLanguage(t *testing.T) {
	used := []string{
		"The name or the password is wrong.", "too many people are logged in", "too many logins; wait a moment", "Enrol gate", "Log in",
		"admit", "exit", "refuse", "refer",
	}
	for _, s := range []gate.Status{gate.StatusValid, gate.StatusVoid, gate.StatusRefunded, gate.StatusUsedUp} {
		used = append(used, central.StatusWord(s))
	}
	for _, title := range kinds {
		used = append(used, title)
	}
	text := regexp.MustCompile(`[{(]t ("(?:[^"\\\\]|\\\\.)*")`)
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil || len(names) < 9 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(pageFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range text.FindAllSubmatch(raw, -1) {
			var key string
			if err := json.Unmarshal(m[1], &key); err != nil {
				t.Errorf("%s: %s: %v", name, m[1], err)
			}
			used = append(used, key)
		}
	}
	slices.Sort(used)
	used = slices.Compact(used)
	all, err := openFaces()
	if err != nil {
		t.Fatal(err)
	}
	values := regexp.MustCompile(`%[a-z]`)
	for _, f := range all.all[1:] {
		for _, key := range used {
			word, ok := f.words[key]
			if !ok {
				t.Errorf("%s: no text for %q", f.language, key)
			} else if a, b := values.FindAllString(key, -1), values.FindAllString(word, -1); !slices.Equal(a, b) {
				t.Errorf("%s: %q has %v, want %v", f.language, word, b, a)
			}
		}
		for key := range f.words {
			if !slices.Contains(used, key) {
				t.Errorf("%s: %q is on no page", f.language, key)
			}
		}
	}
}

// The browser's language is taken, until somebody chooses another.
func TestLanguageOfPages(t *testing.T) {
	f := newFixture(t)
	const english, chinese = "Password", "密码"
	for _, c := range []struct {
		name, accept, cookie string
		want                 string
	}{
		{"a browser that says nothing", "", "", english},
		{"Chinese", "zh-CN,zh;q=0.9,en;q=0.8", "", chinese},
		{"simplified, as iPhones say it", "zh-Hans-CN", "", chinese},
		{"English before Chinese", "en-US,en;q=0.9,zh;q=0.5", "", english},
		{"a language that there is not", "fr", "", english},
		{"chosen", "en", "zh-CN", chinese},
		{"chosen, and there is no such", "zh-CN", "xx", chinese},
		{"nonsense", ";;;" + strings.Repeat("x", 1000), "", english},
	} {
		header := []string{"Accept-Language", c.accept}
		if c.cookie != "" {
			header = append(header, "Cookie", languageCookie+"="+c.cookie)
		}
		got := f.call("GET", "/admin/login", nil, header...)
		if got.status != 200 || !strings.Contains(string(got.body), c.want) {
			t.Errorf("%s: %d %s", c.name, got.status, got.body)
		}
	}
	for back, want := range map[string]string{
		"/admin/tickets?ticket=1": "/admin/tickets?ticket=1", "https://evil.example/": "/admin/", "//evil.example": "/admin/", "": "/admin/", "/admin/\\evil": "/admin/",
	} {
		got := f.call("GET", "/admin/language?"+url.Values{"to": {"zh-CN"}, "back": {back}}.Encode(), nil)
		if got.status != http.StatusSeeOther || got.header.Get("Location") != want || !strings.Contains(got.header.Get("Set-Cookie"), "=zh-CN;") {
			t.Errorf("back to %q: %d, %s, %s", back, got.status, got.header.Get("Location"), got.header.Get("Set-Cookie"))
		}
	}
}

// The pages that have something to show, in Chinese.
func TestPagesInChinese(t *testing.T) {
	f := newFixture(t)
	_, password, err := f.server.FirstAccount(t.Context())
	f.check(err)
	in := f.call("POST", "/admin/login", []byte(url.Values{"name": {"admin"}, "password": {password}}.Encode()), "Content-Type", "application/x-www-form-urlencoded")
	cookie, _, _ := strings.Cut(in.header.Get("Set-Cookie"), ";")
	key, err := NewKey(f.server.accounts(), central.APIKey{Role: roleOffice, Made: evening}, rand.Reader)
	f.check(err)
	var out struct{ Tickets []sold }
	f.call("POST", "/v1/events/1/tickets", []byte(`{"account":"alice","tickets":[{}]}`), "Authorization", "Bearer "+key, "Content-Type", "application/json").into(t, &out)
	j := newJournal(f.first, 1, 4)
	j.grant(central.FirstTicket(1), evening.Add(-20*time.Minute))
	j.grant(central.FirstTicket(1), evening.Add(time.Minute))
	if a := f.upload(f.first, 1, "/v1/journals/1/4?from=1", j.batch(1, 3)); a.status != 200 {
		t.Fatal(a.status)
	}
	for path, want := range map[string]string{
		"/admin/": "入场", "/admin/events/1": "按区域", "/admin/events/1/conflicts": "在场 2 人，允许 1 人",
		"/admin/tickets?ticket=" + out.Tickets[0].Ticket: "有效，第 1 代", "/admin/gates": "第 4 期：3 条记录", "/admin/events/9": "没有该项",
	} {
		got := string(f.call("GET", path, nil, "Cookie", cookie, "Accept-Language", "zh-CN").body)
		if !strings.Contains(got, want) || strings.Contains(got, "%!") || !strings.Contains(got, `lang="zh-CN"`) {
			t.Errorf("%s: want %s in\n%s", path, want, got)
		}
	}
}
