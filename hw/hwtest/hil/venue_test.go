package hil_test

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/hw/hwtest/hil"
)

// venue is a venue's office, run with the operator's tool, and one gate's disk.
type venue struct {
	tool     string // venuegate
	dir      string
	paper    []paper  // printed tickets, one visitor each
	rotating []string // ids of tickets on phones
}

// paper is a static ticket: its text is good at any time, once.
type paper struct {
	Ticket string `json:"ticket"`
	Text   string `json:"text"`
}

const (
	papers = 400
	phones = 5
)

// newVenue makes a demo venue with tickets for everybody, published.
func newVenue(t *testing.T, tool string) *venue {
	t.Helper()
	v := &venue{tool: tool, dir: filepath.Join(t.TempDir(), "venue")}
	v.run(t, "init", v.dir)
	for line := range strings.Lines(v.run(t, "ticket", "issue", "--venue", v.dir, "--proof", "static", "--count", fmt.Sprint(papers), "--json")) {
		var p paper
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatal(err)
		}
		v.paper = append(v.paper, p)
	}
	v.rotating = strings.Fields(v.run(t, "ticket", "issue", "--venue", v.dir, "--count", fmt.Sprint(phones)))
	v.run(t, "pack", "build", "--venue", v.dir)
	return v
}

func (v *venue) run(t *testing.T, args ...string) string {
	t.Helper()
	c := exec.Command(v.tool, args...)
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("venuegate %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// show is what a phone shows now.
func (v *venue) show(t *testing.T, ticket string) string {
	t.Helper()
	return strings.TrimSpace(v.run(t, "ticket", "show", "--venue", v.dir, ticket))
}

// picture is a phone with a code, in the middle of a camera's frame.
func (v *venue) picture(t *testing.T, text string) []byte {
	t.Helper()
	code, err := png.Decode(strings.NewReader(v.run(t, "ticket", "qr", "-o", "-", "--size", fmt.Sprint(frameHeight/2), text)))
	if err != nil {
		t.Fatal(err)
	}
	frame := image.NewGray(image.Rect(0, 0, frameWidth, frameHeight))
	draw.Draw(frame, frame.Rect, image.NewUniform(color.Gray{Y: 96}), image.Point{}, draw.Src)
	at := frame.Rect.Size().Sub(code.Bounds().Size()).Div(2)
	draw.Draw(frame, code.Bounds().Sub(code.Bounds().Min).Add(at), code, code.Bounds().Min, draw.Src)
	return frame.Pix
}

// visitor hands out a paper ticket that nobody has used.
func (v *venue) visitor(t *testing.T) paper {
	t.Helper()
	if len(v.paper) == 0 {
		t.Fatal("no ticket left")
	}
	p := v.paper[0]
	v.paper = v.paper[1:]
	return p
}

// partition returns an ext4 file system with the gate's data and the repository.
func (v *venue) partition(t *testing.T) []byte {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"gates/1/data": "data", "repository": "repository"} {
		// With their modes: the daemon refuses a key that others could read.
		if out, err := exec.Command("cp", "-a", filepath.Join(v.dir, from), filepath.Join(root, to)).CombinedOutput(); err != nil {
			t.Fatalf("copy the gate's data: %v\n%s", err, out)
		}
	}
	file := filepath.Join(t.TempDir(), "disk")
	mke2fs := hil.Mke2fs
	if _, err := exec.LookPath(mke2fs); err != nil {
		mke2fs = filepath.Join("/usr/sbin", mke2fs)
	}
	if out, err := exec.Command(mke2fs, "-q", "-F", "-t", "ext4", "-d", root, file, "96M").CombinedOutput(); err != nil {
		t.Fatalf("mke2fs: %v\n%s", err, out)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// The devices of the gate: a reader and a relay board for each of two lanes, in
// the USB ports 1 to 4.
const (
	reader1 = "reader1"
	relay1  = "relay1"
	reader2 = "reader2"
	relay2  = "relay2"
)

func adapters() []string { return []string{reader1, relay1, reader2, relay2} }

// The readers of every other kind, which are in the first lane when the bench
// has plugged them in.
const (
	keys = "keys" // a keyboard wedge
	pos  = "pos"  // HID-POS
	com  = "com"  // USB-COM, the other half of the same gadget
	eye  = "eye"  // a camera
)

// otherReaders are the entries of these readers.
func otherReaders() string {
	return fmt.Sprintf(`
[[lane.reader]]
name = "keys"
type = "wedge"
path = %q
gap = "1s" # under emulation keys come slower than a reader types them
repeat = "200ms"
[[lane.reader]]
name = "pos"
type = "hidpos"
path = %q
repeat = "200ms"
[[lane.reader]]
name = "com"
type = "serial"
path = %q
repeat = "200ms"
[[lane.reader]]
name = "eye"
type = "camera"
path = %q
width = %d
height = %d
rate = 5.0
`, hil.KeyboardPath(len(adapters())+1), hil.HIDPath, hil.COMPath, hil.CameraPath, frameWidth, frameHeight)
}

// gateConfig is the gate's configuration as a technician would write it, with
// the shortest opening that is allowed, and with more readers in the first lane.
func gateConfig(more ...string) string {
	var b strings.Builder
	b.WriteString(`
[gate]
id = 1
name = "Bench"
data_dir = "/gate/data"
[pack]
repository = "/gate/repository"
poll = "1s"
[log]
format = "json"
[clock]
trust = "always"
`)
	for lane, side := range []string{"", `side = "entry"`} {
		fmt.Fprintf(&b, `
[[lane]]
id = %[1]d
[[lane.reader]]
name = "reader%[1]d"
type = "serial"
path = %[2]q
baud = 9600
repeat = "200ms"
%[3]s
%[5]s
[lane.barrier]
name = "relay%[1]d"
type = "lcus"
path = %[4]q
pulse = "200ms"
wait = "1ms"
`, lane+1, hil.PortPath(2*lane+1), side, hil.PortPath(2*lane+2), strings.Join(more, "\n"))
		more = nil
	}
	return b.String()
}
