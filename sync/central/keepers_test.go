package central

import (
	"slices"
	"testing"

	"github.com/venuegate/venuegate/sync/pack"
)

func TestAVenueNamesItsKeepers(t *testing.T) {
	gates := func(roles ...string) []pack.Gate {
		var all []pack.Gate
		for i, r := range roles {
			all = append(all, pack.Gate{ID: uint32(i + 1), Role: r})
		}
		return all
	}
	for _, c := range []struct {
		name  string
		gates []pack.Gate
		named []uint32
		want  []uint32
	}{
		{"the first gate", gates("gate"), nil, []uint32{1}},
		{"two agree on nothing that one could not", gates("gate", "gate"), []uint32{1}, []uint32{1}},
		{"from three on, three", gates("gate", "gate", "gate", "gate"), []uint32{1}, []uint32{1, 2, 3}},
		{"those that the venue chose stay", gates("gate", "gate", "gate", "gate"), []uint32{4, 2, 3}, []uint32{4, 2, 3}},
		{"handhelds come last", gates("handheld", "gate", "handheld", "witness"), nil, []uint32{2, 4, 1}},
		{"nobody there", nil, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := slices.Clone(c.named)
			v := &pack.Venue{Gates: c.gates, Keepers: c.named}
			nameKeepers(v)
			if !slices.Equal(v.Keepers, c.want) {
				t.Errorf("keepers %v, want %v", v.Keepers, c.want)
			}
			if !slices.Equal(c.named, before) {
				t.Error("the venue before was changed")
			}
		})
	}
}
