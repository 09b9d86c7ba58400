package appliance

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/venuegate/venuegate/gate/health"
)

// A handheld's evening: the warning comes once, stays until it is charged well
// above, and the page shows every level.
func TestBatteryThroughAnEvening(t *testing.T) {
	folder := fstest.MapFS{}
	var h health.Tracker
	var events []string
	h.Watch(func(c health.Change) {
		events = append(events, fmt.Sprintf("%s %d %v", c.Event, c.Active.Detail.Percent, c.Active.Detail.Charging))
	})
	p := &power{folder: folder}
	now := time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)
	if p.check(now, &h); p.view() != nil || len(events) != 0 {
		t.Fatalf("a box without a battery: %+v, %v", p.view(), events)
	}
	at := func(percent int, status string) {
		t.Helper()
		for name, text := range map[string]string{"type": "Battery", "capacity": fmt.Sprint(percent), "status": status} {
			folder["BAT0/"+name] = &fstest.MapFile{Data: []byte(text + "\n")}
		}
		now = now.Add(batteryEvery)
		p.check(now, &h)
		v := p.view()
		if v == nil || v.Percent != percent || v.Charging != (status == "Charging") {
			t.Errorf("the page shows %+v, want %d %% %s", v, percent, status)
		}
	}
	at(83, "Discharging")
	at(21, "Discharging")
	at(20, "Discharging") // raised
	at(21, "Discharging") // updated: no coming and going
	at(4, "Discharging")
	at(4, "Charging") // still: it may not last
	at(11, "Charging")
	at(21, "Discharging") // pulled out again
	at(20, "Discharging")
	at(26, "Discharging")
	want := "raised 20 false, updated 21 false, updated 4 false, updated 4 true, cleared 4 true, raised 20 false, cleared 20 false"
	if got := strings.Join(events, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	// Between two looks nothing is read; a clock that is set back changes that.
	folder["BAT0/capacity"] = &fstest.MapFile{Data: []byte("1\n")}
	if p.check(now.Add(batteryEvery-1), &h); p.view().Percent != 26 {
		t.Error("it is looked at too often")
	}
	if p.check(now.Add(-time.Hour), &h); p.view().Percent != 1 {
		t.Error("a clock that was set back stops it")
	}
	// A driver that says nothing raises no alarm, and shows nothing wrong.
	delete(folder, "BAT0/capacity")
	if p.check(now.Add(time.Hour), &h); p.view() != nil || len(h.Current()) != 0 {
		t.Errorf("a battery that does not tell: %+v, %v", p.view(), h.Current())
	}
}
