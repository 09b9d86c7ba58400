package appliance

import (
	"slices"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
)

// packOf is as much of a pack as says which event it is, and when that ends.
type packOf struct {
	lane.Pack
	policy gate.Policy
}

func (p packOf) Event() gate.EventID  { return p.policy.Event }
func (p packOf) Policy() *gate.Policy { return &p.policy }

func TestDepartedEvents(t *testing.T) {
	end := time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC)
	pack := func(event gate.EventID, ends ...time.Time) lane.Pack {
		p := packOf{policy: gate.Policy{Event: event}}
		for _, at := range ends {
			p.policy.Sessions = append(p.policy.Sessions, gate.Session{End: at})
		}
		return p
	}
	all := &roster{packs: []lane.Pack{
		pack(1, end.Add(-24*time.Hour), end), pack(2, end.Add(24*time.Hour)), pack(3), pack(4, end),
	}}
	later := end.Add(time.Hour)
	for _, c := range []struct {
		name    string
		then    []lane.Pack // in use in the end
		now     time.Time
		trusted bool
		want    []gate.EventID
	}{
		{"all are there", all.packs, later, true, nil},
		{"over, not over, without an end", all.packs[3:], later, true, []gate.EventID{1}},
		{"one session is left", nil, end.Add(-time.Hour), true, nil},
		{"a clock that cannot be trusted", nil, later, false, nil},
		{"all are gone", nil, later, true, []gate.EventID{1, 4}},
		{"much later", nil, end.Add(48 * time.Hour), true, []gate.EventID{1, 2, 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := all
			d := &departed{
				now: func() *roster { return r }, clock: func() time.Time { return c.now },
				trusted: func() bool { return c.trusted },
			}
			if got := d.over(); got != nil {
				t.Errorf("with all packs in use, %v are over", got)
			}
			r = &roster{packs: c.then}
			got := d.over()
			if slices.Sort(got); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
