package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/hw/hwtest/hil/wire"
)

// deviceLinks are the links that udev's rules make from where a device is
// plugged in (60-serial.rules and its like), kept as devices come and go.
type deviceLinks struct {
	mu    sync.Mutex
	links []wire.Link
}

// linkFolders are the folders of links, by the kernel's class.
var linkFolders = map[string]string{
	"tty": "/dev/serial/by-path", "input": "/dev/input/by-path", "hidraw": "/dev/hidraw-by-path", "video4linux": "/dev/v4l/by-path",
}

// watchDevices links what is there and what comes, for as long as the guest runs.
func watchDevices() (*deviceLinks, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("uevents: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}); err != nil {
		return nil, fmt.Errorf("uevents: %w", err)
	}
	d := &deviceLinks{}
	for class := range linkFolders {
		nodes, _ := filepath.Glob("/sys/class/" + class + "/*") // the pattern is good
		for _, n := range nodes {
			if path, err := filepath.EvalSymlinks(n); err == nil {
				d.add(class, strings.TrimPrefix(path, "/sys"), nodeOf(path))
			}
		}
	}
	go d.follow(fd)
	return d, nil
}

// nodeOf returns the device file's name of a folder in sysfs.
func nodeOf(path string) string {
	text, _ := os.ReadFile(filepath.Join(path, "uevent")) // no file, no name
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "DEVNAME="); ok {
			return strings.TrimSpace(name)
		}
	}
	return ""
}

func (d *deviceLinks) follow(fd int) {
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(fd, buf)
		if err != nil {
			fmt.Println("guest: uevents:", err)
			return
		}
		event := map[string]string{}
		for _, field := range bytes.Split(buf[:n], []byte{0}) {
			if name, value, ok := strings.Cut(string(field), "="); ok {
				event[name] = value
			}
		}
		switch event["ACTION"] {
		case "add":
			d.add(event["SUBSYSTEM"], event["DEVPATH"], event["DEVNAME"])
		case "remove":
			d.remove("/dev/" + event["DEVNAME"])
		}
	}
}

func (d *deviceLinks) add(class, devpath, name string) {
	path, ok := linkOf(class, devpath)
	if !ok || name == "" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	l := wire.Link{Path: path, Node: "/dev/" + name, At: time.Now()}
	_ = os.MkdirAll(filepath.Dir(path), 0o755)
	_ = os.Remove(path)
	if err := os.Symlink(l.Node, path); err != nil {
		fmt.Println("guest:", err)
	}
	d.links = append(d.links, l)
	fmt.Println("guest:", path, "is", l.Node)
}

func (d *deviceLinks) remove(node string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.links = slices.DeleteFunc(d.links, func(l wire.Link) bool {
		if l.Node != node {
			return false
		}
		_ = os.Remove(l.Path)
		return true
	})
}

func (d *deviceLinks) all() []wire.Link {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.links)
}

var (
	pciPart      = regexp.MustCompile(`/(\d{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d)/`)
	platformPart = regexp.MustCompile(`^/devices/platform/([^/]+)/`)
	usbPart      = regexp.MustCompile(`/\d+-([\d.]+):(\d+\.\d+)/`)
)

// linkOf names a device by the way to it: pci-0000:00:04.0-usb-0:1:1.0-port0.
func linkOf(class, devpath string) (string, bool) {
	folder, ok := linkFolders[class]
	if !ok {
		return "", false
	}
	var way string
	if m := pciPart.FindStringSubmatch(devpath); m != nil {
		way = "pci-" + m[1]
	} else if m := platformPart.FindStringSubmatch(devpath); m != nil {
		way = "platform-" + m[1]
	} else {
		return "", false
	}
	if m := usbPart.FindStringSubmatch(devpath); m != nil {
		way += "-usb-0:" + m[1] + ":" + m[2]
	}
	base := filepath.Base(devpath)
	switch class {
	case "tty":
		if !strings.HasPrefix(base, "ttyUSB") && !strings.HasPrefix(base, "ttyACM") {
			return "", false
		}
		way += "-port0"
	case "input":
		if !strings.HasPrefix(base, "event") {
			return "", false
		}
		way += "-event"
	case "video4linux":
		way += "-" + base
	}
	return filepath.Join(folder, way), true
}
