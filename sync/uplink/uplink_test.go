package uplink_test

import (
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

// Another gate's log can be cut only where a head of it is held, which may be
// further on than a batch is long, or than the log was a moment ago.
func TestHeadsThatAreFarApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newBox(t, 7), newBox(t, 8)
		l := b.log(1)
		l.add(t, 40_000)
		c := newCentral(a, b)
		u := run(t, a, &sparse{newShelf(l), 1800}, newNetwork(t, c))
		after(time.Minute)
		arrived(t, c, l)
		if largest := c.seen().largest; largest < 5*1800 {
			t.Errorf("pieces are not joined: at most %d records at once", largest)
		}
		if st := u.Status(); st.Skipped != 0 || st.Pending != 0 {
			t.Errorf("status %+v", st)
		}
	})
}

// sparse is a shelf that gives one piece at a time, between two heads of every so
// many records.
type sparse struct {
	*shelf
	every uint64
}

func (s *sparse) Range(o ledger.Origin, from, to uint64, limit int) ([]byte, uint64, error) {
	end := min((from+s.every-1)/s.every*s.every, s.Vector()[o]) // may be beyond to
	if int(end-from+1)*ledger.Size+ledger.HeadSize > limit {
		return nil, 0, errNotHeld
	}
	chunk, _, err := s.shelf.Range(o, from, end, limit)
	return chunk, min(end, to), err
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
		// Chance has a part in it; two that knew nothing of each other would send
		// everything twice.
		before := c.seen().wasted
		if before > 120_000/2 {
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
		if wasted > 1200/2 {
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
