package hil_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/hwtest/hil"
	"github.com/venuegate/venuegate/hw/hwtest/hil/wire"
)

// everyReader starts the daemon anew with a reader of each kind in its
// configuration, lets somebody in by each, pulls each, and lets the next one in
// when it is back. What was plugged in for the drivers alone is still there.
func (b *bench) everyReader(t *testing.T, g *guest) string {
	if exit := call[wire.Exit](t, g, "Stop", wire.None{}); exit.Code != 0 {
		t.Fatalf("the daemon ended with %d", exit.Code)
	}
	// A camera that was unbound has forgotten what it looks at.
	g.bind(t, "unbind")
	g.bind(t, "bind")
	connected := call[bool](t, g, "Screen", wire.Size{Width: frameWidth, Height: frameHeight})
	g.start(t, otherReaders())
	for _, id := range []string{keys, pos, com, eye} {
		call[wire.Awaited](t, g, "Await", wire.Await{Device: id, Up: true, Within: patience})
	}
	let := func(show func()) {
		t.Helper()
		g.relays[relay1].forget()
		show()
		await(t, "the relay to be switched on", g.relays[relay1].on)
		await(t, "the relay to be switched off", g.relays[relay1].off)
	}
	missed := func(ids ...string) {
		t.Helper()
		for _, id := range ids {
			call[wire.Awaited](t, g, "Await", wire.Await{Device: id, Up: false, Within: noticed})
		}
	}

	phone := func(n int) string { return b.venue.show(t, b.venue.rotating[n]) }
	wedge := func(n int) { let(func() { typed(t, g, phone(n), 80*time.Millisecond) }) }
	wedge(2)
	if err := g.Unplug("keyboard"); err != nil {
		t.Fatal(err)
	}
	missed(keys)
	if err := g.PlugKeyboard(); err != nil {
		t.Fatal(err)
	}
	keysBack := g.back(t, keys, hil.KeyboardPath(len(adapters())+1))
	wedge(3)

	report := func() {
		let(func() {
			call[wire.None](t, g, "Report", wire.Reports{Data: hwtest.HIDReports("]Q1", b.venue.visitor(t).Text)})
		})
	}
	send := func() { let(func() { call[wire.None](t, g, "Send", "]Q1"+b.venue.visitor(t).Text+"\r") }) }
	report()
	send()
	call[wire.None](t, g, "PlugGadget", false)
	missed(pos, com)
	call[wire.None](t, g, "PlugGadget", true)
	posBack, comBack := g.back(t, pos, hil.HIDPath), g.back(t, com, hil.COMPath)
	report()
	send()

	seen := "this kernel's camera cannot be shown a picture"
	if connected {
		picture, begin := b.venue.picture(t, phone(4)), time.Now()
		let(func() { call[wire.None](t, g, "Show", wire.Picture{Grey: picture}) })
		seen = fmt.Sprintf("the camera's visitor was in after %d ms", time.Since(begin).Milliseconds())
		call[wire.None](t, g, "Show", wire.Picture{})
	}
	g.bind(t, "unbind")
	missed(eye)
	g.bind(t, "bind")
	eyeBack := g.back(t, eye, hil.CameraPath)
	return fmt.Sprintf("in use again after %d ms (keyboard), %d (HID-POS), %d (USB-COM), %d (camera, with its first frame); %s",
		keysBack.Milliseconds(), posBack.Milliseconds(), comBack.Milliseconds(), eyeBack.Milliseconds(), seen)
}
