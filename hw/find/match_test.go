package find_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/hw/find"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"usb:1a86:7523", "usb:1a86:7523"},
		{"usb:1A86:7523", "usb:1a86:7523"},
		{"usb:0403:6001:A50285BI", "usb:0403:6001:A50285BI"},
		{"usb:0403:6001:a:b c", "usb:0403:6001:a:b c"},
		{"port:1-1.2", "port:1-1.2"},
		{"port:2-1:1.0", "port:2-1:1.0"},
		{"port:2-1:1.0:0", "port:2-1:1.0:0"},
		{"/dev/serial/by-id/usb-x-if00", "/dev/serial/by-id/usb-x-if00"},

		{"", `"" is none of usb:1a86:7523, usb:1a86:7523:SERIAL, port:1-1.2, or a path such as /dev/ttyUSB0`},
		{"ttyUSB0", `"ttyUSB0" is none of usb:1a86:7523, usb:1a86:7523:SERIAL, port:1-1.2, or a path such as /dev/ttyUSB0`},
		{"1a86:7523", `"1a86:7523" is none of usb:1a86:7523, usb:1a86:7523:SERIAL, port:1-1.2, or a path such as /dev/ttyUSB0`},
		{"usb:1a86", `"usb:1a86" needs two USB IDs of four hexadecimal digits, as in usb:1a86:7523`},
		{"usb:1a86:75", `"usb:1a86:75" needs two USB IDs of four hexadecimal digits, as in usb:1a86:7523`},
		{"usb:1a86:+523", `"usb:1a86:+523" needs two USB IDs of four hexadecimal digits, as in usb:1a86:7523`},
		{"usb:1a86:7523:", `"usb:1a86:7523:" has no serial number after the last colon`},
		{"usb:1a86:7523: ", `"usb:1a86:7523: " has no serial number after the last colon`},
		{"port:1.2", `"port:1.2" needs a USB port such as 1-1.2; venuegate devices lists them`},
		{"port:1-01", `"port:1-01" needs a USB port such as 1-1.2; venuegate devices lists them`},
		{"port:usb1", `"port:usb1" needs a USB port such as 1-1.2; venuegate devices lists them`},
		{"port:1-1.2:0", `"port:1-1.2:0" needs an interface such as 1.0 after the port`},
		{"port:1-1.2:1.0:x", `"port:1-1.2:1.0:x" needs a number as its last part, the line of the interface`},
		{"port:1-1.2:1.0:0:0", `"port:1-1.2:1.0:0:0" needs a number as its last part, the line of the interface`},
		{"/dev/../etc/passwd", `"/dev/../etc/passwd" is not a plain path to a device`},
		{"/", `"/" is not a plain path to a device`},
		{"/dev/tty\x1b[2J", `"/dev/tty\x1b[2J" has characters that cannot be printed, or too many`},
	} {
		m, err := find.Parse(c.text)
		got := m.String()
		if err != nil {
			got = err.Error()
			var e *find.MatchError
			if !errors.As(err, &e) || !m.IsZero() {
				t.Errorf("%q: %T and %v", c.text, err, m)
			}
		}
		if got != c.want {
			t.Errorf("%q: got\n%s, want\n%s", c.text, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"usb:1a86:7523", "usb:0403:6001:A5 B", "port:1-1.2:1.0:1", "/dev/ttyUSB0", "port:", "usb:::", "/\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := find.Parse(s)
		if err != nil {
			if len(err.Error()) > 1000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		again, err := find.Parse(m.String())
		if err != nil || again != m {
			t.Errorf("%q became %q and then %q, %v", s, m, again, err)
		}
	})
}

// Whatever is plugged in: what Best writes means that device and no other, and
// Pick never takes one of two.
func TestBestMeansOneDevice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type place struct {
			port, iface string
			line        int
		}
		taken := map[place]bool{}
		var devices []find.Device
		for i := range rapid.IntRange(1, 8).Draw(t, "devices") {
			at := place{
				rapid.SampledFrom([]string{"1-1", "1-1.1", "1-1.2", "2-1"}).Draw(t, "port"),
				rapid.SampledFrom([]string{"1.0", "1.1"}).Draw(t, "interface"),
				rapid.IntRange(0, 1).Draw(t, "line"),
			}
			if taken[at] {
				continue
			}
			taken[at] = true
			devices = append(devices, find.Device{
				Class: find.ClassSerial, Path: "/dev/ttyUSB" + strconv.Itoa(i), Usable: true,
				Vendor: 0x1A86, Product: rapid.SampledFrom([]uint16{0x7523, 0x5523}).Draw(t, "product"),
				Serial: rapid.SampledFrom([]string{"", "0001", "A:1", " ", "x_y", "\"#"}).Draw(t, "serial"),
				Port:   at.port, Interface: at.iface, Line: at.line,
			})
		}
		for _, d := range devices {
			m, err := find.Parse(find.Best(devices, d).String())
			if err != nil {
				t.Fatal(err)
			}
			if got, err := find.Pick(devices, d.Class, m); err != nil || got != d {
				t.Fatalf("%v for %+v: %+v, %v", m, d, got, err)
			}
		}
		any1 := devices[rapid.IntRange(0, len(devices)-1).Draw(t, "one")]
		m, err := find.Parse("usb:" + any1.ID())
		if err != nil {
			t.Fatal(err)
		}
		alike := slices.DeleteFunc(slices.Clone(devices), func(d find.Device) bool { return d.ID() != any1.ID() })
		got, err := find.Pick(devices, find.ClassSerial, m)
		var several *find.AmbiguousError
		switch {
		case len(alike) == 1 && (err != nil || got != any1):
			t.Fatalf("one: %v, %v", got, err)
		case len(alike) > 1 && (!errors.As(err, &several) || len(several.Candidates) != len(alike)):
			t.Fatalf("%d alike: %v, %v", len(alike), got, err)
		}
	})
}
