package config

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Validate returns everything that is wrong, as an Errors, or nil.
func (c *Config) Validate() error {
	if found := c.check(); len(found) > 0 {
		return found
	}
	return nil
}

func (c *Config) check() Errors {
	var e Errors
	if c.Gate.ID == 0 {
		e.add("gate.id", "is missing; take it from the venue's roster")
	}
	if c.Gate.DataDir == "" {
		e.add("gate.data_dir", "is empty")
	}
	positive(&e, "pack.poll", c.Pack.Poll, 100*time.Millisecond)
	positive(&e, "pack.old_after", c.Pack.OldAfter, time.Minute)
	if c.Web.Listen != "" {
		if _, _, err := net.SplitHostPort(c.Web.Listen); err != nil {
			e.add("web.listen", "%q is not host:port, such as 127.0.0.1:8080", c.Web.Listen)
		}
	}
	oneOf(&e, "log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf(&e, "log.format", c.Log.Format, "json", "console")
	oneOf(&e, "clock.trust", c.Clock.Trust, "system", "always")
	c.checkLanes(&e)
	return e
}

func (c *Config) checkLanes(e *Errors) {
	if len(c.Lanes) == 0 {
		e.add("lane", "there is none; a gate has at least one [[lane]]")
	}
	ids := map[gate.LaneID]string{}
	names := map[string]string{}
	paths := map[string]string{}
	for i := range c.Lanes {
		at := fmt.Sprintf("lane[%d]", i)
		l := &c.Lanes[i]
		if l.ID == 0 {
			e.add(at+".id", "is missing; take it from the venue's roster")
		} else if first, twice := ids[l.ID]; twice {
			e.add(at+".id", "%d is the id of %s too", l.ID, first)
		}
		ids[l.ID] = at
		oneOf(e, at+".isolation", l.Isolation, "", "admit", "refer", "refuse")
		positive(e, at+".pair_window", l.PairWindow, 0)
		positive(e, at+".hold", l.Hold, 0)
		if len(l.Readers) == 0 {
			e.add(at+".reader", "there is none; a lane has at least one [[lane.reader]]")
		}
		for j := range l.Readers {
			l.Readers[j].check(e, fmt.Sprintf("%s.reader[%d]", at, j), names, paths)
		}
		l.Barrier.check(e, at+".barrier", paths)
	}
}

func (r *Reader) check(e *Errors, at string, names, paths map[string]string) {
	if r.Name == "" {
		e.add(at+".name", "is missing")
	} else {
		unique(e, at+".name", r.Name, names)
	}
	oneOf(e, at+".type", r.Type, "serial", "sdt")
	device(e, at+".path", r.Path, paths)
	oneOf(e, at+".side", r.Side, "", "entry", "exit")
	if r.Type == "sdt" {
		for field, set := range map[string]bool{
			"terminator": r.Terminator != "", "stx": r.STX, "prefix": r.Prefix != "",
			"suffix": r.Suffix != "", "aim": r.AIM != "", "eci": r.ECI,
		} {
			if set {
				e.add(at+"."+field, "means nothing for a card reader")
			}
		}
	}
}

func (b *Barrier) check(e *Errors, at string, paths map[string]string) {
	oneOf(e, at+".type", b.Type, "lcus", "none")
	if b.Type == "none" {
		if b.Path != "" || b.Feedback != nil {
			e.add(at+".type", `is "none", but a device is configured`)
		}
		return
	}
	device(e, at+".path", b.Path, paths)
	if b.Feedback != nil {
		device(e, at+".feedback.path", b.Feedback.Path, paths)
	}
}

// device checks a device's path. Two devices on one path would steal each
// other's bytes.
func device(e *Errors, at, path string, paths map[string]string) {
	if path == "" {
		e.add(at, "is missing")
		return
	}
	unique(e, at, path, paths)
}

func unique(e *Errors, at, value string, seen map[string]string) {
	if first, twice := seen[value]; twice {
		e.add(at, "%q is taken by %s", value, first)
		return
	}
	seen[value] = at
}

func oneOf(e *Errors, at, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	words := slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" })
	if value == "" {
		e.add(at, "is missing; one of %s", strings.Join(words, ", "))
		return
	}
	e.add(at, "%q is not one of %s", value, strings.Join(words, ", "))
}

func positive(e *Errors, at string, d Duration, atLeast time.Duration) {
	if time.Duration(d) < atLeast {
		e.add(at, "%v is less than %v", time.Duration(d), atLeast)
	}
}
