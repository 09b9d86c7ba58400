package main

import (
	"strings"
	"testing"

	"github.com/venuegate/venuegate/hw/hwtest"
)

// A gate was killed while it let somebody in: the relay is opened, and nothing
// else is done.
func TestLaneSafe(t *testing.T) {
	p := plugLane(t, true)
	file := p.file(t, t.TempDir())
	r := run(t, "", "lane", "safe", "--config", file)
	if r.code != exitOK || r.out != "lane 7: arm is at rest\n" || r.err != "" {
		t.Fatalf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
	off := func(switches []hwtest.Switch) bool {
		for _, s := range switches {
			if s.On {
				t.Errorf("relay %d is switched on", s.Channel)
			}
		}
		return len(switches) > 0
	}
	if err := p.arm.Await(t.Context(), off); err != nil {
		t.Fatal(err)
	}
	if n := p.card.Asked("find") + p.card.Asked("status"); n != 0 {
		t.Errorf("a reader was asked %d times", n)
	}
}

func TestLaneSafeThatFails(t *testing.T) {
	p := plugLane(t, false)
	data := t.TempDir()
	file := p.file(t, data)
	if err := p.arm.Relay.Unplug(); err != nil {
		t.Fatal(err)
	}
	r := run(t, "", "lane", "safe", "--config", file)
	if r.code != exitNo || !strings.HasPrefix(r.out, "lane 7: arm FAILED: open ") {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
	j, err := openJournal(data)
	if err != nil {
		t.Fatal(err)
	}
	if r := run(t, "", "lane", "safe", "--config", file); r.code != exitNo || !contains(r.err, "the gate is running") || r.out != "" {
		t.Errorf("beside a gate: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if r := run(t, "", "lane", "safe"); r.code != exitUsage {
		t.Errorf("without a configuration: exit code %d", r.code)
	}
}
