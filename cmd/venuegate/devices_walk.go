package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/hw/find"
)

// Defaults of venuegate devices test.
const (
	walkWait = 30 * time.Second
	openWait = 5 * time.Second
)

func (t *tool) devicesTestCommand() *cobra.Command {
	var file, root string
	var wait time.Duration
	cmd := &cobra.Command{
		Use: "test LANE --config FILE", Short: "Try a lane's readers, lamps and barrier, step by step",
		Long: `Walks you through the devices of a lane: each is opened, each reader wants
something held to it, each lamp and sound is switched on, and the barrier opens. It
says what to do and waits for it.

The gate must be stopped, or its readings would go astray:
  systemctl stop venuegated
While the test runs, the gate will not start. Nothing is recorded, no ticket is
looked up, and of what was read only the length is shown.

Exits 1 when a step failed.`,
		Example: indent(`
venuegate devices test 1 --config /etc/venuegate/gate.toml`),
		Args: between(1, 1, "one LANE, the id in the configuration"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if file == "" {
				return usagef("--config is missing; it is the gate's gate.toml")
			}
			id, err := strconv.ParseUint(args[0], 10, 16)
			if err != nil {
				return usagef("LANE: want the lane's id, a number")
			}
			if wait <= 0 {
				return usagef("--wait: want a time, such as 30s")
			}
			c, err := config.Load(file)
			if err != nil {
				return err
			}
			for i := range c.Lanes {
				if c.Lanes[i].ID == gate.LaneID(id) {
					return t.walkLane(cmd.Context(), c, &c.Lanes[i], find.Under(root), wait)
				}
			}
			return fmt.Errorf("the configuration has no lane %d", id)
		},
	}
	configFlag(cmd, &file)
	rootFlag(cmd, &root)
	cmd.Flags().DurationVar(&wait, "wait", walkWait, "how long to wait for each step: `TIME`, such as 30s")
	return cmd
}

// walkLane holds the gate's journal, so that no gate can start, and tries the
// lane's devices.
func (t *tool) walkLane(ctx context.Context, c *config.Config, l *config.Lane, f find.Finder, wait time.Duration) error {
	release, err := keepGateOut(c.Gate.DataDir)
	if err != nil {
		return err
	}
	w := &walk{t: t, lane: l, wait: wait, readings: make(chan gate.Reading), states: make(chan gate.DeviceState, 64)}
	err = w.run(ctx, c, f)
	return errors.Join(err, release())
}

// keepGateOut is holdGate where there is a gate: two that read one serial line
// get half of every code each.
func keepGateOut(data string) (release func() error, err error) {
	if _, err := os.Stat(filepath.Join(data, "journal", "lock")); errors.Is(err, fs.ErrNotExist) {
		return func() error { return nil }, nil // none ever ran here
	}
	release, err = holdGate(data)
	switch {
	case errors.Is(err, errRunning):
		err = advise(err, "Stop it first:  systemctl stop venuegated")
	case errors.Is(err, fs.ErrPermission):
		err = advise(err, "Run this as the gate's user, which may open its data and its devices.")
	}
	return release, err
}

// walk is one technician's way through a lane.
type walk struct {
	t        *tool
	lane     *config.Lane
	wait     time.Duration
	readings chan gate.Reading
	states   chan gate.DeviceState

	up         map[string]bool // device → it was opened
	ok, failed int
}

func (w *walk) run(ctx context.Context, c *config.Config, f find.Finder) error {
	if err := w.resolve(c, f); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d, err := appliance.BuildLane(w.lane, func(s gate.DeviceState) {
		select {
		case w.states <- s:
		case <-ctx.Done():
		}
	})
	if err != nil {
		return err
	}
	stopped := w.start(ctx, d)
	w.opened(ctx, d.Names)
	for _, r := range d.Readers {
		if w.up[r.Name()] && ctx.Err() == nil {
			w.tryReader(ctx, r.Name())
		}
	}
	for _, s := range d.Signals {
		if ctx.Err() == nil {
			w.trySignal(ctx, s)
		}
	}
	if ctx.Err() == nil {
		w.tryBarrier(ctx, d.Barrier)
	}
	interrupted := ctx.Err()
	cancel()
	stopped()
	if interrupted != nil {
		return errors.New("stopped before the end")
	}
	w.say("\nLane %d: %d ok, %d failed", w.lane.ID, w.ok, w.failed)
	if w.failed > 0 {
		return errNo
	}
	return nil
}

// say prints a line for the technician. A terminal that is gone ends the
// process by itself.
func (w *walk) say(format string, args ...any) { _, _ = fmt.Fprintf(w.t.out, format+"\n", args...) }

func (w *walk) pass(format string, args ...any) {
	w.ok++
	w.say("ok    "+format, args...)
}

func (w *walk) fail(format string, args ...any) {
	w.failed++
	w.say("FAIL  "+format, args...)
}

// resolve sees before anything is opened whether each device is one that is
// there, and meant by nothing else.
func (w *walk) resolve(c *config.Config, f find.Finder) error {
	entries := appliance.Wanted(c)
	wants := make([]find.Want, len(entries))
	for i, e := range entries {
		wants[i] = e.Want
	}
	found, err := f.Resolve(wants)
	if err != nil {
		return err
	}
	for i, one := range found {
		if entries[i].Lane == w.lane.ID && one.Err != nil {
			w.fail("%s: %v", one.Name, one.Err)
		}
	}
	if w.failed > 0 {
		w.say("\nThis lists what there is:  venuegate devices --config FILE")
		return errNo
	}
	return nil
}

// start runs the drivers, and returns the function that waits for them.
func (w *walk) start(ctx context.Context, d *appliance.LaneDevices) (stopped func()) {
	n := len(d.Readers) + 1
	done := make(chan struct{}, n)
	for _, r := range d.Readers {
		go func() {
			_ = r.Run(ctx, func(g gate.Reading) { // fails only when run twice
				select {
				case w.readings <- g:
				case <-ctx.Done():
				}
			})
			done <- struct{}{}
		}()
	}
	go func() {
		_ = d.Barrier.Run(ctx)
		done <- struct{}{}
	}()
	return func() {
		for range n {
			<-done
		}
	}
}

// opened waits until every device was opened and answers, or has had its time.
func (w *walk) opened(ctx context.Context, names []string) {
	w.up = map[string]bool{}
	last := map[string]gate.DeviceState{}
	timer := time.NewTimer(min(w.wait, openWait))
	defer timer.Stop()
	for waiting := true; waiting && len(w.up) < len(names); {
		select {
		case s := <-w.states:
			if last[s.Device] = s; s.Up {
				w.up[s.Device] = true
			} else {
				delete(w.up, s.Device)
			}
		case <-timer.C:
			waiting = false
		case <-ctx.Done():
			return
		}
	}
	for _, name := range names {
		switch s := last[name]; {
		case w.up[name]:
			w.pass("%s: open and answering at %s", name, s.Path)
		case s.Err != nil:
			w.fail("%s: %v", name, s.Err)
		default:
			w.fail("%s: it does not answer; check power, cable and baud rate", name)
		}
	}
}
