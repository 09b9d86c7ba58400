package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/venuegate/venuegate/cmd/venuegate/internal/fleet"
	"github.com/venuegate/venuegate/configs"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/web"
)

// endToEnd is a central that a person started, a gate that was enrolled with its
// own scanner, and the way between them.
type endToEnd struct {
	*testing.T
	office fleet.Office // beside the way: the box office has its own line
	box    *fleet.Box
	way    *fleet.Way
}

// newEndToEnd starts central with nothing there, as its command does, and a box
// that nobody has enrolled, and holds the enrolment code up to the box.
func newEndToEnd(t *testing.T) *endToEnd {
	dir := filepath.Join(t.TempDir(), "c")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	_ = l.Close()
	e := &endToEnd{T: t}
	if e.way, err = fleet.NewWay(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	out := newLineWriter()
	ctx, stop := context.WithCancel(context.Background())
	var central sync.WaitGroup
	central.Go(func() {
		tl := &tool{in: strings.NewReader(""), out: out, err: io.Discard, now: time.Now}
		if code := tl.run(ctx, []string{"central", "--data", dir, "--listen", at, "--url", e.way.URL()}); code != exitOK {
			t.Errorf("central ended with exit code %d", code)
		}
		close(out.lines)
	})
	t.Cleanup(func() {
		if err := e.way.Close(); err != nil {
			t.Error(err)
		}
		stop()
		central.Wait()
	})
	if line, ok := <-out.lines; !ok || !strings.HasPrefix(line, "admin: ") {
		t.Fatal("central does not start")
	}
	<-out.lines // the password: now it listens to commands too
	key := func() string { return strings.TrimSpace(must(t, "central", "key", "--data", dir, "--role", "office")) }
	e.office = fleet.Office{URL: "http://" + at, Key: key()}

	text := bytes.Replace(configs.FleetGate, []byte(`poll = "1s" `), []byte(`poll = "3s" `), 1) // the default
	if bytes.Equal(text, configs.FleetGate) {
		t.Fatal("the fleet's gate.toml does not say poll as this test knows it")
	}
	if e.box, err = fleet.NewBox(filepath.Join(t.TempDir(), "box"), text); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.box.Close(); err != nil {
			t.Error(err)
		}
	})
	e.box.SwitchOn()
	var code struct{ QR string }
	if err := json.Unmarshal([]byte(must(t, "central", "enrol-code", "--data", dir, "--gate", "1", "--json")), &code); err != nil {
		t.Fatal(err)
	}
	// As a picture, which the box's scanner would read.
	place, err := e.box.Enrol(t.Context(), e.photographed(code.QR))
	if err != nil {
		t.Fatal(err)
	}
	if place.Gate != 1 || place.Incarnation != 2 || place.Central != e.way.URL() {
		t.Errorf("enrolled as %+v", place)
	}
	e.until("the gate to serve", e.box.Ready)
	return e
}

// photographed draws a text as a QR code and reads the picture again.
func (e *endToEnd) photographed(text string) string {
	e.Helper()
	file := filepath.Join(e.TempDir(), "code.png")
	must(e.T, "ticket", "qr", "-o", file, text)
	got := strings.TrimSuffix(must(e.T, "qr", "read", file), "\n")
	if got != text {
		e.Fatal("the picture holds another text")
	}
	return got
}

func (e *endToEnd) check(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func (e *endToEnd) until(what string, ok func() bool) {
	e.Helper()
	if err := fleet.Until(e.Context(), what, ok); err != nil {
		e.Fatalf("%v\n%s", err, e.box.Log())
	}
}

func (e *endToEnd) state() web.State { return e.box.Gate().State() }

// sellPaper sells a ticket and returns its number and the text of its code.
func (e *endToEnd) sellPaper() fleet.Sold {
	e.Helper()
	sold, err := e.office.Sell(e.Context(), "", fleet.Item{Proof: "static"})
	e.check(err)
	return sold[0]
}

// admitted waits until central counts so many people.
func (e *endToEnd) admitted(want int) fleet.Attendance {
	e.Helper()
	var got fleet.Attendance
	e.until(fmt.Sprintf("central to count %d people", want), func() bool {
		var err error
		got, err = e.office.Attendance(e.Context())
		e.check(err)
		return got.Admitted == want
	})
	return got
}

// letIn holds a code up; the arm opens, and the visitor goes through.
func (e *endToEnd) letIn(text string) gate.Verdict {
	e.Helper()
	before := e.openings()
	told, err := e.box.Scan(e.Context(), text)
	e.check(err)
	if told.Verdict.Outcome != gate.Admit || !told.Passed || e.openings() != before+1 {
		e.Fatalf("%s, %s, passed: %v, the arm moved %d times", told.Verdict.Outcome, told.Verdict.Reason, told.Passed, e.openings()-before)
	}
	return told.Verdict
}

// openings is how often the arm was told to open.
func (e *endToEnd) openings() (n int) {
	for _, s := range e.box.Arm.Switches() {
		if s.On {
			n++
		}
	}
	return n
}

// A ticket that central sells opens the arm of a gate that was enrolled with its
// own scanner, and central counts who came. Without the network to central
// nothing changes but the age of the list; what was recorded comes later.
func TestEndToEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds: central is asked every three")
	}
	e := newEndToEnd(t)
	// central → sale → code, as text and as a picture.
	sold, err := e.office.Sell(t.Context(), "alice", fleet.Item{})
	e.check(err)
	phone, err := e.office.Lease(t.Context(), sold[0].Ticket, "alice")
	e.check(err)
	text, err := phone.Text(time.Now())
	e.check(err)
	// → serial line → arm → record at central → attendance.
	if a := e.admitted(0); a.Inside != 0 || a.Tickets.NoShows != a.Tickets.Valid {
		t.Errorf("before anybody came: %+v", a)
	}
	e.letIn(e.photographed(text))
	if a := e.admitted(1); a.Inside != 1 || a.Tickets.NoShows != a.Tickets.Valid-1 || len(a.Gates) != 1 || a.Gates[0].Admitted != 1 {
		t.Errorf("after the first: %+v", a)
	}

	// Three more are sold and on the gate's list; then the network goes.
	var papers []fleet.Sold
	for range 3 {
		papers = append(papers, e.sellPaper())
	}
	e.installed(0)
	before := e.state()
	e.way.Cut()
	e.until("the gate to notice", func() bool {
		return warned(e.state(), health.CentralDown) && e.box.Gate().Uplink().LastError != "" || e.tryCentral(papers)
	})
	late := e.sellPaper() // at the box office, which has its own line
	told := e.letIn(papers[1].Text)
	if told.Marks != 0 || told.Reason != gate.ReasonAdmitted {
		t.Errorf("without the network: %+v", told)
	}
	e.letIn(late.Text) // it is not on the gate's list, and its code says it all
	if again, err := e.box.Scan(t.Context(), papers[1].Text); err != nil || again.Verdict.Outcome != gate.Refuse {
		t.Errorf("a second time without the network: %+v, %v", again.Verdict, err)
	}
	after := e.state()
	if !after.Lanes[0].Ready || after.Pack.Version != before.Pack.Version || after.Pack.Tickets != before.Pack.Tickets ||
		after.Counts.In != before.Counts.In+3 || !after.Journal.OK {
		t.Errorf("without the network %+v, with it %+v", after, before)
	}
	for _, w := range after.Warnings {
		if w.Code != health.CentralDown && !warned(before, w.Code) {
			t.Errorf("a new warning: %s", w.Code)
		}
	}
	if age, was := after.Now.Sub(after.Pack.Made), before.Now.Sub(before.Pack.Made); age <= was {
		t.Errorf("the list's age was %v and is %v", was, age)
	}
	a, err := e.office.Attendance(t.Context())
	e.check(err)
	if waiting := e.box.Gate().Uplink().Pending; a.Admitted != 1 || waiting == 0 {
		t.Errorf("%d at central, %d records wait", a.Admitted, waiting)
	}

	// It comes back: late records arrive, and the list goes on.
	e.way.Mend()
	if a := e.admitted(4); a.Inside != 4 || len(a.Refusals) != 1 {
		t.Errorf("afterwards: %+v", a)
	}
	e.installed(before.Pack.Version)
	e.until("nothing to wait for central", func() bool { return e.box.Gate().Uplink().Pending == 0 })
	if disk, err := fleet.ReadDisk(e.box.Data()); err != nil || disk.Admitted != 4 {
		t.Errorf("on the gate's disk: %+v, %v", disk, err)
	}
}

// tryCentral gives the gate something to hand in, once, so that it sees that
// nobody takes it.
func (e *endToEnd) tryCentral(papers []fleet.Sold) bool {
	if e.state().Counts.In == 1 {
		e.letIn(papers[0].Text)
	}
	return false
}

func warned(s web.State, code health.Code) bool {
	return slices.ContainsFunc(s.Warnings, func(a health.Active) bool { return a.Code == code })
}

// installed waits until the gate has what central has published last, which must
// be newer than a version.
func (e *endToEnd) installed(than uint32) {
	e.Helper()
	version, _, err := e.office.Published(e.Context())
	e.check(err)
	e.until("the gate to have the newest list", func() bool {
		return e.box.Running(func(a *appliance.Appliance) bool {
			p := a.State().Pack
			return p != nil && p.Version > than && uint64(p.Version) >= version
		})
	})
}

// A ticket that the box office takes back is refused at a gate that is online,
// in the time that is printed; see docs/benchmarks.md.
func TestVoidReachesTheGate(t *testing.T) {
	if testing.Short() {
		t.Skip("takes twenty seconds: central is asked every three")
	}
	e := newEndToEnd(t)
	const times = 3
	var took []time.Duration
	for range times {
		paper := e.sellPaper()
		e.installed(0)
		version := e.state().Pack.Version
		began := time.Now()
		e.check(e.office.Void(t.Context(), paper.Ticket))
		e.until("the gate to hear of it", func() bool { return e.state().Pack.Version > version })
		told, err := e.box.Scan(t.Context(), paper.Text)
		e.check(err)
		took = append(took, time.Since(began))
		if told.Verdict.Outcome != gate.Refuse || told.Verdict.Reason != gate.ReasonTicketVoid {
			t.Fatalf("%s, %s", told.Verdict.Outcome, told.Verdict.Reason)
		}
	}
	slices.Sort(took)
	t.Logf("void at the box office → refused at the gate, central.poll 3s: median %.2f s, longest of %d %.2f s",
		took[times/2].Seconds(), times, took[times-1].Seconds())
}
