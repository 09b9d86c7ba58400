package appliance

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/web"
	"github.com/venuegate/venuegate/hw/barrier"
	"github.com/venuegate/venuegate/hw/document"
	"github.com/venuegate/venuegate/hw/port"
	"github.com/venuegate/venuegate/hw/scanner"
)

// devices are the drivers of one lane, built from its configuration and not
// running yet.
type devices struct {
	readers []lane.Reader
	barrier lane.Barrier
	sides   map[string]gate.Direction
	names   []deviceName // in the order of the configuration
}

type deviceName struct {
	name string
	role web.Role
}

// buildDevices makes a lane's drivers. What is wrong is reported with the path
// of the field in the configuration.
func buildDevices(c *config.Lane, at string, onState func(gate.DeviceState)) (*devices, config.Errors) {
	d := &devices{sides: map[string]gate.Direction{}}
	var found config.Errors
	for i := range c.Readers {
		r := &c.Readers[i]
		reader, role, err := buildReader(r, onState)
		if err != nil {
			found = append(found, fieldError(fmt.Sprintf("%s.reader[%d]", at, i), err))
			continue
		}
		d.readers = append(d.readers, reader)
		d.names = append(d.names, deviceName{r.Name, role})
		switch r.Side {
		case "entry":
			d.sides[r.Name] = gate.DirectionEntry
		case "exit":
			d.sides[r.Name] = gate.DirectionExit
		}
	}
	b, name, err := buildBarrier(&c.Barrier, c.ID, onState)
	if err != nil {
		return nil, append(found, fieldError(at+".barrier", err))
	}
	d.barrier = b
	if name != "" {
		d.names = append(d.names, deviceName{name, web.RoleBarrier})
	}
	if c.Barrier.Feedback != nil {
		d.names = append(d.names, deviceName{name + feedbackSuffix, web.RoleBarrier})
	}
	if len(found) > 0 {
		return nil, found
	}
	return d, nil
}

// feedbackSuffix ends the name of the device that tells of passages.
const feedbackSuffix = " feedback"

func buildReader(c *config.Reader, onState func(gate.DeviceState)) (lane.Reader, web.Role, error) {
	p := port.Options{Path: c.Path, Baud: c.Baud, Parity: port.Parity(c.Parity), OnState: onState}
	switch c.Type {
	case "serial":
		r, err := scanner.NewSerial(scanner.Options{
			Name: c.Name, Port: p, Repeat: time.Duration(c.Repeat),
			Framing: scanner.Framing{
				Terminator: scanner.Terminator(c.Terminator), STX: c.STX,
				Prefix: c.Prefix, Suffix: c.Suffix, AIM: scanner.AIM(c.AIM), ECI: c.ECI,
			},
		})
		return r, web.RoleReader, err
	case "sdt":
		r, err := document.NewSDT(document.Options{Name: c.Name, Port: p, Repeat: time.Duration(c.Repeat)})
		return r, web.RoleDocument, err
	default:
		return nil, 0, fmt.Errorf("type: %q is not one that this build knows", c.Type)
	}
}

func buildBarrier(c *config.Barrier, id gate.LaneID, onState func(gate.DeviceState)) (lane.Barrier, string, error) {
	switch c.Type {
	case "none":
		return barrier.NewNone(), "", nil
	case "lcus":
		name := c.Name
		if name == "" {
			name = fmt.Sprintf("lane %d barrier", id)
		}
		o := barrier.RelayOptions{
			Name: name, Port: port.Options{Path: c.Path, Baud: c.Baud, OnState: onState},
			Channel: c.Channel, ExitChannel: c.ExitChannel,
			Pulse: time.Duration(c.Pulse), Wait: time.Duration(c.Wait),
		}
		if f := c.Feedback; f != nil {
			o.Feedback = &barrier.Feedback{
				Port:   port.Options{Name: name + feedbackSuffix, Path: f.Path, Baud: f.Baud, OnState: onState},
				Passed: f.Passed, PassedExit: f.PassedExit, Ready: f.Ready, NotReady: f.NotReady,
				Heartbeat: time.Duration(f.Heartbeat),
			}
		}
		b, err := barrier.NewSerialRelay(o)
		return b, name, err
	default:
		return nil, "", fmt.Errorf("type: %q is not one that this build knows", c.Type)
	}
}

// fieldError puts a driver's complaint in the configuration's terms: the
// driver's Port.Baud is the file's baud.
func fieldError(at string, err error) config.Error {
	var o *port.OptionError
	if !errors.As(err, &o) {
		return config.Error{Path: at, Problem: err.Error()}
	}
	var words []string
	for part := range strings.SplitSeq(o.Field, ".") {
		if part != "Port" && part != "Framing" {
			words = append(words, snakeCase(part))
		}
	}
	return config.Error{Path: at + "." + strings.Join(words, "."), Problem: o.Problem}
}

// snakeCase turns a Go field's name into the file's: NotReady into not_ready,
// AIM into aim.
func snakeCase(name string) string {
	var b strings.Builder
	for i, r := range name {
		upper := r >= 'A' && r <= 'Z'
		if upper && i > 0 && name[i-1] >= 'a' && name[i-1] <= 'z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// Check reports what is wrong with a configuration's devices, as a
// config.Errors, without opening any.
func Check(c *config.Config) error {
	var found config.Errors
	for i := range c.Lanes {
		_, errs := buildDevices(&c.Lanes[i], fmt.Sprintf("lane[%d]", i), nil)
		found = append(found, errs...)
	}
	if len(found) > 0 {
		return found
	}
	return nil
}
