package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/configs"
	"github.com/venuegate/venuegate/gate/config"
)

func TestExampleIsValid(t *testing.T) {
	c, err := config.Parse(configs.Gate)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Lanes) != 1 || len(c.Lanes[0].Readers) != 2 || c.Lanes[0].Barrier.Feedback == nil {
		t.Fatalf("the example has lost parts: %+v", c.Lanes)
	}
	if got := time.Duration(c.Lanes[0].Barrier.Pulse); got != 300*time.Millisecond {
		t.Errorf("pulse %v, want 300ms", got)
	}
}

// Every commented-out setting of the example is one that exists: uncommenting
// them all still gives a valid file.
func TestExampleComments(t *testing.T) {
	var out []string
	for line := range strings.Lines(string(configs.Gate)) {
		bare := strings.TrimSpace(line)
		rest, ok := strings.CutPrefix(bare, "# ")
		rest = strings.TrimLeft(rest, " ")
		setting := strings.Contains(strings.SplitN(rest, "#", 2)[0], " = ")
		if ok && (setting || strings.HasPrefix(rest, "[lane.") || strings.HasPrefix(rest, "[[lane.")) {
			line = rest + "\n"
		}
		out = append(out, line)
	}
	text := strings.Join(out, "")
	if text == string(configs.Gate) {
		t.Fatal("no commented-out setting found")
	}
	if _, err := config.Parse([]byte(text)); err != nil {
		t.Error(err)
	}
}

const minimal = `
[gate]
id = 1
[[lane]]
id = 1
[[lane.reader]]
name = "code"
type = "serial"
path = "/dev/a"
[lane.barrier]
type = "none"
`

func TestDefaults(t *testing.T) {
	c, err := config.Parse([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	if c.Web.Listen != "127.0.0.1:8080" || c.Gate.DataDir != "/var/lib/venuegate" || c.Log.Level != "info" {
		t.Errorf("defaults are lost: %+v", c)
	}
}

func TestEveryKindOfDevice(t *testing.T) {
	c, err := config.Parse([]byte(`
[gate]
id = 1
[[lane]]
id = 1
[[lane.reader]]
name = "keys"
type = "wedge"
match = "usb:05e0:1200"
gap = "80ms"
[[lane.reader]]
name = "pos"
type = "hidpos"
match = "port:1-1.2"
[[lane.reader]]
name = "eye"
type = "camera"
path = "/dev/video0"
width = 1280
rate = 10.0
[[lane.reader]]
name = "passport"
type = "mrz"
match = "usb:1a86:7523:A1"
baud = 9600
[[lane.reader]]
name = "code"
type = "serial"
path = "/dev/c"
beep = { good = "hex:07", bad = "NO" }
[[lane.reader]]
name = "face on a line"
type = "face"
path = "/dev/f"
baud = 115200
min_score = 80
[[lane.reader]]
name = "face"
type = "face"
listen = "http://192.168.50.1:7100/face"
from = ["192.168.50.20"]
heartbeat = "30s"
  [lane.reader.fields]
  score = "data.score"
[lane.barrier]
type = "modbus"
match = "port:1-2"
unit = 3
fire_hold = true
  [lane.barrier.contacts]
  passed = "1"
  ready = "2"
  fire = "4 nc"
  evacuate = "5 nc"
[lane.indicator]
green = 2
red = 3
`))
	if err != nil {
		t.Fatal(err)
	}
	b := c.Lanes[0].Barrier
	if b.Match != "port:1-2" || b.Unit != 3 || !b.FireHold {
		t.Errorf("barrier %+v", b)
	}
	if f := c.Lanes[0].Readers[6]; f.Fields.Score != "data.score" || f.From[0] != "192.168.50.20" || time.Duration(f.Heartbeat) != 30*time.Second {
		t.Errorf("face %+v", f)
	}
	if fire := b.Contacts.Fire; fire != (config.Contact{Set: true, Number: 4, NormallyClosed: true}) {
		t.Errorf("fire contact %+v", fire)
	}
	if button := b.Contacts.Evacuate; button != (config.Contact{Set: true, Number: 5, NormallyClosed: true}) {
		t.Errorf("evacuation button %+v", button)
	}
	if b.Contacts.PassedExit.Set {
		t.Error("a contact that is not there is set")
	}
	for _, bad := range []string{
		"[[lane.reader]]\nname = \"f\"\ntype = \"face\"\nlisten = \"127.0.0.1:7100\"\npath = \"/dev/f\"\n[lane.barrier]\ntype = \"none\"",
		"[[lane.reader]]\nname = \"f\"\ntype = \"face\"\nlisten = \"127.0.0.1:7100\"\nbaud = 9600\n[lane.barrier]\ntype = \"none\"",
		"[[lane.reader]]\nname = \"f\"\ntype = \"face\"\npath = \"/dev/f\"\nfrom = [\"192.0.2.7\"]\n[lane.barrier]\ntype = \"none\"",
		"[[lane.reader]]\nname = \"f\"\ntype = \"face\"\n[lane.barrier]\ntype = \"none\"",
		"[[lane.reader]]\nname = \"w\"\ntype = \"wedge\"\npath = \"/dev/w\"\nbeep = { good = \"x\" }\n[lane.barrier]\ntype = \"none\"",
		"[lane.barrier]\ntype = \"lcus\"\npath = \"/dev/x\"\nmatch = \"port:1-1\"",
		"[lane.barrier]\ntype = \"lcus\"\npath = \"/dev/x\"\n[lane.barrier.contacts]\npassed = \"1\"",
		"[lane.barrier]\ntype = \"modbus\"\npath = \"/dev/x\"\n[lane.barrier.contacts]\npassed = \"one\"",
		"[lane.barrier]\ntype = \"modbus\"\npath = \"/dev/x\"\n[lane.barrier.feedback]\npath = \"/dev/y\"",
		"[lane.barrier]\ntype = \"none\"\nmatch = \"port:1-1\"",
		"[lane.barrier]\ntype = \"none\"\n[lane.indicator]\ngreen = 2",
	} {
		text := strings.Replace(minimal, "[lane.barrier]\ntype = \"none\"", bad, 1)
		if _, err := config.Parse([]byte(text)); err == nil {
			t.Errorf("taken:\n%s", bad)
		}
	}
}

// A box that is to be enrolled needs neither its number nor those of its lanes;
// a gate that serves does.
func TestWithoutNumbers(t *testing.T) {
	lane := `
[[lane]]%s
[[lane.reader]]
name = "%s"
type = "serial"
path = "/dev/%[2]s"
[lane.barrier]
type = "none"
`
	text := fmt.Sprintf(lane, "", "a") + fmt.Sprintf(lane, "", "b")
	c, err := config.Parse([]byte(text + "[central]\nca = \"/etc/venuegate/office.pem\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "gate.id: is missing") || !strings.Contains(err.Error(), "enrol this box") {
		t.Errorf("to serve with: %v", err)
	}
	c.Gate.ID, c.Central.URL = 7, "https://tickets.example"
	if err := c.Validate(); err != nil {
		t.Errorf("once it is enrolled: %v", err)
	}
	if _, err := config.Parse([]byte(fmt.Sprintf(lane, "\nid = 4", "a") + fmt.Sprintf(lane, "", "b"))); err == nil || !strings.Contains(err.Error(), "lane[1].id: is missing") {
		t.Errorf("one lane with a number and one without: %v", err)
	}
}

func TestErrorsNameTheirFields(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string // each path and a piece of its problem
	}{
		{"empty", "", []string{"lane: there is none"}},
		{"not TOML", "[gate\nid = 1", []string{"(line 1)"}},
		{"wrong type", "[gate]\nid = \"one\"", []string{"gate.id (line 2): is a text, want a number", "lane: there is none"}},
		{"a bad duration", minimal + "[pack]\npoll = \"soon\"", []string{`pack.poll (line 13): "soon" is not a time span such as "300ms"`}},
		{"every wrong type at once", `
gate = { id = 70000000000, name = 7 }
web = "off"
[[lane]]
id = 1
hold = 3
[[lane.reader]]
name = "a"
type = "serial"
path = "/dev/a"
[[lane.reader]]
name = "b"
type = "camera"
path = "/dev/b"
baud = "9600"
rate = "fast"
width = 1.5
[lane.barrier]
type = "lcus"
path = "/dev/c"
fire_hold = "yes"
[lane.barrier.feedback]
path = ["/dev/d"]
colour = "red"
[[lane]]
id = 70000
reader = "none"
barrier = { type = 1979-05-27, path = "/dev/e" }
"no such" = 1
`, []string{
			"gate.id (line 2): 70000000000 is not a number from 0 to 4294967295",
			"gate.name (line 2): is a number, want a text",
			"web (line 3): is a text, want a table",
			`lane[0].hold (line 6): is a number, want a text such as "300ms" or "5s"`,
			"lane[0].reader[1].baud (line 15): is a text, want a number",
			"lane[0].reader[1].rate (line 16): is a text, want a number",
			"lane[0].reader[1].width (line 17): is 1.5, want a whole number",
			"lane[0].barrier.fire_hold (line 21): is a text, want true or false",
			"lane[0].barrier.feedback.path (line 23): is a list, want a text",
			"lane[0].barrier.feedback.colour (line 24): there is no such setting",
			"lane[1].id (line 26): 70000 is not a number from 0 to 65535",
			"lane[1].reader (line 27): is a text, want tables, each under [[lane.reader]]",
			"lane[1].barrier.type (line 28): is a date or a time, want a text",
			`lane[1]."no such" (line 29): there is no such setting`,
		}},
		{"a list of the wrong things", minimal + "[web]\nhosts = [\"a\", 3]", []string{"web.hosts[1] (line 13): is a number, want a text"}},
		{"a table in a list", "lane = [\n{ id = 1 },\n{ ids = 1 }]", []string{"lane[1].ids (line 3): there is no such setting"}},
		{"negative duration", minimal + "[pack]\npoll = \"-1s\"", []string{"pack.poll: -1s is less than"}},
		{"a cluster and a central that cannot be", minimal + "[cluster]\nadvertise = \"10.0.0.1:7946\"\npace = -1\ndeadline = \"1ms\"\n[central]\nca = \"x.pem\"\nbandwidth = -1\npoll = \"1ms\"", []string{
			"cluster.advertise: means nothing without cluster.listen",
			"cluster.pace: -1 is less than 0",
			"cluster.deadline: 1ms is less than 20ms",
			"central.ca: means nothing without central.url",
			"central.poll: 1ms is less than 100ms",
			"central.bandwidth: -1 is less than 0",
		}},
		{"a port without a next one, an address without a scheme", minimal + "[cluster]\nlisten = \"0.0.0.0:65535\"\n[central]\nurl = \"tickets.example\"", []string{
			"cluster.listen: port 65535 cannot be used", "central.url: is not an address such as https://",
		}},
		{"an unknown setting", minimal + "[web]\nlisten_on = \"x\"", []string{"web.listen_on (line 13): there is no such setting"}},
		{"several at once", `
[gate]
id = 1
colour = "red"
[web]
listen = "8080"
[log]
level = "loud"
[[lane]]
id = 3
isolation = "maybe"
[[lane.reader]]
name = "a"
type = "telepathy"
path = "/dev/a"
[[lane.reader]]
name = "a"
type = "sdt"
aim = "off"
[lane.barrier]
type = "lcus"
path = "/dev/a"
[[lane]]
id = 3
[lane.barrier]
type = "none"
path = "/dev/b"
`, []string{
			"gate.colour (line 4): there is no such setting",
			"web.listen: \"8080\" is not host:port",
			"log.level: \"loud\" is not one of debug, info, warn, error",
			"lane[0].isolation: \"maybe\" is not one of admit, refer, refuse",
			"lane[0].reader[0].type: \"telepathy\" is not one of serial, wedge, hidpos, camera, sdt, mrz, face",
			"lane[0].reader[1].name: \"a\" is taken by lane[0].reader[0].name",
			"lane[0].reader[1].path: is missing",
			"lane[0].reader[1].aim: means nothing for a reader of type sdt",
			"lane[0].barrier.path: \"/dev/a\" is taken by lane[0].reader[0].path",
			"lane[1].id: 3 is the id of lane[0] too",
			"lane[1].reader: there is none",
			"lane[1].barrier.type: is \"none\", but",
		}},
		{"larger than any real file", strings.Repeat("#", 1<<20+1), []string{"larger than"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := config.Parse([]byte(c.text))
			var found config.Errors
			if !errors.As(err, &found) {
				t.Fatalf("got %v, want an Errors", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in:\n%v", want, err)
				}
			}
			if len(c.want) > 1 && len(found) != len(c.want) {
				t.Errorf("%d errors, want %d:\n%v", len(found), len(c.want), err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add(configs.Gate)
	f.Add([]byte("lane = 3"))
	f.Add([]byte("lane = [{ reader = [{ baud = true }] }]\ngate.id = 1.5\n[a.b]\n\"\" = 1"))
	f.Add(bytes.Repeat([]byte("[[lane]]\n"), 50))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse(data)
		if (c == nil) == (err == nil) {
			t.Fatal("neither a configuration nor an error, or both")
		}
		if c != nil && c.Validate() != nil {
			t.Fatal("a parsed configuration does not validate")
		}
	})
}
