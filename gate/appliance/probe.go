package appliance

import (
	"fmt"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/hw/find"
)

// LaneDevices are the drivers of one lane outside of a running gate, for a
// technician's test of them. Whoever runs them has them alone.
type LaneDevices struct {
	Readers []lane.Reader
	Barrier lane.Barrier
	Signals []Signal // lamps, buzzer, readers that beep; they work while what they are part of runs
	Names   []string // as in gate.DeviceState, in the order of the configuration
}

// BuildLane makes a lane's drivers as a gate does. The error is a config.Errors.
func BuildLane(c *config.Lane, onState func(gate.DeviceState)) (*LaneDevices, error) {
	b := builder{onState: onState, locator: find.NewLocator(find.Under("/"))}
	b.locator.Set(wants([]config.Lane{*c}))
	d, errs := b.devices(c, fmt.Sprintf("lane %d", c.ID))
	if len(errs) > 0 {
		return nil, errs
	}
	out := &LaneDevices{Readers: d.readers, Barrier: d.barrier, Signals: d.signals}
	for _, n := range d.names {
		out.Names = append(out.Names, n.name)
	}
	return out, nil
}

// WantedDevice is an entry of the configuration that needs a device.
type WantedDevice struct {
	Lane gate.LaneID
	find.Want
}

// Wanted returns the entries of a configuration that need a device, in their
// order, with the names of gate.DeviceState. A match that is wrong is left out:
// Check says so.
func Wanted(c *config.Config) []WantedDevice {
	var all []WantedDevice
	for i := range c.Lanes {
		l := &c.Lanes[i]
		want := func(name string, class find.Class, d *config.Device) {
			m := find.AtPath(d.Path)
			if d.Match != "" {
				var err error
				if m, err = find.Parse(d.Match); err != nil {
					return
				}
			}
			all = append(all, WantedDevice{l.ID, find.Want{Name: name, Class: class, Match: m}})
		}
		for j := range l.Readers {
			if r := &l.Readers[j]; r.Listen == "" { // what is on the network is no device of the box
				want(r.Name, readerKinds[r.Type].class, &r.Device)
			}
		}
		b := &l.Barrier
		if b.Type == barrierNone || b.Type == "gpio" { // GPIO chips are part of the box
			continue
		}
		name := barrierName(b, l.ID)
		want(name, find.ClassSerial, &b.Device)
		if b.Feedback != nil {
			want(name+feedbackSuffix, find.ClassSerial, &b.Feedback.Device)
		}
	}
	return all
}

// wants is Wanted for whoever looks devices up.
func wants(lanes []config.Lane) []find.Want {
	var out []find.Want
	for _, w := range Wanted(&config.Config{Lanes: lanes}) {
		out = append(out, w.Want)
	}
	return out
}
