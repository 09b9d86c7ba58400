package hil_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/venuegate/venuegate/hw/hwtest/hil"
)

// total is how long the bench may take, with what it has to fetch.
const total = 290 * time.Second

// bench is what all guests have in common.
type bench struct {
	ctx       context.Context //nolint:containedctx // lives as long as the test
	kernel    *hil.Kernel
	initramfs string
	venue     *venue
	random    *rand.Rand
}

// TestBench is "make hil".
func TestBench(t *testing.T) {
	if os.Getenv("VENUEGATE_HIL") == "" {
		t.Skip("make hil runs this: it boots machines in QEMU, for minutes")
	}
	ctx, cancel := context.WithTimeout(t.Context(), total)
	defer cancel()
	say := func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
	begin := time.Now()
	kernel, err := hil.Prepare(ctx, cacheDir(t), say)
	var missing *hil.UnavailableError
	switch {
	case errors.As(err, &missing):
		say("skipped: %s", missing.Why)
		t.Skip(missing.Why)
	case err != nil:
		t.Fatal(err)
	}
	bin := binaries(t)
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("VENUEGATE_HIL_SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	b := &bench{
		ctx: ctx, kernel: kernel, initramfs: initramfs(t, kernel, bin),
		venue: newVenue(t, filepath.Join(bin, "venuegate")), random: rand.New(rand.NewPCG(seed, 0)),
	}
	say("Linux %s in QEMU; ready to boot after %.1f s; seed %d", kernel.Name, time.Since(begin).Seconds(), seed)
	t.Run("devices", b.devices)
	t.Run("power", b.power)
	say("%.0f s in all", time.Since(begin).Seconds())
}

// scenario runs one thing that must hold and prints a line about it.
func scenario(t *testing.T, name string, do func(t *testing.T) (figures string)) bool {
	return t.Run(name, func(t *testing.T) {
		begin, figures := time.Now(), ""
		defer func() {
			result := "pass"
			if t.Failed() {
				result = "FAIL"
			}
			fmt.Printf("%s %6.1f s  %s", result, time.Since(begin).Seconds(), name)
			if figures != "" {
				fmt.Printf(": %s", figures)
			}
			fmt.Println()
		}()
		figures = do(t)
	})
}

// spec is a machine with everything plugged in.
func (b *bench) spec(t *testing.T, disk *hil.Disk) hil.Spec {
	return hil.Spec{
		Kernel: b.kernel, Initramfs: b.initramfs, Disk: disk, Adapters: adapters(), Keyboard: "keyboard",
		Console: filepath.Join(t.TempDir(), "console"),
	}
}

func (b *bench) disk(t *testing.T) *hil.Disk {
	return hil.NewDisk(b.venue.partition(t), rand.New(rand.NewPCG(b.random.Uint64(), 0)))
}

// cacheDir is where what was fetched stays.
func cacheDir(t *testing.T) string {
	if dir := os.Getenv("VENUEGATE_HIL_CACHE"); dir != "" {
		return dir
	}
	dir, err := filepath.Abs("../../../.cache/hil")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// binaries is the folder with the daemon and the tool that are tested.
func binaries(t *testing.T) string {
	dir := os.Getenv("VENUEGATE_HIL_BIN")
	if dir == "" {
		dir = "../../../bin"
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"venuegated", "venuegate"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Fatalf("%v\nmake build makes it", err)
		}
	}
	return dir
}
