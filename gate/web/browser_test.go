package web

import (
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/venuegate/venuegate/gate"
)

// The tests in this file drive the page in a real browser. With
// VENUEGATE_SCREENSHOTS=DIR they also leave pictures of it there.

// patience bounds a browser test as a whole; a slow machine needs much.
const patience = 2 * time.Minute

// How often and how long a test looks for what it expects.
const (
	betweenTries = 50 * time.Millisecond
	maxTries     = 600
)

// browser is one headless Chromium.
type browser struct {
	ctx context.Context

	mu         sync.Mutex
	complaints []string // of its console: errors, exceptions, breaches of the content policy
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium on this machine, so the page is not tried in a browser: install chromium")
	}
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options,
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // containers do not let it have one; it sees our own page only
		chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-quic", true),
	)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience) // it outlives the test by its clean-up
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(cancel)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // first of all: it lets the browser tidy up
	b := &browser{ctx: ctx}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatalf("browser %s: %v", path, err)
	}
	return b
}

// listen notes what the console complains of.
func (b *browser) listen(event any) {
	complaint := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		complaint = "exception: " + e.ExceptionDetails.Text
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			complaint = fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		complaint = "console." + e.Type.String()
	}
	if complaint != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.complaints = append(b.complaints, complaint)
	}
}

func (b *browser) complained() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string{}, b.complaints...)
}

func (b *browser) run(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		t.Fatalf("browser: %v; its console: %q", err, b.complained())
	}
}

// until waits for a JavaScript expression to be true, over reloads too.
func (b *browser) until(t *testing.T, expression string) {
	t.Helper()
	for tries := 0; ; tries++ {
		is, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression))
		if err == nil && is {
			return
		}
		if tries == maxTries || b.ctx.Err() != nil {
			text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText")) // as far as it can be had
			t.Fatalf("browser: waiting for %s: %v; its console: %q; the page:\n%s", expression, err, b.complained(), text)
		}
		b.run(t, chromedp.Sleep(betweenTries))
	}
}

// text returns what an expression comes to.
func (b *browser) text(t *testing.T, expression string) string {
	t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		t.Fatalf("browser: %s: %v; its console: %q", expression, err, b.complained())
	}
	return text
}

// picture leaves a screenshot where somebody wants to see one.
func (b *browser) picture(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("VENUEGATE_SCREENSHOTS")
	if dir == "" {
		return
	}
	for _, screen := range []struct {
		name          string
		width, height int64
		options       []chromedp.EmulateViewportOption
	}{
		{"phone", 390, 844, []chromedp.EmulateViewportOption{chromedp.EmulateMobile, chromedp.EmulatePortrait}},
		{"tablet", 820, 1180, []chromedp.EmulateViewportOption{chromedp.EmulateMobile, chromedp.EmulatePortrait}},
		{"landscape", 1024, 768, []chromedp.EmulateViewportOption{chromedp.EmulateMobile, chromedp.EmulateLandscape}},
		{"desktop", 1280, 800, nil},
	} {
		b.run(t,
			chromedp.EmulateViewport(screen.width, screen.height, screen.options...),
			chromedp.Sleep(800*time.Millisecond), // the animation is over
		)
		png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+"-"+screen.name+".png"), png, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBrowserShowsVerdicts(t *testing.T) {
	for _, test := range []struct {
		lang gate.Language
		word string
		note string
	}{
		{gate.English, "REFUSE", "First in: 北 1, 18:11:07"},
		{gate.Chinese, "拒绝", "首次入场：北 1，18:11:07"},
	} {
		t.Run(string(test.lang), func(t *testing.T) {
			server := newServer(t, quietGate())
			site := httptest.NewServer(server.Handler())
			defer site.Close()
			defer site.CloseClientConnections()
			b := newBrowser(t)

			b.run(t, chromedp.Navigate(site.URL+"/?lang="+string(test.lang)))
			b.until(t, `document.querySelectorAll(".lane").length === 2`)
			b.picture(t, "waiting-"+string(test.lang))

			server.hub.Verdict(admitted())
			server.hub.Verdict(alreadyInside())
			b.until(t, `document.querySelectorAll("#log li").length === 2`)
			b.until(t, `document.querySelector('.verdict[data-outcome="refuse"].is-new') !== null`)
			b.picture(t, "verdicts-"+string(test.lang))

			card := `document.querySelector('.verdict[data-outcome="refuse"]')`
			if got := b.text(t, card+`.querySelector(".word").textContent`); got != test.word {
				t.Errorf("the lane says %q, want %q", got, test.word)
			}
			if got := b.text(t, card+`.querySelector("use").getAttribute("href")`); got != "#shape-refuse" {
				t.Errorf("the lane shows %s, want #shape-refuse", got)
			}
			if got := b.text(t, card+`.querySelector(".notes").textContent`); !strings.Contains(got, test.note) {
				t.Errorf("the lane's notes are %q, want %q among them", got, test.note)
			}
			if got := b.text(t, `document.getElementById("announce").textContent`); !strings.Contains(got, test.word) {
				t.Errorf("screen readers hear %q, want %q in it", got, test.word)
			}
			if got := b.text(t, `document.documentElement.lang`); got != string(test.lang) {
				t.Errorf("the page's language is %s, want %s", got, test.lang)
			}
			if complaints := b.complained(); len(complaints) > 0 {
				t.Errorf("the console complains: %q", complaints)
			}
		})
	}
}

func TestBrowserShowsTextAsText(t *testing.T) {
	const markup = `<script>document.title="taken"</script><img src=x onerror="document.title='taken'">`
	source := quietGate()
	source.change(func(s *State) {
		s.Gate, s.Event, s.Lanes[0].Name, s.Lanes[0].Devices[0].Name = markup, markup, markup, markup
	})
	server := newServer(t, source)
	site := httptest.NewServer(server.Handler())
	defer site.Close()
	defer site.CloseClientConnections()
	b := newBrowser(t)

	b.run(t, chromedp.Navigate(site.URL+"/?lang=en"))
	b.until(t, `document.querySelectorAll(".lane").length === 2`)
	view := admitted()
	view.Name, view.LaneName, view.Seat.Area = markup, markup, markup
	server.hub.Verdict(view)
	b.until(t, `document.querySelectorAll("#log li").length === 1`)

	if got := b.text(t, `document.querySelector("#log .lane-name").textContent`); got != markup {
		t.Errorf("the log shows %q, want the name as text", got)
	}
	if got := b.text(t, `document.title`); got != markup+" · Gate" {
		t.Errorf("the title is %q, want the name as text", got)
	}
	if got := b.text(t, `String(document.querySelectorAll("body script, img").length)`); got != "0" {
		t.Errorf("%s elements came out of a name", got)
	}
	if complaints := b.complained(); len(complaints) > 0 {
		t.Errorf("the console complains: %q", complaints)
	}
}

func TestBrowserSaysWhenItIsCut(t *testing.T) {
	for _, lang := range []gate.Language{gate.English, gate.Chinese} {
		t.Run(string(lang), func(t *testing.T) {
			server := newServer(t, troubledGate())
			site := httptest.NewServer(server.Handler())
			address := site.Listener.Addr().String()
			b := newBrowser(t)

			b.run(t, chromedp.Navigate(site.URL+"/?lang="+string(lang)))
			b.until(t, `document.querySelectorAll(".lane").length === 2`)
			server.hub.Verdict(leaving())
			server.hub.Verdict(referred())
			b.until(t, `document.querySelectorAll("#log li").length === 2`)
			b.until(t, `document.querySelectorAll(".warning").length === 4`)
			b.picture(t, "warnings-"+string(lang))

			site.CloseClientConnections()
			site.Close()
			b.until(t, `document.body.classList.contains("is-cut")`)
			b.picture(t, "cut-"+string(lang))
			if got := b.text(t, `document.getElementById("cut-title").textContent`); !strings.Contains(got, "18:42:07") {
				t.Errorf("the page says %q, want the time of the gate's last word", got)
			}
			server.hub.Verdict(admitted()) // while nobody listens

			again := httptest.NewUnstartedServer(server.Handler())
			var err error
			if again.Listener, err = net.Listen("tcp", address); err != nil {
				t.Skipf("the address was taken meanwhile: %v", err)
			}
			again.Start()
			defer again.Close()
			defer again.CloseClientConnections()
			b.until(t, `!document.body.classList.contains("is-cut") && document.getElementById("cut").hidden`)
			b.until(t, `document.querySelectorAll("#log li").length === 3`)
		})
	}
}

func TestBrowserLetsVerdictsAge(t *testing.T) {
	source := quietGate()
	source.change(func(s *State) { s.Training = true })
	server := newServer(t, source)
	site := httptest.NewServer(server.Handler())
	defer site.Close()
	defer site.CloseClientConnections()
	past := admitted()
	past.At = evening.Add(-time.Minute)
	server.hub.Verdict(past)
	refused := alreadyInside()
	refused.At = past.At
	server.hub.Verdict(refused)
	b := newBrowser(t)

	b.run(t, chromedp.Navigate(site.URL+"/?lang=en"))
	b.until(t, `document.querySelectorAll('.verdict[data-outcome="admit"].is-old').length === 1`)
	b.until(t, `!document.getElementById("training").hidden`)
	b.picture(t, "old")
	server.hub.Verdict(admitted())
	b.until(t, `document.querySelector('.verdict[data-outcome="admit"]').matches(".is-new:not(.is-old)")`)
}

// When the gate's software was changed, an open page loads anew by itself.
func TestBrowserRenewsThePage(t *testing.T) {
	server := newServer(t, quietGate())
	site := httptest.NewServer(server.Handler())
	address := site.Listener.Addr().String()
	b := newBrowser(t)
	b.run(t, chromedp.Navigate(site.URL+"/?lang=en"))
	b.until(t, `document.querySelectorAll(".lane").length === 2`)
	site.CloseClientConnections()
	site.Close()

	next := newServer(t, quietGate())
	next.assets = &assets{version: "0123456789abcdef", files: server.assets.files}
	again := httptest.NewUnstartedServer(next.Handler())
	var err error
	if again.Listener, err = net.Listen("tcp", address); err != nil {
		t.Skipf("the address was taken meanwhile: %v", err)
	}
	again.Start()
	defer again.Close()
	defer again.CloseClientConnections()
	b.until(t, `document.documentElement.dataset.assets === "0123456789abcdef" && document.querySelectorAll(".lane").length === 2`)
}
