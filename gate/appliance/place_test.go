package appliance

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/sync/pack"
)

const enrolment = `{"version":1,"central":"https://tickets.example","venue":1,"gate":7,"incarnation":2,"name":"North 3",
"addresses":["10.0.0.17:7946"],"public":"abababababababababababababababababababababababababababababababab","at":"2026-11-22T18:00:00Z"}`

func TestPlace(t *testing.T) {
	enrolled, bare, damaged := t.TempDir(), t.TempDir(), t.TempDir()
	for dir, text := range map[string]string{enrolled: enrolment, damaged: "{"} {
		if err := os.WriteFile(filepath.Join(dir, "enrolment.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, dir string
		change    func(*config.Config)
		id        gate.GateID
		central   string
		listen    string
		err       string
	}{
		{"nothing said", enrolled, func(*config.Config) {}, 7, "https://tickets.example", "0.0.0.0:7946", ""},
		{"all said", enrolled, func(c *config.Config) {
			c.Gate.ID, c.Central.URL, c.Cluster.Listen = 7, "https://other.example", "10.1.1.1:8000"
		}, 7, "https://other.example", "10.1.1.1:8000", ""},
		{"another gate", enrolled, func(c *config.Config) { c.Gate.ID = 5 }, 0, "", "", "enrolled as gate 7 (North 3)"},
		{"not enrolled", bare, func(*config.Config) {}, 0, "", "", ""},
		{"set up by hand", bare, func(c *config.Config) { c.Gate.ID = 5 }, 5, "", "", ""},
		{"damaged", damaged, func(*config.Config) {}, 0, "", "", "is damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config.Default()
			cfg.Gate.DataDir = c.dir
			cfg.Lanes = []config.Lane{{
				Readers: []config.Reader{{Name: "code", Type: "serial", Device: config.Device{Path: "/dev/a"}}},
				Barrier: config.Barrier{Type: "none"},
			}}
			c.change(&cfg)
			err := Place(&cfg)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%v, want %q", err, c.err)
				}
				return
			}
			if err != nil || cfg.Gate.ID != c.id || cfg.Central.URL != c.central || cfg.Cluster.Listen != c.listen {
				t.Errorf("%d, %q, %q, %v", cfg.Gate.ID, cfg.Central.URL, cfg.Cluster.Listen, err)
			}
		})
	}
}

// Lanes without numbers are the roster's, in its order; those it does not have
// are not served, and named.
func TestNumberLanes(t *testing.T) {
	r := &roster{gates: []pack.Gate{
		{ID: 6, Lanes: []pack.Lane{{ID: 60}}},
		{ID: 7, Lanes: []pack.Lane{{ID: 72}, {ID: 71}}},
	}}
	lanes := func(ids ...gate.LaneID) (out []config.Lane) {
		for _, id := range ids {
			out = append(out, config.Lane{ID: id})
		}
		return out
	}
	for _, c := range []struct {
		name      string
		of        gate.GateID
		in, want  []config.Lane
		surpluses int
	}{
		{"numbered", 7, lanes(1, 2, 3), lanes(1, 2, 3), 0},
		{"as many", 7, lanes(0, 0), lanes(72, 71), 0},
		{"fewer", 7, lanes(0), lanes(72), 0},
		{"more", 7, lanes(0, 0, 0), lanes(72, 71), 1},
		{"of no gate", 8, lanes(0, 0), nil, 2},
	} {
		given := slices.Clone(c.in)
		if got := r.number(c.of, given); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if !reflect.DeepEqual(given, c.in) {
			t.Errorf("%s: the configuration was changed", c.name)
		}
		if got := r.unlisted(c.of, given); len(got) != c.surpluses {
			t.Errorf("%s: %v are not on the roster", c.name, got)
		}
	}
	if got := (&roster{}).unlisted(7, lanes(0)); len(got) != 0 {
		t.Errorf("before there is a roster: %v", got)
	}
}
