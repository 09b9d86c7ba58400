package appliance

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/web"
	"github.com/venuegate/venuegate/hw/find"
	"github.com/venuegate/venuegate/hw/indicator"
	"github.com/venuegate/venuegate/hw/port"
)

// devices are the drivers of one lane, built from its configuration and not
// running yet.
type devices struct {
	readers []lane.Reader
	barrier lane.Barrier
	lights  *indicator.Indicator // nil without
	signals []Signal             // what the lights consist of
	sides   map[string]gate.Direction
	names   []deviceName // in the order of the configuration
}

type deviceName struct {
	name string
	role web.Role
}

// builder makes drivers as a configuration says. Its functions may be nil where
// drivers are only checked.
type builder struct {
	onState func(gate.DeviceState)
	onEvent func(gate.LaneID, gate.BarrierEvent)
	// onLights is told of a lamp or buzzer that does not obey, and with nil once
	// it does again.
	onLights func(error)
	locator  *find.Locator
	changed  func() <-chan struct{} // closed when something was plugged in or out
	latched  func(gate.LaneID) bool // whether a fire had released the lane when the gate stopped
	// evacuation knows what stood open by order then, and which buttons were
	// pressed.
	evacuation *evacuation
}

// devices makes a lane's drivers. What is wrong is reported with the path of the
// field in the configuration.
func (b *builder) devices(c *config.Lane, at string) (*devices, config.Errors) {
	d := &devices{sides: map[string]gate.Direction{}}
	var found config.Errors
	for i := range c.Readers {
		r := &c.Readers[i]
		reader, role, err := b.reader(r)
		if err != nil {
			found = append(found, fieldError(fmt.Sprintf("%s.reader[%d]", at, i), err))
			continue
		}
		d.readers = append(d.readers, reader)
		d.names = append(d.names, deviceName{r.Name, role})
		d.sides[r.Name] = direction(r.Side)
	}
	var err error
	if d.barrier, err = b.barrier(&c.Barrier, c.ID); err != nil {
		return nil, append(found, fieldError(at+".barrier", err))
	}
	beeps, errs := beeps(c, d.readers, at)
	if found = append(found, errs...); len(found) > 0 {
		return nil, found // readers are missing, and all of it is told
	}
	if c.Indicator != nil || len(beeps) > 0 {
		if d.lights, d.signals, err = b.lights(c.Indicator, d.barrier, beeps); err != nil {
			return nil, append(found, fieldError(at+".indicator", err))
		}
	}
	if c.Barrier.Type != barrierNone {
		d.names = append(d.names, deviceName{barrierName(&c.Barrier, c.ID), web.RoleBarrier})
	}
	if c.Barrier.Feedback != nil {
		d.names = append(d.names, deviceName{barrierName(&c.Barrier, c.ID) + feedbackSuffix, web.RoleBarrier})
	}
	return d, nil
}

// locate returns where a device with a match is looked for, or nil for one with
// a path.
func (b *builder) locate(name string, d *config.Device) (func() (string, error), error) {
	if d.Match == "" {
		return nil, nil
	}
	if _, err := find.Parse(d.Match); err != nil {
		return nil, &port.OptionError{Field: "Match", Problem: err.Error()}
	}
	if b.locator == nil {
		return func() (string, error) { return "", find.ErrNone }, nil
	}
	return b.locator.Locate(name), nil
}

// line is the serial line of a device.
func (b *builder) line(name string, d *config.Device) (port.Options, error) {
	locate, err := b.locate(name, d)
	return port.Options{
		Name: name, Path: d.Path, Locate: locate, Changed: b.changed,
		Baud: d.Baud, Parity: port.Parity(d.Parity), OnState: b.onState,
	}, err
}

func direction(word string) gate.Direction {
	switch word {
	case "entry":
		return gate.DirectionEntry
	case "exit":
		return gate.DirectionExit
	default:
		return gate.DirectionUnknown
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
		if !slices.Contains([]string{"Port", "Framing", "Device", "Board", "Passing", "Decoding"}, part) {
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
		_, errs := new(builder).devices(&c.Lanes[i], fmt.Sprintf("lane[%d]", i))
		found = append(found, errs...)
	}
	if len(found) > 0 {
		return found
	}
	return nil
}
