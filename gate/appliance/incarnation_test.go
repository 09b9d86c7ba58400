package appliance_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/gate/appliance"
)

// A box that was set up anew by hand learns from its first pack that its gate had
// a box before, and begins anew under its own name.
func TestNewIncarnation(t *testing.T) {
	f := newFleet(t, 2, 1, 2)
	box, before := f.boxes[1], newFleet(t, 1, 1).boxes[0]
	f.venue.Gates[1].Incarnation = 2
	f.venue.Gates[1].Former = append(f.venue.Gates[1].Former, before.listed().Key)
	f.publish()
	box.start()
	f.await("the gate ends", func() bool { return strings.Contains(box.log.String(), "begins anew") })
	if err := box.stop(); !errors.Is(err, appliance.ErrNewIncarnation) {
		t.Fatalf("the gate ended with %v", err)
	}
	box.start()
	f.boxes[0].start()
	for _, b := range f.boxes {
		b.await("the keepers agree, the new box among them", func(v appliance.ClusterView) bool {
			for _, k := range v.Claims.Keepers {
				if k.Server == "2-2" {
					return k.Up && agrees(v)
				}
			}
			return false
		})
	}
}
