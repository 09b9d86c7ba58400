package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/sync/central"
)

// demoDevices are what is plugged into the demo's gate: at north 1 a scanner, a
// card reader and a turnstile that tells who passed; at north 2 a scanner on
// either side and a turnstile that tells nothing.
type demoDevices struct {
	dir     string
	code1   *hwtest.Scanner
	card1   *hwtest.CardReader
	arm1    *hwtest.Turnstile
	in2     *hwtest.Scanner
	out2    *hwtest.Scanner
	arm2    *hwtest.Turnstile
	closers []func() error
}

// walkThrough is how long a visitor takes to walk through after the arm moved.
const walkThrough = 350 * time.Millisecond

func plugInDemo() (*demoDevices, error) {
	dir, err := os.MkdirTemp("", "venuegate-demo-")
	if err != nil {
		return nil, err
	}
	d := &demoDevices{dir: dir}
	d.closers = append(d.closers, func() error { return os.RemoveAll(dir) })
	var errs []error
	plugged := func(closer io.Closer, err error) {
		if err != nil {
			errs = append(errs, err)
			return
		}
		d.closers = append(d.closers, closer.Close)
	}
	d.code1, err = hwtest.NewScanner(d.path("code1"))
	plugged(d.code1, err)
	d.card1, err = hwtest.NewCardReader(d.path("card1"))
	plugged(d.card1, err)
	d.arm1, err = hwtest.NewTurnstile(hwtest.TurnstileOptions{
		Relay: d.path("relay1"), Feedback: d.path("feedback1"), PassAfter: walkThrough,
	})
	plugged(d.arm1, err)
	d.in2, err = hwtest.NewScanner(d.path("in2"))
	plugged(d.in2, err)
	d.out2, err = hwtest.NewScanner(d.path("out2"))
	plugged(d.out2, err)
	d.arm2, err = hwtest.NewTurnstile(hwtest.TurnstileOptions{Relay: d.path("relay2"), PassAfter: walkThrough})
	plugged(d.arm2, err)
	if len(errs) > 0 {
		return nil, errors.Join(append(errs, d.close())...)
	}
	return d, nil
}

func (d *demoDevices) path(name string) string { return filepath.Join(d.dir, name) }

func (d *demoDevices) close() error {
	var errs []error
	for _, unplug := range slices.Backward(d.closers) {
		errs = append(errs, unplug())
	}
	return errors.Join(errs...)
}

// lanes is the configuration of both lanes.
func (d *demoDevices) lanes() []config.Lane {
	const again = config.Duration(200 * time.Millisecond) // visitors here are quick
	code := func(name, path, side string) config.Reader {
		return config.Reader{
			Name: name, Type: "serial", Device: config.Device{Path: d.path(path)}, Side: side,
			Repeat: again,
		}
	}
	return []config.Lane{{
		ID: central.DemoEntryLane,
		Readers: []config.Reader{
			code("north 1 code", "code1", ""),
			{Name: "north 1 card", Type: "sdt", Device: config.Device{Path: d.path("card1")}, Repeat: again},
		},
		Barrier: config.Barrier{
			Name: "north 1 arm", Type: "lcus", Device: config.Device{Path: d.path("relay1")}, Wait: config.Duration(2 * time.Second),
			Feedback: &config.Feedback{Device: config.Device{Path: d.path("feedback1")}},
		},
	}, {
		ID: central.DemoBothLane,
		Readers: []config.Reader{
			code("north 2 code", "in2", "entry"),
			code("north 2 code, way out", "out2", "exit"),
		},
		Barrier: config.Barrier{Name: "north 2 arm", Type: "lcus", Device: config.Device{Path: d.path("relay2")}, Wait: config.Duration(500 * time.Millisecond)},
	}}
}
