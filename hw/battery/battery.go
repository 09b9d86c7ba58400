// Package battery reads how much is left in a handheld's battery, from the
// kernel's power supplies (Documentation/ABI/testing/sysfs-class-power).
//
// It reads small files and waits for nothing: gate/appliance asks it now and
// then. It knows nothing of who should be warned. Batteries of other things, such
// as a wireless scanner's, which the kernel lists too, are not the handheld's and
// are passed over.
package battery

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Folder is where the kernel lists power supplies.
const Folder = "/sys/class/power_supply"

// State is what the batteries of a machine hold together.
type State struct {
	Present  bool // there is a battery
	Percent  int  // of what it holds when full, 0 to 100
	Charging bool // or full; false: it is being used up
}

// ErrUnreadable is a battery that does not say how much is left.
var ErrUnreadable = errors.New("the battery does not say how much is left")

// Read looks at the power supplies in a folder such as Folder. A folder that is
// not there has none. With several batteries the mean counts: handhelds have two
// of one size, where they have two.
func Read(folder fs.FS) (State, error) {
	entries, err := fs.ReadDir(folder, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("power supplies: %w", err)
	}
	var s State
	sum, batteries, discharging := 0, 0, false
	var unreadable error
	for _, e := range entries {
		supply := supply{folder, e.Name()}
		// A removable battery that is out says present 0.
		if supply.text("type") != "Battery" || supply.text("scope") == "Device" || supply.text("present") == "0" {
			continue
		}
		s.Present = true
		percent, ok := supply.percent()
		if !ok {
			unreadable = fmt.Errorf("%s: %w", e.Name(), ErrUnreadable)
			continue
		}
		sum, batteries = sum+percent, batteries+1
		discharging = discharging || !supply.charging()
	}
	if batteries == 0 {
		return s, unreadable
	}
	s.Percent, s.Charging = sum/batteries, !discharging
	return s, nil
}

// supply is one folder of the kernel's.
type supply struct {
	folder fs.FS
	name   string
}

func (s supply) text(attribute string) string {
	b, err := fs.ReadFile(s.folder, path.Join(s.name, attribute))
	if err != nil {
		return "" // drivers leave out what they do not know
	}
	return strings.TrimSpace(string(b))
}

func (s supply) number(attribute string) (int64, bool) {
	n, err := strconv.ParseInt(s.text(attribute), 10, 64)
	return n, err == nil && n >= 0
}

// percent is what the driver says, or what follows from what it measures.
func (s supply) percent() (int, bool) {
	if n, ok := s.number("capacity"); ok {
		return int(min(n, 100)), true
	}
	for _, kind := range []string{"energy", "charge"} {
		now, ok := s.number(kind + "_now")
		full, known := s.number(kind + "_full")
		if ok && known && full > 0 {
			return int(min(float64(now)/float64(full), 1) * 100), true
		}
	}
	return 0, false
}

// charging reports whether the battery is not being used up. "Not charging" is a
// charger that has stopped, and still feeds the machine.
func (s supply) charging() bool {
	switch s.text("status") {
	case "Charging", "Full", "Not charging":
		return true
	default:
		return false // Discharging, Unknown: better a warning too many
	}
}
