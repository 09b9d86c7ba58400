package appliance

import (
	"slices"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/web"
)

// People who went through without a grant are counted for each lane; signals are
// not people.
func TestMishaps(t *testing.T) {
	var m mishaps
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for i, e := range []struct {
		lane gate.LaneID
		kind gate.BarrierEventKind
	}{
		{1, gate.BarrierTailgate},
		{1, gate.BarrierForced},
		{2, gate.BarrierWrongWay},
		{1, gate.BarrierFire},
		{1, gate.BarrierForced},
		{1, gate.BarrierFirePassage},
		{1, gate.BarrierFireEnded},
	} {
		before := m.of(1)
		seen := slices.Clone(before)
		m.see(e.lane, gate.BarrierEvent{Kind: e.kind, At: at.Add(time.Duration(i) * time.Minute)})
		if !slices.Equal(before, seen) {
			t.Error("what a page was given has changed under it")
		}
	}
	want := []web.MishapView{
		{Kind: gate.BarrierForced, Count: 2, Last: at.Add(4 * time.Minute)},
		{Kind: gate.BarrierTailgate, Count: 1, Last: at},
		{Kind: gate.BarrierFirePassage, Count: 1, Last: at.Add(5 * time.Minute)},
	}
	if got := m.of(1); !slices.Equal(got, want) {
		t.Errorf("lane 1: %+v, want %+v", got, want)
	}
	if got := m.of(2); len(got) != 1 || got[0].Kind != gate.BarrierWrongWay {
		t.Errorf("lane 2: %+v", got)
	}
}
