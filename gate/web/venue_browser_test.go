package web

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/venuegate/venuegate/gate"
)

// openPage opens a page of a gate in a browser and waits until it is live.
func openPage(t *testing.T, source Source, path string) (*browser, *Server) {
	t.Helper()
	server := newDeskServer(t, source, newDesk())
	site := httptest.NewServer(server.Handler())
	t.Cleanup(site.Close)
	t.Cleanup(site.CloseClientConnections)
	b := newBrowser(t)
	b.run(t, chromedp.Navigate(site.URL+path))
	b.until(t, `document.getElementById("link").textContent === document.getElementById("link").dataset.live`)
	return b, server
}

// A gate that is cut off says so by itself on every page that is open there, and
// takes it back when the others are heard again.
func TestBrowserShowsIsolation(t *testing.T) {
	for _, test := range []struct {
		lang  gate.Language
		words []string
	}{
		{gate.English, []string{"ALONE since 18:31", "1 of 5 other gates heard, the rest last at 18:32:07", "let in, and each entry is marked", "look at documents"}},
		{gate.Chinese, []string{"本机已离线，自 18:31 起", "1 / 5", "其余最近于 18:32:07 收到", "均有标记", "查看证件"}},
	} {
		for _, path := range []string{"/", "/gates", "/lanes/1"} {
			t.Run(string(test.lang)+path, func(t *testing.T) {
				g := venueGate()
				b, server := openPage(t, g, path+"?lang="+string(test.lang))
				b.until(t, `document.querySelector(".alone:not([hidden])") === null`)
				b.picture(t, "well"+strings.ReplaceAll(path, "/", "-")+"-"+string(test.lang))

				cluster := aloneGate().State().Cluster
				g.change(func(s *State) { s.Cluster = cluster })
				server.hub.Changed()
				b.until(t, `document.querySelector(".alone:not([hidden])") !== null`)
				said := b.text(t, `document.querySelector(".alone").innerText`)
				for _, words := range test.words {
					if !strings.Contains(said, words) {
						t.Errorf("the page says\n%s\nand not %q", said, words)
					}
				}
				b.picture(t, "alone"+strings.ReplaceAll(path, "/", "-")+"-"+string(test.lang))

				well := venueGate().State().Cluster
				g.change(func(s *State) { s.Cluster = well })
				server.hub.Changed()
				b.until(t, `document.querySelector(".alone:not([hidden])") === null`)
				if complaints := b.complained(); len(complaints) > 0 {
					t.Errorf("the console complains: %q", complaints)
				}
			})
		}
	}
}

// Once the gates hear each other again, an entry too many shows by itself.
func TestBrowserShowsConflicts(t *testing.T) {
	for _, lang := range []gate.Language{gate.English, gate.Chinese} {
		g := venueGate()
		b, server := openPage(t, g, "/?lang="+string(lang))
		b.until(t, `document.getElementById("conflicts").hidden`)
		g.change(func(s *State) { s.Conflicts = []ConflictView{twice()}; s.Orders = ordered() })
		server.hub.Changed()
		b.until(t, `document.querySelectorAll(".conflict li.excess").length === 1`)
		said := b.text(t, `document.getElementById("conflicts").innerText`)
		for _, words := range []string{"…1234", "18:33:07", "18:34:07", "UTC+08:00", "北门 1", "北 1", "北门 3", "北 5", "2.5 s"} {
			if !strings.Contains(said, words) {
				t.Errorf("%s: the page says\n%s\nand not %q", lang, said, words)
			}
		}
		b.until(t, `document.querySelectorAll("#order-list li").length === 4`)
		b.picture(t, "conflict-"+string(lang))
		if jump := b.text(t, `document.getElementById("conflicts-jump").textContent`); !strings.Contains(jump, "1") {
			t.Errorf("%s: a phone, on which lanes come first, says %q", lang, jump)
		}
		if complaints := b.complained(); len(complaints) > 0 {
			t.Errorf("the console complains: %q", complaints)
		}
	}
}

// A supervisor starts an evacuation in two steps, and the page says how it ends.
func TestBrowserEvacuates(t *testing.T) {
	d, g := newDesk(), aloneGate()
	server := newDeskServer(t, g, d)
	site := httptest.NewServer(server.Handler())
	t.Cleanup(site.Close)
	t.Cleanup(site.CloseClientConnections)
	d.onAsked = func() {
		g.change(func(s *State) {
			s.Orders = []OrderView{evacuation()}
			s.Lanes[0].Evacuate, s.Lanes[1].Evacuate = true, true
		})
		server.hub.Changed()
	}
	b := newBrowser(t)
	b.run(t, chromedp.Navigate(site.URL+"/?lang=en"))
	b.until(t, `document.querySelector('a[href^="/evacuate"]') !== null && !document.body.classList.contains("is-connecting")`)
	b.run(t, chromedp.Click(`a[href^="/evacuate"]`))
	b.until(t, `document.getElementById("pin") !== null`)
	b.run(t, chromedp.SendKeys("#staff", "2"), chromedp.SendKeys("#pin", d.pins[2]+"\r"))
	b.until(t, `document.getElementById("ask") !== null`)
	b.picture(t, "evacuate-first")
	b.run(t, chromedp.Click("#ask"))
	b.until(t, `document.getElementById("yes") !== null`)
	b.picture(t, "evacuate-sure")
	if got := d.last(); got != "" {
		t.Errorf("asked %q before it was confirmed", got)
	}
	b.run(t, chromedp.Click("#yes"))
	b.until(t, `document.querySelector(".evacuation") !== null`)
	if got := d.last(); got != "evacuate 2" {
		t.Errorf("the desk was asked %q", got)
	}
	b.picture(t, "evacuate-done")
	said := b.text(t, `document.body.innerText`)
	for _, words := range []string{"EVACUATION", "everywhere", "by supervisor at 北门 3, not signed", "since 18:41", "venuegate order normal", "北门 1"} {
		if !strings.Contains(said, words) {
			t.Errorf("the page says\n%s\nand not %q", said, words)
		}
	}
	b.run(t, chromedp.Navigate(site.URL+"/?lang=zh-CN"))
	b.until(t, `!document.getElementById("evacuation").hidden`)
	b.picture(t, "evacuation")
}
