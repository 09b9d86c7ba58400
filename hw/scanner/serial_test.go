package scanner_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/port"
	"github.com/venuegate/venuegate/hw/scanner"
)

// bench is a reader on a fake scanner, run until the test ends.
type bench struct {
	*scanner.Serial
	dev      *hwtest.Scanner
	readings chan gate.Reading
	states   chan gate.DeviceState
}

func newBench(t *testing.T, framing scanner.Framing) *bench {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scanner")
	dev, err := hwtest.NewScanner(path)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{dev: dev, readings: make(chan gate.Reading, 100), states: make(chan gate.DeviceState, 1000)}
	b.Serial, err = scanner.NewSerial(scanner.Options{
		Name: "entrance left", Framing: framing,
		Port: port.Options{
			Path: path, BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond,
			OnState: func(s gate.DeviceState) { b.states <- s },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx, func(r gate.Reading) { b.readings <- r }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
	})
	if s := hwtest.Receive(t, b.states); !s.Up || s.Device != "entrance left" {
		t.Fatalf("first state %+v", s)
	}
	return b
}

func (b *bench) want(t *testing.T, text string) gate.Reading {
	t.Helper()
	r := hwtest.Receive(t, b.readings)
	if r.Text.Reveal() != text {
		t.Fatalf("got %q, want %q", r.Text.Reveal(), text)
	}
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSerialDelivers(t *testing.T) {
	b := newBench(t, scanner.Framing{})
	b.dev.Before = "]Q1"
	must(t, b.dev.Scan("first"))
	r := b.want(t, "first")
	if r.Reader != "entrance left" || r.Symbology != 'Q' || r.At.IsZero() || r.Document != nil {
		t.Errorf("reading %+v", r)
	}
	must(t, b.dev.Scan("first")) // read twice
	must(t, b.dev.ScanInPieces("second", 1))
	b.want(t, "second")
	if s := b.Stats(); s.Readings != 2 || s.Repeats != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestSerialEndsFramesBySilence(t *testing.T) {
	b := newBench(t, scanner.Framing{Terminator: scanner.TerminatorGap, Gap: 100 * time.Millisecond})
	b.dev.After = ""
	must(t, b.dev.Scan("no end"))
	b.want(t, "no end")
}

// An endless frame is dropped, counted, and the next good one is read.
func TestSerialBoundsItsMemory(t *testing.T) {
	b := newBench(t, scanner.Framing{})
	must(t, b.dev.Scan(strings.Repeat("x", 100_000)))
	must(t, b.dev.Scan("good"))
	b.want(t, "good")
	must(t, b.dev.Scan("next"))
	b.want(t, "next")
	if s := b.Stats(); s.Drops.TooLong != 1 || s.Readings != 2 {
		t.Errorf("stats %+v", s)
	}
}

func TestSerialOutlivesUnplugs(t *testing.T) {
	b := newBench(t, scanner.Framing{})
	texts := []string{"a", "b", "c", "d", "e", "f"}
	for _, text := range texts {
		must(t, b.dev.ScanHalf("torn frame"))
		must(t, b.dev.Unplug())
		if s := hwtest.Receive(t, b.states); s.Up {
			t.Fatal("unplugged and up")
		}
		must(t, b.dev.Plug())
		if s := hwtest.Receive(t, b.states); !s.Up {
			t.Fatal("plugged in and down")
		}
		must(t, b.dev.Scan(text))
		b.want(t, text) // and nothing of the torn one
	}
}

func TestSerialOptionsName(t *testing.T) {
	tests := []struct {
		name, want string
		o          scanner.Options
	}{
		{"name", "Name: is empty", scanner.Options{Port: port.Options{Path: "x"}}},
		{"path", "Port.Path: is empty", scanner.Options{Name: "x"}},
		{"framing", "Framing.Gap: is negative", scanner.Options{Name: "x", Port: port.Options{Path: "x"}, Framing: scanner.Framing{Gap: -1}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := scanner.NewSerial(tt.o); err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
