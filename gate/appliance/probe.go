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
	Names   []string // as in gate.DeviceState, in the order of the configuration
}

// BuildLane makes a lane's drivers as a gate does. The error is a config.Errors.
func BuildLane(c *config.Lane, onState func(gate.DeviceState)) (*LaneDevices, error) {
	d, errs := buildDevices(c, fmt.Sprintf("lane %d", c.ID), onState)
	if len(errs) > 0 {
		return nil, errs
	}
	out := &LaneDevices{Readers: d.readers, Barrier: d.barrier}
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
// order, with the names of gate.DeviceState.
func Wanted(c *config.Config) []WantedDevice {
	var all []WantedDevice
	for i := range c.Lanes {
		l := &c.Lanes[i]
		want := func(name, path string) {
			all = append(all, WantedDevice{l.ID, find.Want{Name: name, Class: find.ClassSerial, Match: find.AtPath(path)}})
		}
		for _, r := range l.Readers {
			want(r.Name, r.Path)
		}
		b := &l.Barrier
		if b.Path == "" {
			continue
		}
		name := b.Name
		if name == "" {
			name = fmt.Sprintf("lane %d barrier", l.ID)
		}
		want(name, b.Path)
		if b.Feedback != nil {
			want(name+feedbackSuffix, b.Feedback.Path)
		}
	}
	return all
}
