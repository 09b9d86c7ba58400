// Package findtest makes a folder look like the /sys and /dev of a machine, and
// plugs things into it. The folders and links are those of Linux 6.12, so that
// hw/find walks them as it does on a gate.
//
// The tests of hw/find and of venuegate devices use it; no product path does.
package findtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/venuegate/venuegate/hw/find"
)

// bus is where a box has its USB: one controller on PCI.
const bus = "sys/devices/pci0000:00/0000:00:14.0"

// Machine is a folder that looks like a machine.
type Machine struct {
	Root string
	made map[string]string // by device file: its folder in sys/devices
}

// New makes a machine with nothing plugged in, but with the consoles that every
// one has, in an empty folder.
func New(root string) (*Machine, error) {
	m := &Machine{Root: root, made: map[string]string{}}
	const virtual = "sys/devices/virtual/tty/tty1"
	return m, errors.Join(
		m.write("dev/tty1", ""), m.write(virtual+"/active", "tty1"), m.link(virtual, "sys/class/tty/tty1"),
		m.serialPort("ttyS0", "4"), m.serialPort("ttyS1", "0"), // a chip, and none
	)
}

func (m *Machine) serialPort(name, chip string) error {
	at := "sys/devices/pnp0/00:00/00:00:0/00:00:0.0/tty/" + name
	return errors.Join(m.write("dev/"+name, ""), m.write(at+"/type", chip), m.link(at, "sys/class/tty/"+name))
}

// Plug makes the device appear, whose Path is as on a real machine. Its file is
// a link to target, or an empty file when target is empty.
func (m *Machine) Plug(d find.Device, target string) error {
	name := filepath.Base(d.Path)
	number, _, ok := strings.Cut(d.Port, "-")
	if !ok {
		return fmt.Errorf("%q is no USB port", d.Port)
	}
	socket := bus + "/usb" + number
	for i, c := range d.Port {
		if c == '.' {
			socket += "/" + d.Port[:i]
		}
	}
	socket += "/" + d.Port
	iface := socket + "/" + d.Where()
	hid := fmt.Sprintf("%s/0003:%04X:%04X.0001", iface, d.Vendor, d.Product)
	errs := []error{
		m.write(socket+"/idVendor", fmt.Sprintf("%04x", d.Vendor)),
		m.write(socket+"/idProduct", fmt.Sprintf("%04x", d.Product)),
	}
	for file, text := range map[string]string{"serial": d.Serial, "manufacturer": d.Maker, "product": d.Model} {
		if text != "" {
			errs = append(errs, m.write(socket+"/"+file, text))
		}
	}
	if d.Driver != "" {
		errs = append(errs, os.MkdirAll(m.path(iface), 0o755), m.link("sys/bus/usb/drivers/"+d.Driver, iface+"/driver"))
	}
	var at, class string
	switch {
	case d.Class == find.ClassSerial && strings.HasPrefix(name, "ttyACM"):
		at, class = iface+"/tty/"+name, "tty"
	case d.Class == find.ClassSerial:
		at, class = iface+"/"+name+"/tty/"+name, "tty"
		errs = append(errs, m.write(iface+"/"+name+"/port_number", fmt.Sprint(d.Line)))
	case d.Class == find.ClassInput:
		at, class = hid+"/input/input9/"+name, "input"
		keys := "e080ffdf01cfffff fffffffffffffffe" // of a real keyboard
		if !d.Usable {
			keys = "70000 0 0 0 0" // of a mouse
		}
		errs = append(errs, m.write(hid+"/input/input9/capabilities/key", keys), m.write(hid+"/input/input9/name", d.Model))
	case d.Class == find.ClassHIDRaw:
		at, class = hid+"/hidraw/"+name, "hidraw"
		descriptor := "\x05\x8c\x09\x02\xa1\x01"
		if !d.Usable {
			descriptor = "\x05\x01\x09\x06\xa1\x01" // of a keyboard
		}
		errs = append(errs, m.write(hid+"/report_descriptor", descriptor))
	case d.Class == find.ClassVideo:
		at, class = iface+"/video4linux/"+name, "video4linux"
		errs = append(errs, m.write(at+"/name", d.Model), m.write(at+"/index", fmt.Sprint(d.Line)))
	default:
		return fmt.Errorf("no class is %v", d.Class)
	}
	errs = append(errs, os.MkdirAll(m.path(at), 0o755), m.link(at, "sys/class/"+class+"/"+name))
	if target == "" {
		errs = append(errs, m.write(d.Path, ""))
	} else {
		errs = append(errs, os.MkdirAll(filepath.Dir(m.path(d.Path)), 0o755), os.Symlink(target, m.path(d.Path)))
	}
	m.made[d.Path] = "sys/class/" + class + "/" + name
	return errors.Join(errs...)
}

// Unplug makes the device file and what points to it go.
func (m *Machine) Unplug(d find.Device) error {
	return errors.Join(os.Remove(m.path(m.made[d.Path])), os.Remove(m.path(d.Path)))
}

func (m *Machine) path(name string) string { return filepath.Join(m.Root, name) }

func (m *Machine) write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(m.path(name), []byte(text+"\n"), 0o600)
}

// link makes a relative symbolic link, as all of sysfs are.
func (m *Machine) link(target, name string) error {
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755); err != nil {
		return err
	}
	relative, err := filepath.Rel(filepath.Dir(name), target)
	if err != nil {
		return err
	}
	if err := os.Remove(m.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Symlink(relative, m.path(name))
}
