package scanner

import (
	"context"
	"errors"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/input"
	"github.com/venuegate/venuegate/hw/port"
)

// HIDPOSOptions describe one HID-POS reader.
type HIDPOSOptions struct {
	Name    string        // as in the configuration; goes into every Reading
	Device  input.Options // a hidraw device; Name is filled in from above
	Framing Framing       // without Terminator, STX and Gap: reports have a length
	Repeat  time.Duration // see Debounce; 2 s when zero, negative for none
}

// Validate returns a *port.OptionError for the first field that is wrong.
func (o HIDPOSOptions) Validate() error {
	if o.Name == "" {
		return &port.OptionError{Field: "Name", Problem: "is empty"}
	}
	if err := o.Device.Validate(); err != nil {
		return under("Device", err)
	}
	if err := validateReports(o.Framing); err != nil {
		return under("Framing", err)
	}
	return nil
}

func validateReports(f Framing) error {
	const needless = "means nothing for a HID-POS reader"
	switch {
	case f.Terminator != "":
		return &port.OptionError{Field: "Terminator", Problem: needless}
	case f.STX:
		return &port.OptionError{Field: "STX", Problem: needless}
	case f.Gap != 0:
		return &port.OptionError{Field: "Gap", Problem: needless}
	}
	return f.Validate()
}

// HIDPOSStats counts what a HID-POS reader delivered and what was dropped.
type HIDPOSStats struct {
	Readings uint64 // delivered
	Repeats  uint64 // suppressed by Debounce
	Drops    ReportDrops
	Device   input.Stats
}

// HIDPOS is a barcode reader in HID-POS mode.
type HIDPOS struct {
	outlet
	device      *input.Device
	reports     *Reports    // of Run's goroutine
	reportDrops ReportDrops // under outlet's lock
}

// NewHIDPOS returns a reader that opens its device when it runs.
func NewHIDPOS(o HIDPOSOptions) (*HIDPOS, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.Device.Name = o.Name
	d, err := input.New(o.Device, input.RequireHIDPOS)
	if err != nil {
		return nil, err
	}
	return newHIDPOS(o, d)
}

func newHIDPOS(o HIDPOSOptions, d *input.Device) (*HIDPOS, error) {
	reports, err := NewReports(o.Framing)
	if err != nil {
		return nil, err
	}
	h := &HIDPOS{device: d, reports: reports}
	h.name, h.debounce = o.Name, newRepeat(o.Repeat)
	return h, nil
}

// Name is the reader's name in the configuration.
func (h *HIDPOS) Name() string { return h.name }

// Stats returns the counters so far.
func (h *HIDPOS) Stats() HIDPOSStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return HIDPOSStats{Readings: h.readings, Repeats: h.repeats, Drops: h.reportDrops, Device: h.device.Stats()}
}

// Run reads until ctx ends and then returns nil. It outlives the reader being
// unplugged; HIDPOSOptions.Device.OnState hears of it, and of a device that is
// no HID-POS reader. deliver is called from one goroutine, and nothing is read
// while it runs.
func (h *HIDPOS) Run(ctx context.Context, deliver func(gate.Reading)) error {
	return h.device.Run(ctx, func(ctx context.Context, c *input.Conn) error {
		return h.serve(ctx, c, deliver)
	})
}

func (h *HIDPOS) serve(ctx context.Context, c *input.Conn, deliver func(gate.Reading)) error {
	// One read is one report; a longer one shows by being longer.
	buf := make([]byte, reportSize+1)
	defer clear(buf)
	emit := h.emit(deliver)
	for {
		n, err := c.Read(ctx, h.reports.wait(), buf)
		now := time.Now()
		switch {
		case n > 0:
			h.reports.Push(now, buf[:n], emit)
		case errors.Is(err, port.ErrTimeout):
			h.reports.Tick(now)
		default:
			h.reports.Reset()
		}
		h.count(func() { h.reportDrops = h.reports.Drops() })
		if n == 0 && !errors.Is(err, port.ErrTimeout) {
			return err
		}
	}
}
