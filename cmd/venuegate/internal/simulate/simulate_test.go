package simulate

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/gate"
)

func simulated(t *testing.T, o Options) *Report {
	t.Helper()
	o.Dir = t.TempDir()
	var r *Report
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		var err error
		if r, err = Run(o); err != nil {
			t.Fatal(err)
		}
	})
	for _, b := range r.Details.Broken {
		t.Error(b)
	}
	t.Logf("%v: %+v", time.Since(began), *r)
	return r
}

func TestNothingWrong(t *testing.T) {
	r := simulated(t, Options{Gates: 5, Keepers: 3, Tickets: 60, Minutes: 2, Presentations: 400, Seed: 1, Policy: gate.IsolationAdmit})
	if r.Granted == 0 || r.Refused == 0 || r.Details.Exits == 0 {
		t.Errorf("%+v", r)
	}
}
