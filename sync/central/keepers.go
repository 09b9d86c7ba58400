package central

import (
	"slices"

	"github.com/venuegate/venuegate/sync/pack"
)

// Keepers that a venue should have: three outlive one of them; with fewer gates
// one is as good as two, since two agree only while both are there.
const (
	fewKeepers  = 1
	manyKeepers = 3
)

// nameKeepers names keepers where the venue has fewer than it should: without
// any, its gates would not ask each other and every one would let a ticket in.
// Those that are named stay. A handheld is named only where there is nothing
// else.
func nameKeepers(v *pack.Venue) {
	want := fewKeepers
	if len(v.Gates) >= manyKeepers {
		want = manyKeepers
	}
	v.Keepers = slices.Clone(v.Keepers)
	for _, handheld := range []bool{false, true} {
		for i := range v.Gates {
			g := &v.Gates[i]
			if len(v.Keepers) >= want {
				return
			}
			if (g.Role == "handheld") == handheld && !slices.Contains(v.Keepers, g.ID) {
				v.Keepers = append(v.Keepers, g.ID)
			}
		}
	}
}
