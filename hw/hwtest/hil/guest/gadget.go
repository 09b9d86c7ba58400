package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/hw/hwtest/hil/wire"
)

// posDescriptor is the shortest report descriptor of a HID-POS barcode reader:
// usage page 0x8C, usage 0x02, one input report of 63 bytes with id 2.
var posDescriptor = []byte{
	0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, 0x85, 0x02, 0x15, 0x00, 0x26, 0xFF, 0x00,
	0x75, 0x08, 0x95, 0x3F, 0x09, 0xFE, 0x81, 0x02, 0xC0,
}

const (
	gadget     = "/sys/kernel/config/usb_gadget/reader"
	controller = "dummy_udc.0"
	hidNode    = "/dev/hidg0"
	comNode    = "/dev/ttyGS0"
)

// Gadget makes a reader of the guest itself, with a HID-POS and a USB-COM
// interface, and plugs it into the guest, with a USB controller whose both ends
// are software (Documentation/usb/gadget_configfs.rst).
func (a *Agent) Gadget(_ wire.None, _ *wire.None) error {
	for _, m := range []string{"configfs", "dummy_hcd", "usb_f_hid", "usb_f_acm"} {
		if err := a.modules.load(m, ""); err != nil {
			return err
		}
	}
	if err := unix.Mount("configfs", "/sys/kernel/config", "configfs", 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("configfs: %w", err)
	}
	const hid, com = "/functions/hid.0", "/functions/acm.0"
	for _, dir := range []string{"", "/strings/0x409", "/configs/c.1", hid, com} {
		if err := os.MkdirAll(gadget+dir, 0o755); err != nil {
			return err
		}
	}
	for _, f := range []wire.File{
		{Path: "/idVendor", Text: "0x0c2e"},
		{Path: "/idProduct", Text: "0x0b8a"},
		{Path: "/strings/0x409/serialnumber", Text: "HIL0001"},
		{Path: "/strings/0x409/product", Text: "reader of the bench"},
		{Path: hid + "/protocol", Text: "0"},
		{Path: hid + "/subclass", Text: "0"},
		{Path: hid + "/report_length", Text: "64"},
		{Path: hid + "/report_desc", Text: string(posDescriptor)},
	} {
		if err := write(gadget+f.Path, f.Text); err != nil {
			return err
		}
	}
	for _, function := range []string{hid, com} { // their interfaces are numbered in this order
		if err := os.Symlink(gadget+function, filepath.Join(gadget, "configs/c.1", filepath.Base(function))); err != nil {
			return err
		}
	}
	return a.PlugGadget(true, nil)
}

// PlugGadget plugs the gadget in, or pulls it.
func (a *Agent) PlugGadget(in bool, _ *wire.None) error {
	if in {
		return write(gadget+"/UDC", controller)
	}
	return write(gadget+"/UDC", "\n")
}

// Report lets the gadget send reports. Each waits until the host's side has
// taken the one before.
func (a *Agent) Report(r wire.Reports, _ *wire.None) error {
	if err := await(hidNode); err != nil {
		return err
	}
	f, err := os.OpenFile(hidNode, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	for _, report := range r.Data {
		if _, writeErr := f.Write(report); writeErr != nil {
			err = errors.Join(err, writeErr)
		}
	}
	return errors.Join(err, f.Close())
}

// Send lets the gadget's USB-COM interface send text.
func (a *Agent) Send(text string, _ *wire.None) error {
	if err := await(comNode); err != nil {
		return err
	}
	f, err := os.OpenFile(comNode, os.O_WRONLY|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// Load loads a module; its parameters follow its name.
func (a *Agent) Load(module string, _ *wire.None) error {
	name, parameters, _ := strings.Cut(module, " ")
	return a.modules.load(name, parameters)
}

// Write writes to one of the kernel's files.
func (a *Agent) Write(f wire.File, _ *wire.None) error { return write(f.Path, f.Text) }

func write(path, text string) error { return os.WriteFile(path, []byte(text), 0o644) }
