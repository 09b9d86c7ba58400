package hil_test

import (
	"encoding/json"
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
func driver(t *testing.T, g *guest, probe wire.Probe) {
	t.Helper()
	call[wire.None](t, g, "Probe", probe)
	t.Cleanup(func() { call[wire.None](t, g, "Probe", wire.Probe{}) })
	probed(t, g, "the device is up", func(p wire.Probed) bool { return p.Up })
}

func wedge(t *testing.T, g *guest) string {
	driver(t, g, wire.Probe{Kind: "wedge", Path: hil.KeyboardPath(len(adapters()) + 1)})
	const first, second, pause = "VG1:Gate-42/ab$*", "after", 40 * time.Millisecond
	typed(t, g, first, pause)
	probed(t, g, "the first code", func(p wire.Probed) bool { return slices.Equal(p.Texts, []string{first}) })
	if err := g.Unplug("keyboard"); err != nil {
		t.Fatal(err)
	}
	probed(t, g, "the keyboard is missed", func(p wire.Probed) bool { return !p.Up })
	if err := g.PlugKeyboard(); err != nil {
		t.Fatal(err)
	}
	probed(t, g, "the keyboard is back", func(p wire.Probed) bool { return p.Up })
	typed(t, g, second, pause)
	probed(t, g, "the second code", func(p wire.Probed) bool { return slices.Equal(p.Texts, []string{first, second}) })
	return "Shift and signs, unplugged and back"
}

// keyNames are QEMU's names of the keys of a US keyboard that are not letters
// or digits.
var keyNames = map[rune][]string{
	' ': {"spc"}, '%': {"shift", "5"}, '+': {"shift", "equal"}, '.': {"dot"},
	':': {"shift", "semicolon"}, '-': {"minus"}, '/': {"slash"}, '$': {"shift", "4"}, '*': {"shift", "8"}, '\n': {"ret"},
}

// typed types a text and Enter, a key each pause: QEMU's keyboard holds few keys,
// and a guest that is busy fetches them slowly.
func typed(t *testing.T, g *guest, text string, pause time.Duration) {
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
		time.Sleep(pause)
	}
}

func hidpos(t *testing.T, g *guest) string {
	driver(t, g, wire.Probe{Kind: "hidpos", Path: hil.HIDPath})
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
	driver(t, g, wire.Probe{Kind: "serial", Path: hil.COMPath})
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

// The software camera: one HDMI input and one HDMI output of this size.
const (
	frameWidth  = 1280
	frameHeight = 720
	vivid       = "vivid num_inputs=1 input_types=3 num_outputs=1 output_types=1 node_types=0x101"
)

// video shows the software camera a code as the operator's tool draws it, and
// pulls the camera.
func (b *bench) video(t *testing.T, g *guest) string {
	call[wire.None](t, g, "Load", vivid)
	connected := call[bool](t, g, "Screen", wire.Size{Width: frameWidth, Height: frameHeight})
	driver(t, g, wire.Probe{Kind: "camera", Path: hil.CameraPath, Width: frameWidth, Height: frameHeight})
	probed(t, g, "frames", func(p wire.Probed) bool { return p.Frames >= 10 })
	text, figures := b.venue.show(t, b.venue.rotating[1]), "this kernel's camera cannot be shown a picture"
	if connected {
		picture, begin := b.venue.picture(t, text), time.Now()
		call[wire.None](t, g, "Show", wire.Picture{Grey: picture})
		probed(t, g, "the code", func(p wire.Probed) bool { return len(p.Texts) > 0 })
		figures = fmt.Sprintf("read %d ms after it was shown", time.Since(begin).Milliseconds())
		call[wire.None](t, g, "Show", wire.Picture{})
	}
	g.bind(t, "unbind")
	gone := probed(t, g, "the camera is missed", func(p wire.Probed) bool { return !p.Up })
	g.bind(t, "bind")
	p := probed(t, g, "frames again", func(p wire.Probed) bool { return p.Up && p.Frames >= gone.Frames+10 })
	if slices.ContainsFunc(p.Texts, func(read string) bool { return read != text }) {
		t.Error("something was read that was never shown")
	}
	return fmt.Sprintf("%s; unbound and back; %d frames, %d damaged", figures, p.Frames, p.Damaged)
}

// bind binds the camera to its driver, or unbinds it.
func (g *guest) bind(t *testing.T, word string) {
	t.Helper()
	call[wire.None](t, g, "Write", wire.File{Path: "/sys/bus/platform/drivers/vivid/" + word, Text: "vivid.0"})
}

// finds lets the operator's tool list what the scenarios before have plugged in.
func finds(t *testing.T, g *guest) string {
	out := call[wire.Output](t, g, "Run", wire.Command{Args: []string{"/bin/venuegate", "devices", "--json", "--config", "/run/gate.toml"}})
	var list struct {
		Devices    []struct{ Class, Port, Role string }
		Configured []struct{ Name, Status string }
	}
	if err := json.Unmarshal(out.Stdout, &list); err != nil || out.Code != 0 {
		t.Fatalf("venuegate devices ends with %d: %v\n%s%s", out.Code, err, out.Stdout, out.Stderr)
	}
	found := map[string]string{} // class and port → role
	for _, d := range list.Devices {
		found[strings.TrimSpace(d.Class+" "+d.Port)] = d.Role
	}
	want := map[string]string{
		"input 1-5": "keyboard", "serial 3-1": "reader", "hidraw 3-1": "reader", "video": "camera",
		"serial 1-1": "adapter", "serial 1-2": "adapter", "serial 1-3": "adapter", "serial 1-4": "adapter",
	}
	for at, role := range want {
		if found[at] != role {
			t.Errorf("%s is %q, not %q, in\n%s", at, found[at], role, out.Stdout)
		}
	}
	for i, id := range adapters() {
		if i >= len(list.Configured) || list.Configured[i].Name != id || list.Configured[i].Status != "found" {
			t.Errorf("%s is not found in\n%s", id, out.Stdout)
		}
	}
	return fmt.Sprintf("%d of them, and the %d of the configuration", len(want), len(adapters()))
}
