package find_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/hw/find"
)

// plugged is what Linux 6.12 sends for a USB serial adapter.
const plugged = "add@/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/ttyUSB0/tty/ttyUSB0\x00" +
	"ACTION=add\x00DEVPATH=/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/ttyUSB0/tty/ttyUSB0\x00" +
	"SUBSYSTEM=tty\x00MAJOR=188\x00MINOR=0\x00DEVNAME=ttyUSB0\x00SEQNUM=4711\x00"

// fromUdev puts udev's header before properties.
func fromUdev(properties string) string {
	const size = 40
	b := []byte("libudev\x00")
	b = binary.BigEndian.AppendUint32(b, 0xFEEDCAFE)
	b = binary.NativeEndian.AppendUint32(b, size)
	b = binary.NativeEndian.AppendUint32(b, size)
	b = binary.NativeEndian.AppendUint32(b, uint32(len(properties)))
	b = append(b, make([]byte, size-len(b))...) // filters
	return string(b) + properties
}

func TestParseEvent(t *testing.T) {
	const properties = "ACTION=remove\x00DEVPATH=/devices/x\x00SUBSYSTEM=input\x00DEVNAME=/dev/input/event3\x00USEC_INITIALIZED=1\x00"
	bad := func(at int, b byte) string {
		m := []byte(fromUdev(properties))
		m[at] = b
		return string(m)
	}
	for _, c := range []struct {
		name, message string
		want          find.Event // zero for ErrEvent
		concerns      bool
	}{
		{"plugged in", plugged, find.Event{
			Action: "add", Subsystem: "tty", DevName: "ttyUSB0",
			DevPath: "/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/ttyUSB0/tty/ttyUSB0",
		}, true},
		{"by udev", fromUdev(properties), find.Event{
			Action: "remove", Subsystem: "input", DevPath: "/devices/x", DevName: "/dev/input/event3",
		}, true},
		{
			"no device file", "add@/devices/x\x00ACTION=add\x00DEVPATH=/devices/x\x00SUBSYSTEM=input\x00",
			find.Event{Action: "add", Subsystem: "input", DevPath: "/devices/x"},
			false,
		},
		{
			"a disk", "add@/devices/x\x00ACTION=add\x00DEVPATH=/devices/x\x00SUBSYSTEM=block\x00DEVNAME=sda\x00",
			find.Event{Action: "add", Subsystem: "block", DevPath: "/devices/x", DevName: "sda"},
			false,
		},
		{"empty", "", find.Event{}, false},
		{"cut in the head", plugged[:20], find.Event{}, false},
		{"cut before the subsystem", plugged[:150], find.Event{}, false},
		{"no action", strings.Replace(plugged, "ACTION=", "REACTION=", 1), find.Event{}, false},
		{"udev's header alone", fromUdev(properties)[:30], find.Event{}, false},
		{"udev's magic", bad(8, 0), find.Event{}, false},
		{"properties inside the header", bad(16, 1), find.Event{}, false},
		{"properties past the end", bad(20, 0xFF), find.Event{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := find.ParseEvent([]byte(c.message))
			if e != c.want || errors.Is(err, find.ErrEvent) != (c.want == find.Event{}) || e.Concerns() != c.concerns {
				t.Errorf("%+v, %v; concerns %v", e, err, e.Concerns())
			}
		})
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(plugged))
	f.Add([]byte(fromUdev(plugged)))
	f.Add([]byte("libudev\x00"))
	f.Add([]byte("@\x00ACTION=\x00"))
	f.Fuzz(func(t *testing.T, message []byte) {
		e, err := find.ParseEvent(message)
		if (err != nil) != (e == find.Event{}) {
			t.Errorf("%+v with %v", e, err)
		}
		if len(e.Action)+len(e.Subsystem)+len(e.DevPath)+len(e.DevName) > len(message) {
			t.Errorf("%+v is more than the message", e)
		}
	})
}
