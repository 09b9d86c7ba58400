package health

import (
	"slices"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestTracker(t *testing.T) {
	var tr Tracker
	var told []string
	stop := tr.Watch(func(c Change) {
		told = append(told, c.Event.String()+" "+string(c.Active.Code)+" "+c.Active.Subject)
	})

	tr.Set(noon, DeviceDown, "qr-1", Detail{Cause: "unplugged"})
	tr.Set(noon.Add(time.Second), DeviceDown, "qr-1", Detail{Cause: "unplugged"})
	tr.Set(noon.Add(2*time.Second), DeviceDown, "qr-1", Detail{Cause: "no power"})
	tr.Set(noon.Add(3*time.Second), JournalFailed, "", Detail{})
	tr.Set(noon.Add(4*time.Second), DeviceDown, "arm-1", Detail{})
	tr.Set(noon.Add(5*time.Second), KeyFileLoose, "gate.key", Detail{})

	var current []string
	for _, a := range tr.Current() {
		current = append(current, string(a.Code)+" "+a.Subject)
		if a.Subject == "qr-1" && (!a.Since.Equal(noon) || a.Detail.Cause != "no power") {
			t.Errorf("qr-1 is down since %v for %q; want since noon, for the newest cause", a.Since, a.Detail.Cause)
		}
	}
	if want := []string{"journal_failed ", "device_down arm-1", "device_down qr-1", "key_file_loose gate.key"}; !slices.Equal(current, want) {
		t.Errorf("current: %q, want the most pressing first: %q", current, want)
	}

	tr.Clear(noon.Add(6*time.Second), DeviceDown, "qr-1")
	tr.Clear(noon.Add(7*time.Second), DeviceDown, "qr-1")
	tr.Clear(noon.Add(7*time.Second), PackOld, "")
	stop()
	tr.Set(noon.Add(8*time.Second), PackOld, "", Detail{})

	want := []string{
		"raised device_down qr-1", "updated device_down qr-1", "raised journal_failed ",
		"raised device_down arm-1", "raised key_file_loose gate.key", "cleared device_down qr-1",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told: %q, want %q", told, want)
	}
}

// A watcher may look at the tracker, stop itself and stop others.
func TestWatcherMayAskAndStop(t *testing.T) {
	var tr Tracker
	calls := 0
	var stop func()
	stop = tr.Watch(func(c Change) {
		calls++
		if got := len(tr.Current()); got != 1 {
			t.Errorf("%d warnings in the watcher's eyes, want 1", got)
		}
		stop()
	})
	tr.Set(noon, PackOld, "", Detail{})
	tr.Clear(noon, PackOld, "")
	if calls != 1 {
		t.Errorf("told %d times, want once before it stopped", calls)
	}
}

// Every watcher sees each warning's changes in the order in which they were
// made, whoever makes them.
func TestTrackerInParallel(t *testing.T) {
	var tr Tracker
	on := map[string]bool{}
	changes := 0
	tr.Watch(func(c Change) { // called under the tracker's order: no lock of its own
		changes++
		if raised := c.Event == Raised; raised == on[c.Active.Subject] {
			t.Errorf("%s twice in a row for %s", c.Event, c.Active.Subject)
		}
		on[c.Active.Subject] = c.Event == Raised
	})
	var all sync.WaitGroup
	for _, subject := range []string{"a", "b", "c", "d"} {
		for range 2 {
			all.Go(func() {
				for range 200 {
					tr.Set(noon, DeviceDown, subject, Detail{})
					tr.Current()
					tr.Clear(noon, DeviceDown, subject)
				}
			})
		}
	}
	all.Wait()
	if got := tr.Current(); len(got) != 0 {
		t.Errorf("left over: %v", got)
	}
	if changes%2 != 0 || changes == 0 {
		t.Errorf("%d changes, want pairs", changes)
	}
}
