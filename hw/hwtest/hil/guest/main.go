// Command guest is the first process of the bench's guest: it mounts what a
// Linux has, loads modules, makes the links that udev would make, and then does
// what the host asks of it over a virtio serial port until it is switched off.
//
// It decides nothing and checks nothing; the tests on the host do. It is built
// into the initramfs and runs nowhere else.
package main

import (
	"errors"
	"fmt"
	"net/rpc"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/hw/hwtest/hil/wire"
)

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "guest is the first process of a test's machine, and of nothing else")
		os.Exit(64)
	}
	err := live()
	fmt.Println("guest:", err)
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF) // where it fails, the kernel panics, which ends the machine too
}

// live serves the host until the control port ends.
func live() error {
	if err := mount(); err != nil {
		return err
	}
	modules, err := readModuleList("/modules/list")
	if err != nil {
		return err
	}
	for _, name := range []string{
		"virtio_pci", "virtio_blk", "virtio_console", "crc32c_generic", "ext4",
		"xhci_pci", "ftdi_sio", "cdc_acm", "usbhid", "hid_generic", "evdev",
	} {
		if err := modules.load(name, ""); err != nil {
			return err
		}
	}
	links, err := watchDevices()
	if err != nil {
		return err
	}
	if err := loopbackUp(); err != nil {
		return err
	}
	if err := mountGate(); err != nil {
		return err
	}
	port, err := controlPort()
	if err != nil {
		return err
	}
	server := rpc.NewServer()
	agent := &Agent{modules: modules, links: links}
	if err := server.RegisterName(wire.Service, agent); err != nil {
		return err
	}
	server.ServeConn(port)
	return errors.New("the host has gone")
}

func mount() error {
	for _, m := range []struct{ what, at string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/run"}, {"tmpfs", "/tmp"},
	} {
		if err := os.MkdirAll(m.at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.what, m.at, m.what, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	return nil
}

// mountGate mounts the gate's disk.
func mountGate() error {
	const disk, at = "/dev/vda", "/gate"
	if err := await(disk); err != nil {
		return err
	}
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(disk, at, "ext4", unix.MS_NOATIME, ""); err != nil {
		return fmt.Errorf("mount the gate's disk: %w", err)
	}
	return nil
}

// loopbackUp brings the loopback interface up; the kernel knows its address.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// controlPort opens the virtio port that the host listens at.
func controlPort() (*os.File, error) {
	var ports []string
	err := poll(func() bool {
		ports, _ = filepath.Glob("/sys/class/virtio-ports/*/name") // the pattern is good
		for _, p := range ports {
			if text, err := os.ReadFile(p); err == nil && strings.TrimSpace(string(text)) == wire.PortName {
				ports = []string{filepath.Join("/dev", filepath.Base(filepath.Dir(p)))}
				return true
			}
		}
		return false
	})
	if err != nil {
		return nil, fmt.Errorf("control port: %w", err)
	}
	return os.OpenFile(ports[0], os.O_RDWR, 0)
}

func await(path string) error {
	err := poll(func() bool {
		_, err := os.Stat(path)
		return err == nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

var errNeverCame = errors.New("did not come")

// poll waits for what the kernel does in its own time after a module was loaded.
func poll(ok func() bool) error {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return nil
		}
	}
	return errNeverCame
}
