package fleet_test

import (
	"path/filepath"
	"testing"

	"github.com/venuegate/venuegate/cmd/venuegate/internal/fleet"
)

// A short day, with everything in it that a long one has: the books balance.
func TestDay(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute: six gates are enrolled, lose the internet, and one its box")
	}
	books, err := fleet.Play(t.Context(), fleet.Options{
		Dir: filepath.Join(t.TempDir(), "day"), Tickets: 300, Least: 4,
		Say: func(line string) { t.Log(line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range books.Checks {
		if !c.Good() {
			t.Errorf("%s: %d and %d", c.What, c.Want, c.Got)
		}
	}
	for _, g := range books.Gates {
		if g.Passed != g.Recorded || g.Recorded != g.Central {
			t.Errorf("gate %d: %d went through, %d on its disks, %d at central", g.Gate, g.Passed, g.Recorded, g.Central)
		}
		if g.Passed < 4 {
			t.Errorf("gate %d let %d people in", g.Gate, g.Passed)
		}
	}
	if !books.Balance {
		t.Errorf("the books do not balance; surprises: %v", books.Surprises)
	}
	// What the checks compare has to have happened.
	c := &books.Central
	if c.Admitted < 60 || c.Exited == 0 || c.ReEntries == 0 || c.Tickets.Refunded == 0 || c.Tickets.Void == 0 || books.Waited == 0 {
		t.Errorf("a day with too little in it: %+v", books)
	}
}
