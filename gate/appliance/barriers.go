package appliance

import (
	"fmt"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/hw/barrier"
	"github.com/venuegate/venuegate/hw/port"
)

// barrierNone is the type of a lane whose steward lets people in.
const barrierNone = "none"

// feedbackSuffix ends the name of the device that tells of passages.
const feedbackSuffix = " feedback"

// barrierName is the barrier's name in the configuration, or one made up.
func barrierName(c *config.Barrier, id gate.LaneID) string {
	if c.Name != "" {
		return c.Name
	}
	return fmt.Sprintf("lane %d barrier", id)
}

func (b *builder) barrier(c *config.Barrier, id gate.LaneID) (lane.Barrier, error) {
	p := b.passing(c, id)
	switch c.Type {
	case barrierNone:
		return barrier.NewNone(), nil
	case "lcus":
		return b.relay(c, p)
	case "modbus":
		return b.modbus(c, p)
	case "gpio":
		return b.gpio(c, p)
	case "gateboard":
		return b.gateBoard(c, p)
	default:
		return nil, &port.OptionError{Field: "Type", Problem: "is not one that this build knows"}
	}
}

// passing is what all barriers have in common.
func (b *builder) passing(c *config.Barrier, id gate.LaneID) barrier.Passing {
	p := barrier.Passing{
		Name: barrierName(c, id), Wait: time.Duration(c.Wait), Tail: time.Duration(c.Tail),
		Free: direction(c.Free), FireHold: c.FireHold,
	}
	if b.onEvent != nil {
		p.OnEvent = func(e gate.BarrierEvent) { b.onEvent(id, e) }
	}
	if b.latched != nil {
		p.FireLatched = b.latched(id)
	}
	if b.evacuation != nil {
		p.Evacuating, p.ButtonPressed = b.evacuation.open(id), b.evacuation.pressed(id)
	}
	return p
}

func (b *builder) relay(c *config.Barrier, p barrier.Passing) (lane.Barrier, error) {
	line, err := b.line(p.Name, &c.Device)
	if err != nil {
		return nil, err
	}
	o := barrier.RelayOptions{
		Name: p.Name, Port: line, Channel: c.Channel, ExitChannel: c.ExitChannel,
		Pulse: time.Duration(c.Pulse), Wait: p.Wait, Tail: p.Tail, Free: p.Free,
		FireLatched: p.FireLatched, FireHold: p.FireHold, Evacuating: p.Evacuating, OnEvent: p.OnEvent,
	}
	if f := c.Feedback; f != nil {
		told, err := b.line(p.Name+feedbackSuffix, &f.Device)
		if err != nil {
			return nil, err
		}
		o.Feedback = &barrier.Feedback{
			Port:   told,
			Passed: f.Passed, PassedExit: f.PassedExit, Ready: f.Ready, NotReady: f.NotReady,
			Heartbeat: time.Duration(f.Heartbeat),
		}
	}
	return barrier.NewSerialRelay(o)
}

func (b *builder) modbus(c *config.Barrier, p barrier.Passing) (lane.Barrier, error) {
	line, err := b.line(p.Name, &c.Device)
	if err != nil {
		return nil, err
	}
	return barrier.NewModbus(barrier.ModbusOptions{
		Passing: p, Board: barrier.ModbusBoardOptions{Port: line, Unit: c.Unit},
		Channel: c.Channel, ExitChannel: c.ExitChannel, Pulse: time.Duration(c.Pulse), Contacts: contacts(c.Contacts),
	})
}

func (b *builder) gpio(c *config.Barrier, p barrier.Passing) (lane.Barrier, error) {
	if c.Match != "" {
		return nil, &port.OptionError{Field: "Match", Problem: "means nothing for GPIO lines; path is the chip, such as gpiochip0"}
	}
	o := barrier.GPIOOptions{
		Passing: p, Line: c.Channel, Pulse: time.Duration(c.Pulse), Contacts: contacts(c.Contacts),
		Board: barrier.GPIOBoardOptions{Chip: c.Path, ActiveLow: c.ActiveLow, Pull: c.Pull, OnState: b.onState},
	}
	if c.ExitChannel != 0 {
		o.ExitLine = &c.ExitChannel
	}
	return barrier.NewGPIO(o)
}

func (b *builder) gateBoard(c *config.Barrier, p barrier.Passing) (lane.Barrier, error) {
	line, err := b.line(p.Name, &c.Device)
	if err != nil {
		return nil, err
	}
	return barrier.NewGateBoard(barrier.GateBoardOptions{
		Passing: p, Port: line, Address: c.Unit, EntryIs: barrier.Side(c.EntryIs), Frames: barrier.Frames(c.Frames),
	})
}

func contacts(c *config.Contacts) (out barrier.Contacts) {
	if c == nil {
		return out
	}
	for _, one := range []struct {
		from config.Contact
		to   **barrier.Contact
	}{{c.Passed, &out.Passed}, {c.PassedExit, &out.PassedExit}, {c.Ready, &out.Ready}, {c.Fire, &out.Fire}, {c.Evacuate, &out.Evacuate}} {
		if one.from.Set {
			*one.to = &barrier.Contact{Number: one.from.Number, NormallyClosed: one.from.NormallyClosed}
		}
	}
	out.Settle, out.Debounce = time.Duration(c.Settle), time.Duration(c.Debounce)
	return out
}
