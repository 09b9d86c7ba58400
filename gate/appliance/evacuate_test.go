package appliance_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/hw/hwtest"
)

// order gives a supervisor's signed order at a gate.
func order(t *testing.T, to *appliance.Appliance, o gate.Order) {
	t.Helper()
	o.ID, o.Staff, o.Issued = rand.Uint64()|1, 12, time.Now().Truncate(time.Millisecond)
	signed, err := o.Sign(supervisorKey())
	if err := errorsOf(err, to.GiveOrder(t.Context(), &signed)); err != nil {
		t.Fatal(err)
	}
}

// closed reports whether a relay was last told to close.
func closed(d *hwtest.Turnstile) bool {
	all := d.Switches()
	return len(all) > 0 && all[len(all)-1].On
}

func warned(a *appliance.Appliance, code health.Code) bool {
	return slices.ContainsFunc(a.State().Warnings, func(w health.Active) bool { return w.Code == code })
}

// An evacuation opens the arm and keeps it open, whatever becomes of the daemon,
// until an order ends it; then everybody may come in once more.
func TestEvacuation(t *testing.T) {
	s := newSite(t)
	s.sell(1)
	s.sell(2)
	s.setUp()
	s.plugIn()
	s.open()
	code := s.code(1)
	s.scan(code)
	s.awaitOpenings(1)
	s.await("the passage is on record", func() bool { return strings.Contains(s.log.String(), `"passage":"passed"`) })
	s.turnstile.PassAfter(-1)

	order(t, s.gate, gate.Order{Kind: gate.OrderEvacuate})
	s.await("the arm is open, and said to be", func() bool {
		return closed(s.turnstile) && s.gate.Evacuating(1) && warned(s.gate, health.Evacuation)
	})
	s.await("lane safe would know", func() bool {
		_, err := os.Stat(filepath.Join(s.data(), "evacuation.json"))
		return err == nil
	})
	refused := func() int { return strings.Count(s.log.String(), `"reason":"evacuation"`) }
	s.scan(s.code(2))
	s.await("a scan is told why", func() bool { return refused() == 1 })
	s.turnstile.Pass()
	s.await("who leaves is on record", func() bool { return strings.Contains(s.log.String(), `"evacuation_passage"`) })

	// The daemon stops, and 'lane safe' runs: the arm stays open.
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	before := len(s.turnstile.Switches())
	if all := appliance.Rest(t.Context(), s.config(), 10*time.Second); all[0].Kept == "" || all[0].Err != nil || len(s.turnstile.Switches()) != before {
		t.Errorf("put to rest during an evacuation: %+v", all)
	}
	if !closed(s.turnstile) {
		t.Error("the end of the daemon shut the arm")
	}
	s.open()
	s.await("it is known again", func() bool { return warned(s.gate, health.Evacuation) })
	s.scan(s.code(2))
	s.await("a scan is told why again", func() bool { return refused() == 2 })
	for _, w := range s.turnstile.Switches()[before:] {
		if !w.On {
			t.Error("the restart shut the arm for a moment")
		}
	}
	if n := strings.Count(s.log.String(), `"event":"evacuation"`); n != 1 {
		t.Errorf("recorded %d times that it began", n)
	}

	order(t, s.gate, gate.Order{Kind: gate.OrderNormal})
	s.await("the arm is shut", func() bool {
		return !closed(s.turnstile) && !s.gate.Evacuating(1) && !warned(s.gate, health.Evacuation)
	})
	before = openings(s.turnstile.Switches())
	s.turnstile.PassAfter(50 * time.Millisecond)
	s.await("the phone shows another code", func() bool { return s.code(1) != code })
	s.scan(s.code(1))
	s.awaitOpenings(before + 1)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if all := appliance.Rest(t.Context(), s.config(), 10*time.Second); all[0].Kept != "" || all[0].Err != nil {
		t.Errorf("not put to rest after the evacuation: %+v", all)
	}
}

// An evacuation for one lane opens no other, and ends by itself when its time is
// up.
func TestEvacuationEndsByItself(t *testing.T) {
	s := newSite(t)
	s.setUp()
	s.plugIn()
	s.turnstile.PassAfter(-1)
	s.open()
	until := time.Now().Add(2 * time.Second).Truncate(time.Millisecond)
	order(t, s.gate, gate.Order{Kind: gate.OrderEvacuate, Lane: 2})
	order(t, s.gate, gate.Order{Kind: gate.OrderEvacuate, Lane: 1, Until: until})
	s.await("the arm is open", func() bool { return closed(s.turnstile) })
	s.await("and shut", func() bool { return !closed(s.turnstile) })
	if time.Now().Before(until) {
		t.Error("before its time")
	}
}

// The button at gate 1 opens gate 3, without anybody's name; a supervisor signs
// for it later, at any gate, and ends it.
func TestEvacuationButton(t *testing.T) {
	f := newFleet(t, 3, 1, 2, 3)
	f.publish()
	board, err := hwtest.NewModbusBoard(f.line("board"))
	if err != nil {
		t.Fatal(err)
	}
	board.SetInput(4, true) // nobody has pressed it
	arm, err := hwtest.NewTurnstile(hwtest.TurnstileOptions{Relay: f.line("arm"), PassAfter: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errorsOf(board.Close(), arm.Close()); err != nil {
			t.Error(err)
		}
	})
	f.boxes[0].barrier = fmt.Sprintf("type = \"modbus\"\npath = %q\n[lane.barrier.contacts]\nevacuate = \"4 nc\"", f.line("board"))
	f.boxes[2].barrier = fmt.Sprintf("type = \"lcus\"\npath = %q", f.line("arm"))
	for _, b := range f.boxes {
		b.start()
	}
	for _, b := range f.boxes {
		b.await("everybody is heard", func(v appliance.ClusterView) bool { return v.Heard == 2 })
	}
	watched := func() {
		t.Helper()
		if err := board.AwaitAsked(t.Context(), 20); err != nil {
			t.Fatal(err)
		}
	}
	watched()
	board.SetInput(4, false)
	f.await("both are open", func() bool { return closed(arm) && board.Closed(1) })
	board.SetInput(4, true) // as a person lets go of it
	pressed := func() int { return strings.Count(f.boxes[0].log.String(), "evacuation button") }
	f.await("it is seen to be free", func() bool { return strings.Contains(f.boxes[0].log.String(), "evacuation_button_released") })
	if n := pressed(); n != 1 {
		t.Errorf("%d orders for one press", n)
	}

	order(t, f.boxes[1].gate, gate.Order{Kind: gate.OrderEvacuate}) // signed later
	order(t, f.boxes[1].gate, gate.Order{Kind: gate.OrderNormal})
	f.await("both are shut", func() bool { return !closed(arm) && !board.Closed(1) })

	// A button that stays pressed over a restart is one press.
	board.SetInput(4, false)
	f.await("both are open again", func() bool { return closed(arm) && board.Closed(1) })
	order(t, f.boxes[2].gate, gate.Order{Kind: gate.OrderNormal})
	f.await("both are shut again", func() bool { return !closed(arm) && !board.Closed(1) })
	if err := f.boxes[0].stop(); err != nil {
		t.Fatal(err)
	}
	f.boxes[0].start()
	f.boxes[0].await("gate 1 is back", func(v appliance.ClusterView) bool { return v.Heard == 2 })
	watched()
	if n := pressed(); n != 2 || closed(arm) {
		t.Errorf("%d orders for two presses; gate 3 is open: %v", n, closed(arm))
	}
}
