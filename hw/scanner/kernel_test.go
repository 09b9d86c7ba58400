package scanner_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/input"
	"github.com/venuegate/venuegate/hw/port"
	"github.com/venuegate/venuegate/hw/scanner"
)

// These tests play devices to the kernel. They need root and the modules uinput,
// evdev, uhid and hidraw, and say so where there are none.
func unlessMissing(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		t.Skipf("this kernel lets nobody play a device here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// played is a driver on a device that the kernel believes in.
type played struct {
	readings chan gate.Reading
	states   chan gate.DeviceState
}

func (p *played) run(t *testing.T, r interface {
	Run(ctx context.Context, deliver func(gate.Reading)) error
},
) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, func(r gate.Reading) { p.readings <- r }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func newPlayed(link string) (*played, input.Options) {
	p := &played{readings: make(chan gate.Reading, 10), states: make(chan gate.DeviceState, 100)}
	return p, input.Options{
		Path: link, BackoffMin: time.Millisecond, BackoffMax: 20 * time.Millisecond,
		OnState: func(s gate.DeviceState) { p.states <- s },
	}
}

// point makes link lead to path, as udev does for /dev/input/by-id.
func point(t *testing.T, link, path string) {
	t.Helper()
	tmp := link + ".new"
	must(t, os.Symlink(path, tmp))
	must(t, os.Rename(tmp, link))
}

func TestWedgeOnTheKernel(t *testing.T) {
	name := fmt.Sprintf("venuegate test keyboard %d", os.Getpid())
	keyboard, err := hwtest.NewKeyboard(name)
	unlessMissing(t, err)
	link := filepath.Join(t.TempDir(), "wedge")
	point(t, link, keyboard.Path())
	p, dev := newPlayed(link)
	w, err := scanner.NewWedge(scanner.WedgeOptions{Name: "wedge", Device: dev})
	must(t, err)
	p.run(t, w)
	if s := hwtest.Receive(t, p.states); !s.Up || s.Path != keyboard.Path() {
		t.Fatalf("state %+v", s)
	}
	play := func(text string, how hwtest.Typing) {
		t.Helper()
		events, err := hwtest.Keystrokes(text, how)
		must(t, err)
		must(t, keyboard.Play(events))
		if r := hwtest.Receive(t, p.readings); r.Text.Reveal() != text {
			t.Fatalf("got %q, want %q", r.Text.Reveal(), text)
		}
	}
	play("VG1:Ab $%*+-./:", hwtest.TypeShift)
	play("https://example.org/?a=B", hwtest.TypeCaps)
	play("~!@#^&()_{}|", hwtest.TypeAlt)

	// More at once than the kernel keeps: nothing is better than a part of it.
	events, err := hwtest.Keystrokes(strings.Repeat("0123456789", 40), hwtest.TypeShift)
	must(t, err)
	must(t, keyboard.PlayAtOnce(events))
	play("after the flood", hwtest.TypeShift)
	if s := w.Stats(); s.Keys.Gaps == 0 || s.Readings != 4 {
		t.Errorf("stats %+v", s)
	}

	// Whoever comes second does not get the keys.
	second, dev2 := newPlayed(link)
	w2, err := scanner.NewWedge(scanner.WedgeOptions{Name: "second", Device: dev2})
	must(t, err)
	second.run(t, w2)
	if s := hwtest.Receive(t, second.states); s.Up || !strings.Contains(s.Err.Error(), "busy") {
		t.Errorf("state %+v", s)
	}

	must(t, keyboard.Unplug())
	if s := hwtest.Receive(t, p.states); s.Up || !errors.Is(s.Err, port.ErrUnplugged) {
		t.Fatalf("unplugged: %+v", s)
	}
}

func TestWedgeComesBackOnTheKernel(t *testing.T) {
	link := filepath.Join(t.TempDir(), "wedge")
	p, dev := newPlayed(link)
	w, err := scanner.NewWedge(scanner.WedgeOptions{Name: "wedge", Device: dev})
	must(t, err)
	for i := range 5 {
		keyboard, err := hwtest.NewKeyboard(fmt.Sprintf("venuegate test keyboard %d %d", os.Getpid(), i))
		unlessMissing(t, err)
		point(t, link, keyboard.Path())
		if i == 0 {
			p.run(t, w)
		}
		for up := false; !up; { // it may be down for more than one reason
			up = hwtest.Receive(t, p.states).Up
		}
		text := fmt.Sprint("text ", i)
		events, err := hwtest.Keystrokes(text, hwtest.TypeShift)
		must(t, err)
		must(t, keyboard.Play(events))
		if r := hwtest.Receive(t, p.readings); r.Text.Reveal() != text {
			t.Fatalf("got %q", r.Text.Reveal())
		}
		must(t, keyboard.Unplug())
	}
}

func TestHIDPOSOnTheKernel(t *testing.T) {
	dev, err := hwtest.NewHIDScanner(fmt.Sprintf("venuegate test reader %d", os.Getpid()))
	unlessMissing(t, err)
	p, o := newPlayed(dev.Path())
	h, err := scanner.NewHIDPOS(scanner.HIDPOSOptions{Name: "reader", Device: o})
	must(t, err)
	p.run(t, h)
	if s := hwtest.Receive(t, p.states); !s.Up {
		t.Fatalf("state %+v", s)
	}
	for _, text := range []string{"short", strings.Repeat("VG1:", 50)} {
		must(t, dev.Send(hwtest.HIDReports("]Q1", text)))
		if r := hwtest.Receive(t, p.readings); r.Text.Reveal() != text || r.Symbology != 'Q' {
			t.Fatalf("got %q, symbology %c", r.Text.Reveal(), r.Symbology)
		}
	}
	must(t, dev.Unplug())
	if s := hwtest.Receive(t, p.states); s.Up || !errors.Is(s.Err, port.ErrUnplugged) {
		t.Fatalf("unplugged: %+v", s)
	}
}
