package hil_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/venuegate/venuegate/hw/hwtest/hil"
	"github.com/venuegate/venuegate/hw/hwtest/hil/wire"
)

const (
	cycles  = 12              // how often the reader is unplugged in a row
	backBy  = 2 * time.Second // a re-plugged device is in use again by then
	noticed = 2 * time.Second // an unplugged one is missed by then
	// maxShare is how much of the guest's core a daemon may use that has nothing
	// to do. Emulation makes everything some ten times as dear; a loop that
	// spins takes all there is.
	maxShare = 0.25
)

// devices is one guest in which everything is plugged and pulled.
func (b *bench) devices(t *testing.T) {
	spec := b.spec(t, b.disk(t))
	begin := time.Now()
	g := boot(b.ctx, t, spec)
	booted := time.Since(begin)
	defer func() {
		if t.Failed() {
			t.Logf("the daemon:\n%s\nthe kernel:\n%s", g.log(), tail(spec.Console))
		}
	}()
	if !scenario(t, "the daemon starts on Debian's kernel, with four USB serial adapters", func(t *testing.T) string {
		begin := time.Now()
		g.start(t)
		return fmt.Sprintf("Linux up after %.1f s, both lanes ready %.1f s later", booted.Seconds(), time.Since(begin).Seconds())
	}) {
		return
	}
	scenario(t, "a phone's code opens the relay once", func(t *testing.T) string { return b.opensOnce(t, g) })
	scenario(t, "a gate where nothing happens is quiet", func(t *testing.T) string {
		return fmt.Sprintf("%.1f %% of the emulated core", 100*g.quiet(t))
	})
	scenario(t, "a pulled reader is missed, does not spin, and comes back", func(t *testing.T) string { return b.replug(t, g) })
	scenario(t, fmt.Sprintf("%d more times, each in the middle of a code", cycles), func(t *testing.T) string { return b.cycles(t, g) })
	scenario(t, "a relay board pulled inside a pulse is switched off when it is back", func(t *testing.T) string { return b.relayPulled(t, g) })
	scenario(t, "a USB keyboard types codes (driver alone)", func(t *testing.T) string { return wedge(t, g) })
	scenario(t, "a HID-POS gadget reports codes (driver alone)", func(t *testing.T) string {
		call[wire.None](t, g, "Gadget", wire.None{})
		return hidpos(t, g)
	})
	scenario(t, "a USB-COM gadget, as most barcode readers are (driver alone)", func(t *testing.T) string { return usbCOM(t, g) })
	scenario(t, "a V4L2 camera reads codes, goes and comes back (driver alone)", func(t *testing.T) string { return b.video(t, g) })
	scenario(t, "the operator's tool finds all of them", func(t *testing.T) string { return finds(t, g) })
	scenario(t, "a keyboard wedge, a HID-POS reader, a USB-COM reader and a camera at one lane of the daemon, each pulled", func(t *testing.T) string {
		return b.everyReader(t, g)
	})
	scenario(t, "the daemon stops when asked, with the relays off", func(t *testing.T) string { return stops(t, g) })
}

func (b *bench) opensOnce(t *testing.T, g *guest) string {
	code := b.venue.show(t, b.venue.rotating[0])
	g.relays[relay1].forget()
	begin := time.Now()
	g.scan(t, reader1, code)
	on := await(t, "the relay to be switched on", g.relays[relay1].on)
	off := await(t, "the relay to be switched off", g.relays[relay1].off)
	s := g.until(t, "the verdict is admit", func(s *state) bool { return s.Lanes[0].Last != nil && s.Lanes[0].Last.Outcome == "admit" })
	decided := s.Lanes[0].Last.Micros

	time.Sleep(500 * time.Millisecond) // longer than a repeat
	g.scan(t, reader1, code)
	s = g.until(t, "the second time is refused", func(s *state) bool { return s.Lanes[0].Last.Outcome == "refuse" })
	if reason := s.Lanes[0].Last.Reason; reason != "already_inside" {
		t.Errorf("the second time is refused as %s", reason)
	}
	if n := len(g.relays[relay1].on); n != 0 {
		t.Errorf("the relay was switched on %d times more", n)
	}
	return fmt.Sprintf("on %d ms after the code was sent (decision %.1f ms), pulse %d ms",
		on.Sub(begin).Milliseconds(), float64(decided)/1000, off.Sub(on).Milliseconds())
}

// quiet returns the daemon's share of the core over a few seconds.
func (g *guest) quiet(t *testing.T) float64 {
	t.Helper()
	const span = 3 * time.Second
	before, begin := call[wire.Process](t, g, "Process", wire.None{}), time.Now()
	time.Sleep(span)
	after := call[wire.Process](t, g, "Process", wire.None{})
	if !before.Running || !after.Running {
		t.Fatal("the daemon is not running")
	}
	share := float64(after.CPU-before.CPU) / float64(time.Since(begin))
	if share > maxShare {
		t.Errorf("the daemon used %.0f %% of the core", 100*share)
	}
	return share
}

// pull unplugs a device and waits until the daemon says so.
func (g *guest) pull(t *testing.T, id string) {
	t.Helper()
	if err := g.Unplug(id); err != nil {
		t.Fatal(err)
	}
	call[wire.Awaited](t, g, "Await", wire.Await{Device: id, Up: false, Within: noticed})
}

// plug plugs a device in again and returns how long after the kernel announced
// it the daemon had it in use.
func (g *guest) plug(t *testing.T, id string) time.Duration {
	t.Helper()
	if err := g.Plug(id); err != nil {
		t.Fatal(err)
	}
	return g.back(t, id, hil.PortPath(slices.Index(adapters(), id)+1))
}

// back waits until the daemon has a device in use, and returns how long after the
// kernel announced it that was.
func (g *guest) back(t *testing.T, id, path string) time.Duration {
	t.Helper()
	back := call[wire.Awaited](t, g, "Await", wire.Await{Device: id, Up: true, Within: patience / 2})
	for _, l := range call[[]wire.Link](t, g, "Links", wire.None{}) {
		if l.Path == path {
			took := back.Since.Sub(l.At)
			if took > backBy {
				t.Errorf("%s was back after %v", id, took)
			}
			return took
		}
	}
	t.Fatalf("%s is in use, but not plugged in", id)
	return 0
}

func (b *bench) replug(t *testing.T, g *guest) string {
	g.pull(t, reader1)
	g.until(t, "the page warns of it", func(s *state) bool {
		for _, w := range s.Warnings {
			if w.Code == "device_down" && w.Subject == reader1 {
				return !s.Lanes[0].Ready && s.Lanes[1].Ready
			}
		}
		return false
	})
	share := g.quiet(t)
	back := g.plug(t, reader1)
	b.admit(t, g, reader1, relay1)
	return fmt.Sprintf("%.1f %% of the core meanwhile, in use %d ms after the kernel had it", 100*share, back.Milliseconds())
}

// admit lets one visitor in.
func (b *bench) admit(t *testing.T, g *guest, reader, relay string) {
	t.Helper()
	g.relays[relay].forget()
	g.scan(t, reader, b.venue.visitor(t).Text)
	await(t, relay+" to be switched on", g.relays[relay].on)
	await(t, relay+" to be switched off", g.relays[relay].off)
}

func (b *bench) cycles(t *testing.T, g *guest) string {
	before := call[wire.Process](t, g, "Process", wire.None{})
	var slowest time.Duration
	for range cycles {
		half := b.venue.visitor(t).Text
		if _, err := g.Adapter(reader1).Write([]byte(half[:len(half)/2])); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		g.pull(t, reader1)
		slowest = max(slowest, g.plug(t, reader1))
		b.admit(t, g, reader1, relay1)
	}
	after := call[wire.Process](t, g, "Process", wire.None{})
	if after.Descriptors > before.Descriptors {
		t.Errorf("%d descriptors before, %d after", before.Descriptors, after.Descriptors)
	}
	if after.Threads > before.Threads+2 {
		t.Errorf("%d threads before, %d after", before.Threads, after.Threads)
	}
	return fmt.Sprintf("the slowest in use after %d ms, %d visitors admitted, descriptors %d → %d, threads %d → %d, memory %d → %d MB",
		slowest.Milliseconds(), cycles, before.Descriptors, after.Descriptors, before.Threads, after.Threads,
		before.Resident>>10, after.Resident>>10)
}

func (b *bench) relayPulled(t *testing.T, g *guest) string {
	r := g.relays[relay1]
	r.forget()
	g.scan(t, reader1, b.venue.visitor(t).Text)
	await(t, "the relay to be switched on", r.on)
	if err := g.Unplug(relay1); err != nil {
		t.Fatal(err)
	}
	inside := len(r.off) == 0
	call[wire.Awaited](t, g, "Await", wire.Await{Device: relay1, Up: false, Within: noticed})
	r.forget()
	back := g.plug(t, relay1)
	await(t, "the relay to be switched off", r.off)
	g.until(t, "the lane is ready", func(s *state) bool { return s.Lanes[0].Ready })
	b.admit(t, g, reader1, relay1)
	if !inside {
		return "the pulse was over before the board was gone" // a busy host; still a re-plug
	}
	return fmt.Sprintf("in use %d ms after the kernel had it, the next visitor admitted", back.Milliseconds())
}

func stops(t *testing.T, g *guest) string {
	g.relays[relay1].forget()
	g.relays[relay2].forget()
	exit := call[wire.Exit](t, g, "Stop", wire.None{})
	if exit.Code != 0 || exit.Took > 5*time.Second {
		t.Errorf("the daemon ended with %d after %v", exit.Code, exit.Took)
	}
	await(t, "the first relay to be switched off", g.relays[relay1].off)
	await(t, "the second relay to be switched off", g.relays[relay2].off)
	return fmt.Sprintf("after %.1f s", exit.Took.Seconds())
}
