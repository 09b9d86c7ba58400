package scanner

import (
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
)

func TestDebounce(t *testing.T) {
	type scan struct {
		at     time.Duration
		text   gate.Private
		repeat bool
	}
	const ms = time.Millisecond
	tests := []struct {
		name   string
		window time.Duration
		scans  []scan
	}{
		{"one read twice", 2 * time.Second, []scan{{0, "a", false}, {5 * ms, "a", true}}},
		{"another visitor", 2 * time.Second, []scan{{0, "a", false}, {5 * ms, "b", false}, {10 * ms, "a", true}}},
		{"taken away and shown again", 2 * time.Second, []scan{{0, "a", false}, {2000 * ms, "a", false}}},
		{"left on the reader", 2 * time.Second, []scan{{0, "a", false}, {1500 * ms, "a", true}, {3000 * ms, "a", true}, {5000 * ms, "a", false}}},
		{"more texts than it remembers", 2 * time.Second, []scan{
			{0, "a", false},
			{1 * ms, "b", false},
			{2 * ms, "c", false},
			{3 * ms, "d", false},
			{4 * ms, "e", false},
			{5 * ms, "e", true},
			{6 * ms, "b", true},
			{7 * ms, "a", false},
		}},
		{"the clock was set back", 2 * time.Second, []scan{{time.Hour, "a", false}, {0, "a", false}, {1 * ms, "a", true}}},
		{"switched off", -1, []scan{{0, "a", false}, {0, "a", false}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := NewDebounce(tt.window)
			for i, s := range tt.scans {
				if got := d.Repeat(epoch.Add(s.at), s.text); got != s.repeat {
					t.Errorf("scan %d: repeat %v, want %v", i, got, s.repeat)
				}
			}
		})
	}
}
