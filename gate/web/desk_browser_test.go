package web

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/venuegate/venuegate/gate"
)

// openDesk opens a lane's page in a browser and signs somebody in there.
func openDesk(t *testing.T, source Source, d *fakeDesk, staff int) (*browser, *Server) {
	t.Helper()
	server := newDeskServer(t, source, d)
	site := httptest.NewServer(server.Handler())
	t.Cleanup(site.Close)
	t.Cleanup(site.CloseClientConnections)
	b := newBrowser(t)
	b.run(t, chromedp.Navigate(site.URL+"/lanes/1?lang=en"))
	b.until(t, `!document.body.classList.contains("is-cut") && document.getElementById("link").textContent === "Live"`)
	b.picture(t, "desk-signed-out")
	b.run(t,
		chromedp.SendKeys("#staff", fmt.Sprint(staff)),
		chromedp.SendKeys("#pin", d.pins[uint32(staff)]+"\r"),
	)
	b.until(t, `document.querySelector(".signed-in") !== null`)
	return b, server
}

// A steward types a ticket's number with the keyboard alone, hears the verdict,
// and lets the visitor in.
func TestBrowserTypesANumber(t *testing.T) {
	d, g := newDesk(), quietGate()
	b, server := openDesk(t, g, d, 1)
	d.mu.Lock()
	d.onAsked = func() { // as the lane would
		if d.last() == "type 1 1" {
			v := referred()
			g.change(func(s *State) {
				s.Lanes[0].Case = &CaseView{ID: 41, Verdict: v, Class: "成人", Until: evening.Add(170 * time.Second)}
			})
			server.hub.Verdict(v)
			return
		}
		g.change(func(s *State) { s.Lanes[0].Case = nil })
		server.hub.Verdict(admitted())
	}
	d.mu.Unlock()

	b.run(t, chromedp.SendKeys("#text", "900018839012\r"))
	b.until(t, `document.querySelector(".case") !== null && document.querySelector('.verdict[data-outcome="refer"]') !== null`)
	if got := d.typed[0].Text.Reveal(); got != "900018839012" {
		t.Errorf("typed %q", got)
	}
	if got := b.text(t, `location.search`); got != "?lang=en&said=done" {
		t.Errorf("the address ends in %s: what was typed must not be in it", got)
	}
	b.picture(t, "desk-case")
	b.until(t, `document.getElementById("admit").focus(), document.activeElement.id === "admit"`)
	b.run(t, chromedp.KeyEvent("\r"))
	b.until(t, `document.querySelector(".case") === null && document.querySelector('.verdict[data-outcome="admit"]') !== null`)
	if got := d.last(); got != "decide 1 1 41 1" {
		t.Errorf("the desk was asked %q", got)
	}
	if complaints := b.complained(); len(complaints) > 0 {
		t.Errorf("the console complains: %q", complaints)
	}
}

// Whoever is typing is left alone while the rest of the page changes, and a case
// that comes up counts down.
func TestBrowserLeavesTypingAlone(t *testing.T) {
	d, g := newDesk(), quietGate()
	b, server := openDesk(t, g, d, 1)
	b.run(t, chromedp.SendKeys("#text", "9000"))
	w := waitingGate()
	g.change(func(s *State) { s.Lanes = w.State().Lanes })
	server.hub.Changed()
	b.until(t, `document.querySelector(".waiting") !== null && document.querySelector(".case") !== null`)
	b.run(t, chromedp.KeyEvent("1"))
	if got := b.text(t, `document.getElementById("text").value + document.activeElement.id`); got != "90001text" {
		t.Errorf("the field and focus are %q", got)
	}
	b.picture(t, "desk-waiting")
	b.until(t, `Number(document.querySelector(".waiting [data-left]").textContent) < 9`)
	g.change(func(s *State) { s.Now = evening.Add(9 * time.Second) })
	server.hub.Changed()
	b.until(t, `document.querySelector(".waiting:not([hidden])") === null`)
}

func TestBrowserChoosesATicket(t *testing.T) {
	d, g := newDesk(), quietGate()
	b, server := openDesk(t, g, d, 2)
	g.change(func(s *State) {
		s.Lanes[0].Case = waitingGate().State().Lanes[1].Case
		s.Lanes[0].Case.Verdict.Lane = 1
	})
	d.mu.Lock()
	d.onAsked = func() {
		g.change(func(s *State) { s.Lanes[0].Case = nil })
		server.hub.Verdict(admitted())
	}
	d.mu.Unlock()
	server.hub.Changed()
	b.until(t, `document.querySelectorAll(".choices button").length === 2`)
	b.picture(t, "desk-choices")
	b.until(t, `document.getElementById("choice-1").click(), true`)
	b.until(t, `document.querySelector(".case") === null && document.querySelector('.verdict[data-outcome="admit"]') !== null`)
	if got := d.last(); got != "choose 2 1 42 1" {
		t.Errorf("the desk was asked %q", got)
	}
}

func TestBrowserEndsAFire(t *testing.T) {
	d, g := newDesk(), quietGate()
	b, server := openDesk(t, g, d, 3)
	g.change(func(s *State) { s.Lanes[0].Fire, s.Lanes[0].Barrier = true, BarrierReleased })
	server.hub.Changed()
	b.until(t, `document.getElementById("end-fire") !== null`)
	b.picture(t, "desk-fire")
	d.mu.Lock()
	d.answer = ErrFire
	d.mu.Unlock()
	b.until(t, `document.querySelector("#end-fire button").click(), true`)
	b.until(t, `document.getElementById("said")?.textContent.startsWith("Not yet")`)
	d.mu.Lock()
	d.answer = nil
	d.onAsked = func() { g.change(func(s *State) { s.Lanes[0].Fire, s.Lanes[0].Barrier = false, BarrierShut }) }
	d.mu.Unlock()
	b.until(t, `document.querySelector("#end-fire button").click(), true`)
	b.until(t, `document.getElementById("end-fire") === null && document.getElementById("said") === null`)
	if got := d.last(); got != "end fire 3 1" {
		t.Errorf("the desk was asked %q", got)
	}
}

// The page of all lanes says what is waited for, and leads to the lane.
func TestBrowserShowsWhatIsWaitedFor(t *testing.T) {
	for _, lang := range []gate.Language{gate.English, gate.Chinese} {
		g := waitingGate()
		server := newDeskServer(t, g, newDesk())
		site := httptest.NewServer(server.Handler())
		b := newBrowser(t)
		b.run(t, chromedp.Navigate(site.URL+"/?lang="+string(lang)))
		b.until(t, `document.querySelectorAll(".lane .waiting:not([hidden])").length === 1`)
		b.until(t, `document.querySelectorAll(".lane .fire:not([hidden])").length === 1`)
		b.picture(t, "lanes-waiting-"+string(lang))
		both := b.text(t, `document.querySelector(".waiting").innerText`)
		for _, text := range []string{"Show the ID document", "请出示证件"} {
			if !strings.Contains(both, text) {
				t.Errorf("%s: the visitor reads %q, want %q in it", lang, both, text)
			}
		}
		if got := b.text(t, `document.querySelector(".mishaps").innerText`); !strings.Contains(got, "2") {
			t.Errorf("%s: at the barrier: %q", lang, got)
		}
		if got := b.text(t, `document.querySelector(".serve").getAttribute("href")`); got != "/lanes/1?lang="+string(lang) {
			t.Errorf("%s: leads to %s", lang, got)
		}
		g.change(func(s *State) { s.Now = evening.Add(9 * time.Second) }) // its time is over
		server.hub.Changed()
		b.until(t, `document.querySelectorAll(".lane .waiting:not([hidden])").length === 0`)
		if complaints := b.complained(); len(complaints) > 0 {
			t.Errorf("the console complains: %q", complaints)
		}
		site.CloseClientConnections()
		site.Close()
	}
}
