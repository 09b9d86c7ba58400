package claim_test

import (
	"testing"
	"testing/synctest"

	"github.com/venuegate/venuegate/gate"
)

// inVenue runs a test in a bubble, in a venue of n gates, k of them keepers.
func inVenue(t *testing.T, n, k int, f func(*testing.T, *venue)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, n, k)
		v.start()
		defer v.stop()
		v.ready()
		f(t, v)
	})
}

// Two gates read one ticket in the same instant: one of them gets it, and the
// other hears who.
func TestTwoGatesOneTicket(t *testing.T) {
	inVenue(t, 4, 3, func(t *testing.T, v *venue) {
		type outcome struct {
			gate gate.GateID
			gate.ClaimAnswer
		}
		for ticket := gate.TicketID(1); ticket <= 50; ticket++ {
			out := make(chan outcome, 4)
			for id, b := range v.gates {
				go func() {
					a, _, err := b.admit(single(ticket))
					if err != nil {
						t.Errorf("gate %d: %v", id, err)
					}
					out <- outcome{id, a}
				}()
			}
			var granted gate.GateID
			var by []gate.GateID
			for range v.gates {
				o := <-out
				switch {
				case o.Granted && granted != 0:
					t.Fatalf("ticket %v is granted at %d and %d", ticket, granted, o.gate)
				case o.Granted:
					granted = o.gate
				case o.By == nil:
					t.Errorf("refused without saying what stands in the way")
				default:
					by = append(by, o.By.Gate)
				}
			}
			for _, g := range by {
				if g != granted {
					t.Errorf("ticket %v was granted at %d, refused because of %d", ticket, granted, g)
				}
			}
		}
	})
}
