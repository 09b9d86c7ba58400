package uplink_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/uplink"
)

// arrived fails unless central holds every record of the logs.
func arrived(t *testing.T, c *central, logs ...*log) {
	t.Helper()
	for _, l := range logs {
		n, err := c.has(l)
		if err != nil {
			t.Fatal(err)
		}
		if n != l.len() {
			t.Errorf("gate %d, epoch %d: central has %d of %d records", l.origin.Gate, l.origin.Epoch, n, l.len())
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.wrong {
		t.Errorf("central was sent what it should not be: %s", w)
	}
}

// after lets simulated time pass until everything waits.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestOwnLogsGoFirstThenOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newBox(t, 7), newBox(t, 8)
		one, two, other := a.log(1), a.log(2), b.log(5)
		one.add(t, 20_000)
		two.add(t, 30)
		other.add(t, 3000)
		c := newCentral(a, b)
		s := newShelf(one, two, other)
		u := run(t, a, s, newNetwork(t, c))

		after(time.Second)
		arrived(t, c, one, two)
		if n, _ := c.has(other); n != 0 {
			t.Error("the other gate had no time to send its log itself")
		}
		after(time.Minute)
		arrived(t, c, other)
		if seen := c.seen(); seen.order[0] != one.origin || seen.largest > uplink.MaxBatch {
			t.Errorf("first %v, largest batch %d", seen.order[0], seen.largest)
		}
		acked := u.Acked()
		if acked[one.origin] != 20_000 || acked[two.origin] != 30 || acked[other.origin] != 3000 {
			t.Errorf("acknowledged %v", acked)
		}
		st := u.Status()
		if st.State != uplink.Idle || st.Pending != 0 || st.Acked != 23_030 || *st.ETASeconds != 0 || st.LastError != "" ||
			st.Text != "all 23 030 records are at central" {
			t.Errorf("status %+v", st)
		}

		// A new record is at central about a second after Wake.
		s.add(t, two, 1)
		u.Wake()
		after(1100 * time.Millisecond)
		arrived(t, c, two)
	})
}

// A gate that starts again asks central and sends nothing twice.
func TestResumesFromCentralsVector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newBox(t, 7)
		l := a.log(1)
		l.add(t, 5000)
		c := newCentral(a)
		n := newNetwork(t, c)
		s := newShelf(l)
		run(t, a, s, n)
		after(10 * time.Second)
		n.cut(true)
		s.add(t, l, 5000)
		after(time.Hour)
		n.cut(false)
		run(t, a, s, n) // the same gate after a restart; the first one goes on too
		after(10 * time.Minute)
		arrived(t, c, l)
		if wasted := c.seen().wasted; wasted > 5000 {
			t.Errorf("%d records were sent again", wasted)
		}
	})
}

// The whole point: a gate without a way out for 30 days loses nothing, does not
// hammer, and has it all at central soon after.
func TestThirtyDaysWithoutUplink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newBox(t, 7), newBox(t, 8)
		c := newCentral(a, b)
		n := newNetwork(t, c)
		n.cut(true)
		s := newShelf()
		u := run(t, a, s, n)
		var logs []*log
		const days = 30
		for day := range days {
			own, other := a.log(uint32(day+1)), b.log(uint32(day+1)) // a new epoch every morning
			logs = append(logs, own, other)
			for range 24 {
				s.add(t, own, 40)
				s.add(t, other, 25)
				u.Wake()
				after(time.Hour)
			}
		}
		if st := u.Status(); st.State != uplink.Waiting || st.Pending != days*24*65 || st.LastError == "" || st.ETASeconds != nil ||
			!strings.Contains(st.Text, "0 of 46 800 records; waiting for central, next try in ") || time.Since(st.Since) < 29*24*time.Hour {
			t.Errorf("status %+v", st)
		}
		if len(u.Acked()) != 0 {
			t.Error("records may be deleted that central never saw")
		}
		if most := days * 24 * 60; n.attempts() > most {
			t.Errorf("%d attempts in %d days, want at most one a minute", n.attempts(), days)
		}
		n.cut(false)
		after(10 * time.Minute)
		arrived(t, c, logs...)
		if wasted := c.seen().wasted; wasted != 0 {
			t.Errorf("%d records were sent twice", wasted)
		}
		if st := u.Status(); st.State != uplink.Idle || st.LastError != "" {
			t.Errorf("status %+v", st)
		}
	})
}

// A connection that breaks in the middle, again and again, costs time only.
func TestConnectionsThatBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newBox(t, 7)
		l := a.log(1)
		l.add(t, 50_000)
		c := newCentral(a)
		n := newNetwork(t, c)
		var calls atomic.Int64
		c.misbehave(func(_ http.ResponseWriter, r *http.Request) bool {
			switch calls.Add(1) % 6 {
			case 3: // before it reads anything
				panic(http.ErrAbortHandler)
			case 0: // after it has taken the batch, so that the answer is lost
				c.answer(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler)
			}
			return false
		})
		u := run(t, a, newShelf(l), n)
		after(2 * time.Hour)
		arrived(t, c, l)
		if st := u.Status(); st.State != uplink.Idle && st.State != uplink.Waiting {
			t.Errorf("status %+v", st)
		}
	})
}

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

// Central that lost a day to a backup gets it again.
func TestCentralSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newBox(t, 7)
		l := a.log(1)
		l.add(t, 3000)
		c := newCentral(a)
		s := newShelf(l)
		u := run(t, a, s, newNetwork(t, c))
		after(time.Minute)
		arrived(t, c, l)
		backup := func(n uint64) {
			c.mu.Lock()
			defer c.mu.Unlock()
			h := c.held[l.origin]
			h.data, h.next = h.data[:n*ledger.Size], n+1
			h.last = ledger.HashEncoded(h.data[len(h.data)-ledger.Size:])
		}
		backup(1200)
		s.add(t, l, 10)
		u.Wake()
		after(10 * time.Second) // the next batch falls into a gap
		arrived(t, c, l)
		backup(1200)
		after(5 * time.Minute) // nothing new: it is noticed by and by
		arrived(t, c, l)
	})
}

// Retry-After is kept to, in seconds and as a date by central's clock.
func TestRetryAfter(t *testing.T) {
	for name, header := range map[string]func(h http.Header){
		"seconds": func(h http.Header) { h.Set("Retry-After", "1800") },
		"a date": func(h http.Header) { // of a central whose clock is years off
			now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
			h.Set("Date", now.Format(http.TimeFormat))
			h.Set("Retry-After", now.Add(30*time.Minute).Format(http.TimeFormat))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newBox(t, 7)
				l := a.log(1)
				l.add(t, 10)
				c := newCentral(a)
				var calls atomic.Int64
				c.misbehave(func(w http.ResponseWriter, _ *http.Request) bool {
					if calls.Add(1) > 1 {
						return false
					}
					header(w.Header())
					w.WriteHeader(http.StatusServiceUnavailable)
					return true
				})
				u := run(t, a, newShelf(l), newNetwork(t, c))
				after(29 * time.Minute)
				u.Wake()
				after(30 * time.Second)
				if n := calls.Load(); n != 1 {
					t.Errorf("%d calls, though asked to wait", n)
				}
				after(20 * time.Minute)
				arrived(t, c, l)
			})
		})
	}
}

// The cap holds over the whole backlog, and the link is used to the full.
func TestBandwidthCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newBox(t, 7)
		l := a.log(1)
		l.add(t, 40_000)
		c := newCentral(a)
		const rate = 20_000
		u := run(t, a, newShelf(l), newNetwork(t, c), func(o *uplink.Options) { o.Rate = rate })
		began := time.Now()
		after(30 * time.Second)
		part := c.seen().bytes
		if part > 31*rate {
			t.Errorf("%d bytes in 30 s, the cap is %d a second", part, rate)
		}
		st := u.Status()
		if st.State != uplink.Sending || st.ETASeconds == nil || *st.ETASeconds < 20 || *st.ETASeconds > 600 || !strings.Contains(st.Text, " of 40 000 records, ") {
			t.Errorf("status %+v", st)
		}
		for u.Status().Pending > 0 && time.Since(began) < time.Hour {
			after(100 * time.Millisecond)
		}
		arrived(t, c, l)
		took := time.Since(began).Seconds()
		sent := c.seen().bytes
		if ideal := float64(sent) / rate; took < ideal-1 || took > 1.1*ideal+1 {
			t.Errorf("%d bytes took %.0f s at %d bytes/s", sent, took, rate)
		}
	})
}

// Two gates that both have a way out share the work of relaying.
func TestTwoRelaysWasteLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newBox(t, 7), newBox(t, 8)
		c := newCentral(a, b)
		var silent []*log
		sa, sb := newShelf(), newShelf()
		for id := range 6 {
			g := newBox(t, gate.GateID(20+id))
			c.keys[g.id] = g.key
			l := g.log(1)
			l.add(t, 20_000)
			silent = append(silent, l)
			sa.logs[l.origin], sb.logs[l.origin] = l, l
		}
		// A batch takes its time, so that they get in each other's way.
		c.misbehave(toPosts(func(http.ResponseWriter, *http.Request) bool {
			time.Sleep(700 * time.Millisecond)
			return false
		}))
		n := newNetwork(t, c)
		run(t, a, sa, n)
		run(t, b, sb, n)
		after(5 * time.Minute)
		arrived(t, c, silent...)
		before := c.seen().wasted
		if before > 120_000/5 {
			t.Errorf("%d of 120 000 records were sent twice", before)
		}
		t.Logf("%d of 120 000 records were sent twice while catching up", before)

		// And for a trickle, one of the two does it.
		for range 200 {
			for _, l := range silent {
				sa.mu.Lock()
				sb.mu.Lock()
				l.add(t, 1)
				sb.mu.Unlock()
				sa.mu.Unlock()
			}
			after(3 * time.Second)
		}
		after(time.Minute)
		arrived(t, c, silent...)
		wasted := c.seen().wasted - before
		if wasted > 1200/5 {
			t.Errorf("%d of 1 200 records of a trickle were sent twice", wasted)
		}
		t.Logf("%d of 1 200 records of a trickle were sent twice", wasted)
	})
}

func TestNewRefuses(t *testing.T) {
	sign := func(string, string, []byte) string { return "" }
	for name, o := range map[string]uplink.Options{
		"no URL":        {Sign: sign, Logs: newShelf()},
		"a path":        {URL: "central", Sign: sign, Logs: newShelf()},
		"another one":   {URL: "ftp://central.test", Sign: sign, Logs: newShelf()},
		"a password":    {URL: "https://me:secret@central.test", Sign: sign, Logs: newShelf()},
		"a query":       {URL: "https://central.test?x=1", Sign: sign, Logs: newShelf()},
		"no signature":  {URL: "https://central.test", Logs: newShelf()},
		"no logs":       {URL: "https://central.test", Sign: sign},
		"a slow uplink": {URL: "https://central.test", Sign: sign, Logs: newShelf(), Rate: -1},
	} {
		if u, err := uplink.New(o); err == nil || u != nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the password is quoted", name)
		}
	}
}

// central's answers without its work, to look at the gate alone.
type obliging struct{ posted func(n int) }

func (o *obliging) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := `{"logs":[]}`
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		o.posted(len(body))
		frame, err := zstdSize(body)
		if err != nil {
			return nil, err
		}
		var from uint64
		if _, err := fmt.Sscanf(r.URL.RawQuery, "from=%d", &from); err != nil {
			return nil, err
		}
		answer = fmt.Sprintf(`{"next":"%d"}`, from+uint64(frame-ledger.HeadSize)/ledger.Size)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(answer)), Request: r,
	}, nil
}

func zstdSize(frame []byte) (int, error) {
	var h zstd.Header
	err := h.Decode(frame)
	return int(h.FrameContentSize), err
}

// Whatever there is to send, the gate holds one batch of it.
func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newBox(t, 7)
		l := a.log(1)
		l.add(t, 150_000)
		live := func() uint64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		before, peak, posts := live(), uint64(0), 0
		client := &http.Client{Transport: &obliging{posted: func(int) {
			posts++
			peak = max(peak, live())
		}}}
		n := newNetwork(t, http.NotFoundHandler())
		u := run(t, a, newShelf(l), n, func(o *uplink.Options) { o.Client = client })
		after(time.Minute)
		if st := u.Status(); st.Acked != 150_000 || posts < 10 {
			t.Fatalf("%d batches, status %+v", posts, st)
		}
		grown := int64(peak) - int64(before)
		t.Logf("%d KiB while sending 150 000 records in %d batches", grown>>10, posts)
		if grown > 24<<20 {
			t.Errorf("%d bytes more while sending", grown)
		}
	})
}
