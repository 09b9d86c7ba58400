package web

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/health"
)

// shanghai is the time zone of the venue in these tests, without need of a
// zone database.
var shanghai = time.FixedZone("CST", 8*60*60)

// evening is when these tests play: 18:42:07 at the venue.
var evening = time.Date(2026, 11, 22, 10, 42, 7, 0, time.UTC)

// fakeGate is a Source whose state a test sets.
type fakeGate struct {
	mu    sync.Mutex
	state State
}

func (g *fakeGate) State() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state
}

func (g *fakeGate) change(f func(*State)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	// What State has handed over is somebody's to read.
	s := g.state
	s.Lanes, s.Counts.Zones = slices.Clone(s.Lanes), slices.Clone(s.Counts.Zones)
	s.Cluster.Peers, s.Conflicts, s.Orders = slices.Clone(s.Cluster.Peers), slices.Clone(s.Conflicts), slices.Clone(s.Orders)
	s.Counts.Reasons, s.Warnings = maps.Clone(s.Counts.Reasons), slices.Clone(s.Warnings)
	for i := range s.Lanes {
		s.Lanes[i].Devices = slices.Clone(s.Lanes[i].Devices)
	}
	f(&s)
	g.state = s
}

// quietGate is a gate where all is well.
func quietGate() *fakeGate {
	return &fakeGate{state: State{
		Now: evening, Zone: shanghai, Gate: "北门 3", Venue: "江湾体育场", Event: "秋季音乐节", ClockSource: "NTP",
		Lanes: []LaneView{
			{
				ID: 1, Name: "北 1", Kind: gate.LaneEntry, From: "广场", To: "看台", Ready: true, Barrier: BarrierShut,
				Devices: []DeviceView{
					{Name: "qr-1", Role: RoleReader, Up: true, Since: evening.Add(-time.Hour)},
					{Name: "sam-1", Role: RoleDocument, Up: true, Since: evening.Add(-time.Hour)},
					{Name: "lcus-1", Role: RoleBarrier, Up: true, Since: evening.Add(-time.Hour)},
				},
			},
			{
				ID: 2, Name: "北 2", Kind: gate.LaneBoth, From: "广场", To: "看台", Ready: true, Barrier: BarrierOpen,
				Devices: []DeviceView{
					{Name: "qr-2", Role: RoleReader, Up: true, Since: evening.Add(-time.Hour)},
					{Name: "lcus-2", Role: RoleBarrier, Up: true, Since: evening.Add(-time.Hour)},
				},
			},
		},
		Counts: CountsView{
			In: 12840, Out: 311, Inside: 12529, Refused: 87, Referred: 12, Since: evening.Add(-3 * time.Hour),
			Reasons: map[gate.Reason]int{
				gate.ReasonCodeStale: 41, gate.ReasonAlreadyInside: 30, gate.ReasonPaymentCode: 16,
				gate.ReasonNoDocumentOnFile: 12,
			},
		},
		Pack:    &PackView{Version: 42, Tickets: 1_000_000, Made: evening.Add(-3 * time.Hour), Expires: evening.Add(40 * time.Hour)},
		Journal: JournalView{OK: true, Epoch: 7, Sequence: 13251},
	}}
}

// troubledGate is a gate with much to complain of.
func troubledGate() *fakeGate {
	g := quietGate()
	var tracker health.Tracker
	at := evening.Add(-7 * time.Minute)
	tracker.Set(at, health.DeviceDown, "qr-2", health.Detail{Cause: "no such device"})
	tracker.Set(at, health.LaneDown, "北 2", health.Detail{})
	tracker.Set(at, health.PackOld, "", health.Detail{Age: 26 * time.Hour})
	tracker.Set(at, health.KeyFileLoose, "gate.key", health.Detail{})
	g.state.Warnings = tracker.Current()
	g.state.Lanes[1].Ready = false
	g.state.Lanes[1].Barrier = BarrierUnknown
	g.state.Lanes[1].Devices[0].Up = false
	g.state.Lanes[1].Devices[0].Since = at
	return g
}

// The visitors of these tests.

func admitted() VerdictView {
	return NewVerdictView(evening.Add(-4*time.Second), 1, "北 1",
		&gate.Verdict{Outcome: gate.Admit, Reason: gate.ReasonAdmitted, Ticket: 900018831234, Count: 1, Entry: 1},
		&gate.Ticket{Masked: "张*", Seat: gate.Seat{Area: "A", Row: "12", Seat: "7"}}, "", 412*time.Microsecond)
}

func alreadyInside() VerdictView {
	return NewVerdictView(evening.Add(-2*time.Second), 2, "北 2",
		&gate.Verdict{
			Outcome: gate.Refuse, Reason: gate.ReasonAlreadyInside, Ticket: 900018835678, Skew: 58 * time.Minute,
			Previous: &gate.Admission{At: evening.Add(-31 * time.Minute), Lane: 1},
		},
		&gate.Ticket{Masked: "欧阳**"}, "北 1", 633*time.Microsecond)
}

func referred() VerdictView {
	return NewVerdictView(evening.Add(-time.Second), 1, "北 1",
		&gate.Verdict{Outcome: gate.Refer, Reason: gate.ReasonNoDocumentOnFile, Ticket: 900018839012, Marks: gate.MarkIsolated},
		&gate.Ticket{Masked: "L*"}, "", 580*time.Microsecond)
}

func leaving() VerdictView {
	return NewVerdictView(evening.Add(-time.Second), 2, "北 2",
		&gate.Verdict{Outcome: gate.Exit, Reason: gate.ReasonExited, Ticket: 900018830001, Count: 1},
		&gate.Ticket{Masked: "王*"}, "", 298*time.Microsecond)
}

// newServer makes a server with a hub of its own.
func newServer(t *testing.T, source Source, hosts ...string) *Server {
	t.Helper()
	s, err := New(Options{Source: source, Hub: NewHub(), Version: "test", Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
