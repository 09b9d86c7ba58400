package scanner

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/input"
	"github.com/venuegate/venuegate/hw/port"
)

// desk is a driver whose device is a pipe in the test's time. Each plug opens a
// new one.
type desk struct {
	t        *testing.T
	mu       sync.Mutex
	far      net.Conn // nil while unplugged
	readings []string
	states   []bool
	stop     func()
}

func (d *desk) open() (input.Handle, string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.far != nil {
		return nil, "", syscall.EBUSY
	}
	near, far := net.Pipe()
	d.far = far
	return near, "/dev/fake0", nil
}

func (d *desk) options() input.Options {
	return input.Options{Path: "/dev/fake", OnState: func(s gate.DeviceState) { d.states = append(d.states, s.Up) }}
}

func (d *desk) run(r interface {
	Run(ctx context.Context, deliver func(gate.Reading)) error
},
) {
	ctx, cancel := context.WithCancel(d.t.Context())
	done := make(chan error)
	go func() {
		done <- r.Run(ctx, func(r gate.Reading) {
			text := r.Text.Reveal()
			if r.Symbology != 0 {
				text = string(rune(r.Symbology)) + ":" + text
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			d.readings = append(d.readings, text)
		})
	}()
	d.stop = func() {
		cancel()
		if err := <-done; err != nil {
			d.t.Error(err)
		}
	}
	synctest.Wait()
}

// send writes bytes and waits until the driver has dealt with them.
func (d *desk) send(b []byte) {
	d.t.Helper()
	d.mu.Lock()
	far := d.far
	d.mu.Unlock()
	if _, err := far.Write(b); err != nil {
		d.t.Fatal(err)
	}
	synctest.Wait()
}

// unplug takes the device away; the driver opens the next one soon.
func (d *desk) unplug() {
	d.t.Helper()
	d.mu.Lock()
	far := d.far
	d.far = nil
	d.mu.Unlock()
	if err := far.Close(); err != nil {
		d.t.Fatal(err)
	}
	synctest.Wait()
}

func (d *desk) want(texts ...string) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if fmt.Sprintf("%q", d.readings) != fmt.Sprintf("%q", texts) {
		d.t.Fatalf("readings %q, want %q", d.readings, texts)
	}
}

func newWedgeDesk(t *testing.T, size int) (*desk, *Wedge) {
	t.Helper()
	d := &desk{t: t}
	dev, err := input.NewOpener(d.options(), d.open)
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWedge(WedgeOptions{Name: "wedge"}, dev, size)
	if err != nil {
		t.Fatal(err)
	}
	d.run(w)
	return d, w
}

// events encodes events as the kernel does.
func events(size int, events []input.Event) []byte {
	var b []byte
	for _, e := range events {
		b = input.AppendEvent(b, size, e)
	}
	return b
}

func keystrokes(t *testing.T, text string) []input.Event {
	t.Helper()
	e, err := hwtest.Keystrokes(text, hwtest.TypeShift)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestWedgeDelivers(t *testing.T) {
	for _, size := range []int{16, 24} {
		t.Run(fmt.Sprintf("events of %d bytes", size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, w := newWedgeDesk(t, size)
				d.send(events(size, keystrokes(t, "]Q1VG1:A b/C$")))
				d.want("Q:VG1:A b/C$")
				d.send(events(size, keystrokes(t, "]Q1VG1:A b/C$"))) // read twice
				for _, b := range events(size, keystrokes(t, "byte by byte")) {
					d.send([]byte{b})
				}
				d.want("Q:VG1:A b/C$", "byte by byte")
				d.stop()
				if s := w.Stats(); s.Readings != 2 || s.Repeats != 1 || s.Device.Opens != 1 || s.Device.Losses != 0 {
					t.Errorf("stats %+v", s)
				}
			})
		})
	}
}

func TestWedgeEndsBySilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := newWedgeDesk(t, 24)
		typing := keystrokes(t, "no enter")
		typing = typing[:len(typing)-4] // without Enter
		d.send(events(24, typing))
		time.Sleep(DefaultKeyGap - time.Millisecond)
		synctest.Wait()
		d.want()
		time.Sleep(time.Millisecond)
		synctest.Wait()
		d.want("no enter")
		d.stop()
	})
}

// Half a text, and the keyboard is gone with Shift held down.
func TestWedgeOutlivesUnplugs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, w := newWedgeDesk(t, 24)
		for i := range 5 {
			d.send(events(24, join(keystrokes(t, "torn")[:8], press(keyLeftShift, keyCapsLock))))
			d.unplug()
			time.Sleep(2 * time.Second)
			synctest.Wait()
			d.send(events(24, keystrokes(t, fmt.Sprint("good", i))))
		}
		d.want("good0", "good1", "good2", "good3", "good4")
		d.stop()
		s := w.Stats()
		if s.Device.Losses != 5 || s.Drops.Unfinished != 5 {
			t.Errorf("stats %+v", s)
		}
		if fmt.Sprint(d.states) != "[true false true false true false true false true false true]" {
			t.Errorf("states %v", d.states)
		}
	})
}

// A text in which the kernel lost a key is not delivered as a shorter one.
func TestWedgeGivesUpATextWithAHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, w := newWedgeDesk(t, 24)
		torn := keystrokes(t, "VG1:CODE")
		dropped := []input.Event{{Type: input.EventSyn, Code: input.SynDropped}, {Type: input.EventKey, Code: keyLeftShift, Value: 1}, {Type: input.EventSyn}}
		d.send(events(24, join(torn[:10], dropped, torn[20:])))
		d.want()
		d.send(events(24, keystrokes(t, "next")))
		d.want("next")
		d.stop()
		if s := w.Stats(); s.Keys.Gaps != 1 || s.Drops.Unfinished != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestWedgeBoundsItsMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, w := newWedgeDesk(t, 24)
		long := keystrokes(t, strings.Repeat("x", 5000))
		for len(long) > 0 {
			n := min(len(long), 50)
			d.send(events(24, long[:n]))
			long = long[n:]
		}
		d.send(events(24, keystrokes(t, "good")))
		d.want("good")
		d.stop()
		if s := w.Stats(); s.Drops.TooLong != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestWedgeOptionsName(t *testing.T) {
	dev := input.Options{Path: "x"}
	tests := []struct {
		name, want string
		o          WedgeOptions
	}{
		{"name", "Name: is empty", WedgeOptions{Device: dev}},
		{"path", "Device.Path: is empty", WedgeOptions{Name: "x"}},
		{"terminator", "Framing.Terminator: can only be line: a keyboard has Enter and Tab", WedgeOptions{Name: "x", Device: dev, Framing: Framing{Terminator: TerminatorETX}}},
		{"STX", "Framing.STX: means nothing for a keyboard", WedgeOptions{Name: "x", Device: dev, Framing: Framing{STX: true}}},
		{"framing", "Framing.Gap: is negative", WedgeOptions{Name: "x", Device: dev, Framing: Framing{Gap: -1}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewWedge(tt.o)
			var oe *port.OptionError
			if !errors.As(err, &oe) || err.Error() != tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
