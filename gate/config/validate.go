package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Validate returns everything that keeps a gate from serving with this
// configuration, as an Errors, or nil.
func (c *Config) Validate() error {
	found := c.check()
	if c.Gate.ID == 0 {
		found = append(Errors{{Path: "gate.id", Problem: "is missing; take it from the venue's roster, or enrol this box"}}, found...)
	}
	if len(found) > 0 {
		return found
	}
	return nil
}

// check is Validate for a box that may have no number yet: its enrolment gives
// it one.
func (c *Config) check() Errors {
	var e Errors
	if c.Gate.DataDir == "" {
		e.add("gate.data_dir", "is empty")
	}
	positive(&e, "pack.poll", c.Pack.Poll, 100*time.Millisecond)
	positive(&e, "pack.old_after", c.Pack.OldAfter, time.Minute)
	c.Cluster.check(&e)
	c.Central.check(&e)
	if c.Central.URL == "" && c.Central.CA != "" && c.Gate.ID != 0 { // an enrolment names central
		e.add("central.ca", "means nothing without central.url")
	}
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

func (c *Cluster) check(e *Errors) {
	for _, a := range []struct{ name, text string }{{"listen", c.Listen}, {"advertise", c.Advertise}} {
		if a.text == "" {
			continue
		}
		at, err := netip.ParseAddrPort(a.text)
		switch {
		case err != nil:
			e.add("cluster."+a.name, "%q is not address:port, such as 0.0.0.0:7946", a.text)
		case at.Port() == 0 || at.Port() == 1<<16-1:
			e.add("cluster."+a.name, "port %d cannot be used: it and the one after it are needed", at.Port())
		}
	}
	if c.Listen == "" && c.Advertise != "" {
		e.add("cluster.advertise", "means nothing without cluster.listen")
	}
	if c.Pace < 0 {
		e.add("cluster.pace", "%d is less than 0", c.Pace)
	}
	positive(e, "cluster.deadline", c.Deadline, 20*time.Millisecond)
}

func (c *Central) check(e *Errors) {
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			e.add("central.url", "is not an address such as https://tickets.example")
		}
	}
	positive(e, "central.poll", c.Poll, 100*time.Millisecond)
	if c.Bandwidth < 0 {
		e.add("central.bandwidth", "%d is less than 0", c.Bandwidth)
	}
}

func (c *Config) checkLanes(e *Errors) {
	if len(c.Lanes) == 0 {
		e.add("lane", "there is none; a gate has at least one [[lane]]")
	}
	ids := map[gate.LaneID]string{}
	names := map[string]string{}
	devices := map[string]string{}
	for i := range c.Lanes {
		at := fmt.Sprintf("lane[%d]", i)
		l := &c.Lanes[i]
		if l.ID == 0 && c.numbered() {
			e.add(at+".id", "is missing; take it from the venue's roster, or leave out every lane's")
		} else if l.ID == 0 {
			// the roster's lanes, in its order
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
			l.Readers[j].check(e, fmt.Sprintf("%s.reader[%d]", at, j), names, devices)
		}
		l.Barrier.check(e, at+".barrier", names, devices)
		if l.Indicator != nil && !slices.Contains([]string{"lcus", "modbus", "gpio"}, l.Barrier.Type) {
			e.add(at+".indicator", "needs a barrier of type lcus, modbus or gpio, whose board has outputs")
		}
	}
}

// numbered reports whether the configuration says which lanes of the roster its
// lanes are.
func (c *Config) numbered() bool {
	return slices.ContainsFunc(c.Lanes, func(l Lane) bool { return l.ID != 0 })
}

// readerTypes are the kinds of readers.
var readerTypes = []string{"serial", "wedge", "hidpos", "camera", "sdt", "mrz", "face"}

func (r *Reader) check(e *Errors, at string, names, devices map[string]string) {
	if r.Name == "" {
		e.add(at+".name", "is missing")
	} else {
		unique(e, at+".name", r.Name, names)
	}
	oneOf(e, at+".type", r.Type, readerTypes...)
	if r.Listen == "" {
		r.Device.check(e, at, devices)
	} else {
		r.checkListen(e, at, devices)
	}
	oneOf(e, at+".side", r.Side, "", "entry", "exit")
	face := r.Type == "face"
	network := face && r.Listen != ""
	serial := r.Type == "serial" || r.Type == "sdt" || r.Type == "mrz" || face && !network
	barcode := r.Type == "serial" || r.Type == "wedge" || r.Type == "hidpos"
	for _, s := range []struct {
		name string
		set  bool
		used bool
	}{
		{"baud", r.Baud != 0, serial},
		{"parity", r.Parity != "", serial},
		{"terminator", r.Terminator != "", r.Type == "serial"},
		{"stx", r.STX, r.Type == "serial"},
		{"gap", r.Gap != 0, r.Type == "serial" || r.Type == "wedge" || r.Type == "mrz"},
		{"prefix", r.Prefix != "", barcode},
		{"suffix", r.Suffix != "", barcode},
		{"aim", r.AIM != "", barcode},
		{"eci", r.ECI, barcode},
		{"width", r.Width != 0, r.Type == "camera"},
		{"height", r.Height != 0, r.Type == "camera"},
		{"rate", r.Rate != 0, r.Type == "camera"},
		{"beep", r.Beep != nil, r.Type == "serial"},
		{"listen", r.Listen != "", face},
		{"from", len(r.From) > 0, network},
		{"min_score", r.MinScore != 0, face},
		{"heartbeat", r.Heartbeat != 0, network},
		{"answer", r.Answer != "", network},
		{"fields", r.Fields != nil, face},
	} {
		if s.set && !s.used && slices.Contains(readerTypes, r.Type) {
			e.add(at+"."+s.name, "means nothing for a reader of type %s", r.Type)
		}
	}
}

// checkListen wants a terminal on the network to have no device, and an address
// of its own.
func (r *Reader) checkListen(e *Errors, at string, devices map[string]string) {
	if field, text := r.where(); text != "" {
		e.add(at+"."+field, "stands beside listen; a terminal is on a line or on the network")
	}
	unique(e, at+".listen", r.Listen, devices)
}

func (b *Barrier) check(e *Errors, at string, names, devices map[string]string) {
	oneOf(e, at+".type", b.Type, "lcus", "modbus", "gpio", "gateboard", "none")
	if b.Name != "" {
		unique(e, at+".name", b.Name, names)
	}
	if b.Type == "none" {
		if _, device := b.where(); device != "" || b.Feedback != nil || b.Contacts != nil {
			e.add(at+".type", `is "none", but a device is configured`)
		}
		return
	}
	b.Device.check(e, at, devices)
	oneOf(e, at+".free", b.Free, "", "entry", "exit")
	if b.Feedback != nil {
		if b.Type != "lcus" {
			e.add(at+".feedback", "means nothing for a barrier of type %s", b.Type)
		}
		b.Feedback.check(e, at+".feedback", devices)
	}
	if b.Contacts != nil && b.Type != "modbus" && b.Type != "gpio" {
		e.add(at+".contacts", "means nothing for a barrier of type %s", b.Type)
	}
}

// check wants one device that no other entry means: two on one line would steal
// each other's bytes.
func (d *Device) check(e *Errors, at string, devices map[string]string) {
	field, text := d.where()
	switch {
	case text == "":
		e.add(at+".path", "is missing; or say with match what is plugged in")
		return
	case d.Path != "" && d.Match != "":
		e.add(at+".match", "stands beside path; one of them says which device is meant")
	}
	unique(e, at+"."+field, text, devices)
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
