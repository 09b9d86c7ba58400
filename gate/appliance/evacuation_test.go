package appliance

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// What ends an order to evacuate that opened lanes, whatever has become of it on
// record.
func TestWhatEndsAnEvacuation(t *testing.T) {
	at := func(minutes int) time.Time {
		return time.Date(2026, 11, 1, 19, minutes, 0, 0, time.UTC)
	}
	evacuate := gate.Order{Kind: gate.OrderEvacuate, ID: 5, Issued: at(10)}
	limited := evacuate
	limited.Until = at(20)
	known := ledger.OrderState{Order: evacuate}
	normal := func(minutes int) ledger.OrderState {
		return ledger.OrderState{Order: gate.Order{Kind: gate.OrderNormal, ID: 6, Staff: 12, Issued: at(minutes)}}
	}
	with := func(s ledger.OrderState, change func(*ledger.OrderState)) ledger.OrderState { change(&s); return s }
	ignored := func(s *ledger.OrderState) { s.Ignored = "not signed, and its gate is not on the roster" }
	ended := func(s *ledger.OrderState) { s.Ended = true }
	tests := []struct {
		name  string
		order gate.Order
		known []ledger.OrderState
		want  bool
	}{
		{"it stands", evacuate, []ledger.OrderState{known}, false},
		{"the ledger says so", evacuate, []ledger.OrderState{with(known, ended)}, true},
		{"nobody knows it any more", evacuate, nil, false},
		{"nobody believes it any more", evacuate, []ledger.OrderState{with(known, ignored)}, false},
		{"a return to normal after it", evacuate, []ledger.OrderState{normal(11)}, true},
		{"the same, and it is not believed", evacuate, []ledger.OrderState{with(known, ignored), normal(11)}, true},
		{"one before it", evacuate, []ledger.OrderState{normal(9)}, false},
		{"one that is not believed", evacuate, []ledger.OrderState{with(normal(11), ignored)}, false},
		{"one that was cancelled", evacuate, []ledger.OrderState{with(normal(11), ended)}, false},
		{"one by a clock that is ahead, and the ledger knows better", evacuate, []ledger.OrderState{normal(11), known}, false},
		{"it is cancelled", evacuate, []ledger.OrderState{{Order: gate.Order{Kind: gate.OrderCancel, Cancels: 5}}}, true},
		{"another is", evacuate, []ledger.OrderState{{Order: gate.Order{Kind: gate.OrderCancel, Cancels: 4}}}, false},
		{"its time is up", limited, []ledger.OrderState{{Order: limited}}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := isOver(&test.order, test.known, at(30)); got != test.want {
				t.Errorf("over: %v, want %v", got, test.want)
			}
		})
	}
}

// What stands open, by which orders, and which of them are not on record yet,
// outlives the daemon; what cannot be read is replaced.
func TestEvacuationOutlivesTheDaemon(t *testing.T) {
	dir := t.TempDir()
	open := func() *evacuation {
		t.Helper()
		e, err := openEvacuation(dir)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	now := time.Date(2026, 11, 1, 19, 0, 0, 0, time.UTC)
	e := open()
	if err := e.keep(nil); err != nil {
		t.Fatal(err)
	}
	e.give(gate.Order{Kind: gate.OrderEvacuate, ID: 5, Issued: now})
	e.follow([]ledger.OrderState{{Order: gate.Order{Kind: gate.OrderEvacuate, ID: 7, Issued: now}}}, now)
	if err := e.keep([]gate.LaneID{2, 3}); err != nil {
		t.Fatal(err)
	}

	e = open()
	if e.open(1) || !e.open(2) || !e.open(3) || !e.mayBeOpen(0) {
		t.Errorf("open: %v", e.lanes)
	}
	if all := e.unrecorded(); len(all) != 1 || all[0].ID != 5 {
		t.Errorf("to be recorded: %+v", all)
	}
	e.recorded(5)
	if all := e.follow(nil, now); len(all) != 2 || all[1].ID != 7 || len(e.unrecorded()) > 0 {
		t.Errorf("orders: %+v", all)
	}
	normal := ledger.OrderState{Order: gate.Order{Kind: gate.OrderNormal, ID: 8, Staff: 12, Issued: now.Add(time.Minute)}}
	if all := e.follow([]ledger.OrderState{normal}, now); len(all) > 0 {
		t.Errorf("orders after a return to normal: %+v", all)
	}
	if err := e.keep(nil); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}

	for _, text := range []string{"", "{", `{"lanes":[99999999]}`, `{"lanes":[2],"orders":[{"order":"AAAA"}]}`} {
		if err := os.WriteFile(filepath.Join(dir, evacuationFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := openEvacuation(dir)
		if err == nil {
			t.Errorf("%q is read: %v", text, e.lanes)
		}
		if err := e.keep(nil); err != nil {
			t.Error(err)
		}
		open()
	}
}

// Orders without end do not fill the memory.
func TestEvacuationsAreBounded(t *testing.T) {
	e, err := openEvacuation(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	var known []ledger.OrderState
	for id := range uint64(10 * mostOpened) {
		known = append(known, ledger.OrderState{Order: gate.Order{Kind: gate.OrderEvacuate, ID: id + 1, Issued: now}})
	}
	if all := e.follow(known, now); len(all) != mostOpened || slices.ContainsFunc(all, func(o gate.Order) bool { return o.ID == 0 }) {
		t.Errorf("%d orders are remembered", len(all))
	}
}
