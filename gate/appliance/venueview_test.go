package appliance_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/web"
	"github.com/venuegate/venuegate/gate/web/pins"
)

// awaitPage polls until a gate's page would show what it should.
func (b *box) awaitPage(what string, ok func(s *web.State) bool) {
	b.fleet.t.Helper()
	var s web.State
	for range 6000 {
		s = b.gate.State()
		if ok(&s) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.fleet.t.Fatalf("gate %d: waited 60 s in vain: %s\n%+v\n%s", b.id, what, s.Cluster, b.log.String())
}

// The page of a gate that loses its keeper says so, names the ticket that came in
// twice once they hear each other again, and takes the rest back.
func TestPageOfGatesApart(t *testing.T) {
	f := newFleet(t, 3, 1)
	f.sell(90017)
	f.event.Rules.Isolation = "admit"
	f.publish()
	for _, b := range f.boxes {
		b.start()
	}
	well := func(s *web.State) bool {
		for _, g := range s.Cluster.Peers {
			if g.Silent || g.Down || g.Lacks+g.Has > 0 || !g.Self && g.Offset == nil {
				return false
			}
		}
		return s.Cluster.Gates == 3 && len(s.Cluster.Peers) == 3 && s.Cluster.Alone.IsZero() && s.Cluster.Peers[0].Leader
	}
	for _, b := range f.boxes {
		b.awaitPage("all gates are heard, level and compared", well)
	}
	if c := f.boxes[1].gate.State().Cluster; c.Role != "client" || c.NoKeepers || c.Peers[0].Name != "gate 1" || !c.Peers[0].Keeper || c.Peers[2].Keeper || !c.Peers[1].Self {
		t.Errorf("what gate 2 shows: %+v", c)
	}
	// Gate 3 is off while the ticket comes in at gate 1, and then the only one on.
	third := f.boxes[2]
	if err := third.stop(); err != nil {
		t.Fatal(err)
	}
	if f.boxes[0].scan(90017).Outcome != gate.Admit {
		t.Fatal("not admitted")
	}
	// A gate that stops while somebody is let through cannot say that they came in.
	f.boxes[0].awaitPage("the visitor is through", func(*web.State) bool {
		return strings.Contains(f.boxes[0].log.String(), `"passage":"passed"`)
	})
	for _, b := range f.boxes[:2] {
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
	}
	third.start()
	if v := third.scan(90017); v.Outcome != gate.Admit || !v.Marks.Has(gate.MarkIsolated) {
		t.Fatalf("without its keeper: %+v", v)
	}
	third.awaitPage("gate 3 is alone, and the visitor is through", func(s *web.State) bool {
		c := &s.Cluster
		return strings.Contains(third.log.String(), `"passage":"passed"`) && !c.Alone.IsZero() && c.Peers[0].Silent && c.Peers[1].Silent && c.Peers[0].Down
	})
	alone := third.gate.State()
	if rules := alone.Lanes[0].Isolation; len(rules) != 1 || rules[0] != gate.IsolationAdmit || len(alone.Conflicts) != 0 {
		t.Errorf("meanwhile: %v, conflicts %+v", rules, alone.Conflicts)
	}
	for _, b := range f.boxes[:2] {
		b.start()
	}
	for _, b := range f.boxes {
		b.awaitPage("healed, and the entry too many is named", func(s *web.State) bool { return well(s) && len(s.Conflicts) == 1 })
	}
	c := f.boxes[1].gate.State().Conflicts[0]
	if c.Ticket != "0017" || c.Excess != 1 || c.Claimed || len(c.Grants) != 2 {
		t.Fatalf("the conflict is %+v", c)
	}
	first, second := c.Grants[0], c.Grants[1]
	if first.Gate != "gate 1" || first.Marks != 0 || first.Excess || first.Offset == nil || first.Lane != "gate 1" {
		t.Errorf("the first entry is %+v", first)
	}
	if second.Gate != "gate 3" || second.Marks != gate.MarkIsolated || !second.Excess || second.At.Before(first.At) {
		t.Errorf("the second entry is %+v", second)
	}
}

// A supervisor evacuates from the page, and the page says who did.
func TestEvacuateOnThePage(t *testing.T) {
	s := newSite(t)
	s.setUp()
	book, err := pins.Open(s.data())
	if err := errorsOf(err, book.Set(12, "271828")); err != nil {
		t.Fatal(err)
	}
	s.plugIn()
	s.open()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Jar: jar, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	post := func(path string, pairs ...string) *url.URL {
		t.Helper()
		form := url.Values{}
		for i := 0; i+1 < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		answer, err := client.PostForm(s.url+path, form)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		return answer.Request.URL
	}
	if to := post("/sign-in", "to", "evacuate", "staff", "12", "pin", "271828"); to.Path != "/evacuate" || to.Query().Get("said") != "done" {
		t.Fatalf("signed in: %s", to)
	}
	if to := post("/evacuate"); to.Query().Get("said") != "empty" {
		t.Errorf("not confirmed: %s", to)
	}
	if orders := s.gate.State().Orders; len(orders) != 0 {
		t.Fatalf("not confirmed: %+v", orders)
	}
	if to := post("/evacuate", "confirm", "yes"); to.Query().Get("said") != "done" {
		t.Fatalf("confirmed: %s", to)
	}
	orders := s.gate.State().Orders
	if len(orders) != 1 || orders[0].Order.Kind != gate.OrderEvacuate || orders[0].By != "12" || orders[0].Gate != "north" || orders[0].Signed {
		t.Fatalf("the orders are %+v", orders)
	}
	s.await("the lane stands open", func() bool { return s.gate.State().Lanes[0].Evacuate && s.gate.Evacuating(1) })
	if log := s.log.String(); !strings.Contains(log, "evacuation ordered on the page") {
		t.Error("the log does not say who ordered it")
	}
}
