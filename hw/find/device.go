package find

import (
	"cmp"
	"fmt"
	"slices"
)

// Class is what a device is to the kernel, which decides the driver it needs.
type Class uint8

// The classes.
const (
	ClassSerial Class = iota + 1 // a serial line: reader, relay board, gate board
	ClassInput                   // an input device: a reader that plays a keyboard
	ClassHIDRaw                  // a HID device: a HID-POS reader
	ClassVideo                   // a camera
)

// Classes returns all classes in the order in which they are listed.
func Classes() []Class { return []Class{ClassSerial, ClassInput, ClassHIDRaw, ClassVideo} }

// String returns the class's word: serial, input, hidraw or video.
func (c Class) String() string {
	switch c {
	case ClassSerial:
		return "serial"
	case ClassInput:
		return "input"
	case ClassHIDRaw:
		return "hidraw"
	case ClassVideo:
		return "video"
	default:
		return fmt.Sprintf("class %d", uint8(c))
	}
}

// MarshalText writes the class's word.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// folder is the class's place below /sys/class.
func (c Class) folder() string {
	switch c {
	case ClassSerial:
		return "tty"
	case ClassVideo:
		return "video4linux"
	default:
		return c.String()
	}
}

// Device is one device file and what stands behind it. The texts come from the
// device itself; characters that cannot be printed are replaced.
type Device struct {
	Class Class  `json:"class"`
	Path  string `json:"path"` // the device file, such as /dev/ttyUSB0

	Vendor  uint16 `json:"-"` // USB IDs; both zero for what is not on USB
	Product uint16 `json:"-"`
	Serial  string `json:"serial,omitempty"` // many adapters have none
	Maker   string `json:"maker,omitempty"`
	Model   string `json:"model,omitempty"`
	Driver  string `json:"driver,omitempty"` // the kernel's, such as ch341

	// Port is the way through the hubs to the socket, such as 1-1.2: bus 1,
	// socket 1, socket 2 of the hub there. It stays the same when another device
	// of the same kind is plugged in, and when the box is started again.
	Port      string `json:"port,omitempty"`
	Interface string `json:"interface,omitempty"` // configuration and interface, such as 1.0
	Line      int    `json:"line,omitempty"`      // among several lines of one interface, from 0

	// Usable is false for what no driver of a gate can use: an input device
	// without the keys of a reader, a HID device that is no HID-POS reader, the
	// second file of a camera.
	Usable bool `json:"usable"`
}

// USB reports whether the device is on USB.
func (d Device) USB() bool { return d.Port != "" }

// ID returns the USB IDs as 1a86:7523, or "" for what is not on USB.
func (d Device) ID() string {
	if !d.USB() {
		return ""
	}
	return fmt.Sprintf("%04x:%04x", d.Vendor, d.Product)
}

// Where returns the port and interface as 1-1.2:1.0, or "".
func (d Device) Where() string {
	if !d.USB() {
		return ""
	}
	return d.Port + ":" + d.Interface
}

// sortDevices orders by class, then ttyUSB2 before ttyUSB10.
func sortDevices(devices []Device) {
	slices.SortFunc(devices, func(a, b Device) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(len(a.Path), len(b.Path)), cmp.Compare(a.Path, b.Path))
	})
}
