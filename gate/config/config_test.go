package config_test

import (
	"bytes"
	"errors"
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
		if rest, ok := strings.CutPrefix(bare, "# "); ok && strings.Contains(strings.SplitN(rest, "#", 2)[0], " = ") {
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

func TestErrorsNameTheirFields(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string // each path and a piece of its problem
	}{
		{"empty", "", []string{"gate.id: is missing", "lane: there is none"}},
		{"not TOML", "[gate\nid = 1", []string{"(line 1)"}},
		{"wrong type", "[gate]\nid = \"one\"", []string{"gate.id (line 2)"}},
		{"a bad duration", minimal + "[pack]\npoll = \"soon\"", []string{"pack.poll (line 13)"}},
		{"negative duration", minimal + "[pack]\npoll = \"-1s\"", []string{"pack.poll: -1s is less than"}},
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
			"lane[0].reader[0].type: \"telepathy\" is not one of serial, sdt",
			"lane[0].reader[1].name: \"a\" is taken by lane[0].reader[0].name",
			"lane[0].reader[1].path: is missing",
			"lane[0].reader[1].aim: means nothing",
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
