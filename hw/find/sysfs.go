package find

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"github.com/venuegate/venuegate/hw/input"
)

// Finder looks at the devices of a machine.
type Finder struct {
	sys  fs.FS  // the mount of sysfs
	root string // stands before every path outside of it
}

// Under returns a Finder of the machine whose files lie below root: "/", or
// where a container sees its host.
func Under(root string) Finder {
	if abs, err := filepath.Abs(root); err == nil {
		root = abs
	}
	return Finder{sys: os.DirFS(filepath.Join(root, "sys")), root: root}
}

// maxText is the longest text a USB descriptor can hold, in UTF-16 units.
const maxText = 126

// List returns every device of the four classes, whether a gate can use it or
// not, in a fixed order. Virtual consoles and serial ports without a chip are
// left out. A device that goes while it is looked at is not there.
func (f Finder) List() ([]Device, error) {
	var all []Device
	for _, c := range Classes() {
		dir := path.Join("class", c.folder())
		entries, err := fs.ReadDir(f.sys, dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the kernel has no driver of that class
		}
		if err != nil {
			return nil, fmt.Errorf("list %s devices: %w", c, err)
		}
		for _, e := range entries {
			d, ok, err := f.look(c, dir, e.Name())
			if err != nil {
				return nil, fmt.Errorf("look at %s: %w", e.Name(), err)
			}
			if ok {
				all = append(all, d)
			}
		}
	}
	sortDevices(all)
	return all, nil
}

// look reads what there is to know of one entry of a class's folder.
func (f Finder) look(c Class, dir, name string) (Device, bool, error) {
	if !c.names(name) {
		return Device{}, false, nil
	}
	link, err := fs.ReadLink(f.sys, path.Join(dir, name))
	if gone(err) {
		return Device{}, false, nil
	}
	if err != nil {
		return Device{}, false, err
	}
	at := path.Join(dir, link) // the device's own folder, in /sys/devices
	if c == ClassSerial && strings.HasPrefix(at, "devices/virtual/") {
		return Device{}, false, nil
	}
	r := attributes{sys: f.sys}
	d := Device{Class: c, Path: filepath.Join(f.root, "dev", c.file(name)), Usable: true}
	switch c {
	case ClassSerial:
		if r.text(at, "type") == "0" {
			return Device{}, false, r.err // a port that the kernel found no chip for
		}
		d.Line = r.number(path.Dir(path.Dir(at)), "port_number")
	case ClassInput:
		d.Model = r.text(path.Dir(at), "name")
		d.Usable = types(string(r.bytes(path.Dir(at), "capabilities/key")))
	case ClassHIDRaw:
		d.Usable = input.IsHIDPOS(r.bytes(path.Dir(path.Dir(at)), "report_descriptor"))
	case ClassVideo:
		d.Model = r.text(at, "name")
		d.Line = r.number(at, "index")
		d.Usable = d.Line == 0 // the others of a camera carry data about the pictures
	}
	r.usb(at, &d)
	return d, true, r.err
}

// names reports whether an entry of the class's folder is a device file that a
// driver could open.
func (c Class) names(name string) bool {
	switch c {
	case ClassInput:
		return strings.HasPrefix(name, "event")
	case ClassVideo:
		return strings.HasPrefix(name, "video")
	default:
		return true
	}
}

// file is the device file of an entry, below /dev.
func (c Class) file(name string) string {
	if c == ClassInput {
		return "input/" + name
	}
	return name
}

// attributes reads files of sysfs, and remembers the first error that is not
// the device's being gone, or never having had such a file.
type attributes struct {
	sys fs.FS
	err error
}

func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.EIO)
}

func (r *attributes) bytes(dir, name string) []byte {
	b, err := fs.ReadFile(r.sys, path.Join(dir, name))
	if err != nil && !gone(err) && r.err == nil {
		r.err = err
	}
	return b
}

// text reads one line of text, made fit to be printed.
func (r *attributes) text(dir, name string) string {
	text := []rune(strings.TrimSpace(string(r.bytes(dir, name))))
	if len(text) > maxText {
		text = text[:maxText]
	}
	return strings.Map(func(c rune) rune {
		if c == unicode.ReplacementChar || !unicode.IsPrint(c) {
			return '_'
		}
		return c
	}, string(text))
}

func (r *attributes) number(dir, name string) int {
	n, _ := strconv.ParseUint(r.text(dir, name), 10, 16) // none is 0
	return int(n)
}

func (r *attributes) id(dir, name string) uint16 {
	n, _ := strconv.ParseUint(r.text(dir, name), 16, 16)
	return uint16(n)
}

// usb fills in what the USB device says of itself. The kernel's folders are
// named after the sockets: …/1-1/1-1.2/1-1.2:1.0/ttyUSB0 is interface 1.0 of
// what is plugged into socket 2 of the hub in socket 1 of bus 1.
func (r *attributes) usb(at string, d *Device) {
	for dir := at; len(dir) > 1; dir = path.Dir(dir) {
		port, iface, ok := strings.Cut(path.Base(dir), ":")
		if !ok || !isPort(port) || !isInterface(iface) {
			continue
		}
		device := path.Dir(dir)
		d.Port, d.Interface = port, iface
		d.Vendor, d.Product = r.id(device, "idVendor"), r.id(device, "idProduct")
		d.Serial = r.text(device, "serial")
		d.Maker = r.text(device, "manufacturer")
		if model := r.text(device, "product"); model != "" {
			d.Model = model
		}
		if driver, err := fs.ReadLink(r.sys, path.Join(dir, "driver")); err == nil {
			d.Driver = path.Base(driver)
		}
		return
	}
}

// types reports whether an input device has the keys of a reader: digits and
// Enter. A mouse has not, nor have the volume keys of a keyboard, which are an
// input device of their own. The text is words of hexadecimal bits, the lowest
// last (Linux, Documentation/input/event-codes.rst, and input.c); all these
// keys are in the lowest 32 bits.
func types(keys string) bool {
	const first, last, enter = 2, 11, 28 // KEY_1, KEY_0, KEY_ENTER of input-event-codes.h
	words := strings.Fields(keys)
	if len(words) == 0 {
		return false
	}
	bits, err := strconv.ParseUint(words[len(words)-1], 16, 64)
	const wanted = 1<<(last+1) - 1<<first | 1<<enter
	return err == nil && bits&wanted == wanted
}
