package appliance_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/hw/hwtest"
)

// The lamps are on the board that unlocks the turnstile: green for who may come
// in, red for who may not.
func TestLamps(t *testing.T) {
	s := newSite(t)
	s.sell(1)
	s.setUp()
	s.plugIn()
	s.change = func(c *config.Config) { c.Lanes[0].Indicator = &config.Indicator{Green: 2, Red: 3} }
	s.open()
	lit := func(channel int) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := s.turnstile.Await(ctx, func(switches []hwtest.Switch) bool {
			for _, w := range switches {
				if w.Channel == channel && w.On {
					return true
				}
			}
			return false
		}); err != nil {
			t.Fatalf("lamp %d stays dark: %v\n%s", channel, err, s.log.String())
		}
	}
	s.scan(s.code(1))
	lit(2)
	s.scan("6901234567892") // a bottle of water
	lit(3)
}

// A reader with commands for its sounds says with them what the verdict was,
// also at a lane without a lamp.
func TestBeeps(t *testing.T) {
	s := newSite(t)
	s.sell(1)
	s.setUp()
	s.plugIn()
	// The scanner's place is taken by one that hears.
	if err := s.scanner.Close(); err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 10)
	line, err := hwtest.NewLine(s.line("scanner"), func(b []byte) { heard <- string(b) })
	if err != nil {
		t.Fatal(err)
	}
	s.scanner = &hwtest.Scanner{Line: line, After: "\r\n"}
	s.change = func(c *config.Config) { c.Lanes[0].Readers[0].Beep = &config.Beep{Good: "hex:07", Bad: "NO"} }
	s.open()
	s.scan("6901234567892") // a bottle of water
	if got := hwtest.Receive(t, heard); got != "NO" {
		t.Errorf("the reader was told %q", got)
	}
	s.scan(s.code(1))
	if got := hwtest.Receive(t, heard); got != "\a" {
		t.Errorf("the reader was told %q", got)
	}
}

func TestBeepsThatCannotBe(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct {
		reader int
		beep   config.Beep
		path   string
	}{
		{0, config.Beep{Good: "hex:0"}, "lane[0].reader[0].beep.good"},
		{0, config.Beep{Bad: "hex:"}, "lane[0].reader[0].beep.bad"},
		{1, config.Beep{Good: "x"}, "lane[0].reader[1].beep"}, // a card reader
	} {
		cfg := s.config()
		cfg.Lanes[0].Readers[c.reader].Beep = &c.beep
		var wrong config.Errors
		if err := appliance.Check(cfg); !errors.As(err, &wrong) || wrong[0].Path != c.path {
			t.Errorf("%+v: %v, want an error about %s", c.beep, err, c.path)
		}
	}
}

func TestLampsThatCannotBe(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct {
		lamps config.Indicator
		path  string
	}{
		{config.Indicator{Green: 1}, "lane[0].indicator.green"},       // unlocks the turnstile
		{config.Indicator{Green: 2, Red: 2}, "lane[0].indicator.red"}, // green's
		{config.Indicator{Buzzer: 99}, "lane[0].indicator.buzzer"},    // no such relay
		{config.Indicator{Green: 2, Yellow: -1}, "lane[0].indicator.yellow"},
	} {
		cfg := s.config()
		cfg.Lanes[0].Indicator = &c.lamps
		var wrong config.Errors
		if err := appliance.Check(cfg); !errors.As(err, &wrong) || wrong[0].Path != c.path {
			t.Errorf("%+v: %v, want an error about %s", c.lamps, err, c.path)
		}
	}
}
