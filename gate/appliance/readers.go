package appliance

import (
	"time"

	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/web"
	"github.com/venuegate/venuegate/hw/camera"
	"github.com/venuegate/venuegate/hw/document"
	"github.com/venuegate/venuegate/hw/face"
	"github.com/venuegate/venuegate/hw/find"
	"github.com/venuegate/venuegate/hw/input"
	"github.com/venuegate/venuegate/hw/port"
	"github.com/venuegate/venuegate/hw/scanner"
)

// readerKinds are the types of readers that a configuration may name. A new
// driver is one more row here and one more word in gate/config.
var readerKinds = map[string]struct {
	class find.Class
	role  web.Role
	make  func(*builder, *config.Reader) (lane.Reader, error)
}{
	"serial": {find.ClassSerial, web.RoleReader, (*builder).serial},
	"wedge":  {find.ClassInput, web.RoleReader, (*builder).wedge},
	"hidpos": {find.ClassHIDRaw, web.RoleReader, (*builder).hidpos},
	"camera": {find.ClassVideo, web.RoleReader, (*builder).camera},
	"sdt":    {find.ClassSerial, web.RoleDocument, (*builder).sdt},
	"mrz":    {find.ClassSerial, web.RoleDocument, (*builder).mrz},
	"face":   {find.ClassSerial, web.RoleDocument, (*builder).face},
}

func (b *builder) reader(c *config.Reader) (lane.Reader, web.Role, error) {
	kind, ok := readerKinds[c.Type]
	if !ok {
		return nil, 0, &port.OptionError{Field: "Type", Problem: "is not one that this build knows"}
	}
	r, err := kind.make(b, c)
	return r, kind.role, err
}

func framing(c *config.Reader) scanner.Framing {
	return scanner.Framing{
		Terminator: scanner.Terminator(c.Terminator), STX: c.STX, Gap: time.Duration(c.Gap),
		Prefix: c.Prefix, Suffix: c.Suffix, AIM: scanner.AIM(c.AIM), ECI: c.ECI,
	}
}

func (b *builder) serial(c *config.Reader) (lane.Reader, error) {
	line, err := b.line(c.Name, &c.Device)
	if err != nil {
		return nil, err
	}
	return scanner.NewSerial(scanner.Options{Name: c.Name, Port: line, Framing: framing(c), Repeat: time.Duration(c.Repeat)})
}

func (b *builder) sdt(c *config.Reader) (lane.Reader, error) {
	line, err := b.line(c.Name, &c.Device)
	if err != nil {
		return nil, err
	}
	return document.NewSDT(document.Options{Name: c.Name, Port: line, Repeat: time.Duration(c.Repeat)})
}

func (b *builder) mrz(c *config.Reader) (lane.Reader, error) {
	line, err := b.line(c.Name, &c.Device)
	if err != nil {
		return nil, err
	}
	return document.NewMRZ(document.MRZOptions{
		Name: c.Name, Port: line, Gap: time.Duration(c.Gap), Repeat: time.Duration(c.Repeat),
	})
}

func (b *builder) input(c *config.Reader) (input.Options, error) {
	locate, err := b.locate(c.Name, &c.Device)
	return input.Options{Name: c.Name, Path: c.Path, Locate: locate, Changed: b.changed, OnState: b.onState}, err
}

func (b *builder) wedge(c *config.Reader) (lane.Reader, error) {
	device, err := b.input(c)
	if err != nil {
		return nil, err
	}
	return scanner.NewWedge(scanner.WedgeOptions{Name: c.Name, Device: device, Framing: framing(c), Repeat: time.Duration(c.Repeat)})
}

func (b *builder) hidpos(c *config.Reader) (lane.Reader, error) {
	device, err := b.input(c)
	if err != nil {
		return nil, err
	}
	return scanner.NewHIDPOS(scanner.HIDPOSOptions{Name: c.Name, Device: device, Framing: framing(c), Repeat: time.Duration(c.Repeat)})
}

func (b *builder) camera(c *config.Reader) (lane.Reader, error) {
	locate, err := b.locate(c.Name, &c.Device)
	if err != nil {
		return nil, err
	}
	return camera.NewReader(camera.Options{
		Name: c.Name, Path: c.Path, Locate: locate, Changed: b.changed, Width: c.Width, Height: c.Height, Rate: c.Rate,
		Repeat: time.Duration(c.Repeat), OnState: b.onState,
	})
}

func (b *builder) face(c *config.Reader) (lane.Reader, error) {
	d := face.Decoding{MinScore: c.MinScore}
	if f := c.Fields; f != nil {
		d.Fields = face.Fields{Matched: f.Matched, MatchedIs: f.MatchedIs, Score: f.Score, Reference: f.Reference}
	}
	if c.Listen != "" {
		return face.NewNetwork(face.Options{
			Name: c.Name, Listen: c.Listen, From: c.From, Decoding: d, Repeat: time.Duration(c.Repeat),
			Heartbeat: time.Duration(c.Heartbeat), Answer: c.Answer, OnState: b.onState,
		})
	}
	line, err := b.line(c.Name, &c.Device)
	if err != nil {
		return nil, err
	}
	return face.NewSerial(face.SerialOptions{Name: c.Name, Port: line, Decoding: d, Repeat: time.Duration(c.Repeat)})
}
