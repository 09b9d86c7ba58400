package input

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// ErrNotHIDPOS is the reason a device is down that is no HID-POS barcode
// reader. Many readers are keyboards until they are set to that mode.
var ErrNotHIDPOS = errors.New("not a HID-POS barcode reader")

// eviocgrab is _IOW('E', 0x90, int) of linux/input.h; it is the same on amd64,
// arm and arm64.
const eviocgrab = 0x40044590

// Grab makes an evdev device deliver its events here and to nobody else: not to
// a login prompt on the console, and not to another lane. It is held until the
// device is closed.
func Grab(fd int) error {
	if err := unix.IoctlSetInt(fd, eviocgrab, 1); err != nil {
		return fmt.Errorf("take the keyboard for this gate alone: %w", err)
	}
	return nil
}

// RequireHIDPOS refuses a hidraw device whose report descriptor does not begin
// with usage page 0x8C (bar code scanner), usage 0x02.
func RequireHIDPOS(fd int) error {
	size, err := unix.IoctlGetInt(fd, unix.HIDIOCGRDESCSIZE)
	if err != nil {
		return fmt.Errorf("report descriptor: %w", err)
	}
	var d unix.HIDRawReportDescriptor
	if size < 0 || size > len(d.Value) {
		return ErrNotHIDPOS
	}
	d.Size = uint32(size)
	if err := unix.IoctlHIDGetDesc(fd, &d); err != nil {
		return fmt.Errorf("report descriptor: %w", err)
	}
	if !IsHIDPOS(d.Value[:size]) {
		return ErrNotHIDPOS
	}
	return nil
}

// IsHIDPOS reports whether a report descriptor begins as that of a barcode
// reader does (USB HID Point of Sale Usage Tables 1.02).
func IsHIDPOS(descriptor []byte) bool {
	return bytes.HasPrefix(descriptor, []byte{0x05, 0x8C, 0x09, 0x02})
}
