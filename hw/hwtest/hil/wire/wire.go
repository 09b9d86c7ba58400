// Package wire is what the bench's host and its guest say to each other: the
// arguments and results of net/rpc calls on a virtio serial port, gob-encoded.
// The methods are those of guest's Agent. Only the bench uses it.
package wire

import "time"

// PortName is the virtio port's name, and Service the agent's.
const (
	PortName = "venuegate.hil"
	Service  = "Agent"
)

// None is no arguments, or no result.
type None struct{}

// Process is what the kernel says of the daemon's process.
type Process struct {
	Running     bool
	CPU         time.Duration // user and system time since its start
	Descriptors int
	Threads     int
	Resident    int // KiB
}

// Exit is how the daemon ended.
type Exit struct {
	Code int
	Took time.Duration // from the signal
}

// Await asks to wait until a device is up or down on the daemon's page.
type Await struct {
	Device string // its name in the configuration
	Up     bool
	Within time.Duration
}

// Awaited is when that was, by the guest's clock.
type Awaited struct {
	Since time.Time // as the page says
}

// Link is a device that is plugged in, as udev would name it.
type Link struct {
	Path string    // such as /dev/serial/by-path/pci-0000:00:04.0-usb-0:1:1.0-port0
	Node string    // such as /dev/ttyUSB0
	At   time.Time // when the kernel announced it
}

// Command is a program to run in the guest.
type Command struct{ Args []string }

// Output is what it printed.
type Output struct {
	Stdout, Stderr []byte
	Code           int
}

// Probe asks the guest to run one of the project's drivers by itself, in place
// of the one before.
type Probe struct {
	Kind string // serial, wedge, hidpos or camera; empty for none
	Path string

	Width, Height int // of a camera's frames
}

// Probed is what the driver has delivered and said since it was started.
type Probed struct {
	Texts   []string
	Up      bool
	Changes int    // of state
	Reason  string // of the last change
	Frames  uint64 // of a camera
	Damaged uint64
}

// Reports are what a HID gadget sends.
type Reports struct{ Data [][]byte }

// Size is that of a camera's frames, in pixels.
type Size struct{ Width, Height uint32 }

// Picture is what a camera sees: a byte a pixel, row after row.
type Picture struct{ Grey []byte }

// File is text to write to one of the kernel's files.
type File struct{ Path, Text string }
