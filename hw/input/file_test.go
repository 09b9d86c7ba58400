package input_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/input"
	"github.com/venuegate/venuegate/hw/port"
)

// run runs a device on path until the test ends.
func run(t *testing.T, path string, prepare input.Prepare) (got chan string, states chan gate.DeviceState) {
	t.Helper()
	got, states = make(chan string, 100), make(chan gate.DeviceState, 1000)
	d, err := input.New(input.Options{
		Path: path, BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond,
		OnState: func(s gate.DeviceState) { states <- s },
	}, prepare)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, readAll(got)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return got, states
}

// A pseudo-terminal is a character device with a poller too, and can be hung up.
func TestACharacterDevice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "device")
	line, err := hwtest.NewLine(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	prepared := 0
	got, states := run(t, path, func(fd int) error { prepared++; return nil })
	first := hwtest.Receive(t, states)
	if !first.Up || !strings.HasPrefix(first.Path, "/dev/pts/") {
		t.Fatalf("state %+v", first)
	}
	for range 3 {
		if _, err := line.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		if in := hwtest.Receive(t, got); in != "hello" {
			t.Fatalf("got %q", in)
		}
		if err := line.Unplug(); err != nil {
			t.Fatal(err)
		}
		if s := hwtest.Receive(t, states); s.Up || !errors.Is(s.Err, port.ErrUnplugged) {
			t.Fatalf("unplugged: %+v", s)
		}
		if err := line.Plug(); err != nil {
			t.Fatal(err)
		}
		if s := hwtest.Receive(t, states); !s.Up {
			t.Fatalf("plugged in: %+v", s)
		}
	}
	if err := line.Close(); err != nil {
		t.Fatal(err)
	}
	hwtest.Receive(t, states) // prepared is not written any more
	if prepared != 4 {
		t.Errorf("prepared %d times", prepared)
	}
}

func TestNotTheRightDevice(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("text\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	terminal := filepath.Join(dir, "terminal")
	line, err := hwtest.NewLine(terminal, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = line.Close() })
	tests := []struct {
		name, path string
		prepare    input.Prepare
		want       string
	}{
		{"a file", file, nil, "open " + file + ": not a character device"},
		{"nothing", filepath.Join(dir, "nothing"), nil, "open " + filepath.Join(dir, "nothing") + ": no such file or directory"},
		{"no keyboard", terminal, input.Grab, "open " + terminal + ": take the keyboard for this gate alone: inappropriate ioctl for device"},
		{"no HID device", terminal, input.RequireHIDPOS, "open " + terminal + ": report descriptor: inappropriate ioctl for device"},
		{"a device that cannot be waited for", "/dev/zero", nil, "read /dev/zero: file type does not support deadline"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, states := run(t, tt.path, tt.prepare)
			s := hwtest.Receive(t, states)
			if s.Up {
				s = hwtest.Receive(t, states)
			}
			if s.Up || s.Err == nil || s.Err.Error() != tt.want {
				t.Errorf("state %+v, want %q", s, tt.want)
			}
		})
	}
}
