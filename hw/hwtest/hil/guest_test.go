package hil_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/hw/hwtest/hil"
	"github.com/venuegate/venuegate/hw/hwtest/hil/wire"
)

// patience is how long anything may take that the guest does in a moment; the
// machine under the emulation may be busy.
const patience = 20 * time.Second

// guest is a booted machine with the relay boards of its lanes.
type guest struct {
	*hil.Machine
	relays map[string]*relay
}

// boot boots a machine that ends with the test.
func boot(ctx context.Context, t *testing.T, spec hil.Spec) *guest {
	t.Helper()
	m, err := hil.Boot(ctx, spec)
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(spec.Console))
	}
	t.Cleanup(m.Off)
	g := &guest{Machine: m, relays: map[string]*relay{}}
	for _, id := range []string{relay1, relay2} {
		g.relays[id] = newRelay(m.Adapter(id))
	}
	return g
}

// call calls the guest's agent, or ends the test.
func call[T any](t *testing.T, g *guest, method string, args any) T {
	t.Helper()
	var reply T
	if err := g.Call(method, args, &reply, patience); err != nil {
		t.Fatal(err)
	}
	return reply
}

// start starts the daemon and waits until both lanes can serve visitors.
func (g *guest) start(t *testing.T, more ...string) {
	t.Helper()
	call[wire.None](t, g, "Start", wire.File{Text: gateConfig(more...)})
	g.until(t, "both lanes are ready", func(s *state) bool {
		return len(s.Lanes) == 2 && s.Lanes[0].Ready && s.Lanes[1].Ready
	})
}

// scan writes a code into a reader's adapter, as the reader would.
func (g *guest) scan(t *testing.T, reader, text string) {
	t.Helper()
	if _, err := g.Adapter(reader).Write([]byte(text + "\r\n")); err != nil {
		t.Fatal(err)
	}
}

// state is what the tests look at of /api/state.
type state struct {
	Lanes []struct {
		Ready   bool
		Devices []struct {
			Name string
			Up   bool
		}
		Last *struct {
			At      time.Time
			Outcome string
			Reason  string
			Micros  int `json:"decision_microseconds"`
		}
	}
	Counts   struct{ In, Inside, Refused int }
	Warnings []struct{ Code, Subject string }
}

// until waits for the page to say something.
func (g *guest) until(t *testing.T, what string, ok func(*state) bool) *state {
	t.Helper()
	var last []byte
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var body []byte
		if err := g.Call("State", wire.None{}, &body, patience); err != nil {
			continue // the page may not be there yet
		}
		last = body
		var s state
		if err := json.Unmarshal(body, &s); err != nil {
			t.Fatal(err)
		}
		if ok(&s) {
			return &s
		}
	}
	t.Fatalf("waited %v for: %s; the page says\n%s\nthe daemon says\n%s", patience, what, last, g.log())
	return nil
}

// log returns the end of the daemon's log.
func (g *guest) log() string {
	var log []byte
	if err := g.Call("Log", wire.None{}, &log, patience); err != nil {
		return err.Error()
	}
	return lastLines(log)
}

func lastLines(text []byte) string {
	const most = 30
	lines := bytes.SplitAfter(text, []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-most):], nil))
}

func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return lastLines(text)
}

// relay is an LCUS relay board: it takes frames of four bytes.
type relay struct {
	on, off chan time.Time // of the first contact
}

func newRelay(c net.Conn) *relay {
	r := &relay{on: make(chan time.Time, 1024), off: make(chan time.Time, 1024)}
	go r.take(c)
	return r
}

// take ends with the connection, when the machine is switched off.
func (r *relay) take(c net.Conn) {
	var frame []byte
	b := make([]byte, 64)
	for {
		n, err := c.Read(b)
		frame = append(frame, b[:n]...)
		for len(frame) >= 4 {
			switch {
			case bytes.Equal(frame[:4], []byte{0xA0, 0x01, 0x01, 0xA2}):
				r.on <- time.Now()
			case bytes.Equal(frame[:4], []byte{0xA0, 0x01, 0x00, 0xA1}):
				r.off <- time.Now()
			default:
				frame = frame[1:] // cut off in the middle by an unplug
				continue
			}
			frame = frame[4:]
		}
		if err != nil {
			return
		}
	}
}

// forget drops what the board was told until now.
func (r *relay) forget() {
	for len(r.on) > 0 {
		<-r.on
	}
	for len(r.off) > 0 {
		<-r.off
	}
}

func await(t *testing.T, what string, c <-chan time.Time) time.Time {
	t.Helper()
	select {
	case at := <-c:
		return at
	case <-time.After(patience):
		t.Fatalf("waited %v for: %s", patience, what)
		return time.Time{}
	}
}

// initramfs builds the guest's program and packs it with the daemon, the tool
// and the kernel's modules.
func initramfs(t *testing.T, k *hil.Kernel, bin string) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "guest")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "./guest")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the guest: %v\n%s", err, out)
	}
	entries := []hil.Entry{
		{Name: "/init", Mode: 0o755, From: program},
		{Name: "/bin/venuegated", Mode: 0o755, From: filepath.Join(bin, "venuegated")},
		{Name: "/bin/venuegate", Mode: 0o755, From: filepath.Join(bin, "venuegate")},
		{Name: "/dev", Mode: 0o755, Dir: true},
		{Name: "/root", Mode: 0o700, Dir: true},
	}
	names := make([]string, 0, len(k.Modules))
	for name := range k.Modules {
		names = append(names, name)
	}
	modules, err := k.Modules.With(names...)
	if err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	for _, m := range modules {
		list.WriteString(strings.Join(append([]string{m.Name}, m.Needs...), " ") + "\n")
		entries = append(entries, hil.Entry{Name: "/modules/" + m.Name + ".ko", Mode: 0o644, Data: m.Code})
	}
	entries = append(entries, hil.Entry{Name: "/modules/list", Mode: 0o644, Data: []byte(list.String())})
	file := filepath.Join(dir, "initramfs")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := hil.WriteInitramfs(f, entries); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}
