package uplink_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/sync/uplink"
)

// reply answers every call alike.
func reply(status int, kind, text string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
		return true
	}
}

// toPosts misbehaves at batches only.
func toPosts(do func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool { return r.Method == http.MethodPost && do(w, r) }
}

// Whatever answers in central's place, nothing is lost, nothing is believed, the
// gate waits longer and longer, and says what it saw.
func TestCentralThatAnswersNonsense(t *testing.T) {
	const js = "application/json"
	html := "<html><title>Hotel Wi-Fi</title><form action=/login>"
	endless := func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", js)
		_, _ = io.WriteString(w, `{"logs":[`)
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat(`{"gate":"9","epoch":"1","next":"1"},`, 1000)); err != nil {
				break
			}
		}
		return true
	}
	silent := func(_ http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body) // only then does a server notice that its client went
		<-r.Context().Done()
		return true
	}
	for name, c := range map[string]struct {
		fault func(http.ResponseWriter, *http.Request) bool
		says  string
	}{
		"a login page":           {reply(200, "text/html", html), "not as central does: it is not JSON"},
		"a login page with JSON": {reply(200, js, html), "not the JSON that is expected"},
		"an empty page":          {reply(200, js, ""), "not the JSON that is expected"},
		"other JSON":             {reply(200, js, `{"error":"x"}`), "no list of logs"},
		"a list":                 {reply(200, js, `[]`), "not the JSON that is expected"},
		"a log without a number": {reply(200, js, `{"logs":[{"gate":"7","epoch":"1","next":"-1"}]}`), "without its numbers"},
		"next as a number":       {reply(200, js, `{"logs":[{"gate":"7","epoch":"1","next":1}]}`), "not the JSON that is expected"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "http://evil.test/", http.StatusFound)
			return true
		}, "leads elsewhere"},
		"nothing to read":         {reply(204, js, ""), "no such answer is known"},
		"not found, as HTML":      {reply(404, "text/html", html), "it is not JSON"},
		"not on the roster":       {reply(403, "application/problem+json", `{"title":"struck off\u001b[31m","detail":"gate 7"}`), "is this gate on the venue's roster?"},
		"broken":                  {reply(500, "text/html", html), "central is busy (500)"},
		"an endless answer":       {endless, "longer than"},
		"silence":                 {silent, "nothing came back"},
		"a batch: a login page":   {toPosts(reply(200, "text/html", html)), "it is not JSON"},
		"a batch: no next":        {toPosts(reply(200, js, `{}`)), "does not say what is wanted next"},
		"a batch: wants it again": {toPosts(reply(200, js, `{"next":"1"}`)), "wants again what it was sent"},
		"a batch: next in gaps":   {toPosts(reply(409, js, `{"next":"99"}`)), "was sent records from 1 on and wants 99"},
		"a batch: gap, no next":   {toPosts(reply(409, js, `{"title":"gap"}`)), "does not say what is wanted next"},
		"a batch: a huge next":    {toPosts(reply(200, js, `{"next":"18446744073709551615"}`)), "does not say what is wanted next"},
		"a batch: silence":        {toPosts(silent), "nothing came back for POST"},
		"a batch: endless":        {toPosts(endless), "longer than"},
		"a batch: a redirect": {toPosts(func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
			return true
		}), "leads elsewhere"},
		"a batch: overloaded":      {toPosts(reply(503, "text/plain", "no")), "central is busy (503)"},
		"a batch: no more of this": {toPosts(reply(429, "text/plain", "no")), "central is busy (429)"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newBox(t, 7)
				l := a.log(1)
				l.add(t, 500)
				ce := newCentral(a)
				var calls atomic.Int64
				ce.misbehave(func(w http.ResponseWriter, r *http.Request) bool {
					calls.Add(1)
					return c.fault(w, r)
				})
				n := newNetwork(t, ce)
				u := run(t, a, newShelf(l), n)
				after(time.Hour)
				st := u.Status()
				if st.Pending != 500 || !strings.Contains(st.LastError, c.says) {
					t.Errorf("status %+v", st)
				}
				if strings.Contains(st.LastError, "Hotel") || strings.ContainsAny(st.LastError, "\x1b\n") {
					t.Errorf("the answer is quoted: %q", st.LastError)
				}
				if got := u.Acked(); got[l.origin] != 0 {
					t.Errorf("acknowledged: %v", got)
				}
				if n := calls.Load(); n < 10 || n > 120 {
					t.Errorf("%d calls in an hour", n)
				}
				ce.misbehave(nil)
				after(20 * time.Minute)
				arrived(t, ce, l)
				if st := u.Status(); st.LastError != "" || st.State != uplink.Idle {
					t.Errorf("it does not recover: %+v", st)
				}
			})
		})
	}
}

// One log that central does not want does not hold up the others.
func TestLogsThatArePassedOver(t *testing.T) {
	stranger := newBox(t, 99)
	for name, c := range map[string]struct {
		spoil func(*central, *shelf, *log)
		says  string
	}{
		"closed in the vector": {func(c *central, _ *shelf, l *log) {
			c.held[l.origin] = &heldLog{next: 1, closed: "fork"}
		}, "fork"},
		"closed at the batch": {func(c *central, _ *shelf, l *log) {
			c.fault = toPosts(func(w http.ResponseWriter, r *http.Request) bool {
				if strings.Contains(r.URL.Path, fmt.Sprintf("/journals/%d/", l.origin.Gate)) {
					problemOf(w, 409, map[string]string{"type": "https://x.example/fork"})
					return true
				}
				return false
			})
		}, "fork"},
		"a key that central does not know": {func(_ *central, _ *shelf, l *log) { l.key = stranger.key }, "central refuses (422 bad head): record 1"},
		"a store that fails":               {func(_ *central, s *shelf, l *log) { s.fail[l.origin] = errors.New("segment 3 is damaged") }, "segment 3 is damaged"},
		"central never satisfied": {func(c *central, _ *shelf, l *log) {
			c.held[l.origin] = &heldLog{next: 9}
			c.fault = toPosts(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, fmt.Sprintf("/journals/%d/", l.origin.Gate)) {
					return false
				}
				if from := r.URL.Query().Get("from"); from == "1" {
					return reply(200, "application/json", `{"next":"9"}`)(w, r)
				}
				return reply(409, "application/problem+json", `{"next":"1"}`)(w, r)
			})
		}, "again and again"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b, good := newBox(t, 7), newBox(t, 8), newBox(t, 9)
				own, bad, fine := a.log(1), b.log(1), good.log(1)
				own.add(t, 100)
				bad.add(t, 200)
				fine.add(t, 300)
				ce, s := newCentral(a, b, good), newShelf(own, bad, fine)
				c.spoil(ce, s, bad)
				u := run(t, a, s, newNetwork(t, ce))
				after(time.Hour)
				arrived(t, ce, own, fine)
				st := u.Status()
				if st.Pending != 0 || st.Skipped < 100 || len(st.PassedOver) != 1 || st.PassedOver[0].Gate != "8" ||
					!strings.Contains(st.PassedOver[0].Why, c.says) || !strings.HasSuffix(st.Text, "passed over") {
					t.Errorf("status %+v", st)
				}
				if posts := ce.seen().posts; posts > 60 {
					t.Errorf("%d batches in an hour", posts)
				}
			})
		})
	}
}

// A log over which central breaks, because what it holds of it is damaged, say,
// holds up no other.
func TestCentralBreaksOverOneLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newBox(t, 7)
		bad, good := a.log(1), a.log(2)
		bad.add(t, 500)
		good.add(t, 500)
		ce := newCentral(a)
		ce.misbehave(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/7/1") {
				return false
			}
			return reply(500, "application/problem+json", `{"title":"Something went wrong at central"}`)(w, r)
		})
		u := run(t, a, newShelf(bad, good), newNetwork(t, ce))
		after(time.Hour)
		arrived(t, ce, good)
		if st := u.Status(); st.Skipped != 500 || st.Pending != 0 {
			t.Errorf("status %+v", st)
		}
		ce.misbehave(nil)
		after(20 * time.Minute)
		arrived(t, ce, bad)
	})
}
