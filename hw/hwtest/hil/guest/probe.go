package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/camera"
	"github.com/venuegate/venuegate/hw/hwtest/hil/wire"
	"github.com/venuegate/venuegate/hw/input"
	"github.com/venuegate/venuegate/hw/port"
	"github.com/venuegate/venuegate/hw/scanner"
)

// probe is one of the project's drivers, running without a daemon around it.
type probe struct {
	stop   context.CancelFunc
	done   chan struct{}
	frames func() (all, damaged uint64) // nil but of a camera

	mu    sync.Mutex
	found wire.Probed
}

type driver interface {
	Run(ctx context.Context, deliver func(gate.Reading)) error
}

// Probe stops the driver before and starts another, or none where the kind is
// empty.
func (a *Agent) Probe(q wire.Probe, _ *wire.None) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.probe != nil {
		a.probe.stop()
		<-a.probe.done
		a.probe = nil
	}
	if q.Kind == "" {
		return nil
	}
	p := &probe{done: make(chan struct{})}
	d, err := p.driver(q)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	go func() {
		defer close(p.done)
		if err := d.Run(ctx, p.take); err != nil {
			fmt.Println("guest: probe:", err)
		}
	}()
	a.probe = p
	return nil
}

func (p *probe) driver(q wire.Probe) (driver, error) {
	const name, each = "probe", -time.Second // no repeat is suppressed
	// Under emulation keys come slower than a reader types them.
	slow := scanner.Framing{Gap: time.Second}
	device := input.Options{Path: q.Path, OnState: p.state}
	switch q.Kind {
	case "serial":
		return scanner.NewSerial(scanner.Options{Name: name, Port: port.Options{Path: q.Path, OnState: p.state}, Repeat: each})
	case "wedge":
		return scanner.NewWedge(scanner.WedgeOptions{Name: name, Device: device, Framing: slow, Repeat: each})
	case "hidpos":
		return scanner.NewHIDPOS(scanner.HIDPOSOptions{Name: name, Device: device, Repeat: each})
	case "camera":
		r, err := camera.NewReader(camera.Options{Name: name, Path: q.Path, Width: q.Width, Height: q.Height, Repeat: each, OnState: p.state})
		if err != nil {
			return nil, err
		}
		p.frames = func() (uint64, uint64) {
			s := r.Stats()
			return s.Frames, s.Damaged
		}
		return r, nil
	}
	return nil, fmt.Errorf("no driver called %q", q.Kind)
}

func (p *probe) take(r gate.Reading) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found.Texts = append(p.found.Texts, string(r.Text))
}

func (p *probe) state(s gate.DeviceState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found.Up = s.Up
	p.found.Changes++
	p.found.Reason = ""
	if s.Err != nil {
		p.found.Reason = s.Err.Error()
	}
}

// Probed says what the driver has delivered so far.
func (a *Agent) Probed(_ wire.None, found *wire.Probed) error {
	a.mu.Lock()
	p := a.probe
	a.mu.Unlock()
	if p == nil {
		return fmt.Errorf("no driver was started")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	*found = p.found
	if p.frames != nil {
		found.Frames, found.Damaged = p.frames()
	}
	return nil
}
