package find

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Event is what the kernel, or udev after it has set up the device file, says
// of one device.
type Event struct {
	Action    string // add, remove, change, bind, …
	Subsystem string // tty, input, hidraw, video4linux, usb, …
	DevPath   string // below /sys
	DevName   string // below /dev; "" for what has no device file
}

// ErrEvent is a message that is no event.
var ErrEvent = errors.New("not a uevent")

// The message that udev sends has a header of its own before the properties
// (systemd, src/libsystemd/sd-device/device-monitor.c): the word libudev and a
// zero, a magic number in network order, then in the machine's order the
// header's size and where the properties are.
const (
	udevPrefix = "libudev\x00"
	udevMagic  = 0xFEEDCAFE
	udevHeader = 24 // up to the length of the properties
)

// ParseEvent reads one message of NETLINK_KOBJECT_UEVENT. The kernel's is
// action@devpath and then properties, each ended by a zero
// (lib/kobject_uevent.c). The error is ErrEvent.
func ParseEvent(message []byte) (Event, error) {
	var e Event
	var rest []byte
	if bytes.HasPrefix(message, []byte(udevPrefix)) {
		if len(message) < udevHeader || binary.BigEndian.Uint32(message[8:]) != udevMagic {
			return Event{}, ErrEvent
		}
		from := uint64(binary.NativeEndian.Uint32(message[16:]))
		length := uint64(binary.NativeEndian.Uint32(message[20:]))
		if from < udevHeader || from+length > uint64(len(message)) {
			return Event{}, ErrEvent
		}
		rest = message[from : from+length]
	} else {
		head, properties, ok := bytes.Cut(message, []byte{0})
		action, path, at := bytes.Cut(head, []byte("@"))
		if !ok || !at || len(action) == 0 || !bytes.HasPrefix(path, []byte("/")) {
			return Event{}, ErrEvent
		}
		rest = properties
	}
	for len(rest) > 0 {
		var property []byte
		property, rest, _ = bytes.Cut(rest, []byte{0})
		key, value, _ := bytes.Cut(property, []byte("="))
		switch string(key) {
		case "ACTION":
			e.Action = string(value)
		case "SUBSYSTEM":
			e.Subsystem = string(value)
		case "DEVPATH":
			e.DevPath = string(value)
		case "DEVNAME":
			e.DevName = string(value)
		}
	}
	if e.Action == "" || e.Subsystem == "" || e.DevPath == "" {
		return Event{}, ErrEvent
	}
	return e, nil
}

// Concerns reports whether the event is about a device file of one of the
// classes: those come and go with a plug.
func (e Event) Concerns() bool {
	if e.DevName == "" {
		return false
	}
	for _, c := range Classes() {
		if e.Subsystem == c.folder() {
			return true
		}
	}
	return false
}
