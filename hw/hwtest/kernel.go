package hwtest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/hw/input"
)

// Where the kernel lets programs play devices.
const (
	pathUinput = "/dev/uinput"
	pathUHID   = "/dev/uhid"
)

// Keyboard is a keyboard that the kernel believes in, made with uinput. It
// needs /dev/uinput, and so root.
type Keyboard struct {
	file *os.File
	path string
}

// ioctls of linux/uinput.h; the same on amd64, arm and arm64.
const (
	uiSetEvBit   = 0x40045564
	uiSetKeyBit  = 0x40045565
	uiDevCreate  = 0x5501
	uiDevDestroy = 0x5502
)

// NewKeyboard plugs in a keyboard with a name that no other device has, and
// waits until its device file is there.
func NewKeyboard(name string) (*Keyboard, error) {
	f, err := os.OpenFile(pathUinput, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	k := &Keyboard{file: f}
	if err := k.create(name); err != nil {
		return nil, errors.Join(fmt.Errorf("make a keyboard: %w", err), f.Close())
	}
	k.path, err = await("/sys/class/input/event*", "device/name", name, "/dev/input")
	if err != nil {
		return nil, errors.Join(err, k.Unplug())
	}
	return k, nil
}

func (k *Keyboard) create(name string) error {
	fd := int(k.file.Fd())
	if err := unix.IoctlSetInt(fd, uiSetEvBit, input.EventKey); err != nil {
		return err
	}
	for code := 1; code < 128; code++ {
		if err := unix.IoctlSetInt(fd, uiSetKeyBit, code); err != nil {
			return err
		}
	}
	// struct uinput_user_dev: name, bus, vendor, product, version, and what
	// force feedback and joysticks need.
	const nameLen, rest = 80, 4 + 4*64*4
	setup := make([]byte, nameLen, nameLen+8+rest)
	copy(setup[:nameLen-1], name)
	for _, id := range []uint16{3, 0x1209, 0x0001, 1} { // USB, and the prototype numbers of pid.codes
		setup = binary.NativeEndian.AppendUint16(setup, id)
	}
	setup = append(setup, make([]byte, rest)...)
	if _, err := k.file.Write(setup); err != nil {
		return err
	}
	return unix.IoctlSetInt(fd, uiDevCreate, 0)
}

// Path is the event device.
func (k *Keyboard) Path() string { return k.path }

// Play sends events as a USB keyboard does: a report at a time, as often as the
// host asks. Faster ones would fill the kernel's queue for a reader that is busy.
func (k *Keyboard) Play(events []input.Event) error {
	const poll = time.Millisecond
	var b []byte
	for _, e := range events {
		b = input.AppendEvent(b, input.EventSize, e)
		if e.Type != input.EventSyn {
			continue
		}
		if _, err := k.file.Write(b); err != nil {
			return err
		}
		b = b[:0]
		time.Sleep(poll)
	}
	return nil
}

// PlayAtOnce sends events all together. The kernel's queue for a reader has room
// for a few dozen; of more it tells that some are missing.
func (k *Keyboard) PlayAtOnce(events []input.Event) error {
	var b []byte
	for _, e := range events {
		b = input.AppendEvent(b, input.EventSize, e)
	}
	_, err := k.file.Write(b)
	return err
}

// Unplug removes the keyboard.
func (k *Keyboard) Unplug() error {
	return errors.Join(unix.IoctlSetInt(int(k.file.Fd()), uiDevDestroy, 0), k.file.Close())
}

// HIDScanner is a HID-POS reader that the kernel believes in, made with uhid.
// It needs /dev/uhid, and so root.
type HIDScanner struct {
	file *os.File
	path string
}

// Events of linux/uhid.h.
const (
	uhidDestroy = 1
	uhidCreate2 = 11
	uhidInput2  = 12
)

// hidposDescriptor is a barcode reader with one input report, number 2, of 63
// bytes behind the number.
const hidposDescriptor = "\x05\x8c" + // usage page: bar code scanner
	"\x09\x02" + // usage: bar code scanner
	"\xa1\x01" + // collection: application
	"\x09\x12" + //   usage: scanned data report
	"\xa1\x02" + //   collection: logical
	"\x85\x02" + //     report number 2
	"\x15\x00\x26\xff\x00" + // from 0 to 255
	"\x75\x08\x95\x3f" + //     63 times 8 bits
	"\x09\xfe\x81\x02" + //     usage: decoded data; input
	"\xc0\xc0"

// NewHIDScanner plugs in a HID-POS reader with a name that no other device has,
// and waits until its hidraw device is there.
func NewHIDScanner(name string) (*HIDScanner, error) {
	f, err := os.OpenFile(pathUHID, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	// struct uhid_create2_req: name, phys, uniq, descriptor's size, bus, vendor,
	// product, version, country, descriptor.
	const names, descriptorLen = 128 + 64 + 64, 4096
	e := binary.NativeEndian.AppendUint32(nil, uhidCreate2)
	text := make([]byte, names)
	copy(text[:127], name)
	e = append(e, text...)
	e = binary.NativeEndian.AppendUint16(e, uint16(len(hidposDescriptor)))
	e = binary.NativeEndian.AppendUint16(e, 3) // USB
	for _, id := range []uint32{0x1209, 0x0002, 1, 0} {
		e = binary.NativeEndian.AppendUint32(e, id)
	}
	e = append(e, hidposDescriptor...)
	e = append(e, make([]byte, descriptorLen-len(hidposDescriptor))...)
	s := &HIDScanner{file: f}
	if _, err := f.Write(e); err != nil {
		return nil, errors.Join(fmt.Errorf("make a HID device: %w", err), f.Close())
	}
	s.path, err = await("/sys/class/hidraw/hidraw*", "device/uevent", "HID_NAME="+name, "/dev")
	if err != nil {
		return nil, errors.Join(err, s.Unplug())
	}
	return s, nil
}

// Path is the hidraw device.
func (s *HIDScanner) Path() string { return s.path }

// Send sends reports, as HIDReports returns them.
func (s *HIDScanner) Send(reports [][]byte) error {
	for _, r := range reports {
		e := binary.NativeEndian.AppendUint32(nil, uhidInput2)
		e = binary.NativeEndian.AppendUint16(e, uint16(len(r)))
		if _, err := s.file.Write(append(e, r...)); err != nil {
			return err
		}
	}
	return nil
}

// Unplug removes the reader.
func (s *HIDScanner) Unplug() error {
	_, err := s.file.Write(binary.NativeEndian.AppendUint32(nil, uhidDestroy))
	return errors.Join(err, s.file.Close())
}

// await finds the device whose attribute file under /sys holds a line, and waits
// until the file of the same name is in dev.
func await(pattern, attribute, line, dev string) (string, error) {
	const pause = 10 * time.Millisecond
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(pause) {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		for _, at := range found {
			text, err := os.ReadFile(filepath.Join(at, attribute))
			if err != nil || !bytes.Contains(append(text, '\n'), []byte(line+"\n")) {
				continue
			}
			path := filepath.Join(dev, filepath.Base(at))
			if _, err := os.Stat(path); err == nil {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("the kernel made no device in %s: %w", strings.TrimSuffix(dev, "/"), fs.ErrNotExist)
}
