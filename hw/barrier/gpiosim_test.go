package barrier_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/barrier"
	"github.com/venuegate/venuegate/hw/hwtest"
)

// simChip is a chip of the kernel's gpio-sim module, made through configfs
// (Documentation/admin-guide/gpio/gpio-sim.rst).
type simChip struct{ config, chip, lines string }

func newSimChip(t *testing.T) simChip {
	t.Helper()
	const module = "/sys/kernel/config/gpio-sim"
	if _, err := os.Stat(module); err != nil {
		t.Skipf("this kernel has no gpio-sim: %v", err)
	}
	config := filepath.Join(module, "venuegate-test")
	bank := filepath.Join(config, "bank0")
	if err := os.Mkdir(config, 0o755); err != nil {
		t.Skipf("gpio-sim cannot be used: %v", err)
	}
	must(t, os.Mkdir(bank, 0o755))
	write := func(path, value string) {
		t.Helper()
		must(t, os.WriteFile(path, []byte(value), 0o644))
	}
	read := func(path string) string {
		t.Helper()
		b, err := os.ReadFile(path)
		must(t, err)
		return strings.TrimSpace(string(b))
	}
	write(filepath.Join(bank, "num_lines"), "32")
	write(filepath.Join(config, "live"), "1")
	t.Cleanup(func() {
		write(filepath.Join(config, "live"), "0")
		if err := errors.Join(os.Remove(bank), os.Remove(config)); err != nil {
			t.Error(err)
		}
	})
	chip := read(filepath.Join(bank, "chip_name"))
	return simChip{
		config: config, chip: chip,
		lines: filepath.Join("/sys/devices/platform", read(filepath.Join(config, "dev_name")), chip),
	}
}

func (s simChip) line(offset int) string {
	return filepath.Join(s.lines, "sim_gpio"+strconv.Itoa(offset))
}

// contact closes or opens a contact to ground.
func (s simChip) contact(t testing.TB, offset int, closed bool) {
	t.Helper()
	pull := "pull-up"
	if closed {
		pull = "pull-down"
	}
	must(t, os.WriteFile(filepath.Join(s.line(offset), "pull"), []byte(pull), 0o644))
}

// awaitLine polls what an output drives: sysfs tells nobody of changes.
func (s simChip) awaitLine(t testing.TB, offset int, want string) {
	t.Helper()
	for over := time.Now().Add(30 * time.Second); ; {
		b, err := os.ReadFile(filepath.Join(s.line(offset), "value"))
		must(t, err)
		if strings.TrimSpace(string(b)) == want {
			return
		}
		if time.Now().After(over) {
			t.Fatalf("line %d is %s", offset, b)
		}
	}
}

// The kernel's own lines, debounced by it.
func TestGPIOSim(t *testing.T) {
	sim := newSimChip(t)
	for n := 1; n <= 4; n++ {
		sim.contact(t, n, true)
	}
	r := &gpioRig{bench: newBench()}
	exit := lineOut
	c := contacts()
	c.Debounce = 5 * time.Millisecond
	var err error
	r.turnstile, err = barrier.NewGPIO(barrier.GPIOOptions{
		Passing: barrier.Passing{Name: "arm", Wait: time.Hour, OnEvent: r.onEvent},
		Board:   barrier.GPIOBoardOptions{Chip: sim.chip, OnState: func(s gate.DeviceState) { r.states <- s }},
		Line:    lineIn, ExitLine: &exit, Pulse: 200 * time.Millisecond, Contacts: c,
	})
	must(t, err)
	r.run(t, r.turnstile, hwtest.NewGPIO())
	done := r.open(oneIn)
	sim.awaitLine(t, lineIn, "1")
	sim.contact(t, inPass, false)
	if got := hwtest.Receive(t, done); got.err != nil || got.p != went(1) {
		t.Errorf("got %+v", got)
	}
	sim.awaitLine(t, lineIn, "0")
	sim.contact(t, inFire, false)
	r.awaitKinds(t, "fire")
}

// Without the chip the barrier says so and waits for it.
func TestGPIONoChip(t *testing.T) {
	r := &gpioRig{bench: newBench()}
	var err error
	r.turnstile, err = barrier.NewGPIO(barrier.GPIOOptions{
		Passing: barrier.Passing{Name: "arm"},
		Board:   barrier.GPIOBoardOptions{Chip: "/dev/gpiochip-none", OnState: func(s gate.DeviceState) { r.states <- s }},
	})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- r.turnstile.Run(ctx) }()
	s := hwtest.Receive(t, r.states)
	if s.Up || !errors.Is(s.Err, os.ErrNotExist) {
		t.Errorf("state %+v", s)
	}
	cancel()
	must(t, hwtest.Receive(t, ran))
}
