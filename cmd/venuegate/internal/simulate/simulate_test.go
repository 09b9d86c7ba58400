package simulate

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
)

func simulated(t *testing.T, o Options) *Report {
	t.Helper()
	if raceDetector {
		t.Skip("too much for the race detector in one bubble")
	}
	o.Dir = t.TempDir()
	var r *Report
	synctest.Test(t, func(t *testing.T) {
		var err error
		if r, err = Run(o); err != nil {
			t.Fatal(err)
		}
	})
	return r
}

var small = Options{Gates: 5, Keepers: 3, Tickets: 60, Minutes: 1, Presentations: 250, Seed: 1, Policy: gate.IsolationAdmit}

func TestNothingWrong(t *testing.T) {
	r := simulated(t, small)
	for _, b := range r.Details.Broken {
		t.Error(b)
	}
	if r.Granted == 0 || r.Refused == 0 || r.Details.Exits == 0 || r.Details.Judged == 0 || r.ClaimsPerSecond == 0 {
		t.Errorf("nothing was tried: %+v", r)
	}
}

func TestFaults(t *testing.T) {
	o := small
	o.Seed, o.Faults = 3, []Fault{Loss, Delay, Reorder, Duplicate, Partition, OneWay, Crash, Wipe}
	r := simulated(t, o)
	for _, b := range r.Details.Broken {
		t.Error(b)
	}
	if r.Granted == 0 || r.Details.Faults == 0 {
		t.Errorf("nothing was tried: %+v", r)
	}
}

// yes grants whatever is claimed.
type yes struct {
	lane.Claimer
	last *atomic.Uint64
}

func (y yes) Claim(context.Context, *gate.Claim) (gate.ClaimAnswer, error) {
	return gate.ClaimAnswer{Granted: true, Request: 1<<40 + y.last.Add(1)}, nil
}

func (yes) Settle(uint64)  {}
func (yes) Release(uint64) {}

// no refuses whatever is claimed.
type no struct{ lane.Claimer }

func (no) Claim(context.Context, *gate.Claim) (gate.ClaimAnswer, error) {
	return gate.ClaimAnswer{By: &gate.Admission{}}, nil
}

// Keepers that say yes or no to everybody must not pass.
func TestBrokenPromisesAreNoticed(t *testing.T) {
	for _, c := range []struct {
		name     string
		sabotage func(lane.Claimer) lane.Claimer
		want     string
	}{
		{"keepers who grant everything", func(l lane.Claimer) lane.Claimer { return yes{l, new(atomic.Uint64)} }, "all of them claimed"},
		{"keepers who refuse everything", func(l lane.Claimer) lane.Claimer { return no{l} }, "was refused at gate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := small
			o.sabotage = c.sabotage
			r := simulated(t, o)
			if !strings.Contains(strings.Join(r.Details.Broken, "\n"), c.want) {
				t.Errorf("nobody noticed: %+v", r)
			}
		})
	}
}

func TestTheSameSeedDrawsTheSame(t *testing.T) {
	o := small
	o.Faults = Faults()
	a, b := draw(&o), draw(&o)
	o.Seed++
	other := draw(&o)
	if a.hash() != b.hash() || a.hash() == other.hash() {
		t.Errorf("schedules %s, %s, and of another seed %s", a.hash(), b.hash(), other.hash())
	}
}

func TestParseFaults(t *testing.T) {
	for _, c := range []struct {
		text string
		want int
		ok   bool
	}{
		{"all", len(Faults()), true},
		{"none", 0, true},
		{"loss,wipe,loss", 2, true},
		{"loss, crash", 2, true},
		{"rain", 0, false},
		{"loss,,wipe", 0, false},
	} {
		got, err := ParseFaults(c.text)
		if len(got) != c.want || (err == nil) != c.ok {
			t.Errorf("%q: %v, %v", c.text, got, err)
		}
	}
}
