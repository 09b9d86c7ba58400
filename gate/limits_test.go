package gate_test

import (
	"testing"

	"github.com/venuegate/venuegate/gate"
)

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name          string
		change        func(s *scene)
		open, entries int
	}{
		{"once", func(*scene) {}, 1, 1},
		{"a party of three", func(s *scene) { s.ticket.Party = 3 }, 3, 3},
		{"fewer entries than people", func(s *scene) { s.ticket.Party, s.policy.EntriesPerSession = 3, 2 }, 3, 2},
		{"re-entry", func(s *scene) { s.policy.ReEntry = gate.ReEntryAfterExit }, 1, 0},
		{"re-entry for all but this ticket", func(s *scene) { s.policy.ReEntry, s.ticket.ReEntry = gate.ReEntryAfterExit, false }, 1, 1},
		{"re-entry twice", func(s *scene) { s.policy.ReEntry, s.policy.EntriesPerSession = gate.ReEntryAfterExit, 3 }, 1, 3},
		{"re-entry after a pause", func(s *scene) { s.policy.ReEntry = gate.ReEntryAfterPause }, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := plainScene()
			c.change(s)
			if open, entries := s.policy.Limits(s.ticket); open != c.open || entries != c.entries {
				t.Errorf("got %d inside, %d entries, want %d and %d", open, entries, c.open, c.entries)
			}
			// A grant within the limits is one that Decide allows.
			if v := s.decide(); v.Outcome != gate.Admit {
				t.Errorf("the first of them: %v", v.Reason)
			}
		})
	}
}
