package find_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/hw/find"
	"github.com/venuegate/venuegate/hw/find/findtest"
)

// The things of a gate: two adapters that cannot be told apart but by their
// ports, a reader with a serial number, and so on.
var (
	wayIn  = find.Device{Class: find.ClassSerial, Path: "/dev/ttyUSB0", Vendor: 0x1A86, Product: 0x7523, Model: "USB Serial", Driver: "ch341", Port: "1-1.2", Interface: "1.0", Usable: true}
	wayOut = find.Device{Class: find.ClassSerial, Path: "/dev/ttyUSB1", Vendor: 0x1A86, Product: 0x7523, Model: "USB Serial", Driver: "ch341", Port: "1-1.3", Interface: "1.0", Usable: true}
	reader = find.Device{Class: find.ClassSerial, Path: "/dev/ttyACM0", Vendor: 0x1EAB, Product: 0x8306, Serial: "NL-0042", Maker: "Newland", Model: "FM430", Driver: "cdc_acm", Port: "1-4", Interface: "1.0", Usable: true}
	twoA   = find.Device{Class: find.ClassSerial, Path: "/dev/ttyUSB2", Vendor: 0x10C4, Product: 0xEA70, Serial: "0001", Driver: "cp210x", Port: "1-1.4", Interface: "1.0", Usable: true}
	twoB   = find.Device{Class: find.ClassSerial, Path: "/dev/ttyUSB3", Vendor: 0x10C4, Product: 0xEA70, Serial: "0001", Driver: "cp210x", Port: "1-1.4", Interface: "1.1", Usable: true}
	fourA  = find.Device{Class: find.ClassSerial, Path: "/dev/ttyUSB4", Vendor: 0x110A, Product: 0x1450, Driver: "ti_usb_3410_5052", Port: "2-1", Interface: "1.0", Usable: true}
	fourB  = find.Device{Class: find.ClassSerial, Path: "/dev/ttyUSB10", Vendor: 0x110A, Product: 0x1450, Driver: "ti_usb_3410_5052", Port: "2-1", Interface: "1.0", Line: 1, Usable: true}
	wedge  = find.Device{Class: find.ClassInput, Path: "/dev/input/event3", Vendor: 0x05E0, Product: 0x1200, Model: "Bar Code Scanner", Driver: "usbhid", Port: "1-5", Interface: "1.0", Usable: true}
	wedgeH = find.Device{Class: find.ClassHIDRaw, Path: "/dev/hidraw0", Vendor: 0x05E0, Product: 0x1200, Model: "Bar Code Scanner", Driver: "usbhid", Port: "1-5", Interface: "1.0"}
	mouse  = find.Device{Class: find.ClassInput, Path: "/dev/input/event4", Vendor: 0x046D, Product: 0xC077, Model: "Mouse", Driver: "usbhid", Port: "1-6", Interface: "1.0"}
	pos    = find.Device{Class: find.ClassHIDRaw, Path: "/dev/hidraw1", Vendor: 0x0C2E, Product: 0x0B07, Serial: "17", Driver: "usbhid", Port: "1-7", Interface: "1.0", Usable: true}
	camera = find.Device{Class: find.ClassVideo, Path: "/dev/video0", Vendor: 0x046D, Product: 0x0825, Model: "Webcam", Driver: "uvcvideo", Port: "1-8", Interface: "1.0", Usable: true}
	meta   = find.Device{Class: find.ClassVideo, Path: "/dev/video1", Vendor: 0x046D, Product: 0x0825, Model: "Webcam", Driver: "uvcvideo", Port: "1-8", Interface: "1.0", Line: 1}
	onBox  = find.Device{Class: find.ClassSerial, Path: "/dev/ttyS0", Usable: true}
)

// all is the list of them as it should be.
func all() []find.Device {
	return []find.Device{
		onBox, reader, wayIn, wayOut, twoA, twoB, fourA, fourB, wedge, mouse, wedgeH, pos, camera, meta,
	}
}

func machine(t *testing.T, devices ...find.Device) (find.Finder, *findtest.Machine) {
	t.Helper()
	m, err := findtest.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range devices {
		if d.USB() {
			if err := m.Plug(d, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	return find.Under(m.Root), m
}

func TestList(t *testing.T) {
	shuffled := all()
	slices.Reverse(shuffled)
	f, m := machine(t, shuffled...)
	got, err := f.List()
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].Path = strings.TrimPrefix(got[i].Path, m.Root)
	}
	if want := all(); !slices.Equal(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestListOfAnEmptyMachine(t *testing.T) {
	got, err := find.Under(t.TempDir()).List()
	if err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

// A device that calls itself names that are no text must not reach a terminal.
func TestTextsOfADeviceArePrintable(t *testing.T) {
	d := wayIn
	d.Model, d.Serial = "evil\x1b[2J\nname\xff", strings.Repeat("9", 300)
	f, _ := machine(t, d)
	got, err := f.Find(find.ClassSerial, parse(t, "port:1-1.2"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Model != "evil_[2J_name_" || len(got.Serial) != 126 {
		t.Errorf("model %q, serial number of %d", got.Model, len(got.Serial))
	}
}

func parse(t *testing.T, text string) find.Match {
	t.Helper()
	m, err := find.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFind(t *testing.T) {
	f, m := machine(t, all()...)
	link := filepath.Join(m.Root, "dev/serial/by-id/usb-Newland-if00")
	if err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink("../../ttyACM0", link)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(m.Root, "dev/other"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		class find.Class
		match string
		want  string // device file, or the error
	}{
		{"IDs", find.ClassSerial, "usb:1eab:8306", "/dev/ttyACM0"},
		{"IDs in capitals", find.ClassSerial, "usb:1EAB:8306", "/dev/ttyACM0"},
		{"IDs and serial number", find.ClassSerial, "usb:1eab:8306:NL-0042", "/dev/ttyACM0"},
		{"another's serial number", find.ClassSerial, "usb:1eab:8306:NL-0043", "no serial line matches usb:1eab:8306:NL-0043"},
		{"port", find.ClassSerial, "port:1-1.3", "/dev/ttyUSB1"},
		{"a port that begins alike", find.ClassSerial, "port:1-1", "no serial line matches port:1-1"},
		{"interface", find.ClassSerial, "port:1-1.4:1.1", "/dev/ttyUSB3"},
		{"line of an interface", find.ClassSerial, "port:2-1:1.0:1", "/dev/ttyUSB10"},
		{"path", find.ClassSerial, "/dev/ttyUSB1", "/dev/ttyUSB1"},
		{"link", find.ClassSerial, "/dev/serial/by-id/usb-Newland-if00", "/dev/ttyACM0"},
		{"a path that is not listed", find.ClassSerial, "/dev/other", "/dev/other"},
		{"a path to nothing", find.ClassSerial, "/dev/ttyUSB7", "no serial line matches /dev/ttyUSB7"},
		{"a camera's pictures", find.ClassVideo, "port:1-8", "/dev/video0"},
		{"a reader that plays a keyboard", find.ClassInput, "usb:05e0:1200", "/dev/input/event3"},
		{"HID-POS", find.ClassHIDRaw, "usb:0c2e:0b07", "/dev/hidraw1"},
		{
			"two alike", find.ClassSerial, "usb:1a86:7523",
			"usb:1a86:7523 is 2 devices: /dev/ttyUSB0 is port:1-1.2, /dev/ttyUSB1 is port:1-1.3; " +
				"they have no serial number, so write the port of the one that is meant",
		},
		{
			"two lines of one adapter", find.ClassSerial, "usb:10c4:ea70:0001",
			"usb:10c4:ea70:0001 is 2 devices: /dev/ttyUSB2 is port:1-1.4:1.0, /dev/ttyUSB3 is port:1-1.4:1.1; " +
				"they have the same serial number, so write the port of the one that is meant",
		},
		{
			"two lines of one interface", find.ClassSerial, "port:2-1",
			"port:2-1 is 2 devices: /dev/ttyUSB4 is port:2-1:1.0:0, /dev/ttyUSB10 is port:2-1:1.0:1; " +
				"they have no serial number, so write the port of the one that is meant",
		},
		{
			"a keyboard for a serial line", find.ClassSerial, "usb:05e0:1200",
			"no serial line matches usb:05e0:1200; there is a keyboard (/dev/input/event3): " +
				"switch the reader to USB-COM with the setup code in its manual",
		},
		{
			"a keyboard for HID-POS", find.ClassHIDRaw, "port:1-5",
			"no HID-POS reader matches port:1-5; there is a keyboard (/dev/input/event3): " +
				"switch the reader to HID-POS with the setup code in its manual",
		},
		{
			"a serial line for a keyboard", find.ClassInput, "port:1-4",
			"no reader that plays a keyboard matches port:1-4; there is a serial line (/dev/ttyACM0): " +
				"switch the reader to keyboard mode with the setup code in its manual",
		},
		{
			"a mouse", find.ClassInput, "port:1-6",
			"no reader that plays a keyboard matches port:1-6; there is an input device without digits (/dev/input/event4): " +
				"switch the reader to keyboard mode with the setup code in its manual",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := f.Find(c.class, parse(t, c.match))
			got := d.Path
			if err != nil {
				got = err.Error()
			}
			if got = strings.ReplaceAll(got, m.Root, ""); got != c.want {
				t.Errorf("got\n%s, want\n%s", got, c.want)
			}
		})
	}
}

// A caller can tell the reasons apart, and hw/port takes a device that is not
// there for one whose path is missing.
func TestErrorsOfFind(t *testing.T) {
	f, _ := machine(t, wayIn, wayOut)
	_, err := f.Find(find.ClassSerial, parse(t, "port:3-1"))
	var none *find.NoneError
	if !errors.Is(err, find.ErrNone) || !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &none) {
		t.Errorf("missing: %v", err)
	}
	_, err = f.Find(find.ClassSerial, parse(t, "usb:1a86:7523"))
	var several *find.AmbiguousError
	if !errors.As(err, &several) || len(several.Candidates) != 2 || errors.Is(err, find.ErrNone) {
		t.Errorf("ambiguous: %v", err)
	}
	if _, err := f.Find(find.ClassSerial, find.Match{}); !errors.Is(err, find.ErrNone) {
		t.Errorf("the zero match: %v", err)
	}
}

func TestResolveSeesOneDeviceMeantTwice(t *testing.T) {
	f, m := machine(t, wayIn, wayOut, reader)
	found, err := f.Resolve([]find.Want{
		{Name: "code", Class: find.ClassSerial, Match: parse(t, "usb:1eab:8306")},
		{Name: "arm", Class: find.ClassSerial, Match: parse(t, "port:1-1.2")},
		{Name: "card", Class: find.ClassSerial, Match: parse(t, "/dev/ttyUSB0")},
		{Name: "lamp", Class: find.ClassSerial, Match: parse(t, "port:9-1")},
		{Name: "bell", Class: find.ClassSerial, Match: parse(t, "port:9-1")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, one := range found {
		text := one.Name + ": " + one.Device.Path
		if one.Err != nil {
			text = one.Name + ": " + one.Err.Error()
		}
		got = append(got, strings.ReplaceAll(text, m.Root, ""))
	}
	want := []string{
		"code: /dev/ttyACM0",
		"arm: /dev/ttyUSB0 is meant by arm and by card; each needs a device of its own",
		"card: /dev/ttyUSB0 is meant by arm and by card; each needs a device of its own",
		"lamp: no serial line matches port:9-1",
		"bell: no serial line matches port:9-1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLocatorLooksAnew(t *testing.T) {
	f, m := machine(t, wayIn)
	l := find.NewLocator(f)
	where := l.Locate("arm")
	if _, err := where(); err == nil {
		t.Error("a device that is not in the configuration was found")
	}
	l.Set([]find.Want{{Name: "arm", Class: find.ClassSerial, Match: parse(t, "usb:1a86:7523")}})
	if path, err := where(); err != nil || path != filepath.Join(m.Root, "dev/ttyUSB0") {
		t.Errorf("%q, %v", path, err)
	}
	if err := m.Unplug(wayIn); err != nil {
		t.Fatal(err)
	}
	if path, err := where(); !errors.Is(err, find.ErrNone) {
		t.Errorf("unplugged: %q, %v", path, err)
	}
	moved := wayOut
	if err := m.Plug(moved, ""); err != nil {
		t.Fatal(err)
	}
	if path, err := where(); err != nil || path != filepath.Join(m.Root, "dev/ttyUSB1") {
		t.Errorf("another socket: %q, %v", path, err)
	}
}

func TestGuess(t *testing.T) {
	for _, c := range []struct {
		d    find.Device
		role find.Role
		what string
	}{
		{wayIn, find.RoleAdapter, "QinHeng CH340 serial adapter"},
		{reader, find.RoleReader, "Newland barcode reader in USB-COM mode"},
		{wedge, find.RoleReader, "Symbol barcode reader in keyboard mode"},
		{wedgeH, find.RoleOther, "Symbol barcode reader in keyboard mode, not in HID-POS mode"},
		{mouse, find.RoleOther, ""},
		{pos, find.RoleReader, "Metrologic or Honeywell barcode reader"},
		{camera, find.RoleCamera, "camera"},
		{meta, find.RoleOther, ""},
		{onBox, find.RoleAdapter, "serial line"},
		{find.Device{Class: find.ClassSerial, Driver: "cdc_acm", Port: "1-1", Vendor: 1}, find.RoleReader, "USB-COM device, such as a barcode reader"},
		{find.Device{Class: find.ClassInput, Usable: true, Port: "1-1", Vendor: 1}, find.RoleKeyboard, "keyboard, or a barcode reader that plays one"},
	} {
		if role, what := find.Guess(c.d); role != c.role || what != c.what {
			t.Errorf("%s %s: %s, %q", c.d.Path, c.d.ID(), role, what)
		}
	}
}
