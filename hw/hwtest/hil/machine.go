package hil

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/venuegate/venuegate/hw/hwtest/hil/wire"
)

// Spec says what a machine is made of.
type Spec struct {
	Kernel    *Kernel
	Initramfs string // file
	Disk      *Disk
	Adapters  []string // USB serial adapters by id, in the USB ports 1, 2, …
	Keyboard  string   // id of a USB keyboard, in the port after them; empty for none
	Console   string   // file for what the guest's kernel says
}

// Machine is a running guest.
type Machine struct {
	*QMP
	spec     Spec
	dir      string // of its sockets
	process  *exec.Cmd
	exited   chan struct{}
	agent    *rpc.Client
	adapters map[string]net.Conn
	stopDisk context.CancelFunc
	tasks    sync.WaitGroup
}

// usbController is where the adapters are plugged in, by its PCI address.
const usbController = "0000:00:04.0"

// PortPath is the link to the USB serial adapter in a port, counted from 1.
func PortPath(port int) string {
	return fmt.Sprintf("/dev/serial/by-path/pci-%s-usb-0:%d:1.0-port0", usbController, port)
}

// KeyboardPath is the link to the USB keyboard in a port.
func KeyboardPath(port int) string {
	return fmt.Sprintf("/dev/input/by-path/pci-%s-usb-0:%d:1.0-event", usbController, port)
}

// HIDPath, COMPath and CameraPath are the links to the gadget's two functions
// and to the software camera.
const (
	HIDPath    = "/dev/hidraw-by-path/platform-dummy_hcd.0-usb-0:1:1.0"
	COMPath    = "/dev/serial/by-path/platform-dummy_hcd.0-usb-0:1:1.1-port0"
	CameraPath = "/dev/v4l/by-path/platform-vivid.0-video0"
)

// bootTime is how long a guest may take until its agent answers.
const bootTime = 90 * time.Second

// Boot starts a machine and waits until its agent answers. What was started is
// stopped again when Boot fails.
func Boot(ctx context.Context, spec Spec) (*Machine, error) {
	dir, err := os.MkdirTemp("", "hil-") // the path of a socket must be short
	if err != nil {
		return nil, err
	}
	m := &Machine{spec: spec, dir: dir, adapters: map[string]net.Conn{}, exited: make(chan struct{})}
	if err := m.boot(ctx); err != nil {
		m.Off()
		return nil, err
	}
	return m, nil
}

func (m *Machine) boot(ctx context.Context) error {
	listeners := map[string]net.Listener{}
	for _, name := range append([]string{"qmp", "control", "disk"}, m.spec.Adapters...) {
		l, err := net.Listen("unix", m.socket(name))
		if err != nil {
			return err
		}
		listeners[name] = l
	}
	defer func() { // once connected, nobody else is wanted
		for name, l := range listeners {
			if name != "disk" {
				_ = l.Close()
			}
		}
	}()
	diskCtx, stopDisk := context.WithCancel(context.Background())
	m.stopDisk = stopDisk
	m.tasks.Go(func() { _ = ServeNBD(diskCtx, listeners["disk"], m.spec.Disk) })
	if err := m.start(); err != nil {
		return err
	}
	var control net.Conn
	for name, l := range listeners {
		if name == "disk" {
			continue
		}
		c, err := m.accept(ctx, l)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		switch name {
		case "qmp":
			if m.QMP, err = NewQMP(c); err != nil {
				return err
			}
		case "control":
			control = c
		default:
			m.adapters[name] = c
		}
	}
	m.agent = rpc.NewClient(control)
	if err := m.Call("Links", wire.None{}, new([]wire.Link), bootTime); err != nil {
		return fmt.Errorf("the guest did not come up: %w", err)
	}
	return nil
}

func (m *Machine) socket(name string) string { return filepath.Join(m.dir, name) }

// start runs QEMU, which connects to our sockets.
func (m *Machine) start() error {
	args := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", "pc", "-accel", "tcg", "-cpu", "qemu64,+rdrand", "-smp", "1", "-m", "512",
		"-kernel", m.spec.Kernel.Image, "-initrd", m.spec.Initramfs,
		"-append", "console=ttyS0 panic=-1 loglevel=4 random.trust_cpu=on",
		"-chardev", "file,id=console,path=" + strings.ReplaceAll(m.spec.Console, ",", ",,"), "-serial", "chardev:console",
		"-qmp", "unix:" + m.socket("qmp"),
		"-device", "virtio-serial-pci", "-chardev", "socket,id=control,path=" + m.socket("control"),
		"-device", "virtserialport,chardev=control,name=" + wire.PortName,
		"-drive", "if=virtio,cache=writeback,driver=raw,file.driver=nbd,file.server.type=unix,file.server.path=" + m.socket("disk"),
		"-device", "qemu-xhci,id=usb,addr=4,p2=8,p3=8",
	}
	for i, id := range m.spec.Adapters {
		args = append(args, "-chardev", "socket,id="+id+",path="+m.socket(id), "-device",
			fmt.Sprintf("usb-serial,id=%s,chardev=%s,always-plugged=on,bus=usb.0,port=%d", id, id, i+1))
	}
	if k := m.spec.Keyboard; k != "" {
		args = append(args, "-device", fmt.Sprintf("usb-kbd,id=%s,bus=usb.0,port=%d", k, len(m.spec.Adapters)+1))
	}
	m.process = exec.Command(QEMU, args...)
	var complaints strings.Builder
	m.process.Stdout, m.process.Stderr = &complaints, &complaints
	if err := m.process.Start(); err != nil {
		m.process = nil
		return err
	}
	m.tasks.Go(func() {
		defer close(m.exited)
		if err := m.process.Wait(); err != nil && complaints.Len() > 0 {
			fmt.Fprintln(os.Stderr, strings.TrimSpace(complaints.String()))
		}
	})
	return nil
}

var errQEMUEnded = errors.New("QEMU has ended")

// accept waits for QEMU to connect.
func (m *Machine) accept(ctx context.Context, l net.Listener) (net.Conn, error) {
	type accepted struct {
		conn net.Conn
		err  error
	}
	got := make(chan accepted, 1)
	m.tasks.Go(func() {
		c, err := l.Accept()
		got <- accepted{c, err}
	})
	select {
	case a := <-got:
		return a.conn, a.err
	case <-m.exited:
		_ = l.Close()
		return nil, errQEMUEnded
	case <-ctx.Done():
		_ = l.Close()
		return nil, ctx.Err()
	}
}

// Adapter is the host's end of a USB serial adapter. It stays the same however
// often the adapter is unplugged.
func (m *Machine) Adapter(id string) net.Conn { return m.adapters[id] }

// Plug plugs an adapter back into its port.
func (m *Machine) Plug(id string) error {
	port := 0
	for i, name := range m.spec.Adapters {
		if name == id {
			port = i + 1
		}
	}
	_, err := m.Do("device_add", map[string]any{
		"driver": "usb-serial", "id": id, "chardev": id, "always-plugged": true, "bus": "usb.0", "port": fmt.Sprint(port),
	})
	return err
}

// PlugKeyboard plugs the keyboard back in.
func (m *Machine) PlugKeyboard() error {
	_, err := m.Do("device_add", map[string]any{
		"driver": "usb-kbd", "id": m.spec.Keyboard, "bus": "usb.0", "port": fmt.Sprint(len(m.spec.Adapters) + 1),
	})
	return err
}

// ErrNoAnswer is what a call of a guest's agent returns when it takes too long.
var ErrNoAnswer = errors.New("the guest does not answer")

// Call calls a method of the guest's agent.
func (m *Machine) Call(method string, args, reply any, within time.Duration) error {
	call := m.agent.Go(wire.Service+"."+method, args, reply, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		if call.Error != nil {
			return fmt.Errorf("guest: %s: %w", method, call.Error)
		}
		return nil
	case <-m.exited:
		return fmt.Errorf("guest: %s: %w", method, errQEMUEnded)
	case <-time.After(within):
		return fmt.Errorf("guest: %s: %w within %v", method, ErrNoAnswer, within)
	}
}

// Off switches the machine off as a plug that is pulled does, and waits until
// everything of it has ended.
func (m *Machine) Off() {
	if m.process != nil {
		_ = m.process.Process.Kill() // it may have ended by itself
		<-m.exited
	}
	if m.agent != nil {
		_ = m.agent.Close()
	}
	if m.QMP != nil {
		_ = m.conn.Close()
	}
	for _, c := range m.adapters {
		_ = c.Close()
	}
	if m.stopDisk != nil {
		m.stopDisk()
	}
	_ = os.RemoveAll(m.dir)
	m.tasks.Wait()
}
