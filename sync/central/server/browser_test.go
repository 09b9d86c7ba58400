package server

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/venuegate/venuegate/sync/central"
)

// The office's pages in a real browser: somebody logs in, reads who came, voids
// a ticket and makes an enrolment code. With VENUEGATE_SCREENSHOTS=DIR it leaves
// pictures there.
func TestPagesInBrowser(t *testing.T) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no Chromium on this machine, so the pages are not tried in a browser: install chromium")
	}
	f := newFixture(t)
	f.run()
	_, password, err := f.server.FirstAccount(t.Context())
	f.check(err)
	key := f.newKey(central.APIKey{Name: "office", Role: roleOffice})
	var out struct{ Tickets []sold }
	f.as(key, "POST", "/v1/events/1/tickets", json.RawMessage(`{"tickets":[{"name":"张无忌","seat":{"area":"C","row":"12","seat":"7"}},{},{}]}`)).into(t, &out)
	j := newJournal(f.first, 1, 4)
	j.grant(central.FirstTicket(1), evening.Add(-20*time.Minute))
	j.grant(central.FirstTicket(1), evening.Add(time.Minute))
	j.grant(central.FirstTicket(1)+1, evening.Add(2*time.Minute))
	if a := f.upload(f.first, 1, "/v1/journals/1/4?from=1", j.batch(1, 4)); a.status != 200 {
		t.Fatal(a.status)
	}

	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU) // it sees our own pages only
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {}))
	defer cancel()
	defer func() { _ = chromedp.Cancel(ctx) }() // it lets the browser tidy up
	do := func(steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		f.check(chromedp.Do(ctx, steps...))
	}
	// script runs in the page; what it does may lead to another page.
	script := func(code string) {
		t.Helper()
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](code+"; true"))
		f.check(err)
	}
	sees := func(name, want string) {
		t.Helper()
		for tries := 0; ; tries++ {
			text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
			if err == nil && strings.Contains(text, want) {
				break
			}
			if tries == 600 {
				t.Fatalf("%s: the page does not say %q: %v\n%s", name, want, err, text)
			}
			do(chromedp.Sleep(50 * time.Millisecond))
		}
		if dir := os.Getenv("VENUEGATE_SCREENSHOTS"); dir != "" {
			do(chromedp.EmulateViewport(1200, 900))
			png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			f.check(err)
			f.check(os.WriteFile(filepath.Join(dir, "central-"+name+".png"), png, 0o600))
		}
	}
	login := func(password string) {
		script(`document.querySelector("input[name=password]").value = "` + password + `"; document.querySelector("main button").click()`)
	}
	click := func(action string) { script(`document.querySelector("form[action$=` + action + `] button").click()`) }
	do(chromedp.Navigate(f.http.URL + "/"))
	sees("login", "Password")
	login("guess")
	sees("wrong", "is wrong")
	login(password)
	sees("events", "Riverside Derby")
	do(chromedp.Navigate(f.http.URL + "/admin/events/1"))
	sees("attendance", "By quarter-hour")
	do(chromedp.Navigate(f.http.URL + "/admin/events/1/conflicts"))
	sees("conflicts", "2 inside, 1 allowed")
	do(chromedp.Navigate(f.http.URL + "/admin/tickets?ticket=" + out.Tickets[0].Ticket))
	sees("ticket", "张*")
	click("void")
	sees("voided", "void, generation 1")
	do(chromedp.Navigate(f.http.URL + "/admin/gates"))
	sees("gates", "4 records")
	click("invite")
	sees("enrol", "venuegate enrol")
	click("logout")
	sees("out", "Password")
}
