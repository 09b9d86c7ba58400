package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/hw/find"
	"github.com/venuegate/venuegate/hw/find/findtest"
	"github.com/venuegate/venuegate/hw/hwtest"
)

// box is a machine with two adapters alike, a reader, and a reader that still
// plays a keyboard.
func box(t *testing.T) *findtest.Machine {
	t.Helper()
	m, err := findtest.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	adapter := find.Device{Class: find.ClassSerial, Path: "/dev/ttyUSB0", Vendor: 0x1A86, Product: 0x7523, Driver: "ch341", Port: "1-1.2", Interface: "1.0"}
	second := adapter
	second.Path, second.Port = "/dev/ttyUSB1", "1-1.3"
	for _, d := range []find.Device{
		adapter, second,
		{Class: find.ClassSerial, Path: "/dev/ttyACM0", Vendor: 0x1EAB, Product: 0x8306, Serial: "NL-0042", Driver: "cdc_acm", Port: "1-4", Interface: "1.0"},
		{Class: find.ClassInput, Path: "/dev/input/event3", Vendor: 0x05E0, Product: 0x1200, Model: "Bar Code Scanner", Driver: "usbhid", Port: "1-5", Interface: "1.0", Usable: true},
		{Class: find.ClassHIDRaw, Path: "/dev/hidraw0", Vendor: 0x05E0, Product: 0x1200, Model: "Bar Code Scanner", Driver: "usbhid", Port: "1-5", Interface: "1.0"},
	} {
		if err := m.Plug(d, ""); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// squeeze makes runs of spaces one, and the machine's root nothing.
func squeeze(m *findtest.Machine, text string) string {
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(text, m.Root, "")) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

func TestDevicesList(t *testing.T) {
	m := box(t)
	got := squeeze(m, must(t, "devices", "--root", m.Root))
	want := `DEVICE ID PORT SERIAL WRITE WHAT IT IS
/dev/ttyS0 - - - /dev/ttyS0 serial line
/dev/ttyACM0 1eab:8306 1-4:1.0 NL-0042 usb:1eab:8306:NL-0042 Newland barcode reader in USB-COM mode
/dev/ttyUSB0 1a86:7523 1-1.2:1.0 - port:1-1.2 QinHeng CH340 serial adapter
/dev/ttyUSB1 1a86:7523 1-1.3:1.0 - port:1-1.3 QinHeng CH340 serial adapter
/dev/input/event3 05e0:1200 1-5:1.0 - port:1-5 Symbol barcode reader in keyboard mode (Bar Code Scanner)`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if all := must(t, "devices", "--root", m.Root, "--all"); !contains(all, "/dev/hidraw0") {
		t.Errorf("--all lists\n%s", all)
	}
	if empty := must(t, "devices", "--root", t.TempDir()); empty != "Nothing is plugged in that a gate could use.\n" {
		t.Errorf("an empty box: %q", empty)
	}
}

// gateFile writes a configuration of one lane, with what a test says of its
// devices.
func gateFile(t *testing.T, data, devices string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "gate.toml")
	text := fmt.Sprintf("[gate]\nid = 1\ndata_dir = %q\n[[lane]]\nid = 7\n%s", data, devices)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDevicesOfAConfiguration(t *testing.T) {
	m := box(t)
	if err := os.Symlink("ttyUSB0", filepath.Join(m.Root, "dev/arm")); err != nil {
		t.Fatal(err)
	}
	file := gateFile(t, t.TempDir(), `
[[lane.reader]]
name = "code"
type = "serial"
path = "/dev/ttyACM0"
[[lane.reader]]
name = "card"
type = "sdt"
path = "/dev/ttyUSB9"
[lane.barrier]
type = "lcus"
path = "/dev/arm"
[lane.barrier.feedback]
path = "/dev/ttyUSB0"
`)
	r := run(t, "", "devices", "--root", m.Root, "--config", file, "--json")
	if r.code != exitNo || r.err != "" {
		t.Fatalf("exit code %d, %s", r.code, r.err)
	}
	var got deviceReport
	if err := json.Unmarshal([]byte(strings.ReplaceAll(r.out, m.Root, "")), &struct {
		Configured *[]configuredRow `json:"configured"`
	}{&got.Configured}); err != nil {
		t.Fatal(err)
	}
	const shared = "/dev/ttyUSB0 is meant by lane 7 barrier and by lane 7 barrier feedback; each needs a device of its own"
	want := []configuredRow{
		{7, "code", "/dev/ttyACM0", "found", "/dev/ttyACM0", ""},
		{7, "card", "/dev/ttyUSB9", "missing", "", "no serial line matches /dev/ttyUSB9"},
		{7, "lane 7 barrier", "/dev/arm", "shared", "/dev/ttyUSB0", shared},
		{7, "lane 7 barrier feedback", "/dev/ttyUSB0", "shared", "/dev/ttyUSB0", shared},
	}
	if fmt.Sprint(got.Configured) != fmt.Sprint(want) {
		t.Errorf("got\n%v\nwant\n%v", got.Configured, want)
	}
	text := run(t, "", "devices", "--root", m.Root, "--config", file)
	if squeezed := squeeze(m, text.out); text.code != exitNo || !contains(squeezed, "\n7 card /dev/ttyUSB9 missing no serial line matches") ||
		!contains(squeezed, "in USB-COM mode, used as code") {
		t.Errorf("exit code %d\n%s", text.code, squeezed)
	}
}

func TestDevicesStanza(t *testing.T) {
	m := box(t)
	for _, c := range []struct {
		name string
		args []string
		want string // of standard output, or of the error
	}{
		{"a reader", []string{"usb:1eab:8306"}, `
  [[lane.reader]]
  name = "code 1-4"
  type = "serial"
  match = "usb:1eab:8306:NL-0042"  # /dev/ttyACM0, Newland barcode reader in USB-COM mode
  baud = 9600
`},
		{"an adapter by path", []string{"/dev/ttyUSB0"}, `
  # An adapter: for a card reader say --as sdt, for a relay board --as lcus.
  [[lane.reader]]
  name = "code 1-1.2"
  type = "serial"
  match = "port:1-1.2"  # /dev/ttyUSB0, QinHeng CH340 serial adapter
  baud = 9600
`},
		{"a card reader with a name", []string{"port:1-1.3", "--as", "sdt", "--name", `"north" card`, "--side", "exit"}, `
  [[lane.reader]]
  name = "\"north\" card"
  type = "sdt"
  match = "port:1-1.3"  # /dev/ttyUSB1, QinHeng CH340 serial adapter
  baud = 115200
  side = "exit"
`},
		{"a relay board", []string{"port:1-1.2", "--as", "lcus"}, `
  [lane.barrier]
  name = "arm 1-1.2"
  type = "lcus"
  match = "port:1-1.2"  # /dev/ttyUSB0, QinHeng CH340 serial adapter
  baud = 9600
  channel = 1
`},
		{"a line of the box", []string{"/dev/ttyS0", "--as", "feedback"}, `
  [lane.barrier.feedback]
  path = "/dev/ttyS0"  # /dev/ttyS0, serial line
  baud = 9600
`},
		{"a keyboard", []string{"port:1-5"}, `
  [[lane.reader]]
  name = "code 1-5"
  type = "wedge"
  match = "port:1-5"  # /dev/input/event3, Symbol barcode reader in keyboard mode (Bar Code Scanner)
`},
		{"two alike", []string{"usb:1a86:7523"}, "usb:1a86:7523 is 2 devices: /dev/ttyUSB0 is port:1-1.2, /dev/ttyUSB1 is port:1-1.3"},
		{"nothing", []string{"port:9-9"}, "nothing that a gate could use matches port:9-9"},
		{"the wrong mode", []string{"port:1-5", "--as", "serial"}, "switch the reader to USB-COM"},
		{"of no use", []string{"/dev/hidraw0"}, "/dev/hidraw0 is of no use to a gate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, "", append([]string{"devices", "stanza", "--root", m.Root}, c.args...)...)
			out := strings.ReplaceAll(r.out, m.Root, "")
			if r.code == exitOK && "\n"+out != c.want {
				t.Errorf("got\n%s", out)
			}
			if r.code != exitOK && (out != "" || !contains(strings.ReplaceAll(r.err, m.Root, ""), c.want)) {
				t.Errorf("exit code %d, %q, %s", r.code, out, r.err)
			}
		})
	}
	all := must(t, "devices", "stanza", "--root", m.Root)
	if n := strings.Count(all, "[[lane.reader]]"); n != 5 || !contains(all, "baud = 9600\n\n  ") {
		t.Errorf("for all: %d stanzas\n%s", n, all)
	}
}

// lanePlugs are the devices of a lane that a technician tries.
type lanePlugs struct {
	dir  string
	code *hwtest.Scanner
	card *hwtest.CardReader
	arm  *hwtest.Turnstile
	beep string // of the code reader, in the configuration
	more string // of the lane, in the configuration
}

func plugLane(t *testing.T, feedback bool) *lanePlugs {
	t.Helper()
	p := &lanePlugs{dir: t.TempDir()}
	at := func(name string) string { return filepath.Join(p.dir, name) }
	o := hwtest.TurnstileOptions{Relay: at("relay"), ReadyEvery: 100 * time.Millisecond, PassAfter: 50 * time.Millisecond}
	if feedback {
		o.Feedback = at("feedback")
	}
	var errs [3]error
	p.code, errs[0] = hwtest.NewScanner(at("code"))
	p.card, errs[1] = hwtest.NewCardReader(at("card"))
	p.arm, errs[2] = hwtest.NewTurnstile(o)
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(p.code.Close(), p.card.Close(), p.arm.Close()); err != nil {
			t.Error(err)
		}
	})
	return p
}

// file is the lane's configuration.
func (p *lanePlugs) file(t *testing.T, data string) string {
	t.Helper()
	text := fmt.Sprintf(`
[[lane.reader]]
name = "code"
type = "serial"
path = "%[1]s/code"
%[2]s[[lane.reader]]
name = "card"
type = "sdt"
path = "%[1]s/card"
[lane.barrier]
name = "arm"
type = "lcus"
path = "%[1]s/relay"
wait = "300ms"
`, p.dir, p.beep)
	if p.arm.Feedback != nil {
		text += fmt.Sprintf("[lane.barrier.feedback]\npath = \"%s/feedback\"\n", p.dir)
	}
	return gateFile(t, data, text+p.more)
}

var ptsNumber = regexp.MustCompile(`/dev/pts/\d+`)

// technician does what the lines say: told is called with each.
func technician(t *testing.T, told func(line string, enter func(string)), args ...string) ran {
	t.Helper()
	in, keys := io.Pipe()
	lines := newLineWriter()
	var errOut bytes.Buffer
	tl := &tool{in: in, out: lines, err: &errOut, now: time.Now}
	done := make(chan int, 1)
	go func() {
		done <- tl.run(context.Background(), args)
		close(lines.lines)
	}()
	var out strings.Builder
	for line := range lines.lines {
		out.WriteString(line + "\n")
		told(line, func(answer string) {
			if _, err := io.WriteString(keys, answer+"\n"); err != nil {
				t.Error(err)
			}
		})
	}
	return ran{<-done, out.String(), errOut.String()}
}

func TestDevicesWalk(t *testing.T) {
	card := hwtest.Card{Name: "张三", Sex: "1", Birth: "19491231", Number: "11010519491231002X", From: "20200101", To: "长期"}
	hold := func(t *testing.T, p *lanePlugs) map[string]func(func(string)) {
		return map[string]func(func(string)){
			"Hold a code or a document to code": func(func(string)) {
				if err := p.code.Scan("]Q1" + strings.Repeat("7", 54)); err != nil {
					t.Error(err)
				}
			},
			"Hold a code or a document to card": func(func(string)) {
				if err := p.card.Place(card); err != nil {
					t.Error(err)
				}
			},
			"The arm will open now": func(enter func(string)) { enter("") },
		}
	}
	for _, c := range []struct {
		name     string
		feedback bool
		wait     string
		change   func(t *testing.T, p *lanePlugs, acts map[string]func(func(string)))
		code     int
		want     []string // lines, in their order
	}{
		{
			"all is well", true, "30s", nil, exitOK,
			[]string{
				"ok    code: open and answering at /dev/pts/N", "ok    card: open and answering at /dev/pts/N",
				"ok    arm: open and answering at /dev/pts/N", "ok    arm feedback: open and answering at /dev/pts/N",
				"ok    code: read 54 characters, a QR code", "ok    card: read a document and its number of 18 characters",
				"ok    barrier, entry: it opened, and told that somebody passed", "Lane 7: 7 ok, 0 failed",
			},
		},
		{
			"without feedback the technician tells", false, "30s",
			func(_ *testing.T, _ *lanePlugs, acts map[string]func(func(string))) {
				acts["Did it open"] = func(enter func(string)) { enter("y") }
			}, exitOK,
			[]string{"ok    barrier, entry: it opened, as you saw", "Lane 7: 6 ok, 0 failed"},
		},
		{
			"lamps and sounds", false, "30s",
			func(_ *testing.T, p *lanePlugs, acts map[string]func(func(string))) {
				p.more, p.beep = "[lane.indicator]\ngreen = 2\nred = 3\nbuzzer = 4\n", "beep = { good = \"hex:07\" }\n"
				acts["Does the green lamp shine"] = func(enter func(string)) { enter("y") }
				acts["Does the red lamp shine"] = func(enter func(string)) { enter("n") }
				acts["Does the buzzer sound"] = func(enter func(string)) { enter("Y") }
				acts["Did code make its good sound"] = func(enter func(string)) { enter("y") }
				acts["Did it open"] = func(enter func(string)) { enter("y") }
			}, exitNo,
			[]string{
				"ok    lamp, green: it works, as you saw",
				"FAIL  lamp, red: you did not notice it; check its number in [lane.indicator] and its wiring",
				"ok    buzzer: it works, as you saw", "ok    code, good beep: it works, as you saw",
				"ok    barrier, entry: it opened, as you saw", "Lane 7: 9 ok, 1 failed",
			},
		},
		{
			"or tells that it did not", false, "30s",
			func(_ *testing.T, _ *lanePlugs, acts map[string]func(func(string))) {
				acts["Did it open"] = func(enter func(string)) { enter("n") }
			}, exitNo,
			[]string{"FAIL  barrier, entry: you did not see it open and close; check channel and wiring", "Lane 7: 5 ok, 1 failed"},
		},
		{
			"nobody walks through", true, "30s",
			func(_ *testing.T, p *lanePlugs, _ map[string]func(func(string))) { p.arm.PassAfter(-1) }, exitNo,
			[]string{"FAIL  barrier, entry: it told of nobody; if you walked through, check the lines passed and passed_exit", "Lane 7: 6 ok, 1 failed"},
		},
		{
			"the barrier is left out", true, "30s",
			func(_ *testing.T, _ *lanePlugs, acts map[string]func(func(string))) {
				acts["The arm will open now"] = func(enter func(string)) { enter("S") }
			}, exitOK,
			[]string{"      barrier, entry: left out", "Lane 7: 6 ok, 0 failed"},
		},
		{
			"another reader reads it", true, "3s",
			func(_ *testing.T, p *lanePlugs, acts map[string]func(func(string))) {
				acts["Hold a code or a document to card"] = func(func(string)) { _ = p.code.Scan("8888") }
			}, exitNo,
			[]string{"      code read something", "FAIL  card: it read nothing, but code did; are their plugs swapped?", "Lane 7: 6 ok, 1 failed"},
		},
		{
			"a reader is unplugged meanwhile", true, "3s",
			func(t *testing.T, p *lanePlugs, acts map[string]func(func(string))) {
				acts["Hold a code or a document to code"] = func(func(string)) {
					if err := p.code.Unplug(); err != nil {
						t.Error(err)
					}
				}
			}, exitNo,
			[]string{"FAIL  code: it read nothing; check its baud rate and what it puts at the end of a code", "Lane 7: 6 ok, 1 failed"},
		},
		{
			"a reader does not answer", true, "3s",
			func(_ *testing.T, p *lanePlugs, _ map[string]func(func(string))) {
				for range 1000 {
					p.card.Fail(hwtest.FaultSilence)
				}
			}, exitNo,
			[]string{"FAIL  card: ", "ok    code: read 54 characters, a QR code", "Lane 7: 5 ok, 1 failed"},
		},
		{
			"a device is missing", true, "30s",
			func(t *testing.T, p *lanePlugs, _ map[string]func(func(string))) {
				if err := p.card.Unplug(); err != nil {
					t.Error(err)
				}
			}, exitNo,
			[]string{"FAIL  card: no serial line matches DIR/card"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			p := plugLane(t, c.feedback)
			acts := hold(t, p)
			if c.change != nil {
				c.change(t, p, acts)
			}
			r := technician(t, func(line string, enter func(string)) {
				for begin, act := range acts {
					if strings.HasPrefix(line, begin) {
						act(enter)
					}
				}
			}, "devices", "test", "7", "--config", p.file(t, t.TempDir()), "--wait", c.wait, "--root", "/")
			if r.code != c.code || r.err != "" {
				t.Errorf("exit code %d, %s", r.code, r.err)
			}
			rest := strings.ReplaceAll(r.out, p.dir, "DIR")
			rest = ptsNumber.ReplaceAllString(rest, "/dev/pts/N")
			for _, line := range c.want {
				_, after, ok := strings.Cut(rest, line)
				if !ok {
					t.Fatalf("no line %q in what is left of\n%s", line, r.out)
				}
				rest = after
			}
			if strings.Contains(r.out, card.Number) || strings.Contains(r.out, "7777") {
				t.Error("what was read is shown")
			}
		})
	}
}

// A gate that runs has the devices; a test of them beside it would take half of
// its codes.
func TestDevicesWalkBesideAGate(t *testing.T) {
	p := plugLane(t, false)
	data := t.TempDir()
	j, err := openJournal(data)
	if err != nil {
		t.Fatal(err)
	}
	file := p.file(t, data)
	r := run(t, "", "devices", "test", "7", "--config", file)
	if r.code != exitNo || r.out != "" || !contains(r.err, "the gate is running") || !contains(r.err, "systemctl stop venuegated") {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if n := p.card.Asked("find") + p.card.Asked("status"); n != 0 {
		t.Errorf("%d requests came to a device of the gate", n)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if r := run(t, "", "devices", "test", "8", "--config", file); r.code != exitNo || !contains(r.err, "has no lane 8") {
		t.Errorf("exit code %d, %s", r.code, r.err)
	}
}
