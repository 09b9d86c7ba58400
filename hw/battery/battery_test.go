package battery_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/venuegate/venuegate/hw/battery"
)

// supplies makes a folder of "name/attribute=value" lines.
func supplies(lines ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, "=")
		m[name] = &fstest.MapFile{Data: []byte(value + "\n")}
	}
	return m
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name string
		in   fs.FS
		want battery.State
		err  error
	}{
		{"a box", supplies(), battery.State{}, nil},
		{"no such folder", os.DirFS(filepath.Join(t.TempDir(), "none")), battery.State{}, nil},
		{"a charger only", supplies("AC/type=Mains", "AC/online=1"), battery.State{}, nil},
		{"in use", supplies("BAT0/type=Battery", "BAT0/capacity=83", "BAT0/status=Discharging"), battery.State{Present: true, Percent: 83}, nil},
		{"charging", supplies("bms/type=Battery", "bms/capacity=7", "bms/status=Charging"), battery.State{Present: true, Percent: 7, Charging: true}, nil},
		{"full", supplies("BAT0/type=Battery", "BAT0/capacity=100", "BAT0/status=Full"), battery.State{Present: true, Percent: 100, Charging: true}, nil},
		{"held at a limit", supplies("BAT0/type=Battery", "BAT0/capacity=80", "BAT0/status=Not charging"), battery.State{Present: true, Percent: 80, Charging: true}, nil},
		{"a driver that does not know", supplies("BAT0/type=Battery", "BAT0/capacity=50", "BAT0/status=Unknown"), battery.State{Present: true, Percent: 50}, nil},
		{"by energy", supplies("BAT0/type=Battery", "BAT0/energy_now=12000000", "BAT0/energy_full=48000000", "BAT0/status=Discharging"), battery.State{Present: true, Percent: 25}, nil},
		{"by charge, more than full", supplies("BAT0/type=Battery", "BAT0/charge_now=50", "BAT0/charge_full=48"), battery.State{Present: true, Percent: 100}, nil},
		{"a scanner's own", supplies("hidpp_battery_0/type=Battery", "hidpp_battery_0/scope=Device", "hidpp_battery_0/capacity=3"), battery.State{}, nil},
		{
			"two, one of them charging", supplies("BAT0/type=Battery", "BAT0/capacity=10", "BAT0/status=Discharging",
				"BAT1/type=Battery", "BAT1/capacity=91", "BAT1/status=Charging"), battery.State{Present: true, Percent: 50}, nil,
		},
		{"one of two is out", supplies("BAT0/type=Battery", "BAT0/present=0", "BAT1/type=Battery", "BAT1/capacity=40", "BAT1/status=Discharging"), battery.State{Present: true, Percent: 40}, nil},
		{"nothing is said", supplies("BAT0/type=Battery", "BAT0/status=Discharging"), battery.State{Present: true}, battery.ErrUnreadable},
		{"nonsense is said", supplies("BAT0/type=Battery", "BAT0/capacity=-1", "BAT0/energy_now=5", "BAT0/energy_full=0"), battery.State{Present: true}, battery.ErrUnreadable},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := battery.Read(c.in)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("got %+v, %v; want %+v, %v", got, err, c.want, c.err)
			}
		})
	}
}

// In sysfs a supply is a link to its folder.
func TestReadThroughLinks(t *testing.T) {
	root := t.TempDir()
	folder := filepath.Join(root, "devices", "BAT0")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"type": "Battery\n", "capacity": "42\n", "status": "Discharging\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	class := filepath.Join(root, "class")
	if err := os.Mkdir(class, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(folder, filepath.Join(class, "BAT0")); err != nil {
		t.Fatal(err)
	}
	got, err := battery.Read(os.DirFS(class))
	if want := (battery.State{Present: true, Percent: 42}); got != want || err != nil {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("83", "Discharging", "12", "48")
	f.Add("", "Charging", "9223372036854775807", "1")
	f.Add("1e9", "\x00", "-5", "0")
	f.Fuzz(func(t *testing.T, capacity, status, now, full string) {
		s, err := battery.Read(supplies("b/type=Battery", "b/capacity="+capacity, "b/status="+status, "b/energy_now="+now, "b/energy_full="+full))
		if s.Percent < 0 || s.Percent > 100 || !s.Present || err != nil && s.Percent != 0 {
			t.Fatalf("%+v, %v", s, err)
		}
	})
}
