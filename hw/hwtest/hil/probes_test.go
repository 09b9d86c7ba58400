package hil_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/hwtest/hil"
	"github.com/venuegate/venuegate/hw/hwtest/hil/wire"
)

// probed waits until the driver that runs alone has got so far.
func probed(t *testing.T, g *guest, what string, ok func(wire.Probed) bool) wire.Probed {
	t.Helper()
	var p wire.Probed
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if p = call[wire.Probed](t, g, "Probed", wire.None{}); ok(p) {
			return p
		}
	}
	t.Fatalf("waited %v for: %s; the driver says %+v", patience, what, p)
	return p
}

// driver starts a driver of the project in the guest, without a daemon.
func driver(t *testing.T, g *guest, kind, path string) {
	t.Helper()
	call[wire.None](t, g, "Probe", wire.Probe{Kind: kind, Path: path})
	t.Cleanup(func() { call[wire.None](t, g, "Probe", wire.Probe{}) })
	probed(t, g, "the device is up", func(p wire.Probed) bool { return p.Up })
}

func wedge(t *testing.T, g *guest) string {
	driver(t, g, "wedge", hil.KeyboardPath(len(adapters())+1))
	const first, second = "VG1:Gate-42/ab$*", "after"
	typed(t, g, first)
	probed(t, g, "the first code", func(p wire.Probed) bool { return slices.Equal(p.Texts, []string{first}) })
	if err := g.Unplug("keyboard"); err != nil {
		t.Fatal(err)
	}
	probed(t, g, "the keyboard is missed", func(p wire.Probed) bool { return !p.Up })
	if err := g.PlugKeyboard(); err != nil {
		t.Fatal(err)
	}
	probed(t, g, "the keyboard is back", func(p wire.Probed) bool { return p.Up })
	typed(t, g, second)
	probed(t, g, "the second code", func(p wire.Probed) bool { return slices.Equal(p.Texts, []string{first, second}) })
	return "Shift and signs, unplugged and back"
}

// keyNames are QEMU's names of the keys of a US keyboard that are not letters
// or digits.
var keyNames = map[rune][]string{
	':': {"shift", "semicolon"}, '-': {"minus"}, '/': {"slash"}, '$': {"shift", "4"}, '*': {"shift", "8"}, '\n': {"ret"},
}

// typed types a text and Enter.
func typed(t *testing.T, g *guest, text string) {
	t.Helper()
	for _, c := range text + "\n" {
		chord := keyNames[c]
		switch {
		case chord != nil:
		case c >= 'A' && c <= 'Z':
			chord = []string{"shift", strings.ToLower(string(c))}
		default:
			chord = []string{string(c)}
		}
		if err := g.Type(chord); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond) // QEMU's keyboard holds few keys
	}
}

func hidpos(t *testing.T, g *guest) string {
	driver(t, g, "hidpos", hil.HIDPath)
	short, long := "GATE-42", strings.Repeat("0123456789", 15)
	call[wire.None](t, g, "Report", wire.Reports{Data: hwtest.HIDReports("]Q1", short)})
	call[wire.None](t, g, "Report", wire.Reports{Data: hwtest.HIDReports("]Q1", long)})
	probed(t, g, "both codes", func(p wire.Probed) bool { return slices.Equal(p.Texts, []string{short, long}) })
	call[wire.None](t, g, "PlugGadget", false)
	probed(t, g, "the reader is missed", func(p wire.Probed) bool { return !p.Up })
	call[wire.None](t, g, "PlugGadget", true)
	probed(t, g, "the reader is back", func(p wire.Probed) bool { return p.Up })
	call[wire.None](t, g, "Report", wire.Reports{Data: hwtest.HIDReports("]Q1", short)})
	probed(t, g, "the third code", func(p wire.Probed) bool { return slices.Equal(p.Texts, []string{short, long, short}) })
	return fmt.Sprintf("a code in 1 report, one of %d characters in %d, unplugged and back", len(long), len(hwtest.HIDReports("]Q1", long)))
}

func usbCOM(t *testing.T, g *guest) string {
	driver(t, g, "serial", hil.COMPath)
	const first, second = "GATE-43", "GATE-44"
	call[wire.None](t, g, "Send", "]Q1"+first+"\r")
	probed(t, g, "the first code", func(p wire.Probed) bool { return slices.Equal(p.Texts, []string{first}) })
	call[wire.None](t, g, "Send", "half of a co")
	call[wire.None](t, g, "PlugGadget", false)
	probed(t, g, "the reader is missed", func(p wire.Probed) bool { return !p.Up })
	call[wire.None](t, g, "PlugGadget", true)
	probed(t, g, "the reader is back", func(p wire.Probed) bool { return p.Up })
	call[wire.None](t, g, "Send", "]Q1"+second+"\r")
	probed(t, g, "the second code", func(p wire.Probed) bool { return slices.Equal(p.Texts, []string{first, second}) })
	return "unplugged in the middle of a code and back"
}

// video looks at the software camera, whose picture has no code in it.
func video(t *testing.T, g *guest) string {
	call[wire.None](t, g, "Load", "vivid")
	driver(t, g, "camera", hil.CameraPath)
	before := probed(t, g, "frames", func(p wire.Probed) bool { return p.Frames >= 10 })
	bind := func(word string) {
		call[wire.None](t, g, "Write", wire.File{Path: "/sys/bus/platform/drivers/vivid/" + word, Text: "vivid.0"})
	}
	bind("unbind")
	gone := probed(t, g, "the camera is missed", func(p wire.Probed) bool { return !p.Up })
	bind("bind")
	after := probed(t, g, "frames again", func(p wire.Probed) bool { return p.Up && p.Frames >= gone.Frames+10 })
	if len(after.Texts) > 0 || after.Damaged > 0 {
		t.Errorf("%d codes read where there is none, %d frames damaged", len(after.Texts), after.Damaged)
	}
	return fmt.Sprintf("%d frames, none damaged, no code read where there is none", before.Frames+after.Frames-gone.Frames)
}
