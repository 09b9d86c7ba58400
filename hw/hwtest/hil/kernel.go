package hil

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// UnavailableError says why this machine cannot run the bench. It is no failure of
// what is tested.
type UnavailableError struct{ Why string }

// Error implements error.
func (u *UnavailableError) Error() string { return u.Why }

func unavailable(format string, args ...any) error {
	return &UnavailableError{fmt.Sprintf(format, args...)}
}

// Programs that the bench calls, and Debian's packages for them.
const (
	QEMU         = "qemu-system-x86_64"
	qemuPackage  = "qemu-system-x86"
	Mke2fs       = "mke2fs"
	mke2fsInDeb  = "e2fsprogs"
	kernelMeta   = "linux-image-amd64" // depends on the newest kernel
	kernelFolder = "lib/modules"
)

// wantedModules are the modules that the guest may load.
var wantedModules = []string{
	"virtio_pci", "virtio_blk", "virtio_console", "crc32c_generic", "ext4", // disk and control
	"xhci_pci", "ftdi_sio", "cdc_acm", "usbhid", "hid_generic", "evdev", // what is plugged in
	"configfs", "dummy_hcd", "usb_f_hid", "usb_f_acm", // a gadget plugged into ourselves
	"vivid", // a camera
}

// Kernel is a kernel image and the modules that go with it.
type Kernel struct {
	Name    string
	Image   string
	Modules Modules
}

// Prepare installs QEMU where it is missing, and fetches and unpacks Debian's
// kernel into the cache, once. Nothing of the kernel is installed. say is told
// what is installed and fetched. The error is an *UnavailableError where this
// machine cannot have them.
func Prepare(ctx context.Context, cache string, say func(format string, args ...any)) (*Kernel, error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return nil, unavailable("the bench's guest is linux/amd64, and this machine is %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	a := &apt{say: say}
	if err := errors.Join(a.need(ctx, QEMU, qemuPackage), a.need(ctx, Mke2fs, mke2fsInDeb)); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, wantedModules) // a hash takes everything
	ready := filepath.Join(cache, fmt.Sprintf("kernel-%08x", h.Sum32()))
	if _, err := os.Stat(ready); err != nil {
		if err := a.unpackKernel(ctx, cache, ready); err != nil {
			return nil, err
		}
	}
	name, err := os.ReadFile(filepath.Join(ready, "name"))
	if err != nil {
		return nil, fmt.Errorf("%w\nRemove %s to fetch the kernel again", err, ready)
	}
	modules, err := FindModules(ready)
	return &Kernel{Name: string(name), Image: filepath.Join(ready, "vmlinuz"), Modules: modules}, err
}

// unpackKernel leaves the kernel's image and the wanted modules in a folder that
// appears whole or not at all.
func (a *apt) unpackKernel(ctx context.Context, cache, ready string) error {
	deb, err := a.kernel(ctx, cache)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(cache, "unpack-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	all, out := filepath.Join(work, "all"), filepath.Join(work, "out")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if err := run(ctx, "", "dpkg-deb", "-x", deb, all); err != nil {
		return err
	}
	images, err := filepath.Glob(filepath.Join(all, "boot", "vmlinuz-*"))
	if err != nil || len(images) != 1 {
		return fmt.Errorf("%s: %d kernel images in it", deb, len(images))
	}
	name := strings.TrimPrefix(filepath.Base(images[0]), "vmlinuz-")
	modules, err := FindModules(filepath.Join(all, kernelFolder))
	if err != nil {
		return err
	}
	list, err := modules.With(wantedModules...)
	if err != nil {
		return err
	}
	for _, m := range list {
		if err := os.WriteFile(filepath.Join(out, m.Name+".ko"), m.Code, 0o644); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(out, "name"), []byte(name), 0o644); err != nil {
		return err
	}
	if err := os.Rename(images[0], filepath.Join(out, "vmlinuz")); err != nil {
		return err
	}
	return os.Rename(out, ready)
}

// apt installs and fetches Debian's packages.
type apt struct {
	say     func(format string, args ...any)
	updated bool
}

// need installs a package where its program is missing.
func (a *apt) need(ctx context.Context, program, pkg string) error {
	if _, err := exec.LookPath(program); err == nil {
		return nil
	}
	if _, err := os.Stat(filepath.Join("/usr/sbin", program)); err == nil {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return unavailable("%s is missing, and there is no apt-get to install %s", program, pkg)
	}
	a.say("installing %s for %s", pkg, program)
	if err := a.update(ctx); err != nil {
		return unavailable("%s cannot be installed: %v", pkg, err)
	}
	if err := asRoot(ctx, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", "--no-install-recommends", pkg); err != nil {
		return unavailable("%s cannot be installed: %v", pkg, err)
	}
	return nil
}

// update fetches the lists of packages, once.
func (a *apt) update(ctx context.Context) error {
	if a.updated {
		return nil
	}
	a.updated = true
	return asRoot(ctx, "apt-get", "update", "-qq")
}

func asRoot(ctx context.Context, command ...string) error {
	if os.Getuid() != 0 {
		command = append([]string{"sudo", "-n"}, command...)
	}
	return run(ctx, "", command...)
}

var kernelPackage = regexp.MustCompile(`\blinux-image-[0-9][0-9a-z.+-]*-amd64\b`)

// kernel fetches the kernel's package into the cache, unless one is there.
func (a *apt) kernel(ctx context.Context, cache string) (string, error) {
	find := func() string {
		found, _ := filepath.Glob(filepath.Join(cache, "linux-image-*.deb")) // the pattern is good
		if len(found) == 0 {
			return ""
		}
		return found[len(found)-1]
	}
	if deb := find(); deb != "" {
		return deb, nil
	}
	err := a.download(ctx, cache)
	if err != nil && !a.updated { // old lists name packages that are gone
		if err = a.update(ctx); err == nil {
			err = a.download(ctx, cache)
		}
	}
	if err != nil {
		return "", unavailable("the guest's kernel cannot be fetched: %v", err)
	}
	if deb := find(); deb != "" {
		return deb, nil
	}
	return "", fmt.Errorf("apt-get left no package in %s", cache)
}

// download fetches the newest kernel that apt knows.
func (a *apt) download(ctx context.Context, cache string) error {
	out, err := exec.CommandContext(ctx, "apt-cache", "depends", kernelMeta).Output()
	pkg := kernelPackage.Find(out)
	if err != nil || pkg == nil {
		return fmt.Errorf("apt knows no %s", kernelMeta)
	}
	a.say("fetching %s into %s", pkg, cache)
	return run(ctx, cache, "apt-get", "download", "-qq", string(pkg))
}

// run runs a command in a folder; its output is in the error.
func run(ctx context.Context, dir string, command ...string) error {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		said := strings.TrimSpace(string(out))
		if said != "" {
			said = "\n" + said
		}
		return fmt.Errorf("%s: %w%s", strings.Join(command, " "), err, said)
	}
	return nil
}
